//! A proof in parts, and its bytes.

use p3_batch_stark::BatchOpenedValues;
use p3_commit::ExtensionMmcs;
use p3_fri::{BatchMultiOpening, CommitPhaseMultiStep};
use serde::{Deserialize, Serialize};
use tranche_core::verifier::{Root, Tree};
use tranche_core::{EF, F};

/// Trees over codewords of challenges.
pub type FriTree = ExtensionMmcs<F, EF, Tree>;

/// What one fork leaves.
#[derive(Serialize, Deserialize)]
pub struct BatchPart {
    /// Root of the permutation traces.
    pub permutation: Option<Root>,
    /// One terminal per table with lookups.
    pub terminals: Vec<Option<EF>>,
    /// Root of the quotient chunks.
    pub quotient: Root,
    /// Witness before the out-of-domain point.
    pub ood_witness: F,
    /// Claimed openings.
    pub opened: BatchOpenedValues<EF>,
    /// Witness before the batching challenge.
    pub batch_witness: F,
}

/// All parts, in the order of the bytes.
#[derive(Serialize, Deserialize)]
pub struct Proof {
    /// Root of each batch's main traces.
    pub main: Vec<Root>,
    /// Witness before the LogUp challenges.
    pub lookup_witness: Option<F>,
    /// The forks.
    pub batches: Vec<BatchPart>,
    /// Roots of the low-degree test's layers.
    pub fold_roots: Vec<Root>,
    /// Witnesses before the folding challenges.
    pub fold_witnesses: Vec<F>,
    /// Coefficients of the last codeword, constant term first.
    pub final_polynomial: Vec<EF>,
    /// Witness before the queries.
    pub query_witness: F,
    /// Opened rows, batch by batch, round by round.
    pub rows: Vec<Vec<BatchMultiOpening<F, Tree>>>,
    /// Openings of the layers.
    pub folds: Vec<CommitPhaseMultiStep<EF, FriTree>>,
}

impl Proof {
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
