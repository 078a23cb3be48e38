//! Compilers as processes.

use std::io::ErrorKind;
use std::process::{Command, Output, Stdio};

use super::KitError;

/// What a tool prints on stdout, without the end of its last line; `None` where there is no such tool, or it fails.
pub fn ask(tool: &mut Command) -> Option<String> {
    let output = tool.stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim_end().to_owned())
}

/// Runs a compiler, whose messages go to stderr as they come; returns what it prints on stdout.
///
/// # Errors
/// [`KitError::NoTool`] with `package` where there is no such tool, [`KitError::Start`], [`KitError::Failed`].
pub fn run(
    compiler: &mut Command,
    tool: &'static str,
    package: &'static str,
) -> Result<Output, KitError> {
    let started = compiler.stderr(Stdio::inherit()).output();
    let output = started.map_err(|error| match error.kind() {
        ErrorKind::NotFound => KitError::NoTool { tool, package },
        _ => KitError::Start {
            tool: tool.to_owned(),
            error,
        },
    })?;
    if !output.status.success() {
        return Err(KitError::Failed {
            tool: tool.to_owned(),
            status: output.status,
        });
    }
    Ok(output)
}
