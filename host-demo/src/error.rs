//! Why a subcommand ended without a result.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use tranche_machine::setup::SetupError;
use tranche_machine::{ElfError, ExecError};

use crate::bundle::FormatError;
use crate::prove::ProveError;
use crate::verify::Refusal;

/// Exit code of a refused proof, of a file that is no program or bundle, of an execution that cannot be
/// proved, of an output that cannot be written to its end.
pub const REFUSED: u8 = 1;
/// Exit code of bad usage, of a file that cannot be opened or read.
pub const BAD_USAGE: u8 = 2;
/// Exit code of `tranche run` whenever the guest did not exit; no guest's.
pub const RUN_FAILED: u8 = 125;
/// Exit code of `tranche run` in place of a guest's [`RUN_FAILED`].
pub const GUEST_RUN_FAILED: u8 = 126;

/// What any subcommand fails with.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// Standard input can be one file only.
    StdinTwice,
    /// The output is a file that was read.
    SameFile {
        /// The output.
        path: PathBuf,
        /// What it was read as.
        what: &'static str,
    },
    /// The output cannot be written to its end.
    Write {
        /// The output.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The output is whole, but cannot have its name.
    Rename {
        /// The name.
        path: PathBuf,
        /// The name that it has in the meantime.
        kept: Option<PathBuf>,
        /// The system's reason.
        error: io::Error,
    },
    /// Signals cannot be waited for.
    Signals(io::Error),
    /// The answer cannot be written.
    Stdout(io::Error),
    /// A file is no bundle.
    Bundle(FormatError),
    /// A file is no program for this machine.
    Elf(ElfError),
    /// An execution cannot go on.
    Execution(ExecError),
    /// Program and settings do not go together.
    Setup(SetupError),
    /// No epoch's workspaces fit the budget.
    Budget {
        /// The budget.
        bytes: u64,
        /// The smallest budget that would do.
        needed: u64,
    },
    /// An execution could not be proved.
    Prove(ProveError),
    /// A bundle was refused.
    Refused(Refusal),
    /// The demonstration's output is not what another implementation computes.
    Demo {
        /// What was computed.
        what: &'static str,
    },
}

impl Error {
    /// The code that the program exits with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::File { .. }
            | Self::StdinTwice
            | Self::SameFile { .. }
            | Self::Setup(SetupError::Range(_)) => ExitCode::from(BAD_USAGE),
            _ => ExitCode::from(REFUSED),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::StdinTwice => f.write_str("standard input can be read as one file only"),
            Self::SameFile { path, what } => {
                write!(f, "{}: the output is the {what}", path.display())
            }
            Self::Write { path, error } => {
                write!(f, "{}: cannot be written: {error}", path.display())
            }
            Self::Rename { path, kept, error } => {
                write!(f, "{}: cannot be replaced: {error}", path.display())?;
                match kept {
                    Some(kept) => write!(f, "; the bundle is {}", kept.display()),
                    None => Ok(()),
                }
            }
            Self::Signals(error) => write!(f, "signals cannot be waited for: {error}"),
            Self::Stdout(error) => write!(f, "the output cannot be written: {error}"),
            Self::Bundle(error) => error.fmt(f),
            Self::Elf(error) => error.fmt(f),
            Self::Execution(error @ ExecError::MemoryFull { .. }) => {
                write!(f, "{error}; --max-memory allows more")
            }
            Self::Execution(error @ ExecError::CycleLimit { .. }) => {
                write!(f, "{error}; --max-cycles allows more")
            }
            Self::Execution(error) => error.fmt(f),
            Self::Setup(error @ SetupError::Security { .. }) => {
                write!(f, "{error}; a shorter epoch (--epoch-log2) has more")
            }
            Self::Setup(error) => error.fmt(f),
            Self::Budget { bytes, needed } => {
                write!(
                    f,
                    "--memory: no epoch fits {bytes} bytes of workspaces; {needed} bytes would do"
                )
            }
            Self::Prove(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Demo { what } => write!(f, "the proven {what} is wrong"),
        }
    }
}

impl std::error::Error for Error {}

impl From<ElfError> for Error {
    fn from(error: ElfError) -> Self {
        Self::Elf(error)
    }
}

impl From<ExecError> for Error {
    fn from(error: ExecError) -> Self {
        Self::Execution(error)
    }
}

impl From<SetupError> for Error {
    fn from(error: SetupError) -> Self {
        Self::Setup(error)
    }
}

impl From<ProveError> for Error {
    fn from(error: ProveError) -> Self {
        Self::Prove(error)
    }
}
