//! The core's bytes are Plonky3's, on every backend.

use p3_air::{Air, AirBuilder, BaseAir};
use p3_keccak_air::{KeccakAir, NUM_ROUNDS, generate_trace_rows};
use proptest::prelude::*;
use tranche_core::air::ProverAir;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::{DefaultBackend, F, Hashes, Params, ScalarBackend};
use tranche_test_support::air::{Form, Part};
use tranche_test_support::core::PROFILES;
use tranche_test_support::reference::{Batch, ReferenceAir, ReferenceSuite};
use tranche_test_support::shapes::{BUSES, ProviderShape, QUICK, Shape, TableShape, shapes, sweep};

/// Both sides prove, in either profile; the bytes are compared, and the unmodified verifier accepts them.
fn assert_equal<A, S: ReferenceSuite>(batch: &Batch<A, S>, what: &dyn core::fmt::Debug)
where
    A: ReferenceAir<S> + ProverAir<ScalarBackend> + ProverAir<DefaultBackend>,
    ScalarBackend: Hashes<S>,
    DefaultBackend: Hashes<S>,
{
    let expected = batch.prove();
    for profile in PROFILES {
        assert_same(
            &batch.core_prove::<DefaultBackend>(profile),
            &expected,
            &(S::NAME, profile, "default backend"),
            what,
        );
        assert_same(
            &batch.core_prove::<ScalarBackend>(profile),
            &expected,
            &(S::NAME, profile, "scalar backend"),
            what,
        );
    }
    batch
        .verify(&expected)
        .unwrap_or_else(|error| panic!("{error}: {what:?}"));

    let longest = batch.plan::<ScalarBackend>().unwrap().max_proof_len();
    let len = expected.len() as u64;
    assert!(len <= longest, "{len} bytes of at most {longest}: {what:?}");
    // One query opens as much wherever it falls.
    if batch.params.num_queries == 1 {
        assert_eq!(len, longest, "{what:?}");
    }
}

fn assert_same(
    got: &[u8],
    expected: &[u8],
    prover: &dyn core::fmt::Debug,
    what: &dyn core::fmt::Debug,
) {
    let differs = got
        .iter()
        .zip(expected)
        .position(|(got, expected)| got != expected);
    assert!(
        differs.is_none() && got.len() == expected.len(),
        "{prover:?}: {} bytes for {}, the first to differ is {differs:?}: {what:?}",
        got.len(),
        expected.len(),
    );
}

/// In both suites.
fn equal(shape: &Shape) {
    let batch = shape.batch();
    assert_equal(&batch, shape);
    assert_equal(&batch.with_suite(Blake3), shape);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_shapes(shape in shapes()) {
        equal(&shape);
    }
}

#[test]
fn every_parameter() {
    for params in sweep() {
        let shape = Shape::everything(params);
        equal(&shape);
        equal(&Shape {
            seeded: true,
            ..shape.clone()
        });
        equal(&Shape {
            own_constants: true,
            ..shape
        });
    }
}

#[test]
fn every_choice_of_carved_tables() {
    let shape = Shape::everything(QUICK);
    let tables = shape.batch().airs.len();
    for carved in 1..1 << tables {
        equal(&Shape {
            carved,
            ..shape.clone()
        });
    }
    for params in sweep() {
        equal(&Shape {
            carved: 0b101,
            seeded: true,
            ..Shape::everything(params)
        });
    }
}

/// Every part, in every variant that the others do not contain.
fn parts() -> Vec<Part> {
    let [bit, byte, memory, wide] = BUSES;
    let send = |bus, messages, times, gated, form| Part::Send {
        bus,
        messages,
        times,
        gated,
        form,
    };
    vec![
        Part::Power { degree: 2 },
        Part::Power { degree: 3 },
        Part::Power { degree: 9 },
        Part::Recurrence {
            degree: 1,
            public: false,
        },
        Part::Recurrence {
            degree: 2,
            public: true,
        },
        Part::Fixed { next: false },
        Part::Fixed { next: true },
        send(bit, 1, 1, false, Form::Column),
        send(byte, 4, 1, false, Form::Column),
        send(memory, 2, -3, true, Form::Column),
        send(wide, 3, 2, true, Form::Square),
        send(bit, 2, 1, true, Form::Next),
        Part::Local {
            width: 1,
            queries: 1,
        },
        Part::Local {
            width: 4,
            queries: 7,
        },
        Part::Exclusive {
            bus: bit,
            branches: 1,
        },
        Part::Exclusive {
            bus: wide,
            branches: 4,
        },
        Part::Announce { bus: memory },
    ]
}

#[test]
fn every_part_alone_at_every_height() {
    for part in parts() {
        for log_height in 0..=7 {
            let hints = [None, Some(3)];
            for (log_blowup, max_constraint_degree) in (1..=3).zip(hints.into_iter().cycle()) {
                let table = TableShape {
                    log_height,
                    parts: vec![part.clone()],
                    max_constraint_degree,
                };
                equal(&Shape::new(
                    vec![table],
                    Params {
                        log_blowup,
                        ..QUICK
                    },
                ));
            }
        }
    }
}

#[test]
fn every_pair_of_parts_in_one_table() {
    let parts = parts();
    for (i, first) in parts.iter().enumerate() {
        for second in &parts[i..] {
            let table = TableShape {
                log_height: 3,
                parts: vec![first.clone(), second.clone()],
                max_constraint_degree: Some(3),
            };
            equal(&Shape::new(vec![table], QUICK));
        }
    }
}

#[test]
fn packed_columns_within_every_budget() {
    let part = Part::Send {
        bus: BUSES[1],
        messages: 9,
        times: 1,
        gated: true,
        form: Form::Column,
    };
    for max_constraint_degree in (0..=9).map(Some).chain([None]) {
        let table = TableShape {
            log_height: 4,
            parts: vec![part.clone()],
            max_constraint_degree,
        };
        let provider = ProviderShape {
            slots: 5,
            fixed: true,
            slack: 0,
            max_constraint_degree,
        };
        let shape = Shape::new(
            vec![table],
            Params {
                log_blowup: 3,
                ..QUICK
            },
        );
        equal(&Shape {
            providers: [provider; BUSES.len()],
            ..shape
        });
    }
}

fn table_of_height(log_height: usize, degree: usize) -> TableShape {
    TableShape {
        log_height,
        parts: vec![
            Part::Power { degree },
            Part::Exclusive {
                bus: BUSES[0],
                branches: 2,
            },
            Part::Recurrence {
                degree: 2,
                public: true,
            },
        ],
        max_constraint_degree: None,
    }
}

/// Layers that are not kept have rows of several tables hashed into them, and preprocessed ones.
#[test]
fn heights_close_together() {
    let table = table_of_height;
    let mut tables = vec![table(8, 3), table(9, 2), table(6, 2), table(7, 3)];
    tables[1].parts.push(Part::Fixed { next: true });
    tables[3].parts.push(Part::Fixed { next: false });
    for (num_queries, max_log_arity) in [(1, 1), (4, 2), (20, 3)] {
        let params = Params {
            max_log_arity,
            num_queries,
            ..QUICK
        };
        equal(&Shape::new(tables.clone(), params));
        equal(&Shape {
            carved: 0b10,
            ..Shape::new(tables.clone(), params)
        });
    }
}

#[test]
fn heights_far_apart() {
    let table = table_of_height;
    let tables = vec![table(0, 2), table(11, 3), table(5, 2), table(1, 3)];
    for max_log_arity in 1..=3 {
        let params = Params {
            max_log_arity,
            cap_height: 2,
            ..QUICK
        };
        equal(&Shape {
            carved: 0b1010,
            ..Shape::new(tables.clone(), params)
        });
        equal(&Shape::new(tables.clone(), params));
    }
}

#[test]
fn the_default_parameters() {
    equal(&Shape {
        carved: 0b1,
        seeded: true,
        ..Shape::everything(Params::DEFAULT)
    });
    equal(&Shape::everything(Params::BENCHMARK));
}

/// The Keccak AIR; Plonky3's prover wants AIRs that can be cloned.
#[derive(Clone)]
struct Keccak;

impl BaseAir<F> for Keccak {
    fn width(&self) -> usize {
        BaseAir::<F>::width(&KeccakAir {})
    }
}

impl<AB: AirBuilder<F = F>> Air<AB> for Keccak {
    fn eval(&self, builder: &mut AB) {
        KeccakAir {}.eval(builder);
    }
}

/// Rows of many chunks.
#[test]
fn keccak() {
    let inputs = vec![core::array::from_fn(|i| i as u64 * 0x0123_4567_89ab_cdef); 5];
    let rows = (inputs.len() * NUM_ROUNDS).next_power_of_two();
    let batch = Batch {
        airs: vec![Keccak],
        traces: vec![generate_trace_rows(inputs, 0)],
        publics: vec![vec![]],
        carved: vec![false],
        params: QUICK,
        statement: None,
        suite: Poseidon2::BABY_BEAR,
    };
    assert_eq!(batch.log_heights(), [rows.ilog2() as usize]);
    assert_equal(&batch, &"keccak");
    let mut batch = batch.with_suite(Blake3);
    for num_queries in [1, 4] {
        batch.params.num_queries = num_queries;
        assert_equal(&batch, &"keccak");
    }
}
