//! The command line: its grammar. [`crate::commands::dispatch`] has which function answers to which
//! subcommand.
//!
//! Exit codes are as `EXIT_CODES` says. `tranche run` has the guest's exit code, and 125 for whatever else: never the guest's,
//! whose 125 becomes 126.
//!
//! With `--json` a subcommand prints exactly one object on stdout and nothing else there (after an
//! error one with the key `error`); progress and reasons go to stderr. Where stdout is the output,
//! the object goes to stderr too.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use bytesize::ByteSize;
use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use tranche_core::Params;
use tranche_core::retire::{Keep, Kept, Order};
use tranche_machine::batches::MAX_LOG2_ROWS;
use tranche_machine::settings::{DEFAULT_ARITY, MAX_ARITY, SECURITY_FLOOR_BITS, SMALL};
use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};

use crate::answer::{self, Answer};
use crate::error::{BAD_USAGE, Error, RUN_FAILED};
use crate::execute::MAX_MEMORY;
use crate::files::is_stdout;
use crate::kit::Language;
use crate::mix::Sizing;

/// Cycles after which an execution is given up, unless the command line says otherwise.
pub const MAX_CYCLES: u64 = 1 << 36;

/// What `--help` says about exit codes.
const EXIT_CODES: &str = "\
Exit codes:
  0    success
  1    a refused proof, a file that is no program or bundle, an execution that cannot be proved,
       an output that cannot be written to its end, a project that does not compile
  2    bad usage, a file that cannot be opened or read, a compiler that is not there
  129, 130, 143
       ended by SIGHUP, SIGINT or SIGTERM; what was unfinished is gone, but with --resume
`tranche run` has codes of its own: `tranche run --help`.
A file named - is standard input or output; ./- is a file of that name.";

/// What `run --help` says about exit codes.
const RUN_EXIT_CODES: &str = "\
Exit codes:
  125    the guest did not exit: bad usage, no program, an execution that cannot go on
  other  the guest's own exit code, its low byte; 126 in place of 125
The whole code stands on stderr, and with --json in `exit_code`; without a guest's exit there is
`error` in its place.";

/// Proves RISC-V programs in epochs, each inside one fixed buffer.
#[derive(Debug, Parser)]
#[command(version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do; without it, proves and verifies a built-in program and says what it did.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Executes a program: its output to stdout, its exit code as the exit code.
    #[command(after_help = RUN_EXIT_CODES)]
    Run(RunArgs),
    /// Executes a program in epochs and says what their proofs commit to: cells a cycle by table and by function.
    Cost(CostArgs),
    /// Proves an execution and writes a bundle.
    Prove(ProveArgs),
    /// Verifies a bundle and prints the statement that it proves.
    Verify(VerifyArgs),
    /// Proves a run in every way that there is, each in a process of its own, and says what each takes.
    Compare(CompareArgs),
    /// Prints what a bundle says of itself, without verifying it.
    Info(InfoArgs),
    /// Makes a project of a program of one's own, with all that it is built from but the compiler.
    New(NewArgs),
    /// Builds a project and prints the path of its program.
    Build(BuildArgs),
    /// Prints the digest of a program, by which bundles name it.
    Digest(DigestArgs),
    /// Prints the plan of an epoch: tables, regions, exact workspace bytes, security bits.
    Plan(PlanArgs),
}

/// Arguments of `tranche run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// The file that the program reads as its input; empty without it.
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The file that the program reads as its public input, a part of what is proved; empty without it.
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// Gives up after so many cycles.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = MAX_CYCLES)]
    pub max_cycles: u64,
    /// Bytes of its memory that the guest may touch, or a size such as 100MB; the host takes about as
    /// many.
    #[arg(long, allow_negative_numbers = true, value_name = "SIZE", default_value_t = MAX_MEMORY, value_parser = bytes)]
    pub max_memory: u64,
    /// Writes a line for each instruction: cycle, address, function, encoding, mnemonic | what it left.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Says which functions the cycles go to. With a FILE.svg a flame graph goes there too, with any other the folded
    /// stacks that flame graph tools read. Without symbols (a program linked with -s) functions are addresses of calls.
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[allow(clippy::option_option)]
    pub profile: Option<Option<PathBuf>>,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche cost`.
#[derive(Args, Clone, Debug)]
pub struct CostArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// The file that the program reads as its input; empty without it.
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The file that the program reads as its public input, a part of what is proved; empty without it.
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// What the proofs hash with.
    #[arg(long, value_enum, default_value_t)]
    pub hash: Hash,
    /// log2 of the cycles of an epoch; without it that of `tranche prove`, if there is memory for it.
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = epoch_log2())]
    pub epoch_log2: Option<u8>,
    /// Heights of the tables of an epoch, as of `tranche prove`.
    #[arg(long, value_enum)]
    pub heights: Option<HeightsOf>,
    /// Gives up after so many cycles.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = MAX_CYCLES)]
    pub max_cycles: u64,
    /// Bytes of its memory that the guest may touch, or a size such as 100MB.
    #[arg(long, allow_negative_numbers = true, value_name = "SIZE", default_value_t = MAX_MEMORY, value_parser = bytes)]
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
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// The file that the program reads as its public input, a part of what is proved; empty without it.
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// How a run is proved that is longer than memory is large.
    #[arg(long, value_enum, default_value_t = Approach::Epochs)]
    pub approach: Approach,
    /// Which challenges the batches of --approach retire have; forked without it.
    #[arg(long, value_enum)]
    pub challenges: Option<Challenges>,
    /// What --approach retire keeps of the trees of a batch between walks: the more, the less it hashes again; upper
    /// without it. The bundle is the same.
    #[arg(long, value_enum, conflicts_with = "memory")]
    pub trees: Option<Trees>,
    /// Whether --approach retire keeps the quotients of a batch between walks, or computes them again; kept without
    /// it. The bundle is the same.
    #[arg(long, value_enum, conflicts_with = "memory", value_name = "WHAT")]
    pub quotients: Option<Keeping>,
    /// Whether --approach retire with forked challenges keeps the codewords of a batch until their coefficients are
    /// known, or makes them again then, in a walk more; kept without it. The bundle is the same.
    #[arg(long, value_enum, conflicts_with = "memory", value_name = "WHAT")]
    pub codewords: Option<Keeping>,
    /// What the proofs hash with: BLAKE3 for speed, Poseidon2 for bundles that another proof is to verify.
    #[arg(long, value_enum, default_value_t)]
    pub hash: Hash,
    /// log2 of the cycles of an epoch, or of a batch. Without it and without --memory, epochs are as long as lets all
    /// workers be done soonest, in half of the memory left (with --resume 14), and batches have 16.
    #[arg(long, allow_negative_numbers = true, value_name = "N", conflicts_with = "memory", value_parser = batch_log2())]
    pub epoch_log2: Option<u8>,
    /// What a bundle is made for: the shortest time, or the fewest bytes, in half as much time again and twice the memory.
    #[arg(long, value_enum, default_value_t)]
    pub size: Size,
    /// Heights of the tables of an epoch, or of a batch: by the run's own mix of instructions, which another execution
    /// finds, or by a common one, as devices have them; metered without it.
    #[arg(long, value_enum)]
    pub heights: Option<HeightsOf>,
    /// Tables that one merge takes.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = DEFAULT_ARITY,
          value_parser = value_parser!(u8).range(2..=i64::from(MAX_ARITY)))]
    pub arity: u8,
    /// Gives up after so many cycles.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = MAX_CYCLES)]
    pub max_cycles: u64,
    /// Bytes of its memory that the guest may touch, or a size such as 100MB; the host takes at most
    /// twice as many.
    #[arg(long, allow_negative_numbers = true, value_name = "SIZE", default_value_t = MAX_MEMORY, value_parser = bytes)]
    pub max_memory: u64,
    /// What all workspaces together, and what a run keeps between walks, may use: bytes, or a size such as
    /// 100MB or 1GiB. The fastest profile and epoch or batch that fit are chosen.
    #[arg(long, allow_negative_numbers = true, value_name = "SIZE", value_parser = bytes)]
    pub memory: Option<u64>,
    /// How much of a proof's work stays in the workspace; the bundle is the same. Without it fast, or
    /// what fits --memory.
    #[arg(long, value_enum)]
    pub profile: Option<Profile>,
    /// Threads that prove, each in a workspace of its own, and no more than there are epochs or batches; as
    /// many as the machine runs at once without it. The bundle is the same.
    #[arg(long, allow_negative_numbers = true, value_name = "N")]
    pub workers: Option<NonZeroUsize>,
    /// Where the bundle goes; PROGRAM.bundle in the current folder without it. A file is replaced
    /// when the bundle is whole; to - or a device or a pipe it goes as it comes.
    #[arg(short, long, value_name = "BUNDLE")]
    pub output: Option<PathBuf>,
    /// Keeps what is finished in BUNDLE.partial until the bundle is whole, and goes on from there when the
    /// file is that of the same run: after a signal, a kill, or a full disk. The bytes are the same.
    #[arg(long)]
    pub resume: bool,
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
    /// The public input of that execution; empty without it.
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// Proven bits that every proof has to have, at least the default.
    #[arg(long, allow_negative_numbers = true, value_name = "BITS", default_value_t = SECURITY_FLOOR_BITS,
          value_parser = security_floor)]
    pub security_floor: f64,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche compare`.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// A file that the program reads as its input, once for each run to compare; empty without it.
    #[arg(short, long, value_name = "FILE")]
    pub input: Vec<PathBuf>,
    /// The file that the program reads as its public input, a part of what is proved; empty without it.
    #[arg(long, value_name = "FILE")]
    pub public: Option<PathBuf>,
    /// What the proofs hash with: BLAKE3 for speed, Poseidon2 for bundles that another proof is to verify.
    #[arg(long, value_enum, default_value_t)]
    pub hash: Hash,
    /// log2 of the cycles of an epoch, once for each length; four that fit the run without it.
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = epoch_log2())]
    pub epoch_log2: Vec<u8>,
    /// log2 of the cycles of a batch; without it 16, or what cuts the run into 16 batches.
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = batch_log2())]
    pub batch_log2: Option<u8>,
    /// Only what has this in its name, such as epochs or 'shared 2^16'.
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Gives up after so many cycles.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = MAX_CYCLES)]
    pub max_cycles: u64,
    /// Bytes of its memory that the guest may touch, or a size such as 100MB.
    #[arg(long, allow_negative_numbers = true, value_name = "SIZE", default_value_t = MAX_MEMORY, value_parser = bytes)]
    pub max_memory: u64,
    /// Writes pictures of proofs with one worker into a folder: memory over time and, of several inputs, each
    /// figure against the cycles.
    #[arg(long, value_name = "FOLDER")]
    pub plots: Option<PathBuf>,
    /// Prints the table as Markdown.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche info`.
#[derive(Args, Clone, Debug)]
pub struct InfoArgs {
    /// The bundle.
    pub bundle: PathBuf,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche new`.
#[derive(Args, Clone, Debug)]
pub struct NewArgs {
    /// The project's folder, which is made; its last part is the program's name.
    #[arg(value_name = "NAME")]
    pub project: PathBuf,
    /// What the program is written in.
    #[arg(long, value_enum, default_value_t)]
    pub lang: Language,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche build`.
#[derive(Args, Clone, Debug)]
pub struct BuildArgs {
    /// The project's folder.
    #[arg(value_name = "DIR", default_value = ".")]
    pub project: PathBuf,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tranche digest`.
#[derive(Args, Clone, Debug)]
pub struct DigestArgs {
    /// The program, an RV32 ELF file.
    pub program: PathBuf,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// What proofs hash with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Hash {
    /// BLAKE3.
    #[default]
    Blake3,
    /// Poseidon2 over the field.
    Poseidon2,
}

impl From<Hash> for tranche_machine::hash::Hash {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Blake3 => Self::Blake3,
            Hash::Poseidon2 => Self::Poseidon2,
        }
    }
}

/// How a run is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Approach {
    /// In epochs, each a proof of its own, and merges.
    Epochs,
    /// As one proof, of batches that are made again in each of several walks.
    Retire,
    /// As one proof of a single batch, in memory that grows with the run: what the others are compared with.
    Monolithic,
}

/// What a bundle is made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// The shortest time.
    #[default]
    Fast,
    /// The fewest bytes.
    Small,
}

impl Size {
    /// The parameters of its proofs, before they are raised to a floor.
    pub const fn params(self) -> Params {
        match self {
            Self::Fast => Params::DEFAULT,
            Self::Small => SMALL,
        }
    }
}

/// What the heights of the tables of an epoch, or of a batch, follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HeightsOf {
    /// A common mix of instructions.
    Common,
    /// The run's own.
    Metered,
}

impl From<HeightsOf> for Sizing {
    fn from(heights: HeightsOf) -> Self {
        match heights {
            HeightsOf::Common => Self::Common,
            HeightsOf::Metered => Self::Metered,
        }
    }
}

/// Which challenges the batches of a run have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Challenges {
    /// Each batch its own: three walks.
    #[default]
    Forked,
    /// One for all, as in one batch of all tables: six walks, and Plonky3's own bytes.
    Shared,
}

/// What is kept of the trees of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Trees {
    /// All inner nodes that the workspace has.
    All,
    /// The layers above the lowest five.
    Upper,
    /// The root.
    Root,
}

impl From<Trees> for Kept {
    fn from(trees: Trees) -> Self {
        match trees {
            Trees::All => Self::All,
            Trees::Upper => Self::Upper,
            Trees::Root => Self::Root,
        }
    }
}

/// Whether something is kept between walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Keeping {
    /// It is kept.
    Kept,
    /// It is made again.
    Rebuilt,
}

impl From<Challenges> for Order {
    fn from(challenges: Challenges) -> Self {
        match challenges {
            Challenges::Forked => Self::Forked,
            Challenges::Shared => Self::Shared,
        }
    }
}

impl ProveArgs {
    /// An option that was given and says nothing where a run is not cut: to --approach monolithic.
    pub fn of_cuts(&self) -> Option<&'static str> {
        if self.epoch_log2.is_some() {
            return Some("--epoch-log2");
        }
        if self.heights.is_some() {
            return Some("--heights");
        }
        if self.memory.is_some() {
            return Some("--memory");
        }
        if self.resume {
            return Some("--resume");
        }
        let several = self.workers.is_some_and(|workers| workers.get() > 1);
        several.then_some("--workers")
    }

    /// Which heights tables have.
    pub fn sizing(&self) -> Sizing {
        self.heights.map_or_else(Sizing::default, Sizing::from)
    }

    /// An option that was given and says nothing where there are no epochs.
    pub fn epochs_only(&self) -> Option<&'static str> {
        (self.arity != DEFAULT_ARITY).then_some("--arity")
    }

    /// An option that was given and says nothing to --approach epochs.
    pub fn retire_only(&self) -> Option<&'static str> {
        let given = [
            ("--challenges", self.challenges.is_some()),
            ("--trees", self.trees.is_some()),
            ("--quotients", self.quotients.is_some()),
            ("--codewords", self.codewords.is_some()),
        ];
        let mut given = given.into_iter().filter(|&(_, given)| given);
        given.next().map(|(option, _)| option)
    }

    /// What is kept between walks.
    pub fn keep(&self) -> Keep {
        let keep = Keep::default();
        let kept = |option: Option<Keeping>, default| match option {
            Some(option) => option == Keeping::Kept,
            None => default,
        };
        Keep {
            trees: self.trees.map_or(keep.trees, Kept::from),
            quotients: kept(self.quotients, keep.quotients),
            codewords: kept(self.codewords, keep.codewords),
        }
    }
}

/// How much of a proof's work stays in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Keeps every low-degree extension.
    Fast,
    /// Keeps traces, and computes the rest again when it is needed.
    Compact,
}

impl From<Profile> for tranche_core::shape::Profile {
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
    /// What the proofs hash with: BLAKE3 for speed, Poseidon2 for bundles that another proof is to verify.
    #[arg(long, value_enum, default_value_t)]
    pub hash: Hash,
    /// log2 of the cycles of an epoch.
    #[arg(long, allow_negative_numbers = true, value_name = "N", value_parser = epoch_log2())]
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

/// Reads log2 of an epoch's cycles.
fn epoch_log2() -> RangedI64ValueParser<u8> {
    value_parser!(u8).range(i64::from(MIN_LOG2_CYCLES)..=i64::from(MAX_LOG2_CYCLES))
}

/// Reads log2 of an epoch's cycles, or of those of a batch, of which there may be more.
fn batch_log2() -> RangedI64ValueParser<u8> {
    value_parser!(u8).range(i64::from(MIN_LOG2_CYCLES)..=i64::from(MAX_LOG2_ROWS))
}

/// Reads a number of bytes as people write it.
pub fn bytes(text: &str) -> Result<u64, String> {
    match text.parse() {
        // More than a u64 holds is what the parser makes of anything larger.
        Ok(ByteSize(bytes)) if bytes < u64::MAX => Ok(bytes),
        _ => Err("not a size, such as 100MB, 1GiB or a number of bytes".to_owned()),
    }
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
    /// Whether the answer is one JSON object, and on which stream it stands.
    pub fn answer(&self) -> Answer {
        let (json, on_stderr) = match &self.command {
            None => (false, false),
            Some(Command::Run(args)) => (args.json, false),
            Some(Command::Cost(args)) => (args.json, false),
            Some(Command::Prove(args)) => (args.json, is_stdout(&args.output_path())),
            Some(Command::Verify(args)) => (args.json, false),
            Some(Command::Compare(args)) => (args.json, false),
            Some(Command::Info(args)) => (args.json, false),
            Some(Command::New(args)) => (args.json, false),
            Some(Command::Build(args)) => (args.json, false),
            Some(Command::Digest(args)) => (args.json, false),
            Some(Command::Plan(args)) => (args.json, false),
        };
        Answer { json, on_stderr }
    }

    /// The exit code after an error.
    pub fn exit_code(&self, error: &Error) -> ExitCode {
        match self.command {
            Some(Command::Run(_)) => ExitCode::from(RUN_FAILED),
            _ => error.exit_code(),
        }
    }
}

/// Prints what a command line asked for that is no subcommand (`--help`), or says why it is not
/// understood.
pub fn not_understood(error: &clap::Error) -> ExitCode {
    let run = std::env::args_os().nth(1).is_some_and(|arg| arg == "run");
    answer::not_understood(error, if run { RUN_FAILED } else { BAD_USAGE })
}
