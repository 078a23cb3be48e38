//! A proof in parts, and its bytes.

use p3_batch_stark::BatchOpenedValues;
use p3_fri::{BatchMultiOpening, CommitPhaseMultiStep};
use serde::{Deserialize, Serialize};
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{Plonky3Suite, Root};
use tranche_core::{EF, F};

use super::commit::{FriTree, Tree};

/// What one fork leaves.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct BatchPart<S: Plonky3Suite = Poseidon2> {
    /// Root of the permutation traces.
    pub permutation: Option<Root<S>>,
    /// One terminal per table with lookups.
    pub terminals: Vec<Option<EF>>,
    /// Root of the quotient chunks.
    pub quotient: Root<S>,
    /// Witness before the out-of-domain point.
    pub ood_witness: F,
    /// Claimed openings.
    pub opened: BatchOpenedValues<EF>,
    /// Witness before the batching challenge.
    pub batch_witness: F,
}

/// All parts, in the order of the bytes.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Proof<S: Plonky3Suite = Poseidon2> {
    /// Root of each batch's main traces.
    pub main: Vec<Root<S>>,
    /// Witness before the LogUp challenges.
    pub lookup_witness: Option<F>,
    /// The forks.
    pub batches: Vec<BatchPart<S>>,
    /// Roots of the low-degree test's layers.
    pub fold_roots: Vec<Root<S>>,
    /// Witnesses before the folding challenges.
    pub fold_witnesses: Vec<F>,
    /// Coefficients of the last codeword, constant term first.
    pub final_polynomial: Vec<EF>,
    /// Witness before the queries.
    pub query_witness: F,
    /// Opened rows, batch by batch, round by round.
    pub rows: Vec<Vec<BatchMultiOpening<F, Tree<S>>>>,
    /// Openings of the layers.
    pub folds: Vec<CommitPhaseMultiStep<EF, FriTree<S>>>,
}

impl<S: Plonky3Suite> Proof<S> {
    /// The bytes: each part's postcard encoding, one after the other.
    ///
    /// # Panics
    /// Never: every part is encodable.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        append(&mut bytes, &(&self.main, self.lookup_witness));
        self.batches
            .iter()
            .for_each(|part| append(&mut bytes, part));
        append(
            &mut bytes,
            &(
                &self.fold_roots,
                &self.fold_witnesses,
                &self.final_polynomial,
                self.query_witness,
            ),
        );
        self.rows.iter().for_each(|rows| append(&mut bytes, rows));
        append(&mut bytes, &self.folds);
        bytes
    }

    /// Another proof of the same parts.
    ///
    /// # Panics
    /// Never: what is encoded can be decoded.
    pub fn copy(&self) -> Self {
        let bytes = postcard::to_allocvec(self).expect("parts that can be encoded");
        postcard::from_bytes(&bytes).expect("what was just encoded")
    }
}

fn append(bytes: &mut Vec<u8>, part: &impl Serialize) {
    bytes.extend(postcard::to_allocvec(part).expect("parts that can be encoded"));
}
