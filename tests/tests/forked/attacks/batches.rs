//! Other batches than those of the run.

use p3_field::PrimeCharacteristicRing;
use tranche_core::verifier::{CommitmentName, ForkedError, ForkedKey, Part, Root};
use tranche_core::{F, Params, Statement};
use tranche_test_support::air::{Form, Part as Ingredient, TestAir};
use tranche_test_support::retire::{Proof, naive};
use tranche_test_support::shapes::{BUSES, QUICK};

use super::suite::{AlteredSuite, in_both_suites};
use crate::runs::{everything_with, squares_with};

in_both_suites!(
    dropped_repeated_reordered_or_of_another_height,
    forks_exchanged,
    claims_of_another_batch,
    other_statements_parameters_and_public_values,
    kinds_and_lists_that_do_not_fit,
    a_cap_of_another_length,
    multiplicities_that_add_up_over_the_run,
);

/// The first challenge that a batch has is another one, so the first table's constraints do not hold.
const OTHER_CHALLENGES: ForkedError = ForkedError::Constraints { batch: 0, table: 0 };

/// The key of runs of one kind: a table of squares of this height.
fn key<S: AlteredSuite>(log_height: usize, params: Params) -> ForkedKey<TestAir, S> {
    let run = squares_with(S::instance().clone(), 1, log_height, params);
    let kind = (run.batches[0].airs.clone(), vec![log_height]);
    ForkedKey::new(vec![kind], params, run.suite).expect("a table of squares")
}

fn verify<S: AlteredSuite>(
    proof: &Proof<S>,
    batches: usize,
    log_height: usize,
) -> Result<(), ForkedError> {
    let publics = vec![vec![Vec::new()]; batches];
    let sequence = vec![0; batches];
    key::<S>(log_height, QUICK).verify(&proof.encode()[..], None, &sequence, &publics)
}

fn dropped_repeated_reordered_or_of_another_height<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 3, 3, QUICK);
    let proof = naive::prove(&run);
    assert_eq!(verify(&proof, 3, 3), Ok(()), "the control");

    let claimed = |expected| ForkedError::Length {
        part: Part::Batches,
        expected,
        got: 3,
    };
    assert_eq!(verify(&proof, 2, 3), Err(claimed(2)));
    assert_eq!(verify(&proof, 4, 3), Err(claimed(4)));
    assert_eq!(verify(&proof, 0, 3), Err(ForkedError::Kind { batch: 0 }));

    let mut dropped = proof.copy();
    dropped.main.remove(1);
    dropped.batches.remove(1);
    dropped.rows.remove(1);
    assert_eq!(verify(&dropped, 2, 3), Err(OTHER_CHALLENGES));

    let (mut repeated, again) = (proof.copy(), proof.copy());
    repeated.main.extend(again.main.into_iter().take(1));
    repeated.batches.extend(again.batches.into_iter().take(1));
    repeated.rows.extend(again.rows.into_iter().take(1));
    assert_eq!(verify(&repeated, 4, 3), Err(OTHER_CHALLENGES));

    let mut reordered = proof.copy();
    reordered.main.swap(0, 2);
    reordered.batches.swap(0, 2);
    reordered.rows.swap(0, 2);
    assert_eq!(verify(&reordered, 3, 3), Err(OTHER_CHALLENGES));

    assert_eq!(verify(&proof, 3, 4), Err(OTHER_CHALLENGES));
}

/// A whole fork in the place of another: everything that it absorbed but its number is the same.
fn forks_exchanged<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 3, 3, QUICK);
    let mut proof = naive::prove(&run);
    assert_eq!(verify(&proof, 3, 3), Ok(()), "the control");
    proof.batches.swap(1, 2);
    let refusal = ForkedError::Constraints { batch: 1, table: 0 };
    assert_eq!(verify(&proof, 3, 3), Err(refusal));
}

fn claims_of_another_batch<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 3, 3, QUICK);
    let mut proof = naive::prove(&run);
    assert_eq!(verify(&proof, 3, 3), Ok(()), "the control");
    let claims = proof.copy().batches.remove(1).opened;
    proof.batches[2].opened = claims;
    let refusal = ForkedError::Constraints { batch: 2, table: 0 };
    assert_eq!(verify(&proof, 3, 3), Err(refusal));
}

fn other_statements_parameters_and_public_values<S: AlteredSuite>() {
    let mut run = everything_with(S::instance().clone());
    run.statement = Some(Statement {
        tag: *b"what this proof is about",
        digest: [7; 32],
    });
    let bytes = naive::prove(&run).encode();
    assert_eq!(run.verify(&bytes), Ok(()), "the control");

    for statement in [
        None,
        run.statement.map(|statement| Statement {
            digest: [8; 32],
            ..statement
        }),
    ] {
        let mut other = run.clone();
        other.statement = statement;
        assert_eq!(other.verify(&bytes), Err(OTHER_CHALLENGES));
    }
    // A longer final polynomial would be allowed, and other queries would be asked.
    for params in [
        Params {
            log_final_poly_len: 1,
            ..QUICK
        },
        Params {
            num_queries: 3,
            ..QUICK
        },
    ] {
        let mut other = run.clone();
        other.params = params;
        assert_eq!(other.verify(&bytes), Err(OTHER_CHALLENGES));
    }
    let (batch, publics) = run
        .batches
        .iter()
        .enumerate()
        .find_map(|(b, batch)| {
            batch
                .publics
                .iter()
                .position(|p| !p.is_empty())
                .map(|t| (b, t))
        })
        .expect("a table with public values");
    let mut other = run.clone();
    other.batches[batch].publics[publics][0] += F::ONE;
    assert_eq!(other.verify(&bytes), Err(OTHER_CHALLENGES));

    let mut other = run.clone();
    other.batches[batch].publics[publics].pop();
    assert_eq!(
        other.verify(&bytes),
        Err(ForkedError::PublicValues { batch })
    );
}

fn kinds_and_lists_that_do_not_fit<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 2, 3, QUICK);
    let bytes = naive::prove(&run).encode();
    let key = key::<S>(3, QUICK);
    let publics = vec![vec![Vec::new()]; 2];
    assert_eq!(
        key.verify(&bytes[..], None, &[0, 0], &publics),
        Ok(()),
        "the control"
    );
    assert_eq!(
        key.verify(&bytes[..], None, &[0, 1], &publics),
        Err(ForkedError::Kind { batch: 1 })
    );
    assert_eq!(
        key.verify(&bytes[..], None, &[0, 0], &publics[..1]),
        Err(ForkedError::PublicValues { batch: 2 })
    );
}

/// Cuts of a cap: two digests of one root would be read as two roots of one.
fn a_cap_of_another_length<S: AlteredSuite>() {
    let params = Params {
        cap_height: 1,
        ..QUICK
    };
    let run = squares_with(S::instance().clone(), 2, 3, params);
    let mut proof = naive::prove(&run);
    assert_eq!(run.verify(&proof.encode()), Ok(()), "the control");
    let digests: Vec<_> = proof
        .main
        .iter()
        .flat_map(|root| root.roots().to_vec())
        .collect();
    proof.main[0] = Root::<S>::new(digests[..1].to_vec());
    let refusal = ForkedError::Length {
        part: Part::Cap {
            batch: 0,
            round: CommitmentName::Main,
        },
        expected: 2,
        got: 1,
    };
    assert_eq!(run.verify(&proof.encode()), Err(refusal));
}

/// The multiplicities of one batch are within the bound, those of two are not.
fn multiplicities_that_add_up_over_the_run<S: AlteredSuite>() {
    let air = TestAir {
        parts: vec![Ingredient::Send {
            bus: BUSES[0],
            messages: 8,
            times: 127,
            gated: true,
            form: Form::Column,
        }],
        log_height: 20,
        max_constraint_degree: None,
    };
    let run = squares_with(S::instance().clone(), 1, 3, QUICK);
    let key = ForkedKey::new(vec![(vec![air], vec![20])], QUICK, run.suite).expect("a key");
    let verify = |batches: usize| {
        let publics = vec![vec![Vec::new()]; batches];
        key.verify(&[][..], None, &vec![0; batches], &publics)
    };
    assert_eq!(verify(1), Err(ForkedError::Truncated), "the control");
    assert_eq!(verify(2), Err(ForkedError::Multiplicities));
}
