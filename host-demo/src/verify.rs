//! `tranche verify`.

use std::process::ExitCode;

use crate::cli::VerifyArgs;
use crate::error::Error;

/// Runs the subcommand.
///
/// # Errors
/// Always, in this version.
pub fn run(_args: &VerifyArgs) -> Result<ExitCode, Error> {
    Err(Error::Missing("verify"))
}
