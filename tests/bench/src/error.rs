//! Why a benchmark ended without a result.

use std::fmt;

use tranche::error::{BAD_USAGE, REFUSED};
use tranche::prove;
use tranche_core::PlanError;
use tranche_core::prover::{BatchError, ProverSetupError};
use tranche_machine::{ElfError, ExecError, setup};

use crate::cases::CASES;

/// Why a benchmark ended without a result.
#[derive(Debug)]
#[non_exhaustive]
pub enum BenchError {
    /// No case has this name.
    UnknownCase(String),
    /// The machine cannot load its program.
    Elf(ElfError),
    /// The machine cannot execute its program so far.
    Exec(ExecError),
    /// The core refused the plan of a batch.
    Plan(PlanError),
    /// The core refused the workspace.
    Setup(ProverSetupError),
    /// The core refused the batch.
    Core(BatchError),
    /// Plonky3 refused the batch, and said this.
    Plonky3(String),
    /// The two sides of this kernel compute different things.
    Kernel(String),
    /// Program and settings of the run do not go together.
    Run(setup::SetupError),
    /// The run could not be proved.
    Prove(prove::ProveError),
    /// Two workers wrote another bundle than one.
    Bundles,
    /// The answer cannot be written.
    Answer(tranche::error::Error),
}

impl BenchError {
    /// The code that the program exits with.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownCase(_) => BAD_USAGE,
            _ => REFUSED,
        }
    }

    /// What Plonky3 says of a batch that it refuses.
    pub fn plonky3(error: impl fmt::Debug) -> Self {
        Self::Plonky3(format!("{error:?}"))
    }
}

impl From<ElfError> for BenchError {
    fn from(error: ElfError) -> Self {
        Self::Elf(error)
    }
}

impl From<ExecError> for BenchError {
    fn from(error: ExecError) -> Self {
        Self::Exec(error)
    }
}

impl From<PlanError> for BenchError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<ProverSetupError> for BenchError {
    fn from(error: ProverSetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<BatchError> for BenchError {
    fn from(error: BatchError) -> Self {
        Self::Core(error)
    }
}

impl From<setup::SetupError> for BenchError {
    fn from(error: setup::SetupError) -> Self {
        Self::Run(error)
    }
}

impl From<prove::ProveError> for BenchError {
    fn from(error: prove::ProveError) -> Self {
        Self::Prove(error)
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCase(name) => {
                write!(f, "no case is named `{name}`; there are")?;
                CASES
                    .iter()
                    .try_for_each(|case| write!(f, " {}", case.name))
            }
            Self::Elf(error) => error.fmt(f),
            Self::Exec(error) => error.fmt(f),
            Self::Plan(error) => error.fmt(f),
            Self::Setup(error) => error.fmt(f),
            Self::Core(error) => error.fmt(f),
            Self::Plonky3(error) => write!(f, "Plonky3 refused the batch: {error}"),
            Self::Kernel(name) => write!(f, "{name}: the core and Plonky3 disagree"),
            Self::Run(error) => error.fmt(f),
            Self::Prove(error) => error.fmt(f),
            Self::Bundles => write!(f, "two workers wrote another bundle than one"),
            Self::Answer(error) => error.fmt(f),
        }
    }
}

impl From<tranche::error::Error> for BenchError {
    fn from(error: tranche::error::Error) -> Self {
        Self::Answer(error)
    }
}
