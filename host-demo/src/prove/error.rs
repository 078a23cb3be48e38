//! Why a run could not be proved.

use std::collections::TryReserveError;
use std::io;

use thiserror::Error;
use tranche_core::PlanError;
use tranche_core::prover::{BatchError, FillError, ProverSetupError};
use tranche_machine::ExecError;
use tranche_machine::merge::MergeError;
use tranche_machine::prove::StartError;

use tranche_machine::settings::Shortfall;
use tranche_machine::setup::SetupError;

/// Why a run could not be proved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// Program and settings do not go together.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The execution cannot go on.
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// A batch cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A plan of the run proves fewer bits than asked for.
    #[error("a plan proves {bits:.2} bits by its {term} term, {floor} are asked for")]
    Security {
        /// The term that binds.
        term: &'static str,
        /// Its bits.
        bits: f64,
        /// Bits asked for.
        floor: f64,
    },
    /// A table of a merge would have more rows than any may have.
    #[error("a merge would need a table of 2^{got} rows, at most 2^{limit} are allowed")]
    TooManyRows {
        /// log2 of its rows.
        got: u8,
        /// log2 of the most rows.
        limit: u8,
    },
    /// A merge cannot be built.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// More output than a result may have.
    #[error("{bytes} bytes of output are too many")]
    Output {
        /// Its bytes.
        bytes: usize,
    },
    /// The core refused a workspace.
    #[error(transparent)]
    Workspace(#[from] ProverSetupError),
    /// The provers of epochs cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The core refused a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The bundle could not be written.
    #[error("the bundle cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The partial file could not be read or written.
    #[error("the partial file cannot be written: {0}")]
    Partial(io::Error),
    /// The partial file has an epoch that is not this execution's.
    #[error("epoch {epoch} of the partial file is another one than was executed")]
    Changed {
        /// The epoch.
        epoch: u32,
    },
    /// There is no memory for a workspace, a record or a trace.
    #[error(transparent)]
    Memory(#[from] TryReserveError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
    /// A thread panicked.
    #[error("a thread panicked")]
    Panicked,
    /// The executor ended before the program did.
    #[error("the execution ended before the program did")]
    Unfinished,
}

impl ProveError {
    /// The refusal of a plan that falls short of a floor.
    pub(super) fn below(floor: f64) -> impl Fn(Shortfall) -> Self {
        move |Shortfall { term, bits }| Self::Security { term, bits, floor }
    }
}

impl From<FillError<MergeError>> for ProveError {
    fn from(error: FillError<MergeError>) -> Self {
        match error {
            FillError::Trace(error) => Self::Merge(error),
            FillError::Batch(error) => Self::Batch(error),
        }
    }
}
