//! Why a run could not be proved.

use std::collections::TryReserveError;
use std::fmt;
use std::io;

use tranche_core::PlanError;
use tranche_core::prover::{BatchError, FillError, ProverSetupError};
use tranche_machine::ExecError;
use tranche_machine::merge::MergeError;
use tranche_machine::prove::StartError;

use tranche_machine::settings::Shortfall;
use tranche_machine::setup::SetupError;

/// Why a run could not be proved.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProveError {
    /// Program and settings do not go together.
    Setup(SetupError),
    /// The execution cannot go on.
    Execution(ExecError),
    /// A batch cannot be planned.
    Plan(PlanError),
    /// A plan of the run proves fewer bits than asked for.
    Security {
        /// The term that binds.
        term: &'static str,
        /// Its bits.
        bits: f64,
        /// Bits asked for.
        floor: f64,
    },
    /// A table of a merge would have more rows than any may have.
    TooManyRows {
        /// log2 of its rows.
        got: u8,
        /// log2 of the most rows.
        limit: u8,
    },
    /// A merge cannot be built.
    Merge(MergeError),
    /// More output than a result may have.
    Output {
        /// Its bytes.
        bytes: usize,
    },
    /// The core refused a workspace.
    Workspace(ProverSetupError),
    /// The provers of epochs cannot start.
    Start(StartError),
    /// The core refused a batch.
    Batch(BatchError),
    /// The bundle could not be written.
    Write(io::Error),
    /// There is no memory for a workspace, a record or a trace.
    Memory(TryReserveError),
    /// A thread cannot be started.
    Thread(io::Error),
    /// A thread panicked.
    Panicked,
    /// The executor ended before the program did.
    Unfinished,
}

impl ProveError {
    /// The refusal of a plan that falls short of a floor.
    pub(super) fn below(floor: f64) -> impl Fn(Shortfall) -> Self {
        move |Shortfall { term, bits }| Self::Security { term, bits, floor }
    }
}

impl fmt::Display for ProveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Execution(error) => error.fmt(f),
            Self::Plan(error) => error.fmt(f),
            Self::Security { term, bits, floor } => write!(
                f,
                "a plan proves {bits:.2} bits by its {term} term, {floor} are asked for"
            ),
            Self::TooManyRows { got, limit } => write!(
                f,
                "a merge would need a table of 2^{got} rows, at most 2^{limit} are allowed"
            ),
            Self::Merge(error) => error.fmt(f),
            Self::Output { bytes } => write!(f, "{bytes} bytes of output are too many"),
            Self::Workspace(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
            Self::Batch(error) => error.fmt(f),
            Self::Write(error) => write!(f, "the bundle cannot be written: {error}"),
            Self::Memory(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "a thread cannot be started: {error}"),
            Self::Panicked => f.write_str("a thread panicked"),
            Self::Unfinished => f.write_str("the execution ended before the program did"),
        }
    }
}

impl std::error::Error for ProveError {}

macro_rules! from {
    ($($error:ty => $variant:ident),* $(,)?) => {$(
        impl From<$error> for ProveError {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

from! {
    SetupError => Setup,
    ExecError => Execution,
    PlanError => Plan,
    MergeError => Merge,
    ProverSetupError => Workspace,
    StartError => Start,
    BatchError => Batch,
    io::Error => Write,
    TryReserveError => Memory,
}

impl From<FillError<MergeError>> for ProveError {
    fn from(error: FillError<MergeError>) -> Self {
        match error {
            FillError::Trace(error) => Self::Merge(error),
            FillError::Batch(error) => Self::Batch(error),
        }
    }
}
