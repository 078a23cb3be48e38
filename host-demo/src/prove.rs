//! `tranche prove`.

use std::process::ExitCode;

use crate::cli::ProveArgs;
use crate::error::Error;

/// Runs the subcommand.
///
/// # Errors
/// Always, in this version.
pub fn run(_args: &ProveArgs) -> Result<ExitCode, Error> {
    Err(Error::Missing("prove"))
}
