//! The bytes of both orders in both profiles, for runs of every shape.

use tranche_backend::Chosen;
use tranche_core::hash::blake3::Blake3;
use tranche_core::retire::Order;
use tranche_core::{Hashes, Params};
use tranche_test_support::air::{Form, Part, TestAir};
use tranche_test_support::core::PROFILES;
use tranche_test_support::reference::ReferenceSuite;
use tranche_test_support::retire::{NaiveSuite, Run, naive};
use tranche_test_support::shapes::{BUSES, ProviderShape, QUICK, Shape, TableShape, sweep};

use super::keeps;

fn table(log_height: usize, parts: Vec<Part>) -> TableShape {
    TableShape {
        log_height,
        parts,
        max_constraint_degree: Some(3),
    }
}

/// Compares the forked order with the naive prover, and verifies.
#[track_caller]
fn forked<S: NaiveSuite>(run: &Run<TestAir, S>)
where
    Chosen: Hashes<S>,
{
    let expected = naive::prove(run).encode();
    assert_eq!(run.verify(&expected), Ok(()));
    compare(run, Order::Forked, &expected);
}

/// Compares the shared order with Plonky3's prover, and verifies with its verifier.
#[track_caller]
fn shared<S: ReferenceSuite>(run: &Run<TestAir, S>)
where
    Chosen: Hashes<S>,
{
    let expected = run.prove_batch();
    let verified = run.verify_shared(&expected);
    assert!(verified.is_ok(), "{verified:?}");
    compare(run, Order::Shared, &expected);
}

#[track_caller]
fn compare<S: ReferenceSuite>(run: &Run<TestAir, S>, order: Order, expected: &[u8])
where
    Chosen: Hashes<S>,
{
    for profile in PROFILES {
        for keep in keeps(order) {
            let got = run.core_prove::<Chosen>(order, keep, profile);
            let first = got.iter().zip(expected).position(|(a, b)| a != b);
            assert_eq!(
                (first, got.len()),
                (None, expected.len()),
                "{order:?}, {keep:?}, {profile:?}: the first byte that differs"
            );
        }
    }
}

/// The tables of a shape as batches of these lengths, in both orders and both suites.
#[track_caller]
fn both(shape: &Shape, lengths: &[usize]) {
    let run = Run::cut(shape.batch(), lengths);
    forked(&run);
    shared(&run);
    let run = Run::cut(shape.batch().with_suite(Blake3), lengths);
    forked(&run);
    shared(&run);
}

/// A shape whose preprocessed columns are all in one table.
fn fixed_once(params: Params) -> Shape {
    let send = |form| Part::Send {
        bus: BUSES[1],
        messages: 2,
        times: 1,
        gated: true,
        form,
    };
    let fixed = ProviderShape {
        slots: 3,
        fixed: true,
        slack: 1,
        max_constraint_degree: Some(3),
    };
    let shape = Shape::new(
        vec![
            table(4, vec![send(Form::Column), Part::Power { degree: 3 }]),
            table(2, vec![send(Form::Next)]),
            table(
                5,
                vec![Part::Recurrence {
                    degree: 2,
                    public: true,
                }],
            ),
        ],
        params,
    );
    Shape {
        providers: [fixed; BUSES.len()],
        ..shape
    }
}

#[test]
fn one_batch() {
    both(&fixed_once(QUICK), &[]);
    forked(&Run::cut(Shape::everything(QUICK).batch(), &[]));
}

#[test]
fn every_cut() {
    for cut in [&[1][..], &[2], &[3], &[1, 1], &[1, 2], &[2, 1], &[1, 1, 1]] {
        both(&fixed_once(QUICK), cut);
    }
    for cut in [&[1, 1, 1, 1, 1][..], &[2, 2], &[1, 4]] {
        forked(&Run::cut(Shape::everything(QUICK).batch(), cut));
    }
}

#[test]
fn every_parameter() {
    for params in sweep() {
        both(&fixed_once(params), &[2]);
        forked(&Run::cut(Shape::everything(params).batch(), &[2, 1]));
    }
    let params = Params {
        log_blowup: 2,
        log_final_poly_len: 1,
        max_log_arity: 3,
        cap_height: 2,
        num_queries: 3,
        query_pow_bits: 2,
        batch_pow_bits: 2,
        lookup_pow_bits: 2,
        commit_pow_bits: 2,
        ood_pow_bits: 2,
    };
    both(&fixed_once(params), &[1, 2]);
}

/// Trees of which neither the workspace nor the store has the lowest layers, and not the same ones.
#[test]
fn tall_tables() {
    let recurrence = |log_height| {
        let part = Part::Recurrence {
            degree: 2,
            public: true,
        };
        table(log_height, vec![part])
    };
    let mut shape = fixed_once(QUICK);
    shape.tables.extend([8, 9, 7].map(recurrence));
    both(&shape, &[4, 2]);
}

#[test]
fn seeds_and_constants() {
    let shape = Shape {
        rotation: 1,
        seeded: true,
        own_constants: true,
        ..fixed_once(QUICK)
    };
    both(&shape, &[2]);
    let shape = Shape {
        rotation: 4,
        seeded: true,
        own_constants: true,
        ..Shape::everything(QUICK)
    };
    forked(&Run::cut(shape.batch(), &[3, 1]));
}

#[test]
fn local_interactions_in_two_batches() {
    let local = || {
        let part = Part::Local {
            width: 2,
            queries: 1,
        };
        table(3, vec![part])
    };
    both(&Shape::new(vec![local(), local()], QUICK), &[1]);
}

#[test]
fn batches_without_lookups() {
    let power = |log_height| table(log_height, vec![Part::Power { degree: 2 }]);
    both(&Shape::new(vec![power(3)], QUICK), &[]);
    both(
        &Shape::new(vec![power(1), power(4), power(2)], QUICK),
        &[1, 1],
    );
}

#[test]
fn tables_of_one_row() {
    let tables = |heights: &[usize], parts: &[Part]| {
        let tables = heights.iter().map(|&height| table(height, parts.to_vec()));
        Shape::new(tables.collect(), QUICK)
    };
    let power = Part::Power { degree: 2 };
    let parts = [power, Part::Fixed { next: true }];
    for (heights, cut) in [(&[0][..], &[][..]), (&[0, 0], &[1]), (&[0, 3, 1], &[1, 1])] {
        both(&tables(heights, &parts[..1]), cut);
        forked(&Run::cut(tables(heights, &parts).batch(), cut));
    }
}
