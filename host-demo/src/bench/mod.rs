//! `tranche bench`: the core against the unmodified `p3_batch_stark::prove_batch`.

use std::fmt;
use std::process::ExitCode;

use crate::cli::BenchArgs;
use crate::error::{BAD_USAGE, Error};

/// Why a benchmark ended without a result.
#[derive(Debug)]
#[non_exhaustive]
pub enum BenchError {
    /// No case has this name.
    UnknownCase(String),
}

impl BenchError {
    /// The code that the program exits with.
    pub const fn exit_code(&self) -> u8 {
        BAD_USAGE
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCase(name) => write!(f, "no benchmark is named `{name}`"),
        }
    }
}

/// Runs the subcommand.
///
/// # Errors
/// When no case has the name.
pub fn run(args: &BenchArgs) -> Result<ExitCode, Error> {
    Err(Error::Bench(BenchError::UnknownCase(args.case.clone().unwrap_or_default())))
}
