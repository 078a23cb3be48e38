//! The subcommands, each in a module of its own, with a function `run`.

pub mod demo;
pub mod plan;
pub mod prove;
mod report;
pub mod run;
pub mod verify;

use std::fs;
use std::path::Path;

use crate::error::Error;

/// Reads a file that the command line names.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File { path: path.to_owned(), error })
}

/// The input of a guest: a file, or nothing.
fn read_input(path: Option<&Path>) -> Result<Vec<u8>, Error> {
    path.map_or_else(|| Ok(Vec::new()), read)
}
