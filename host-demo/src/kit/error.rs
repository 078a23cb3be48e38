//! Why there is no project, or no program.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

use super::files::{KIT, TARGET};

/// What making or building a project fails with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KitError {
    /// A name that no package can have.
    #[error(
        "{name:?} is no name of a project: letters, digits, - and _, a letter first, and not {KIT}"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A project is made in a folder of its own.
    #[error("{}: exists already, and nothing is overwritten", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that is neither a project in Rust nor one in C.
    #[error("{}: no project: neither Cargo.toml nor the kit's flags in runtime; `tranche new` makes one", .path.display())]
    NoProject {
        /// The folder.
        path: PathBuf,
    },
    /// A project without a source, or without a program.
    #[error("{}: nothing to build: no {what}", .path.display())]
    Nothing {
        /// The folder.
        path: PathBuf,
        /// What is not there.
        what: &'static str,
    },
    /// A tool that a build needs is not installed.
    #[error("{tool}: not found; Debian has it in {package}")]
    NoTool {
        /// The command or file.
        tool: &'static str,
        /// Its package.
        package: &'static str,
    },
    /// No compiler has a standard library for the machine's target, or the library's source.
    #[error(
        "no Rust compiler for {TARGET}: `rustup target add {TARGET}`, or Debian's \
         rustc-web, cargo-web, rust-web-src and binutils-riscv64-unknown-elf"
    )]
    NoTarget,
    /// A tool cannot be started.
    #[error("{tool}: cannot be started: {error}")]
    Start {
        /// The command.
        tool: String,
        /// The system's reason.
        error: io::Error,
    },
    /// A compiler has refused the program; what it says stands on stderr.
    #[error("{tool}: {status}")]
    Failed {
        /// The command.
        tool: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A file of a project cannot be written or read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

impl KitError {
    /// Whether it is about the command line or what it names, and not about a program that does not compile.
    pub const fn is_usage(&self) -> bool {
        !matches!(self, Self::Failed { .. })
    }
}
