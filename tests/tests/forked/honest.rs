//! Honest runs of every shape are accepted.

use tranche_core::Params;
use tranche_tests::air::{Form, Part};
use tranche_tests::retire::{Run, naive};
use tranche_tests::shapes::{BUSES, ProviderShape, QUICK, Shape, sweep};

use crate::runs::table;

/// Proves the tables of a shape as batches of these lengths, and verifies.
#[track_caller]
fn accepted(shape: &Shape, lengths: &[usize]) {
    let run = Run::cut(shape.batch(), lengths);
    let bytes = naive::prove(&run).encode();
    assert_eq!(run.verify(&bytes), Ok(()), "{lengths:?}: {:?}", run.params);
}

#[test]
fn one_batch_is_accepted() {
    accepted(&Shape::everything(QUICK), &[]);
}

/// Buses that balance over the run alone, tables of different heights, preprocessed and local ones among them.
#[test]
fn every_cut_is_accepted() {
    let shape = Shape::everything(QUICK);
    let tables = shape.batch().airs.len();
    assert_eq!(tables, 6);
    accepted(&shape, &[1, 1, 1, 1, 1]);
    accepted(&shape, &[2, 2]);
    accepted(&shape, &[1, 4]);
    accepted(
        &Shape {
            rotation: 4,
            seeded: true,
            own_constants: true,
            ..shape
        },
        &[3, 1],
    );
}

#[test]
fn every_parameter_is_accepted() {
    for params in sweep() {
        accepted(&Shape::everything(params), &[2, 1]);
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
    accepted(&Shape::everything(params), &[1, 2, 1]);
}

#[test]
fn preprocessed_columns_of_the_last_batch_are_accepted() {
    let send = Part::Send {
        bus: BUSES[1],
        messages: 2,
        times: 1,
        gated: true,
        form: Form::Column,
    };
    let fixed = ProviderShape {
        slots: 3,
        fixed: true,
        slack: 1,
        max_constraint_degree: Some(3),
    };
    let shape = Shape::new(
        vec![table(4, vec![send.clone()]), table(2, vec![send])],
        QUICK,
    );
    let shape = Shape {
        providers: [fixed; BUSES.len()],
        ..shape
    };
    accepted(&shape, &[1, 1]);
}

#[test]
fn local_interactions_in_two_batches_are_accepted() {
    let local = || {
        let part = Part::Local {
            width: 2,
            queries: 1,
        };
        table(3, vec![part])
    };
    accepted(&Shape::new(vec![local(), local()], QUICK), &[1]);
}

#[test]
fn runs_without_lookups_are_accepted() {
    let power = |log_height| table(log_height, vec![Part::Power { degree: 2 }]);
    accepted(&Shape::new(vec![power(3)], QUICK), &[]);
    accepted(
        &Shape::new(vec![power(1), power(4), power(2)], QUICK),
        &[1, 1],
    );
}

#[test]
fn tables_of_one_row_are_accepted() {
    let parts = || vec![Part::Power { degree: 2 }, Part::Fixed { next: true }];
    let tables = |heights: &[usize]| {
        let tables = heights.iter().map(|&height| table(height, parts()));
        Shape::new(tables.collect(), QUICK)
    };
    accepted(&tables(&[0]), &[]);
    accepted(&tables(&[0, 0]), &[1]);
    accepted(&tables(&[0, 3, 1]), &[1, 1]);
}
