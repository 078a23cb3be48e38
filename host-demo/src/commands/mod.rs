//! The subcommands, each in a module of its own, with a function `run`.

pub mod budgets;
pub mod demo;
pub mod plan;
pub mod prove;
mod report;
pub mod run;
pub mod verify;

use std::fs;
use std::io::{ErrorKind, Write, stdout};
use std::path::Path;

use crate::error::Error;

/// Reads a file that the command line names.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File {
        path: path.to_owned(),
        error,
    })
}

/// The input of a guest: a file, or nothing.
fn read_input(path: Option<&Path>) -> Result<Vec<u8>, Error> {
    path.map_or_else(|| Ok(Vec::new()), read)
}

/// Writes to stdout; that nobody reads any more is no error.
pub(crate) fn print(bytes: impl AsRef<[u8]>) -> Result<(), Error> {
    let mut stdout = stdout().lock();
    match stdout
        .write_all(bytes.as_ref())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Stdout(error)),
        _ => Ok(()),
    }
}
