//! What a caller may pass that no plan has: refused by name, saturated, or a documented panic that a
//! release build has too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use p3_field::PrimeCharacteristicRing;
use tranche_core::Suite;
use tranche_core::air::{LayoutError, MAX_DEGREE};
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::plan::security_shape;
use tranche_core::security::{Bits, SecurityShape, SecurityTable};
use tranche_core::{F, Params, PlanError, TableSpec, TraceMut, workspace};
use tranche_test_support::shapes::QUICK;

use crate::odd::{Odd, global, plan_of, pushes};

/// Degrees that 32 bits hold and those that they do not, in constraints and in what AIRs hint at.
#[test]
fn degrees_without_bounds_are_refused() {
    let refused = |air: Odd| plan_of(&[air], &[TableSpec::new(3)], QUICK).unwrap_err();
    let limit = MAX_DEGREE as u64;
    for degree in [limit + 1, u64::from(u32::MAX), 1 << 32, 1 << 40, u64::MAX] {
        let error = LayoutError::DegreeTooHigh {
            degree: degree.min(u32::MAX.into()) as usize,
        };
        let odd = Odd {
            degree,
            ..Odd::default()
        };
        assert_eq!(refused(odd.clone()), PlanError::Layout { table: 0, error });
        let shape = security_shape(
            Poseidon2::COLLISION_BITS,
            [(odd, TableSpec::new(3))].into_iter(),
        );
        assert_eq!(shape.unwrap_err(), PlanError::Layout { table: 0, error });
    }
    for hint in [MAX_DEGREE + 1, usize::MAX] {
        let error = LayoutError::DegreeTooHigh { degree: hint };
        let odd = Odd {
            hint: Some(hint),
            ..Odd::default()
        };
        assert_eq!(refused(odd), PlanError::Layout { table: 0, error });
    }
    // Messages multiply the degrees of their elements and of their flags.
    let mut sent = pushes(vec![global("bus", 2)]);
    sent.message_degree = 1 << 33;
    let error = LayoutError::DegreeTooHigh {
        degree: u32::MAX as usize,
    };
    assert_eq!(refused(sent), PlanError::Layout { table: 0, error });
    // The control: what the largest blowup has chunks for.
    let largest = Odd {
        degree: limit,
        ..Odd::default()
    };
    let params = Params {
        log_blowup: 8,
        ..QUICK
    };
    assert!(plan_of(&[largest], &[TableSpec::new(3)], params).is_ok());
}

/// Heights of which no number of rows is an integer.
#[test]
fn heights_without_bounds_are_refused_or_saturate() {
    for log_height in [64, 200, u8::MAX] {
        let plan = plan_of(&[Odd::default()], &[TableSpec::new(log_height)], QUICK);
        assert!(matches!(plan, Err(PlanError::TooHigh { table: 0, .. })));
        let sent = pushes(vec![global("bus", 1)]);
        let shape = security_shape(
            Poseidon2::COLLISION_BITS,
            [(sent, TableSpec::new(log_height))].into_iter(),
        )
        .unwrap();
        assert_eq!(shape.messages, u64::MAX);
        let bits = Bits::unique(&shape, &Params::DEFAULT).total();
        assert!(bits < 100.0, "{bits}");
    }
    let plan = plan_of(&[Odd::default()], &[TableSpec::new(3)], QUICK).unwrap();
    let mut table = plan.tables()[0];
    assert_eq!(table.height(), 8);
    table.spec.log_height = u8::MAX;
    assert_eq!(table.height(), usize::MAX);
}

/// Sums of table shapes that no plan has prove no more than smaller ones.
#[test]
fn sums_of_shapes_saturate() {
    let most = SecurityTable {
        log_height: u8::MAX,
        main_width: u32::MAX,
        main_next: true,
        preprocessed_width: u32::MAX,
        preprocessed_next: true,
        permutation_width: u32::MAX,
        log_quotient_chunks: u8::MAX,
        constraints: u32::MAX,
        max_degree: u16::MAX,
        messages_per_row: u32::MAX,
        max_message_width: u16::MAX,
    };
    assert_eq!(most.openings(), u32::MAX);
    let shape = SecurityShape::of(Poseidon2::COLLISION_BITS)
        .with_table(&most)
        .with_table(&most);
    let sums = (shape.openings, shape.constraints, shape.messages);
    assert_eq!(sums, (u32::MAX, u32::MAX, u64::MAX));
    // What is left are the bits of grinding.
    assert!(Bits::unique(&shape, &Params::DEFAULT).total() < 20.0);
    assert!(Bits::johnson(&shape, &Params::DEFAULT).is_none_or(|bits| bits.total() < 20.0));
}

/// No buffer is as long as these, and asking for their lengths is no overflow.
#[test]
fn lengths_of_workspaces_saturate() {
    assert_eq!(workspace::bytes_for_64(u64::MAX), u64::MAX);
    assert_eq!(workspace::bytes_for(usize::MAX), usize::MAX);
    assert_eq!(workspace::bytes_for_64(16), 16 * 4 + 63);
}

/// What is out of a trace panics, and is no other element of it: in release builds too.
#[test]
fn elements_that_a_trace_does_not_have() {
    const WIDTH: usize = 3;
    const HEIGHT: usize = 4;
    let mut values = [F::ONE; WIDTH * HEIGHT];
    let mut refused = |touch: &dyn Fn(&mut TraceMut<'_>)| {
        let attempt = AssertUnwindSafe(|| touch(&mut TraceMut::new(&mut values, HEIGHT)));
        assert!(catch_unwind(attempt).is_err());
    };
    // Both indices that fall on another element, and products that wrap around to one.
    let places = [
        (HEIGHT, 0),
        (0, WIDTH),
        (HEIGHT, WIDTH - 2),
        (usize::MAX, 1),
    ];
    for (row, column) in places.into_iter().chain([(0, usize::MAX / HEIGHT + 1)]) {
        refused(&|trace| trace.set(row, column, F::ZERO));
        refused(&|trace| assert_eq!(trace.get(row, column), F::ONE));
    }
    for column in [WIDTH, usize::MAX, usize::MAX / HEIGHT + 1] {
        refused(&|trace| trace.column_mut(column).fill(F::ZERO));
    }
    refused(&|trace| trace.set_row(HEIGHT, &[F::ZERO; WIDTH]));
    refused(&|trace| trace.set_row(0, &[F::ZERO; WIDTH + 1]));
    refused(&|trace| trace.copy_from_rows(&[F::ZERO; WIDTH]));
    assert_eq!(values, [F::ONE; WIDTH * HEIGHT], "nothing was written");

    let mut trace = TraceMut::new(&mut values, HEIGHT);
    trace.set(HEIGHT - 1, WIDTH - 1, F::TWO);
    assert_eq!(trace.get(HEIGHT - 1, WIDTH - 1), F::TWO);
    assert_eq!(trace.column_mut(WIDTH - 1)[HEIGHT - 1], F::TWO);
}

/// A trace without columns has rows, and nothing in them.
#[test]
fn rows_without_columns() {
    let mut trace = TraceMut::new(&mut [], 4);
    assert_eq!((trace.width(), trace.height()), (0, 4));
    trace.copy_from_rows(&[]);
    trace.set_row(3, &[]);
    assert!(trace.values_mut().is_empty());
}
