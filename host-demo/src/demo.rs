//! What `tranche` does without arguments.

use std::process::ExitCode;

use crate::error::Error;

/// Runs the demonstration.
///
/// # Errors
/// Always, in this version.
pub fn run() -> Result<ExitCode, Error> {
    Err(Error::Missing("demo"))
}
