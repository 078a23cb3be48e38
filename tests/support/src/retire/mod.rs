//! Prove-and-retire: runs, the core's prover on them, and with forked challenges their proofs in parts and a
//! naive prover with a heap.

mod commit;
mod core;
pub mod crew;
mod deviation;
mod fork;
pub mod naive;
mod proof;
mod quotient;
mod round;
mod transcript;

use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_util::log2_strict_usize;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{ForkedError, ForkedKey, Join, Joined};
use tranche_core::{F, Params, Statement};

use crate::reference::{self, ReferenceAir, ReferenceSuite};

pub use commit::{NaiveAir, NaiveSuite};
pub use deviation::Deviation;
pub use fork::Fork;
pub use proof::{BatchPart, Proof};
pub use round::Round;

/// The tables of one batch with their values.
#[derive(Clone, Debug)]
pub struct Batch<A> {
    /// One AIR per table.
    pub airs: Vec<A>,
    /// One trace per table, rows in natural order.
    pub traces: Vec<RowMajorMatrix<F>>,
    /// The public values of each table.
    pub publics: Vec<Vec<F>>,
}

impl<A> Batch<A> {
    /// log2 of the tables' heights.
    pub fn log_heights(&self) -> Vec<usize> {
        let heights = self.traces.iter().map(Matrix::height);
        heights.map(log2_strict_usize).collect()
    }
}

/// Batches that are proved together, and all else that decides the bytes of their proof.
#[derive(Clone, Debug)]
pub struct Run<A, S = Poseidon2> {
    /// The batches, in order.
    pub batches: Vec<Batch<A>>,
    /// FRI parameters and grinding.
    pub params: Params,
    /// What seeds the transcript.
    pub statement: Option<Statement>,
    /// The hash suite.
    pub suite: S,
}

impl<A, S> Run<A, S> {
    /// The tables of one batch as a run of batches of `lengths` tables each, in order; what is left is
    /// the last.
    ///
    /// # Panics
    /// When a batch would be empty.
    pub fn cut(batch: reference::Batch<A, S>, lengths: &[usize]) -> Self {
        let mut tables = batch.airs.into_iter().zip(batch.traces).zip(batch.publics);
        let mut batches = Vec::new();
        for length in lengths.iter().copied().chain([usize::MAX]) {
            let mut cut = Batch {
                airs: Vec::new(),
                traces: Vec::new(),
                publics: Vec::new(),
            };
            for ((air, trace), publics) in tables.by_ref().take(length) {
                cut.airs.push(air);
                cut.traces.push(trace);
                cut.publics.push(publics);
            }
            assert!(!cut.airs.is_empty(), "a batch without tables");
            batches.push(cut);
        }
        Self {
            batches,
            params: batch.params,
            statement: batch.statement,
            suite: batch.suite,
        }
    }

    /// The public values of each batch, table by table.
    pub fn publics(&self) -> Vec<Vec<Vec<F>>> {
        let batches = self.batches.iter();
        batches.map(|batch| batch.publics.clone()).collect()
    }
}

impl<A: ReferenceAir<S>, S: ReferenceSuite> Run<A, S> {
    /// The verifying key with a kind for each batch.
    ///
    /// # Panics
    /// When the run cannot be verified.
    pub fn key(&self) -> ForkedKey<A, S> {
        let kind = |batch: &Batch<A>| (batch.airs.clone(), batch.log_heights());
        let kinds = self.batches.iter().map(kind).collect();
        ForkedKey::new(kinds, self.params, self.suite.clone()).expect("a run of test batches")
    }

    /// Checks a proof of this run.
    ///
    /// # Errors
    /// When the proof is refused.
    pub fn verify(&self, bytes: &[u8]) -> Result<(), ForkedError> {
        self.verify_with(Joined, bytes)
    }

    /// Checks a proof of this run with coefficients from another rule.
    ///
    /// # Errors
    /// When the proof is refused.
    pub fn verify_with(
        &self,
        join: impl Join<S::Challenger>,
        bytes: &[u8],
    ) -> Result<(), ForkedError> {
        let sequence: Vec<usize> = (0..self.batches.len()).collect();
        let statement = self.statement.as_ref();
        self.key()
            .verify_with(join, bytes, statement, &sequence, &self.publics())
    }
}
