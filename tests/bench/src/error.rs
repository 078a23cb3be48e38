//! Why a benchmark ended without a result.

use std::collections::TryReserveError;
use std::fmt;

use thiserror::Error;
use tranche::error::{BAD_USAGE, REFUSED};
use tranche::prove;
use tranche_core::PlanError;
use tranche_core::prover::{BatchError, ProverSetupError};
use tranche_core::verifier::{KeyError, VerifyError};
use tranche_machine::{ElfError, ExecError, setup};

use crate::cases::CASES;

/// Why a benchmark ended without a result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BenchError {
    /// No case has this name.
    #[error("no case is named `{0}`; there are{names}", names = names())]
    UnknownCase(String),
    /// The machine cannot load its program.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// The machine cannot execute its program so far.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The core refused the plan of a batch.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The core refused the workspace.
    #[error(transparent)]
    Setup(#[from] ProverSetupError),
    /// There is no memory for a workspace.
    #[error(transparent)]
    Memory(#[from] TryReserveError),
    /// The core refused the batch.
    #[error(transparent)]
    Core(#[from] BatchError),
    /// Plonky3 refused the batch, and said this.
    #[error("Plonky3 refused the batch: {0}")]
    Plonky3(String),
    /// The core's verifier has no key for the batch.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The core's verifier refused a proof.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The two sides of this kernel compute different things.
    #[error("{0}: the core and Plonky3 disagree")]
    Kernel(String),
    /// Program and settings of the run do not go together.
    #[error(transparent)]
    Run(#[from] setup::SetupError),
    /// The run could not be proved.
    #[error(transparent)]
    Prove(#[from] prove::ProveError),
    /// This guest exits with another code than 0.
    #[error("{0} refuses its input")]
    Guest(&'static str),
    /// Two workers wrote another bundle than one.
    #[error("two workers wrote another bundle than one")]
    Bundles,
    /// The answer cannot be written.
    #[error(transparent)]
    Answer(#[from] tranche::error::Error),
}

/// The names of all cases, each after a space.
fn names() -> String {
    CASES.iter().map(|case| format!(" {}", case.name)).collect()
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
