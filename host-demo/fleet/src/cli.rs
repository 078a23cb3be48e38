//! The command line, and what it calls.

use std::future::Future;
use std::io::{IsTerminal, Write, stdout};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, value_parser};
use serde_json::json;
use tranche::answer::{Answer, say};
use tranche::cli::{Approach, Challenges, Hash, HeightsOf, MAX_CYCLES, Size, bytes};
use tranche::execute::{Limits, MAX_MEMORY};
use tranche::files::{Source, Unfinished, is_stdout};
use tranche::hex::hex;
use tranche::mix::Sizing;
use tranche::prove::default_workers;
use tranche::signals;
use tranche_machine::settings::{DEFAULT_ARITY, MAX_ARITY, Settings};
use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};

use crate::coordinate::{coordinate, coordinate_all};
use crate::database::Database;
use crate::error::Error;
use crate::fetch::fetch;
use crate::init::init;
use crate::judge;
use crate::manage::{cancel, gc};
use crate::status::status;
use crate::submit::{Submission, Way, submit};
use crate::worker;

/// Connections of whoever does one thing after another.
const FEW: usize = 4;
/// Between two looks of a status that stays.
const REFRESH: Duration = Duration::from_secs(1);

/// Proves runs on other machines. PostgreSQL holds all state; the environment variable TRANCHE_DATABASE_URL names the
/// database.
#[derive(Debug, Parser)]
#[command(name = "tranche-fleet", version)]
pub struct Cli {
    /// A file that names the database, in place of TRANCHE_DATABASE_URL.
    #[arg(long, global = true, value_name = "FILE")]
    pub database_file: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes the tables, and the roles tranche_coordinator and tranche_worker, in a database.
    Init,
    /// Executes a program and puts its run into the database.
    Submit(SubmitArgs),
    /// Sees all open runs to their ends: plans them, and verifies every proof where no judges do. Any number may run.
    Coordinator,
    /// Verifies the proofs of epochs and merges, until it is ended. Any number may run.
    Judge(JudgeArgs),
    /// Proves what there is to be proved, until it is ended.
    Worker(WorkerArgs),
    /// Shows runs and workers; on a terminal again and again.
    Status(StatusArgs),
    /// Writes the bundle of a run, part by part as they come, and removes the run from the database.
    Fetch(FetchArgs),
    /// Ends a run.
    Cancel(RunArgs),
    /// Removes what has expired.
    Gc,
}

/// Arguments of `tranche-fleet submit`.
#[derive(Args, Clone, Debug)]
pub struct SubmitArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// The file that the program reads as its input; empty without it.
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The file that the program reads as its public input, a part of what is proved; empty without it.
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// How the run is proved.
    #[arg(long, value_enum, default_value_t = Approach::Epochs)]
    pub approach: Approach,
    /// Which challenges the batches of --approach retire have; each its own without it.
    #[arg(long, value_enum)]
    pub challenges: Option<Challenges>,
    /// What the proofs hash with: BLAKE3 for speed, Poseidon2 for bundles that another proof is to verify.
    #[arg(long, value_enum, default_value_t)]
    pub hash: Hash,
    /// log2 of the cycles of an epoch or a batch; without it the workers that are there are done with epochs soonest, and
    /// batches have 2^16.
    #[arg(long, value_name = "N",
          value_parser = value_parser!(u8).range(i64::from(MIN_LOG2_CYCLES)..=i64::from(MAX_LOG2_CYCLES)))]
    pub epoch_log2: Option<u8>,
    /// What a bundle is made for: the shortest time, or the fewest bytes.
    #[arg(long, value_enum, default_value_t)]
    pub size: Size,
    /// Heights of the tables of an epoch or a batch; metered without it.
    #[arg(long, value_enum)]
    pub heights: Option<HeightsOf>,
    /// Tables that one merge takes.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ARITY,
          value_parser = value_parser!(u8).range(2..=i64::from(MAX_ARITY)))]
    pub arity: u8,
    /// Gives up after so many cycles.
    #[arg(long, value_name = "N", default_value_t = MAX_CYCLES)]
    pub max_cycles: u64,
    /// Bytes of its memory that the guest may touch, or a size such as 100MB.
    #[arg(long, value_name = "SIZE", default_value_t = MAX_MEMORY, value_parser = bytes)]
    pub max_memory: u64,
    /// Days after which the run is removed, whatever became of it.
    #[arg(long, value_name = "DAYS", default_value_t = 7.0)]
    pub days: f64,
    /// Coordinates the run here, unless another coordinator does, and writes its bundle.
    #[arg(long)]
    pub wait: bool,
    /// Where the bundle goes, with --wait; PROGRAM.bundle without it.
    #[arg(short, long, value_name = "BUNDLE", requires = "wait")]
    pub output: Option<PathBuf>,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche-fleet worker`.
#[derive(Args, Clone, Debug)]
pub struct WorkerArgs {
    /// What the worker is called; without it the machine's name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Threads that prove, each in a workspace of its own, or help where there is no job for them; as many as the machine
    /// runs at once without it.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Bytes that all of them may take, or a size such as 1GiB; jobs that need more are left to others.
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub memory: Option<u64>,
    /// Seconds after which the jobs of a worker that nothing is heard of go to others. All workers have the same.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub lease: f64,
    /// Seconds between two looks for a job, where nothing was told of one; more where there are many workers.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5, value_parser = seconds)]
    pub poll: f64,
}

/// Arguments of `tranche-fleet judge`.
#[derive(Args, Clone, Debug)]
pub struct JudgeArgs {
    /// What the judge is called; without it the machine's name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Threads that verify; as many as the machine runs at once without it.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// Seconds after which coordinators judge again themselves, where nothing is heard of any judge.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = seconds)]
    pub lease: f64,
}

/// Arguments of `tranche-fleet status`.
#[derive(Args, Clone, Debug)]
pub struct StatusArgs {
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche-fleet fetch`.
#[derive(Args, Clone, Debug)]
pub struct FetchArgs {
    /// The run's number.
    pub run: i64,
    /// Where the bundle goes. A file is replaced when the bundle is whole; to - or a pipe it goes as it comes.
    #[arg(short, long, value_name = "BUNDLE")]
    pub output: PathBuf,
    /// Leaves the run in the database until it expires.
    #[arg(long)]
    pub keep: bool,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of subcommands that name a run.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The run's number.
    pub run: i64,
}

/// Reads a time.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.001..1e9).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds".to_owned()),
    }
}

impl Cli {
    /// Whether the answer is one JSON object, and on which stream it stands.
    pub fn answer(&self) -> Answer {
        let (json, on_stderr) = match &self.command {
            Command::Submit(args) => (args.json, args.wait && is_stdout(&output_path(args))),
            Command::Fetch(args) => (args.json, is_stdout(&args.output)),
            Command::Status(args) => (args.json, false),
            _ => (false, false),
        };
        Answer { json, on_stderr }
    }
}

/// Where the bundle of a submission goes.
fn output_path(args: &SubmitArgs) -> PathBuf {
    let named = args.output.clone();
    named.unwrap_or_else(|| {
        let name = args.program.file_stem().unwrap_or_default();
        Path::new(name).with_extension("bundle")
    })
}

/// Does what the command line asks for.
///
/// # Errors
/// Whatever the subcommand fails with.
pub fn dispatch(cli: Cli, answer: Answer) -> Result<(), Error> {
    let connections = match &cli.command {
        Command::Worker(args) => 2 * threads(args.threads).get() + FEW,
        Command::Judge(args) => threads(args.threads).get() + FEW,
        Command::Coordinator => 8 * FEW,
        _ => FEW,
    };
    let database = Database::named(cli.database_file.as_deref(), connections)?;
    match cli.command {
        Command::Init => {
            let text = if wait_for(init(&database))? {
                "the database has a fleet now\n"
            } else {
                "the database has a fleet of this version\n"
            };
            Ok(answer.give(text)?)
        }
        Command::Submit(args) => submit_and_wait(&database, &args, answer),
        Command::Coordinator => wait_for(coordinate_all(&database)),
        Command::Worker(args) => {
            let settings = worker::Settings {
                threads: threads(args.threads),
                name: args.name.unwrap_or_else(machine),
                memory: args.memory,
                lease: Duration::from_secs_f64(args.lease),
                poll: Duration::from_secs_f64(args.poll),
            };
            wait_for(worker::run(&database, &settings))
        }
        Command::Judge(args) => {
            let settings = judge::Settings {
                threads: threads(args.threads),
                name: args.name.unwrap_or_else(machine),
                lease: Duration::from_secs_f64(args.lease),
            };
            wait_for(judge::run(&database, &settings))
        }
        Command::Status(args) => show(&database, &args, answer),
        Command::Fetch(args) => {
            let unfinished = ended(answer)?;
            let FetchArgs {
                run, output, keep, ..
            } = &args;
            let bytes = wait_for(fetch(&database, *run, output, &unfinished, *keep))?;
            let text = if args.json {
                format!("{}\n", json!({ "run": run, "bundle_bytes": bytes }))
            } else {
                format!("run {run}: {bytes} bytes in {}\n", output.display())
            };
            Ok(answer.give(text)?)
        }
        Command::Cancel(args) => {
            wait_for(cancel(&database, args.run))?;
            Ok(answer.give(format!("run {} is cancelled\n", args.run))?)
        }
        Command::Gc => {
            let swept = wait_for(gc(&database))?;
            Ok(answer.give(format!("{swept} runs had expired\n"))?)
        }
    }
}

fn threads(given: Option<NonZeroUsize>) -> NonZeroUsize {
    given.unwrap_or_else(default_workers)
}

/// The machine's name.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Runs what waits for the database.
fn wait_for<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.map_err(Error::Start)?.block_on(work)
}

/// What is being written, removed when the program is asked to end.
fn ended(answer: Answer) -> Result<Unfinished, Error> {
    let unfinished = Unfinished::default();
    let ended = unfinished.clone();
    let clean = move |signal: &str| {
        ended.discard_for_good();
        answer.fail("tranche-fleet", format_args!("ended by {signal}"));
    };
    signals::end_after(clean).map_err(tranche::error::Error::Signals)?;
    Ok(unfinished)
}

fn submit_and_wait(database: &Database, args: &SubmitArgs, answer: Answer) -> Result<(), Error> {
    let way = match (args.approach, args.challenges) {
        (Approach::Epochs, None) => Way::Epochs,
        (Approach::Retire, None | Some(Challenges::Forked)) => Way::Retire,
        (Approach::Monolithic, _) => {
            let option = "--approach monolithic";
            return Err(Error::Approach { option });
        }
        (_, Some(challenges)) => {
            let option = match challenges {
                Challenges::Forked => "--challenges forked without --approach retire",
                Challenges::Shared => "--challenges shared",
            };
            return Err(Error::Approach { option });
        }
    };
    let elf = Source::read(&args.program)?;
    let optional = |path: Option<&Path>| path.map_or(Ok(Source::EMPTY), Source::read);
    let (input, public) = (
        optional(args.input.as_deref())?,
        optional(args.public.as_deref())?,
    );
    let name = args
        .program
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let submission = Submission {
        name: &name,
        elf: &elf.bytes,
        input: &input.bytes,
        public: &public.bytes,
        way,
        settings: Settings {
            arity: args.arity,
            hash: args.hash.into(),
            params: args.size.params(),
            ..Settings::default()
        },
        log2_cycles: args.epoch_log2,
        sizing: args.heights.map_or_else(Sizing::default, Sizing::from),
        limits: Limits {
            cycles: args.max_cycles,
            memory: args.max_memory,
        },
        days: args.days,
    };
    let unfinished = ended(answer)?;
    let (submitted, bundle) = wait_for(async {
        let submitted = submit(database, &submission).await?;
        let run = submitted.run;
        if !args.wait {
            return Ok((submitted, None));
        }
        say(format_args!("tranche-fleet: run {run}"));
        let path = output_path(args);
        let coordinated = coordinate(database, run);
        let fetched = fetch(database, run, &path, &unfinished, false);
        let (_, bytes) = tokio::try_join!(coordinated, fetched)?;
        Ok((submitted, Some((path, bytes))))
    })?;
    let execution = &submitted.execution;
    let text = if args.json {
        let report = json!({
            "run": submitted.run,
            "epoch_log2": submitted.log2_cycles,
            "cycles": execution.cycles,
            "exit_code": execution.exit_code,
            "output_hex": hex(execution.output.iter().copied()),
            "bundle_bytes": bundle.as_ref().map(|(_, bytes)| bytes),
        });
        format!("{report}\n")
    } else {
        let bundle =
            bundle.map(|(path, bytes)| format!("bundle     {}, {bytes} bytes\n", path.display()));
        format!(
            "run        {}\ncycles     {} in {} of at most 2^{}\nexit code  {}, {} bytes of output\n{}",
            submitted.run,
            execution.cycles,
            match way {
                Way::Epochs => "epochs",
                Way::Retire => "batches",
            },
            submitted.log2_cycles,
            execution.exit_code,
            execution.output.len(),
            bundle.unwrap_or_default(),
        )
    };
    Ok(answer.give(text)?)
}

fn show(database: &Database, args: &StatusArgs, answer: Answer) -> Result<(), Error> {
    if args.json || !stdout().is_terminal() {
        let status = wait_for(status(database))?;
        let text = if args.json {
            format!("{}\n", json!(status))
        } else {
            status.text()
        };
        return Ok(answer.give(text)?);
    }
    wait_for(async {
        loop {
            let status = status(database).await?;
            // Home, and nothing below what follows.
            let _ = write!(stdout().lock(), "\x1b[H\x1b[J{}", status.text());
            let _ = stdout().lock().flush();
            tokio::time::sleep(REFRESH).await;
        }
    })
}
