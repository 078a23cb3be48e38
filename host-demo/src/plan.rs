//! `tranche plan`.

use std::process::ExitCode;

use crate::cli::PlanArgs;
use crate::error::Error;

/// Runs the subcommand.
///
/// # Errors
/// Always, in this version.
pub fn run(_args: &PlanArgs) -> Result<ExitCode, Error> {
    Err(Error::Missing("plan"))
}
