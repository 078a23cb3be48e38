//! Why a subcommand ended without a result.

use std::fmt;
use std::process::ExitCode;

use crate::bench;

/// Exit code of a refused proof or an execution that cannot be proved.
pub const REFUSED: u8 = 1;
/// Exit code of bad usage.
pub const BAD_USAGE: u8 = 2;

/// What any subcommand fails with.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// `tranche bench` failed.
    Bench(bench::BenchError),
    /// The subcommand is not built into this version.
    Missing(&'static str),
}

impl Error {
    /// The code that the program exits with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Bench(error) => ExitCode::from(error.exit_code()),
            Self::Missing(_) => ExitCode::from(BAD_USAGE),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bench(error) => error.fmt(f),
            Self::Missing(command) => write!(f, "this version has no subcommand `{command}`"),
        }
    }
}

impl std::error::Error for Error {}
