//! Provers that take another order, or other coefficients, than the specification.

use std::cell::RefCell;

use p3_challenger::FieldChallenger;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField32};
use tranche_core::verifier::{ForkedError, Join, Joined, Site};
use tranche_core::{EF, F, Params};
use tranche_test_support::retire::{Deviation, naive};
use tranche_test_support::shapes::QUICK;

use super::suite::{AlteredSuite, in_both_suites};
use crate::runs::{everything_with, squares_with};

in_both_suites!(
    coefficients_reordered,
    a_codeword_added_twice,
    a_codeword_left_out,
    roots_absorbed_in_another_order,
    forks_with_each_others_numbers,
    lookup_challenges_before_the_last_root,
    false_claims_that_satisfy_the_constraints,
    another_batching_witness,
    another_out_of_domain_witness,
    a_witness_binds_every_coefficient,
    a_column_of_one_row_with_a_slope,
);

/// The sound rule, with something done to what it draws.
struct Altered(fn(Vec<EF>) -> Vec<EF>);

impl<C: FieldChallenger<F>> Join<C> for Altered {
    fn leave(&mut self, fork: &mut C, main: &mut C) {
        Joined.leave(fork, main);
    }

    fn coefficients(self, main: &mut C, batches: usize) -> Vec<EF> {
        self.0(Joined.coefficients(main, batches))
    }
}

/// A prover with these coefficients satisfies a verifier that has them too, and only that one.
fn other_coefficients<S: AlteredSuite>(coefficients: fn(Vec<EF>) -> Vec<EF>) {
    let run = everything_with(S::instance().clone());
    assert_eq!(
        run.verify(&naive::prove(&run).encode()),
        Ok(()),
        "the control"
    );
    let deviation = Deviation {
        coefficients,
        ..Deviation::default()
    };
    let bytes = naive::prove_with(&run, deviation, Joined).encode();
    assert_eq!(
        run.verify_with(Altered(coefficients), &bytes),
        Ok(()),
        "what only the coefficients refuse"
    );
    let refusal = ForkedError::FinalPolynomial { query: 0 };
    assert_eq!(run.verify(&bytes), Err(refusal));
}

fn coefficients_reordered<S: AlteredSuite>() {
    other_coefficients::<S>(|drawn| drawn.into_iter().rev().collect());
}

fn a_codeword_added_twice<S: AlteredSuite>() {
    other_coefficients::<S>(|mut drawn| {
        drawn[1] = drawn[1].double();
        drawn
    });
}

fn a_codeword_left_out<S: AlteredSuite>() {
    other_coefficients::<S>(|mut drawn| {
        drawn[2] = EF::ZERO;
        drawn
    });
}

/// What a deviating prover is refused for.
fn refusal<S: AlteredSuite>(deviation: Deviation<S>) -> Result<(), ForkedError> {
    let run = everything_with(S::instance().clone());
    assert_eq!(
        run.verify(&naive::prove(&run).encode()),
        Ok(()),
        "the control"
    );
    run.verify(&naive::prove_with(&run, deviation, Joined).encode())
}

fn roots_absorbed_in_another_order<S: AlteredSuite>() {
    let deviation = Deviation {
        root_order: Some(vec![0, 2, 1]),
        ..Deviation::default()
    };
    let constraints = ForkedError::Constraints { batch: 0, table: 0 };
    assert_eq!(refusal::<S>(deviation), Err(constraints));
}

fn forks_with_each_others_numbers<S: AlteredSuite>() {
    let deviation = Deviation {
        fork_numbers: Some(vec![0, 2, 1]),
        ..Deviation::default()
    };
    let constraints = ForkedError::Constraints { batch: 1, table: 0 };
    assert_eq!(refusal::<S>(deviation), Err(constraints));
}

/// A prover that knows the LogUp challenges before it commits to the last batch.
fn lookup_challenges_before_the_last_root<S: AlteredSuite>() {
    let deviation = Deviation {
        early_challenges: true,
        ..Deviation::default()
    };
    let constraints = ForkedError::Constraints { batch: 0, table: 0 };
    assert_eq!(refusal::<S>(deviation), Err(constraints));
}

/// False claims of which the quotient at zeta is the true one: only the rows tell.
fn false_claims_that_satisfy_the_constraints<S: AlteredSuite>() {
    let deviation = Deviation {
        claims: |rounds| {
            let chunk = &mut rounds[1].claims[0][0];
            let x: EF = <EF as BasedVectorSpace<F>>::ith_basis_element(1).expect("four");
            chunk[0] += x;
            chunk[1] -= EF::ONE;
        },
        ..Deviation::default()
    };
    let refused = ForkedError::FinalPolynomial { query: 0 };
    assert_eq!(refusal::<S>(deviation), Err(refused));
}

/// Batching and out-of-domain grinding.
const GRINDING: Params = Params {
    batch_pow_bits: 2,
    ood_pow_bits: 2,
    ..QUICK
};

/// The first witnesses from `first` on.
fn from(first: F) -> impl Iterator<Item = F> {
    (first.as_canonical_u32()..).map(F::from_u32)
}

/// A witness of one fork changed: one that does not pass, and one that does, with which only the challenge
/// that it precedes is another.
fn another_batching_witness<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 3, 3, GRINDING);
    let mut proof = naive::prove(&run);
    assert_eq!(run.verify(&proof.encode()), Ok(()), "the control");

    let site = Site::Batching { batch: 1 };
    let (mut passed, mut failed) = (false, false);
    for witness in from(proof.batches[1].batch_witness + F::ONE).take(64) {
        proof.batches[1].batch_witness = witness;
        match run.verify(&proof.encode()) {
            Err(ForkedError::ProofOfWork { site: refused }) if refused == site => failed = true,
            Err(ForkedError::FinalPolynomial { query: 0 } | ForkedError::Rows { batch: 0, .. }) => {
                passed = true;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(passed && failed);
}

fn another_out_of_domain_witness<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 3, 3, GRINDING);
    let mut proof = naive::prove(&run);
    assert_eq!(run.verify(&proof.encode()), Ok(()), "the control");

    let site = Site::OutOfDomain { batch: 1 };
    let constraints = ForkedError::Constraints { batch: 1, table: 0 };
    let (mut passed, mut failed) = (false, false);
    for witness in from(proof.batches[1].ood_witness + F::ONE).take(64) {
        proof.batches[1].ood_witness = witness;
        match run.verify(&proof.encode()) {
            Err(ForkedError::ProofOfWork { site: refused }) if refused == site => failed = true,
            Err(refused) if refused == constraints => passed = true,
            other => panic!("{other:?}"),
        }
    }
    assert!(passed && failed);
}

/// The sound rule, which writes down what it draws.
struct Recorded<'a>(&'a RefCell<Vec<EF>>);

impl<C: FieldChallenger<F>> Join<C> for Recorded<'_> {
    fn leave(&mut self, fork: &mut C, main: &mut C) {
        Joined.leave(fork, main);
    }

    fn coefficients(self, main: &mut C, batches: usize) -> Vec<EF> {
        let drawn = Joined.coefficients(main, batches);
        *self.0.borrow_mut() = drawn.clone();
        drawn
    }
}

/// Each witness is in its fork's digest: whoever redraws one batching challenge has other coefficients for
/// every batch.
fn a_witness_binds_every_coefficient<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 3, 3, GRINDING);
    let honest = naive::prove(&run);
    let first: Vec<F> = honest
        .batches
        .iter()
        .map(|part| part.batch_witness)
        .collect();
    let drawn = |witnesses: Option<Vec<F>>| {
        let deviation = Deviation {
            batch_witnesses: witnesses,
            ..Deviation::default()
        };
        let drawn = RefCell::new(Vec::new());
        let proof = naive::prove_with(&run, deviation, Recorded(&drawn));
        assert_eq!(run.verify(&proof.encode()), Ok(()), "each is a proof");
        drawn.into_inner()
    };
    let coefficients = drawn(None);
    assert_eq!(drawn(Some(first.clone())), coefficients, "the control");

    for batch in 0..3 {
        let mut probe = honest.copy();
        let passes = |&witness: &F| {
            probe.batches[batch].batch_witness = witness;
            let site = Site::Batching { batch };
            run.verify(&probe.encode()) != Err(ForkedError::ProofOfWork { site })
        };
        let mut witnesses = first.clone();
        witnesses[batch] = from(first[batch] + F::ONE)
            .find(passes)
            .expect("one in four");
        let others = drawn(Some(witnesses));
        for (number, (other, coefficient)) in others.iter().zip(&coefficients).enumerate() {
            assert_ne!(
                other, coefficient,
                "{number} after another witness of {batch}"
            );
        }
    }
}

/// A column of one row that is not a constant: `(claim - column) / (zeta - x)` is a constant other than zero,
/// which the low-degree test would take for a polynomial.
fn a_column_of_one_row_with_a_slope<S: AlteredSuite>() {
    let run = squares_with(S::instance().clone(), 2, 0, QUICK);
    assert_eq!(
        run.verify(&naive::prove(&run).encode()),
        Ok(()),
        "the control"
    );
    let deviation = Deviation {
        slope: Some(F::TWO),
        ..Deviation::default()
    };
    let proof = naive::prove_with(&run, deviation, Joined);
    assert_eq!(run.verify(&proof.encode()), Err(ForkedError::Constant));
}
