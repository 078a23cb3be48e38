//! `check_constraints` accepts what Plonky3's verifier accepts, and names what it finds.

use p3_air::{Air, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use proptest::prelude::*;
use tranche_core::air::{CheckBuilder, ProverAir};
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::prover::{BatchError, CheckError};
use tranche_core::shape::Profile;
use tranche_core::{DefaultBackend, F};
use tranche_test_support::air::{Form, Part, TestAir};
use tranche_test_support::core::{buffer, fill};
use tranche_test_support::reference::{Batch, ReferenceAir};
use tranche_test_support::shapes::{BUSES, QUICK, Shape, TableShape, shapes};

/// Checks a batch with public values and scratch of the caller's choice.
fn check_with<A>(batch: &Batch<A>, publics: &[&[F]], scratch: &mut [F]) -> Result<(), CheckError>
where
    A: ReferenceAir + ProverAir<DefaultBackend> + for<'a> Air<CheckBuilder<'a>>,
{
    let plan = batch
        .plan::<DefaultBackend>()
        .expect("a plan of a test batch");
    let mut workspace = buffer(plan.workspace_len());
    let mut prover = batch.prover::<DefaultBackend>(&plan, &mut workspace);
    let mut traces = prover.begin(None).expect("prepared");
    for (table, trace) in batch.traces.iter().enumerate() {
        fill(trace, traces.trace_mut(table));
    }
    traces.check_constraints(publics, scratch)
}

fn check<A>(batch: &Batch<A>) -> Result<(), CheckError>
where
    A: ReferenceAir + ProverAir<DefaultBackend> + for<'a> Air<CheckBuilder<'a>>,
{
    let publics: Vec<&[F]> = batch.publics.iter().map(Vec::as_slice).collect();
    let len = batch
        .plan::<DefaultBackend>()
        .expect("a plan")
        .check_scratch_len();
    check_with(batch, &publics, &mut vec![F::NEG_ONE; len])
}

/// One table of `2^3` rows made of `parts`, and those that balance it.
fn batch(parts: Vec<Part>) -> Batch<TestAir> {
    let table = TableShape {
        log_height: 3,
        parts,
        max_constraint_degree: Some(3),
    };
    Shape::new(vec![table], QUICK).batch()
}

/// Adds one to an element of a trace.
fn bump(trace: &mut RowMajorMatrix<F>, row: usize, column: usize) {
    let at = row * trace.width() + column;
    trace.values[at] += F::ONE;
}

/// The report after one element was changed; unchanged, the batch is in order.
fn report(mut batch: Batch<TestAir>, table: usize, row: usize, column: usize) -> String {
    assert_eq!(check(&batch), Ok(()));
    bump(&mut batch.traces[table], row, column);
    check(&batch).expect_err("something is broken").to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    /// The verifier's verdict on the proof of a trace, changed or not, is the check's.
    #[test]
    fn agrees_with_the_verifier(shape in shapes(), place in any::<[prop::sample::Index; 2]>()) {
        let mut batch = shape.batch();
        prop_assert_eq!(check(&batch), Ok(()));
        let trace = place[0].get_mut(&mut batch.traces);
        *place[1].get_mut(&mut trace.values) += F::ONE;
        let verdict = batch.verify(&batch.core_prove::<DefaultBackend>(Profile::Fast));
        prop_assert_eq!(check(&batch).is_ok(), verdict.is_ok(), "{:?}", verdict.err());
    }
}

#[test]
fn names_table_row_and_constraint() {
    let parts = || {
        let public = Part::Recurrence {
            degree: 2,
            public: true,
        };
        vec![Part::Power { degree: 2 }, Part::Power { degree: 3 }, public]
    };
    // Columns x, y of each power, then that of the recurrence.
    assert_eq!(
        report(batch(parts()), 0, 5, 1),
        "table 0, row 5: constraint 0 is not zero"
    );
    assert_eq!(
        report(batch(parts()), 0, 7, 3),
        "table 0, row 7: constraint 1 is not zero"
    );
    // Constraint 2 looks at the next row, 3 at the first value, 4 at the last.
    assert_eq!(
        report(batch(parts()), 0, 6, 4),
        "table 0, row 5: constraint 2 is not zero"
    );
    let mut first = batch(parts());
    first.publics[0][0] += F::ONE;
    assert_eq!(
        check(&first),
        Err(CheckError::Constraint {
            table: 0,
            row: 0,
            constraint: 3
        })
    );
    let mut last = batch(parts());
    last.publics[0][1] += F::ONE;
    assert_eq!(
        check(&last),
        Err(CheckError::Constraint {
            table: 0,
            row: 7,
            constraint: 4
        })
    );
}

#[test]
fn reads_preprocessed_rows_in_their_order() {
    for next in [false, true] {
        let report = report(batch(vec![Part::Fixed { next }]), 0, 3, 1);
        assert_eq!(report, "table 0, row 3: constraint 1 is not zero");
    }
}

#[test]
fn names_the_bus() {
    for bus in BUSES {
        let send = Part::Send {
            bus,
            messages: 2,
            times: 1,
            gated: true,
            form: Form::Column,
        };
        let expected = format!("the messages of bus \"{}\" do not cancel", bus.name);
        // The provider's count follows its message.
        assert_eq!(report(batch(vec![send]), 1, 0, bus.width), expected);
    }
}

#[test]
fn names_the_first_bus_of_several() {
    let parts = vec![
        Part::Announce { bus: BUSES[2] },
        Part::Exclusive {
            bus: BUSES[1],
            branches: 2,
        },
    ];
    let mut batch = batch(parts);
    // Exclusive columns come first, so theirs is the first bus; providers are in order of BUSES.
    bump(&mut batch.traces[2], 0, BUSES[2].width);
    let only = check(&batch).expect_err("unbalanced").to_string();
    assert_eq!(only, "the messages of bus \"memory\" do not cancel");
    bump(&mut batch.traces[1], 0, BUSES[1].width);
    let first = check(&batch).expect_err("unbalanced").to_string();
    assert_eq!(first, "the messages of bus \"byte\" do not cancel");
}

#[test]
fn names_the_local_interaction() {
    let local = || Part::Local {
        width: 2,
        queries: 1,
    };
    // Two columns of a query, two of an entry, a count; then those of the second interaction.
    assert_eq!(
        report(batch(vec![local(), local()]), 0, 2, 9),
        "the messages of local interaction 1 of table 0 do not cancel"
    );
}

/// An exclusive interaction whose flags nobody constrains.
#[derive(Clone)]
struct Unconstrained;

impl BaseAir<F> for Unconstrained {
    fn width(&self) -> usize {
        2
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        Vec::new()
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Unconstrained {
    fn eval(&self, builder: &mut AB) {
        let row = builder.main();
        let [a, b]: [AB::Expr; 2] = [0, 1].map(|i| row.current_slice()[i].into());
        let message = |i| vec![AB::Expr::from_u8(i)];
        let branches = [(a, 1.into(), message(7)), (b, (-1).into(), message(7))];
        builder.push_exclusive_interaction("flags", branches);
    }
}

#[test]
fn flags_are_boolean_and_exclusive() {
    let flags = |rows: [[u8; 2]; 4]| Batch {
        airs: vec![Unconstrained],
        traces: vec![RowMajorMatrix::new(
            rows.concat().into_iter().map(F::from_u8).collect(),
            2,
        )],
        publics: vec![vec![]],
        carved: vec![false],
        params: QUICK,
        statement: None,
        suite: Poseidon2::BABY_BEAR,
    };
    let broken = |row| {
        Err(CheckError::Flags {
            table: 0,
            row,
            interaction: 0,
        })
    };
    assert_eq!(check(&flags([[1, 0], [0, 1], [0, 0], [0, 0]])), Ok(()));
    assert_eq!(check(&flags([[0, 0], [0, 0], [1, 1], [0, 0]])), broken(2));
    assert_eq!(check(&flags([[0, 0], [2, 0], [0, 2], [0, 0]])), broken(1));
    assert!(matches!(
        check(&flags([[0, 0], [1, 0], [0, 0], [0, 0]])),
        Err(CheckError::Unbalanced(_))
    ));
}

#[test]
fn refuses_what_it_cannot_read() {
    let batch = batch(vec![Part::Recurrence {
        degree: 2,
        public: true,
    }]);
    let plan = batch.plan::<DefaultBackend>().expect("a plan");
    let needed = plan.check_scratch_len();
    let mut scratch = vec![F::ZERO; needed];
    let publics = &batch.publics[0][..];
    assert_eq!(check_with(&batch, &[publics], &mut scratch), Ok(()));
    assert_eq!(
        check_with(&batch, &[publics], &mut scratch[1..]),
        Err(CheckError::ScratchTooSmall {
            needed,
            got: needed - 1
        })
    );
    assert_eq!(
        check_with(&batch, &[], &mut scratch),
        Err(CheckError::Inputs(BatchError::PublicValueSlices {
            expected: 1,
            got: 0
        }))
    );
    assert_eq!(
        check_with(&batch, &[&publics[1..]], &mut scratch),
        Err(CheckError::Inputs(BatchError::PublicValues {
            table: 0,
            expected: 2,
            got: 1
        }))
    );
}
