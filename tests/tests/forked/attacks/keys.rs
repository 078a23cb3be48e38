//! Kinds of batches that cannot be verified.

use std::borrow::Cow;

use p3_air::{Air, BaseAir};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{ForkedKey, ForkedKeyError, KeyError};
use tranche_core::{F, Params};
use tranche_test_support::air::{Bus, Form, Part, TestAir};
use tranche_test_support::shapes::QUICK;

/// A table, perhaps with a periodic column.
#[derive(Clone, Debug)]
struct Table {
    air: TestAir,
    periodic: bool,
}

impl BaseAir<F> for Table {
    fn width(&self) -> usize {
        self.air.width()
    }

    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<F>> {
        self.air.preprocessed_trace()
    }

    fn num_periodic_columns(&self) -> usize {
        self.periodic.into()
    }

    fn periodic_columns(&self) -> Cow<'_, [Vec<F>]> {
        vec![vec![F::ONE, F::TWO]; self.periodic.into()].into()
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Table {
    fn eval(&self, builder: &mut AB) {
        self.air.eval(builder);
    }
}

fn table(part: Part, log_height: usize) -> Table {
    Table {
        air: TestAir {
            parts: vec![part],
            log_height,
            max_constraint_degree: None,
        },
        periodic: false,
    }
}

/// Why there is no key of a kind of squares and this table as another kind.
fn refused(other: Table, params: Params) -> Option<ForkedKeyError> {
    let tables = [table(Part::Power { degree: 2 }, 3), other];
    let kinds = tables.map(|table| (vec![table.clone()], vec![table.air.log_height]));
    ForkedKey::new(kinds.to_vec(), params, Poseidon2::BABY_BEAR).err()
}

#[test]
fn heights() {
    let squares = |log_height| table(Part::Power { degree: 2 }, log_height);
    assert_eq!(refused(squares(4), QUICK), None, "the control");
    let error = KeyError::TooTall {
        table: 0,
        max_log_height: 26,
        log_height: 27,
    };
    let refusal = ForkedKeyError::Kind { kind: 1, error };
    assert_eq!(refused(squares(27), QUICK), Some(refusal));

    let longer = Params {
        log_final_poly_len: 1,
        ..QUICK
    };
    assert_eq!(refused(squares(2), longer), None, "the control");
    let refusal = ForkedKeyError::TooShort {
        kind: 1,
        table: 0,
        log_height: 1,
    };
    assert_eq!(refused(squares(1), longer), Some(refusal));
}

#[test]
fn parameters() {
    let squares = || table(Part::Power { degree: 2 }, 3);
    assert_eq!(refused(squares(), QUICK), None, "the control");
    let params = Params {
        log_blowup: 0,
        ..QUICK
    };
    let error = KeyError::Parameter { name: "log_blowup" };
    assert_eq!(
        refused(squares(), params),
        Some(ForkedKeyError::Params(error))
    );
}

#[test]
fn periodic_columns() {
    let mut periodic = table(Part::Power { degree: 2 }, 3);
    assert_eq!(refused(periodic.clone(), QUICK), None, "the control");
    periodic.periodic = true;
    let refusal = ForkedKeyError::PeriodicColumns { kind: 1, table: 0 };
    assert_eq!(refused(periodic, QUICK), Some(refusal));
}

/// Messages of two widths on one bus, in two kinds of batches: the shorter would be the longer with a zero.
#[test]
fn one_bus_of_two_widths() {
    let send = |width| {
        let bus = Bus { name: "one", width };
        let part = Part::Send {
            bus,
            messages: 1,
            times: 1,
            gated: true,
            form: Form::Column,
        };
        (vec![table(part, 3)], vec![3])
    };
    let key = |widths: [usize; 2]| {
        let kinds = widths.map(send).to_vec();
        ForkedKey::new(kinds, QUICK, Poseidon2::BABY_BEAR).err()
    };
    assert_eq!(key([2, 2]), None, "the control");
    assert!(matches!(key([1, 2]), Some(ForkedKeyError::Bus { .. })));
}
