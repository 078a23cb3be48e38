//! Why a subcommand ended without a result.

use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;
use tranche::error::{BAD_USAGE, REFUSED};
use tranche::prove::ProveError;
use tranche::prove::remote::WorkError;
use tranche::retire::remote::judge::JudgeError;
use tranche::retire::remote::{self as retire, TaskError};
use tranche::retire::{RetireCheck, RetireProveError};
use tranche::verify::Check;
use tranche_machine::setup::SetupError;
use tranche_machine::{ElfError, ExecError};

/// What any subcommand fails with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither the environment nor an option names a database.
    #[error("no database: set TRANCHE_DATABASE_URL, or name a file with --database-file")]
    NoDatabase,
    /// The file that names the database cannot be read.
    #[error("{}: {error}", .path.display())]
    DatabaseFile {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// What names the database is no URL of one. It may hold a password, and is not shown.
    #[error("the database's URL is not understood: {0}")]
    Url(String),
    /// The database cannot be reached, or has hung up.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The database refuses a statement.
    #[error("the database refuses: {}", explained(.0))]
    Database(#[from] tokio_postgres::Error),
    /// The database has no fleet, or one of another version.
    #[error("the database has {}; this is version {expected}: tranche-fleet init makes it", found(.got))]
    Schema {
        /// The version expected.
        expected: i32,
        /// The version found.
        got: Option<i32>,
    },
    /// The tables of the queue cannot be made.
    #[error("the queue's tables cannot be made: {0}")]
    Queue(String),
    /// A worker cannot serve the queue.
    #[error("the queue cannot be served: {0}")]
    Serve(String),
    /// What is not proved in parts that know little of each other.
    #[error(
        "{option}: the fleet proves in epochs, and in batches of forked challenges; tranche prove has the others"
    )]
    Approach {
        /// What was asked for.
        option: &'static str,
    },
    /// There is no such run.
    #[error("there is no run {run}")]
    NoRun {
        /// Its number.
        run: i64,
    },
    /// A run that is not open, or was fetched.
    #[error("run {run} {state}{}", because(.why.as_deref()))]
    Closed {
        /// Its number.
        run: i64,
        /// What became of it.
        state: String,
        /// Why.
        why: Option<String>,
    },
    /// A blob is not in the database as it was put there.
    #[error("bytes of the run are missing in the database")]
    Missing,
    /// The header of a run is none.
    #[error("the run's settings are not understood: {0}")]
    Header(tranche::bundle::FormatError),
    /// The header of a run in batches is none.
    #[error("the run's settings are not understood: {0}")]
    RetireHeader(RetireCheck),
    /// The batches of the run are others than its header says.
    #[error("the run goes otherwise than where it was submitted")]
    Diverged,
    /// A part of a batch's task is none.
    #[error(transparent)]
    Part(#[from] TaskError),
    /// A batch cannot be made.
    #[error(transparent)]
    Batch(#[from] retire::WorkError),
    /// Records of batches make no proof.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// No memory for the jobs of a run.
    #[error("--memory: a job of the run takes {needed} bytes, {bytes} are allowed")]
    Memory {
        /// What it takes.
        needed: u64,
        /// What is allowed.
        bytes: u64,
    },
    /// A thread that proves or verifies is gone.
    #[error("a thread that proves or verifies is gone")]
    Thread,
    /// Nothing can be said of a proof.
    #[error("{why}")]
    Unjudged {
        /// Its run.
        run: i64,
        /// Why.
        why: Box<Error>,
    },
    /// A task has no proof.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// A run cannot be proved.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// A run cannot be proved in batches.
    #[error(transparent)]
    Retire(#[from] RetireProveError),
    /// The settings of a run cannot be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A run cannot be verified.
    #[error(transparent)]
    Check(#[from] Check),
    /// An execution cannot go on.
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// A file is no program for this machine.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Local(#[from] tranche::error::Error),
    /// The runtime or a thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Start(std::io::Error),
}

/// What the server says, where it says something.
fn explained(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => error.to_string(),
    }
}

fn found(got: &Option<i32>) -> String {
    got.map_or_else(
        || "no fleet".to_owned(),
        |got| format!("a fleet of version {got}"),
    )
}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

/// Exit code of a worker that is refused for what it returned.
pub const WORKER_REFUSED: u8 = 3;

/// Classes of the server's codes after which the same may succeed later: no connection, a transaction ended with its time or
/// for another, no resources, a lock that another holds, an operator's intervention, a system's failure.
const PASSING: [&str; 7] = ["08", "25P03", "40", "53", "55P03", "57", "58"];

impl Error {
    /// Whether the same may succeed later: the database was restarted, is full, or cannot be reached.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Database(error) => match error.code() {
                Some(code) => PASSING.iter().any(|class| code.code().starts_with(class)),
                None => error.is_closed() || std::error::Error::source(error).is_some(),
            },
            _ => false,
        }
    }

    /// Whether the database refuses this worker for what it returned.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Database(error) if error.code().is_some_and(|code| code.code() == "TF002"))
    }

    /// The code that the program exits with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Local(error) => error.exit_code(),
            error if error.is_refusal() => ExitCode::from(WORKER_REFUSED),
            Self::NoDatabase
            | Self::DatabaseFile { .. }
            | Self::Url(_)
            | Self::Approach { .. }
            | Self::NoRun { .. }
            | Self::Setup(SetupError::Range(_)) => ExitCode::from(BAD_USAGE),
            _ => ExitCode::from(REFUSED),
        }
    }
}
