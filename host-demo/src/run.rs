//! `tranche run`.

use std::process::ExitCode;

use crate::cli::RunArgs;
use crate::error::Error;

/// Runs the subcommand.
///
/// # Errors
/// Always, in this version.
pub fn run(_args: &RunArgs) -> Result<ExitCode, Error> {
    Err(Error::Missing("run"))
}
