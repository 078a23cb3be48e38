//! The command line: its grammar, and which function answers to which subcommand.
//!
//! Exit codes: 0 for success, 1 for a refused proof or an execution that cannot be proved, 2 for
//! bad usage. With `--json` a subcommand prints exactly one object on stdout and nothing else there
//! (after an error one with the key `error`); progress and reasons go to stderr.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tranche_machine::settings::{DEFAULT_ARITY, SECURITY_FLOOR_BITS};

use crate::bench;
use crate::commands::{demo, plan, prove, run, verify};
use crate::error::Error;
use crate::execute::MAX_MEMORY;

/// Cycles after which an execution is given up, unless the command line says otherwise.
const MAX_CYCLES: u64 = 1 << 36;

/// Proves RISC-V programs in epochs, each inside one fixed buffer.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do; without it, proves and verifies a built-in program and says what it did.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Executes a program: its output to stdout, its exit code as the exit code.
    Run(RunArgs),
    /// Proves an execution and writes a bundle.
    Prove(ProveArgs),
    /// Verifies a bundle and prints the statement that it proves.
    Verify(VerifyArgs),
    /// Prints the plan of an epoch: tables, regions, exact workspace bytes, security bits.
    Plan(PlanArgs),
    /// Compares the core with Plonky3's own prover: time, memory, bytes.
    Bench(BenchArgs),
}

/// Arguments of `tranche run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// The file that the program reads as its input; empty without it.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Gives up after so many cycles.
    #[arg(long, value_name = "N", default_value_t = MAX_CYCLES)]
    pub max_cycles: u64,
    /// Bytes of its memory that the guest may touch; the host takes about as many.
    #[arg(long, value_name = "SIZE", default_value_t = MAX_MEMORY)]
    pub max_memory: u64,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche prove`.
#[derive(Args, Clone, Debug)]
pub struct ProveArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// The file that the program reads as its input; empty without it.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// log2 of the cycles of an epoch.
    #[arg(long, value_name = "N", conflicts_with = "memory")]
    pub epoch_log2: Option<u8>,
    /// Tables that one merge takes.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_ARITY)]
    pub arity: u8,
    /// Gives up after so many cycles.
    #[arg(long, value_name = "N", default_value_t = MAX_CYCLES)]
    pub max_cycles: u64,
    /// Bytes of its memory that the guest may touch; the host takes at most twice as many.
    #[arg(long, value_name = "SIZE", default_value_t = MAX_MEMORY)]
    pub max_memory: u64,
    /// Bytes that all workspaces together may use; the fastest profile and epoch that fit are chosen.
    #[arg(long, value_name = "BYTES")]
    pub memory: Option<u64>,
    /// How much of a proof's work stays in the workspace; the bundle is the same. Without it fast, or
    /// what fits --memory.
    #[arg(long, value_enum)]
    pub profile: Option<Profile>,
    /// Threads that prove, each in a workspace of its own; as many as the machine runs at once
    /// without it.
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    /// Where the bundle goes; PROGRAM.bundle in the current folder without it.
    #[arg(short, long, value_name = "BUNDLE")]
    pub output: Option<PathBuf>,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche verify`.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// The bundle that claims an execution of it.
    pub bundle: PathBuf,
    /// Proven bits that every proof has to have, at least the default.
    #[arg(long, value_name = "BITS", default_value_t = SECURITY_FLOOR_BITS,
          value_parser = security_floor)]
    pub security_floor: f64,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// How much of a proof's work stays in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Keeps every low-degree extension.
    Fast,
    /// Keeps traces, and computes the rest again when it is needed.
    Compact,
}

impl From<Profile> for tranche_core::plan::Profile {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Fast => Self::Fast,
            Profile::Compact => Self::Compact,
        }
    }
}

/// Arguments of `tranche plan`.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// The program that is planned for, an RV32 ELF file; a built-in one without it.
    pub program: Option<PathBuf>,
    /// log2 of the cycles of an epoch.
    #[arg(long, value_name = "N")]
    pub epoch_log2: Option<u8>,
    /// How much of a proof's work stays in the workspace.
    #[arg(long, value_enum, default_value_t = Profile::Fast)]
    pub profile: Profile,
    /// Prints what epoch each of a few budgets of bytes buys on a device, in place of one plan.
    #[arg(long, conflicts_with_all = ["epoch_log2", "profile"])]
    pub budgets: bool,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche bench`.
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    /// Runs this case only.
    #[arg(long = "case", value_name = "NAME")]
    pub case: Option<String>,
    /// Proofs by each prover, in turns; their median counts.
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Prints the ledger of each case too: time, permutations, butterflies and bytes of each phase.
    #[arg(long)]
    pub phases: bool,
    /// Times the kernels alone, in place of the cases: the core's and Plonky3's.
    #[arg(long)]
    pub kernels: bool,
    /// Compares the profiles, in place of the cases: bytes and time of compact over fast.
    #[arg(long)]
    pub profiles: bool,
    /// Proves a whole run with one worker and with two, in place of the cases.
    #[arg(long)]
    pub scaling: bool,
    /// Prints Markdown; everything that there is to measure, unless a flag says what.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Reads a number of bits that raises the floor.
fn security_floor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(bits) if bits >= SECURITY_FLOOR_BITS => Ok(bits),
        _ => Err(format!(
            "not a number of bits from {SECURITY_FLOOR_BITS} on"
        )),
    }
}

impl Cli {
    /// Whether the answer is one JSON object.
    pub const fn json(&self) -> bool {
        match &self.command {
            None => false,
            Some(Command::Run(args)) => args.json,
            Some(Command::Prove(args)) => args.json,
            Some(Command::Verify(args)) => args.json,
            Some(Command::Plan(args)) => args.json,
            Some(Command::Bench(args)) => args.json,
        }
    }
}

/// Does what the command line asks for.
///
/// # Errors
/// Whatever the subcommand fails with.
pub fn run(cli: &Cli) -> Result<ExitCode, Error> {
    match &cli.command {
        None => demo::run(),
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Prove(args)) => prove::run(args),
        Some(Command::Verify(args)) => verify::run(args),
        Some(Command::Plan(args)) => plan::run(args),
        Some(Command::Bench(args)) => bench::run(args),
    }
}
