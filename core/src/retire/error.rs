//! What a run is refused for.

use core::convert::Infallible;

use thiserror::Error;

use crate::prover::{BatchError, ProverSetupError};
use crate::workspace::WorkspaceTooSmall;

/// Why a run cannot be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RunPlanError {
    /// No kind of batch, or more than [`MAX_KINDS`](super::MAX_KINDS).
    #[error("{got} kinds of batches, from 1 to {} fit", super::MAX_KINDS)]
    Kinds {
        /// Kinds given.
        got: usize,
    },
    /// No batch, or more than [`MAX_BATCHES`](super::MAX_BATCHES).
    #[error("{got} batches, from 1 to {} fit", super::MAX_BATCHES)]
    Batches {
        /// Batches given.
        got: usize,
    },
    /// A batch is of a kind that is not there.
    #[error("batch {batch} is of kind {kind}, which is not there")]
    NoKind {
        /// The batch.
        batch: usize,
        /// Its kind.
        kind: usize,
    },
    /// A kind's plan was made for other AIRs or another backend.
    #[error("kind {kind}: {error}")]
    Setup {
        /// The kind.
        kind: usize,
        /// What differs.
        error: ProverSetupError,
    },
    /// A kind has other parameters, or another profile, than the first.
    #[error("kind {kind} has other parameters than the first")]
    OtherParams {
        /// The kind.
        kind: usize,
    },
    /// A kind carves a table: a batch of a run is one group.
    #[error("kind {kind} carves a table")]
    Carved {
        /// The kind.
        kind: usize,
    },
    /// A second batch has preprocessed columns: in shared order one batch has them.
    #[error("batch {batch} is the second one with preprocessed columns")]
    Preprocessed {
        /// The batch.
        batch: usize,
    },
    /// Two rounds have the same list of widths, but are cut into batches in different ways, so that a verifier
    /// would not know them apart (shared order).
    #[error("two rounds have the same widths, but different cuts")]
    Ambiguous,
    /// Messages on one bus have different widths in two kinds.
    #[error("kind {kind}: messages of {got} elements on a bus of {expected}")]
    BusWidth {
        /// The kind.
        kind: usize,
        /// The width seen first.
        expected: usize,
        /// The width that differs.
        got: usize,
    },
    /// More buses with a name than [`MAX_BUSES`](crate::air::MAX_BUSES).
    #[error("more than {} buses with a name", crate::air::MAX_BUSES)]
    TooManyBuses,
    /// Multiplicities of the run may wrap around the field's order.
    #[error("multiplicities of the run may sum up to {sum}, the field's order is 2013265921")]
    MultiplicityBound {
        /// Their largest sum.
        sum: u64,
    },
    /// The store is longer than an address space.
    #[error("the store has more elements than there are addresses")]
    TooLarge,
}

/// Why a run's prover cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RetireSetupError {
    /// The workspace is shorter than the plan needs.
    #[error(transparent)]
    Workspace(WorkspaceTooSmall),
    /// The store is shorter than the plan needs.
    #[error("store: {0}")]
    Store(WorkspaceTooSmall),
    /// Batches are made apart in forked order, and what is kept of them is their codewords alone.
    #[error("the plan is of a run whose batches are made together")]
    Together,
    /// A record does not fit the plan.
    #[error(transparent)]
    Record(#[from] Misfit),
}

/// A record that no batch of the plan leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the record of batch {batch} of walk {walk} does not fit the run")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Misfit {
    /// The walk, from 0.
    pub walk: usize,
    /// The batch.
    pub batch: usize,
}

/// Why a run cannot be proved; `F` is the error of its traces, `E` that of the proof sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RetireError<F, E> {
    /// A trace cannot be written.
    #[error("a trace of batch {batch} cannot be written: {error}")]
    Trace {
        /// The batch.
        batch: usize,
        /// Why.
        error: F,
    },
    /// The public values of a batch do not have the plan's shape.
    #[error("batch {batch}: {error}")]
    Batch {
        /// The batch.
        batch: usize,
        /// What does not fit.
        error: BatchError,
    },
    /// The traces of a batch are not those of an earlier walk.
    #[error("batch {batch} is another one than in the first walk")]
    Changed {
        /// The batch.
        batch: usize,
    },
    /// The crew did not make a batch that it was given.
    #[error("batch {batch} was not made")]
    NotMade {
        /// The batch.
        batch: usize,
    },
    /// No worker was given.
    #[error("there is no worker")]
    NoWorker,
    /// A worker was made for another plan, and its workspace is too short for this one.
    #[error("worker {worker} has the workspace of another plan")]
    OtherPlan {
        /// The worker, from 0.
        worker: usize,
    },
    /// The journal cannot be written or read.
    #[error("the journal failed at batch {batch} of walk {walk}")]
    Stopped {
        /// The walk, from 0.
        walk: usize,
        /// The batch.
        batch: usize,
    },
    /// A record of the journal is not one that this plan's batches leave.
    #[error("the record of batch {batch} of walk {walk} does not fit the run")]
    Record {
        /// The walk, from 0.
        walk: usize,
        /// The batch.
        batch: usize,
    },
    /// Queries that are not as many as the plan has, or not within the tallest extension.
    #[error("the queries are none of this plan's")]
    Queries,
    /// The sink failed.
    #[error("the proof sink failed: {0}")]
    Sink(E),
}

impl<F> RetireError<F, Infallible> {
    /// The same beside a sink that can fail.
    pub(super) fn widen<E>(self) -> RetireError<F, E> {
        match self {
            Self::Trace { batch, error } => RetireError::Trace { batch, error },
            Self::Batch { batch, error } => RetireError::Batch { batch, error },
            Self::Changed { batch } => RetireError::Changed { batch },
            Self::NotMade { batch } => RetireError::NotMade { batch },
            Self::NoWorker => RetireError::NoWorker,
            Self::OtherPlan { worker } => RetireError::OtherPlan { worker },
            Self::Stopped { walk, batch } => RetireError::Stopped { walk, batch },
            Self::Record { walk, batch } => RetireError::Record { walk, batch },
            Self::Queries => RetireError::Queries,
            Self::Sink(never) => match never {},
        }
    }
}
