//! Next rows: what a specification says, what an AIR reads, and what it lists.

use std::panic::{AssertUnwindSafe, catch_unwind};

use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::{DefaultBackend, F, Plan, PlanError, Prover, ScalarBackend, TableSpec};
use tranche_test_support::core::buffer;
use tranche_test_support::reference::Batch;
use tranche_test_support::shapes::QUICK;

/// What reads the next row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reader {
    Nothing,
    Constraint,
    Message,
    /// The flag of an exclusive message.
    Flag,
}

/// A main and a preprocessed column, both zero, which may be read at the next row, and which may be
/// listed as such.
#[derive(Clone, Debug)]
struct Reading {
    main: Reader,
    preprocessed: Reader,
    /// Whether the main and the preprocessed trace are listed.
    lists: [bool; 2],
}

const HEIGHT: usize = 8;

impl BaseAir<F> for Reading {
    fn width(&self) -> usize {
        1
    }

    fn preprocessed_width(&self) -> usize {
        1
    }

    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<F>> {
        Some(RowMajorMatrix::new(F::zero_vec(HEIGHT), 1))
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        (0..usize::from(self.lists[0])).collect()
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        (0..usize::from(self.lists[1])).collect()
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Reading {
    fn eval(&self, builder: &mut AB) {
        let (main, fixed) = (builder.main(), builder.preprocessed().clone());
        let x: AB::Expr = main.current_slice()[0].into();
        let y: AB::Expr = fixed.current_slice()[0].into();
        builder.assert_zero(x.clone() + y);
        let nexts = [
            (self.main, main.next_slice()[0].into()),
            (self.preprocessed, fixed.next_slice()[0].into()),
        ];
        for (reader, next) in nexts {
            let next: AB::Expr = next;
            match reader {
                Reader::Nothing => {}
                Reader::Constraint => builder.when_transition().assert_zero(next),
                // Sent once and received once.
                Reader::Message => {
                    builder.push_interaction("bus", [next.clone()], 1);
                    builder.push_interaction("bus", [next], Count::provided(-AB::Expr::ONE));
                }
                Reader::Flag => {
                    let branch = (next, 1.into(), vec![x.clone()]);
                    builder.push_exclusive_interaction("bus", [branch]);
                }
            }
        }
    }
}

const READERS: [Reader; 4] = [
    Reader::Nothing,
    Reader::Constraint,
    Reader::Message,
    Reader::Flag,
];

fn batch(air: &Reading) -> Batch<Reading> {
    Batch {
        airs: vec![air.clone()],
        traces: vec![RowMajorMatrix::new(F::zero_vec(HEIGHT), 1)],
        publics: vec![vec![]],
        carved: vec![false],
        params: QUICK,
        statement: None,
        suite: Poseidon2::BABY_BEAR,
    }
}

fn plan(air: &Reading, specified: [bool; 2]) -> Result<Plan<1>, PlanError> {
    let spec = TableSpec {
        main_next: specified[0],
        preprocessed_next: specified[1],
        ..TableSpec::new(3)
    };
    let airs = core::slice::from_ref(air);
    let plan = Plan::new::<DefaultBackend, _>(airs, &[spec], QUICK)?;
    // What it read is opened. Whether what is opened is listed, only a host can ask.
    let read = [air.main, air.preprocessed].map(|reader| reader != Reader::Nothing);
    assert!((0..2).all(|i| specified[i] || !read[i]));
    plan.check_next_rows(airs)?;
    Ok(plan)
}

/// The traces of an AIR, one bit each.
const BOTH: [[bool; 2]; 4] = [[false, false], [false, true], [true, false], [true, true]];

#[test]
fn specifications_that_contradict_the_air_are_refused() {
    for (main, preprocessed) in READERS.into_iter().flat_map(|m| READERS.map(|p| (m, p))) {
        for lists in BOTH {
            let air = Reading {
                main,
                preprocessed,
                lists,
            };
            let read = [main, preprocessed].map(|reader| reader != Reader::Nothing);
            for specified in BOTH {
                // What is read comes first.
                let unread = (0..2).find(|&i| read[i] && !specified[i]);
                let wrong = unread.or_else(|| (0..2).find(|&i| specified[i] != lists[i]));
                let expected = wrong.map(|i| PlanError::NextRow {
                    table: 0,
                    preprocessed: i == 1,
                    specified: specified[i],
                });
                assert_eq!(
                    plan(&air, specified).err(),
                    expected,
                    "{air:?} {specified:?}"
                );
            }
            let derived = TableSpec::of(&air, 3);
            assert_eq!([derived.main_next, derived.preprocessed_next], lists);
        }
    }
}

/// What is accepted is what a verifier accepts: with the AIR's lists, and its reads among them.
#[test]
fn derived_specifications_give_proofs_that_verify() {
    for reader in READERS {
        for lists in BOTH {
            let air = Reading {
                main: if lists[0] { reader } else { Reader::Nothing },
                preprocessed: if lists[1] { reader } else { Reader::Nothing },
                lists,
            };
            let batch = batch(&air);
            let proof = batch.core_prove::<ScalarBackend>(Default::default());
            assert!(proof == batch.prove(), "{air:?}");
            batch.verify(&proof).unwrap();
        }
    }
}

/// The control: a specification that the plan takes no part in refusing gives proofs that nobody accepts.
/// Here the AIR changes its lists between the plan and the key.
#[test]
fn other_lists_give_proofs_that_never_verify() {
    for (planned, verified) in [([true, true], [false, true]), ([true, true], [true, false])] {
        let air = |lists| Reading {
            main: Reader::Nothing,
            preprocessed: Reader::Nothing,
            lists,
        };
        let proof = batch(&air(planned)).core_prove::<ScalarBackend>(Default::default());
        assert!(batch(&air(planned)).verify(&proof).is_ok());
        let refused = catch_unwind(AssertUnwindSafe(|| batch(&air(verified)).verify(&proof)));
        assert!(refused.is_ok_and(|verdict| verdict.is_err()));
    }
}

/// Without preprocessed columns there is nothing to contradict.
#[test]
fn a_trace_that_is_not_there_has_no_next_row() {
    #[derive(Clone)]
    struct Plain;
    impl BaseAir<F> for Plain {
        fn width(&self) -> usize {
            1
        }
    }
    impl<AB: AirBuilder<F = F>> Air<AB> for Plain {
        fn eval(&self, builder: &mut AB) {
            let x = builder.main().current_slice()[0];
            builder.assert_zero(x.into() - x.into());
        }
    }
    let spec = TableSpec::new(3);
    assert!(spec.preprocessed_next && !TableSpec::of(&Plain, 3).preprocessed_next);
    for spec in [spec, TableSpec::of(&Plain, 3)] {
        let plan = Plan::<1>::new::<DefaultBackend, _>(&[Plain], &[spec], QUICK).unwrap();
        let mut workspace = buffer(plan.workspace_len());
        let airs = [Plain];
        let prover = Prover::<DefaultBackend, _>::new(
            &plan,
            &airs,
            &Poseidon2::BABY_BEAR,
            &mut workspace[..],
        );
        assert!(prover.is_ok());
    }
}
