//! Why a subcommand ended without a result.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use thiserror::Error;
use tranche_machine::public::PublicTooLong;
use tranche_machine::setup::SetupError;
use tranche_machine::{ElfError, ExecError};

use crate::bundle::FormatError;
use crate::files::PartialError;
use crate::kit::KitError;
use crate::prove::ProveError;
use crate::retire::{RetireCheck, RetireProveError};
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
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// Standard input can be one file only.
    #[error("standard input can be read as one file only")]
    StdinTwice,
    /// What is read by several processes has a name.
    #[error("a program and an input that are read several times cannot be standard input")]
    NotStandard,
    /// The output is a file that was read.
    #[error("{}: the output is the {what}", .path.display())]
    SameFile {
        /// The output.
        path: PathBuf,
        /// What it was read as.
        what: &'static str,
    },
    /// The output cannot be written to its end.
    #[error("{}: cannot be written: {error}", .path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The output is whole, but cannot have its name.
    #[error("{}: cannot be replaced: {error}{}", .path.display(), where_kept(.kept.as_deref()))]
    Rename {
        /// The name.
        path: PathBuf,
        /// The name that it has in the meantime.
        kept: Option<PathBuf>,
        /// The system's reason.
        error: io::Error,
    },
    /// A partial file that is not gone on with.
    #[error("{}: {error}; nothing was changed: name another output, or remove it", .path.display())]
    Partial {
        /// The file.
        path: PathBuf,
        /// Why.
        error: PartialError,
    },
    /// Standard output has the guest's output.
    #[error("a trace or a profile cannot go to standard output, which is the program's")]
    GuestsOutput,
    /// A run that can be resumed has to go into a file.
    #[error("--resume: {} is no file", .path.display())]
    NoFile {
        /// The output.
        path: PathBuf,
    },
    /// A resumed proof does not verify: what the partial file has is not true.
    #[error("the resumed proof is refused: {reason}; without {} the run starts anew", .path.display())]
    Resumed {
        /// The partial file.
        path: PathBuf,
        /// The verifier's reason.
        reason: String,
    },
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for: {0}")]
    Signals(io::Error),
    /// The answer cannot be written.
    #[error("the output cannot be written: {0}")]
    Stdout(io::Error),
    /// A file is no bundle.
    #[error(transparent)]
    Bundle(FormatError),
    /// A file is no program for this machine.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// A file is too long for a public input.
    #[error("--public: {0}")]
    Public(#[from] PublicTooLong),
    /// An execution cannot go on.
    #[error("{}{}", .0, way_on(.0))]
    Execution(#[from] ExecError),
    /// Program and settings do not go together.
    #[error("{}{}", .0, way_to_security(.0))]
    Setup(#[from] SetupError),
    /// No epoch's workspaces fit the budget, or no batch's workspace and store.
    #[error("--memory: no {} fits {bytes} bytes of {}; {needed} bytes would do",
            if *.retire { "batch" } else { "epoch" },
            if *.retire { "workspace and store" } else { "workspaces" })]
    Budget {
        /// Whether it is about batches of one proof.
        retire: bool,
        /// The budget.
        bytes: u64,
        /// The smallest budget that would do.
        needed: u64,
    },
    /// An execution could not be proved.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A run could not be proved as one proof.
    #[error("{}{}", .0, way_to_retire(.0))]
    Retire(#[from] RetireProveError),
    /// An option that only proving in epochs has.
    #[error("{option}: only for --approach epochs")]
    EpochsOnly {
        /// The option.
        option: &'static str,
    },
    /// An option that only proving as one proof has.
    #[error("{option}: only for --approach retire")]
    RetireOnly {
        /// The option.
        option: &'static str,
    },
    /// An option that says how a run is cut.
    #[error("{option}: not for --approach monolithic")]
    NotMonolithic {
        /// The option.
        option: &'static str,
    },
    /// A project cannot be made or built.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// A bundle was refused.
    #[error(transparent)]
    Refused(Refusal),
    /// A bundle that is one proof was refused.
    #[error(transparent)]
    RefusedRun(RetireCheck),
    /// The demonstration's output is not what another implementation computes.
    #[error("the proven {what} is wrong")]
    Demo {
        /// What was computed.
        what: &'static str,
    },
}

/// Where the bundle is that could not have its name.
fn where_kept(kept: Option<&Path>) -> String {
    kept.map_or(String::new(), |kept| {
        format!("; the bundle is {}", kept.display())
    })
}

/// What lets an execution go on.
const fn way_on(error: &ExecError) -> &'static str {
    match error {
        ExecError::MemoryFull { .. } => "; --max-memory allows more",
        ExecError::CycleLimit { .. } => "; --max-cycles allows more",
        _ => "",
    }
}

/// What lets a run be one proof.
const fn way_to_retire(error: &RetireProveError) -> &'static str {
    match error {
        RetireProveError::Security { .. } => "; --approach epochs has more",
        _ => "",
    }
}

/// What has more bits.
const fn way_to_security(error: &SetupError) -> &'static str {
    match error {
        SetupError::Security { .. } => "; a shorter epoch (--epoch-log2) has more",
        _ => "",
    }
}

impl Error {
    /// The code that the program exits with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Kit(error) if error.is_usage() => ExitCode::from(BAD_USAGE),
            Self::File { .. }
            | Self::StdinTwice
            | Self::SameFile { .. }
            | Self::Partial { .. }
            | Self::NoFile { .. }
            | Self::EpochsOnly { .. }
            | Self::RetireOnly { .. }
            | Self::NotMonolithic { .. }
            | Self::NotStandard
            | Self::GuestsOutput
            | Self::Setup(SetupError::Range(_)) => ExitCode::from(BAD_USAGE),
            _ => ExitCode::from(REFUSED),
        }
    }
}
