//! Every part of a proof, altered.

use std::iter::successors;

use p3_challenger::FieldChallenger;
use p3_field::{ExtensionField, PrimeCharacteristicRing, PrimeField64};
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{CommitmentName, ForkedError, Part, Root, Site};
use tranche_core::{EF, F};
use tranche_test_support::retire::{Deviation, Proof, naive};
use tranche_test_support::shapes::QUICK;

use super::suite::AlteredSuite;
use crate::runs::{everything_with, squares};

/// Another cap of the same length.
fn other<S: AlteredSuite>(root: &Root<S>) -> Root<S> {
    let mut digests = root.roots().to_vec();
    S::alter(&mut digests[0]);
    Root::<S>::new(digests)
}

/// Each alteration is refused for its reason, and what is not altered is accepted.
fn refused<S: AlteredSuite>(alterations: &[(fn(&mut Proof<S>), ForkedError)]) {
    let run = everything_with(S::instance().clone());
    let proof = naive::prove(&run);
    assert_eq!(run.verify(&proof.copy().encode()), Ok(()), "the control");
    for (number, (alter, refusal)) in alterations.iter().enumerate() {
        let mut altered = proof.copy();
        alter(&mut altered);
        assert_eq!(run.verify(&altered.encode()), Err(*refusal), "{number}");
    }
}

/// A table's constraints, which any challenge before them decides.
const fn constraints(batch: usize) -> ForkedError {
    ForkedError::Constraints { batch, table: 0 }
}

#[test]
fn roots() {
    roots_of::<Poseidon2>();
    roots_of::<Blake3>();
}

fn roots_of<S: AlteredSuite>() {
    refused::<S>(&[
        (
            |proof| proof.main[0] = other::<S>(&proof.main[0]),
            constraints(0),
        ),
        (
            |proof| proof.main[2] = other::<S>(&proof.main[2]),
            constraints(0),
        ),
        (|proof| proof.main.swap(0, 1), constraints(0)),
        (
            |proof| {
                let root = &mut proof.batches[1].permutation;
                *root = root.as_ref().map(other::<S>);
            },
            constraints(1),
        ),
        (
            |proof| proof.batches[2].permutation = None,
            ForkedError::Length {
                part: Part::Cap {
                    batch: 2,
                    round: CommitmentName::Permutation,
                },
                expected: 1,
                got: 0,
            },
        ),
        (
            |proof| proof.batches[2].quotient = other::<S>(&proof.batches[2].quotient),
            constraints(2),
        ),
        // The queries are others then.
        (
            |proof| proof.fold_roots[1] = other::<S>(&proof.fold_roots[1]),
            ForkedError::Rows {
                batch: 0,
                round: CommitmentName::Main,
            },
        ),
    ]);
}

#[test]
fn terminals() {
    refused::<Poseidon2>(&[
        (
            |proof| *proof.batches[0].terminals[0].as_mut().expect("one") += EF::ONE,
            constraints(0),
        ),
        // The sum of all is what it was.
        (
            |proof| {
                *proof.batches[1].terminals[1].as_mut().expect("one") += EF::ONE;
                *proof.batches[2].terminals[0].as_mut().expect("one") -= EF::ONE;
            },
            constraints(1),
        ),
        (
            |proof| proof.batches[0].terminals[0] = None,
            ForkedError::Length {
                part: Part::Terminals { batch: 0 },
                expected: 1,
                got: 0,
            },
        ),
    ]);
}

#[test]
fn claims() {
    let part = Part::Claims { batch: 1 };
    let length = |expected, got| ForkedError::Length {
        part,
        expected,
        got,
    };
    refused::<Poseidon2>(&[
        (
            |proof| {
                let tables = &mut proof.batches[1].opened.instances;
                tables[0].base_opened_values.trace_local[0] += EF::ONE;
            },
            constraints(1),
        ),
        (
            |proof| {
                let tables = &mut proof.batches[1].opened.instances;
                tables[1].permutation_next[0] += EF::ONE;
            },
            ForkedError::Constraints { batch: 1, table: 1 },
        ),
        (
            |proof| {
                proof.batches[1].opened.instances.pop();
            },
            length(2, 1),
        ),
        (
            |proof| {
                let tables = &mut proof.batches[1].opened.instances;
                tables[0].base_opened_values.trace_local.push(EF::ZERO);
            },
            length(1, 2),
        ),
        (
            |proof| {
                let tables = &mut proof.batches[1].opened.instances;
                tables[0].base_opened_values.random = Some(Vec::new());
            },
            length(0, 1),
        ),
    ]);
}

/// Without grinding a witness is zero, or it would be bound by nothing.
#[test]
fn witnesses() {
    witnesses_of::<Poseidon2>();
    witnesses_of::<Blake3>();
}

fn witnesses_of<S: AlteredSuite>() {
    let proof_of_work = |site| ForkedError::ProofOfWork { site };
    refused::<S>(&[
        (
            |proof| proof.lookup_witness = Some(F::ONE),
            proof_of_work(Site::Lookup),
        ),
        (
            |proof| proof.lookup_witness = None,
            ForkedError::Length {
                part: Part::LookupWitness,
                expected: 1,
                got: 0,
            },
        ),
        (
            |proof| proof.batches[1].ood_witness = F::ONE,
            proof_of_work(Site::OutOfDomain { batch: 1 }),
        ),
        (
            |proof| proof.batches[2].batch_witness = F::ONE,
            proof_of_work(Site::Batching { batch: 2 }),
        ),
        (
            |proof| proof.fold_witnesses[2] = F::ONE,
            proof_of_work(Site::Fold),
        ),
        (
            |proof| proof.query_witness = F::ONE,
            proof_of_work(Site::Query),
        ),
    ]);
}

#[test]
fn rows_and_their_paths() {
    rows_and_paths_of::<Poseidon2>();
    rows_and_paths_of::<Blake3>();
}

fn rows_and_paths_of<S: AlteredSuite>() {
    let rows = |batch, round| ForkedError::Rows { batch, round };
    refused::<S>(&[
        (
            |proof| proof.rows[0][0].opened_values[0][0][0] += F::ONE,
            rows(0, CommitmentName::Main),
        ),
        (
            |proof| proof.rows[1][1].opened_values[1][1][2] += F::ONE,
            rows(1, CommitmentName::Quotient),
        ),
        (
            |proof| proof.rows[0][2].opened_values[3][0][0] += F::ONE,
            rows(0, CommitmentName::Preprocessed),
        ),
        (
            |proof| proof.rows[2][2].opened_values[2][0][1] += F::ONE,
            rows(2, CommitmentName::Permutation),
        ),
        (
            |proof| proof.rows[1][0].opened_values.swap(0, 1),
            rows(1, CommitmentName::Main),
        ),
        (
            |proof| S::alter(&mut S::siblings(&mut proof.rows[2][0].opening_proof)[0]),
            rows(2, CommitmentName::Main),
        ),
        (
            |proof| {
                S::siblings(&mut proof.rows[1][0].opening_proof).pop();
            },
            rows(1, CommitmentName::Main),
        ),
        (
            |proof| {
                let paths = S::siblings(&mut proof.rows[1][0].opening_proof);
                paths.push(S::digest(&Default::default()));
            },
            rows(1, CommitmentName::Main),
        ),
        (
            |proof| {
                let paths = S::siblings(&mut proof.rows[0][0].opening_proof);
                paths.resize(25, S::digest(&Default::default()));
            },
            ForkedError::Length {
                part: Part::Paths,
                expected: 24,
                got: 25,
            },
        ),
        (
            |proof| {
                proof.rows[1].pop();
            },
            ForkedError::Length {
                part: Part::Rows { batch: 1 },
                expected: 3,
                got: 2,
            },
        ),
        (
            |proof| {
                proof.rows[1][0].opened_values.pop();
            },
            ForkedError::Length {
                part: Part::Rows { batch: 1 },
                expected: 4,
                got: 3,
            },
        ),
    ]);
}

#[test]
fn layers_and_the_final_polynomial() {
    let length = |part, expected, got| ForkedError::Length {
        part,
        expected,
        got,
    };
    refused::<Poseidon2>(&[
        (
            |proof| proof.folds[0].sibling_values[2][0] += EF::ONE,
            ForkedError::FinalPolynomial { query: 2 },
        ),
        (
            |proof| proof.folds[1].opening_proof.sibling_hashes[0][0] += F::ONE,
            ForkedError::Groups { layer: 1 },
        ),
        // A leading coefficient of zero: the same polynomial, but longer than the run allows.
        (
            |proof| proof.final_polynomial.push(EF::ZERO),
            length(Part::FinalPolynomial, 1, 2),
        ),
        (
            |proof| {
                let digests = proof.fold_roots[0].roots().repeat(2);
                proof.fold_roots[0] = <Root>::new(digests);
            },
            length(Part::LayerCap { layer: 0 }, 1, 2),
        ),
        (
            |proof| {
                proof.folds[2].sibling_values.pop();
            },
            length(Part::Groups { layer: 2 }, 4, 3),
        ),
        (
            |proof| proof.fold_roots.push(proof.fold_roots[0].clone()),
            length(Part::Layers, 5, 6),
        ),
        (
            |proof| proof.fold_witnesses.push(F::ZERO),
            length(Part::Layers, 5, 6),
        ),
        (
            |proof| {
                proof.folds.pop();
            },
            length(Part::Layers, 5, 4),
        ),
        (
            |proof| proof.folds[3].sibling_values[0].push(EF::ZERO),
            length(Part::Groups { layer: 3 }, 1, 2),
        ),
    ]);
}

/// Rows that are not those under the roots and give the same codeword: multiples of the powers of lambda add up
/// to zero by its minimal polynomial, which five columns are enough for.
#[test]
fn rows_that_fit_the_codeword() {
    let run = squares(2, 3, QUICK);
    let proof = naive::prove(&run);
    assert_eq!(run.verify(&proof.encode()), Ok(()), "the control");

    let forks = naive::Forks::new(&run, Deviation::default());
    let lambda: EF = forks.forks[0].challenger.clone().sample_algebra_element();
    let mut minimal = vec![EF::ONE];
    let conjugates = successors(Some(lambda), |x| Some(x.exp_u64(F::ORDER_U64)));
    for conjugate in conjugates.take(4) {
        let shifted = [EF::ZERO].into_iter().chain(minimal.iter().copied());
        let scaled = minimal.iter().map(|&c| c * conjugate).chain([EF::ZERO]);
        minimal = shifted.zip(scaled).map(|(a, b)| a - b).collect();
    }
    let minimal = minimal
        .into_iter()
        .map(|c| c.as_base().expect("of the base field"));
    let minimal: Vec<F> = minimal.collect();

    // Two columns of the main trace, and three of the quotient's four.
    let mut other = proof;
    let [main, quotient, ..] = other.rows[0].as_mut_slice() else {
        panic!("two rounds");
    };
    let rows = [
        &mut main.opened_values[0][0],
        &mut quotient.opened_values[0][0],
    ];
    let columns = rows.into_iter().flatten();
    columns.zip(minimal).for_each(|(column, c)| *column += c);
    let refusal = ForkedError::Rows {
        batch: 0,
        round: CommitmentName::Main,
    };
    assert_eq!(run.verify(&other.encode()), Err(refusal));
}
