//! Why a task is none, or has no proof.

use std::collections::TryReserveError;

use thiserror::Error;
use tranche_core::prover::BatchError;
use tranche_machine::ExecError;
use tranche_machine::checkpoint::CheckpointError;
use tranche_machine::merge::MergeError;
use tranche_machine::prove::StartError;

use super::super::error::ProveError;

/// Version of the encoding of merges, and of what the proofs of epochs have to say.
pub(super) const VERSION: u8 = 2;

/// Why bytes are no task of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The checkpoint of an epoch is none, or another run's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The bytes of a merge, or of what is said of an epoch, end too early, or go on.
    #[error("the task is cut off, or damaged")]
    Encoding,
    /// Another version of the encoding.
    #[error("the task has version {got}, not {VERSION}")]
    Version {
        /// The version found.
        got: u8,
    },
    /// A task of another run.
    #[error("the task is another run's")]
    OtherRun,
    /// The tree has no such merge, or one of other children.
    #[error("no merge of the run has this place and these children")]
    Place,
    /// What is said of a proof is said of one in another place.
    #[error("what a proof has to say is that of another")]
    OtherPlace,
    /// More output than any run has.
    #[error("{bytes} bytes of output are too many")]
    Output {
        /// Its bytes.
        bytes: usize,
    },
    /// The rows of an epoch's L2G table are too many, or those of another epoch.
    #[error("the rows of epoch {number} are none of an L2G table")]
    Rows {
        /// The epoch.
        number: u32,
    },
    /// The children do not chain.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// Why a task has no proof.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkError {
    /// It is none of the run.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// It cannot be proved.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// What an epoch fails with is what a run does.
macro_rules! as_prove_error {
    ($($error:ty),*) => {
        $(impl From<$error> for WorkError {
            fn from(error: $error) -> Self {
                Self::Prove(error.into())
            }
        })*
    };
}
as_prove_error!(TryReserveError, ExecError, StartError, BatchError);
