//! The command line, and what it asks to be measured.

use clap::Parser;
use tranche::cli;
use tranche_machine::hash::Hash;

use crate::cases::{CASES, Case};
use crate::error::BenchError;

/// Compares the core with Plonky3's own prover: time, memory, bytes.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
pub struct Args {
    /// Runs this case only.
    #[arg(long = "case", value_name = "NAME")]
    pub case: Option<String>,
    /// Hashes with this suite only.
    #[arg(long, value_name = "SUITE", value_enum)]
    pub suite: Option<cli::Hash>,
    /// Proofs by each prover, in turns; their median counts.
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value_t = 5,
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
    /// Proves every guest program once with one worker, in place of the cases: cycles a second, committed columns.
    #[arg(long)]
    pub guests: bool,
    /// Prints Markdown; everything that there is to measure, unless a flag says what.
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Prints one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Which measurements are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct What {
    /// The cases.
    pub cases: bool,
    /// The ledgers of the cases.
    pub ledgers: bool,
    /// The kernels alone.
    pub kernels: bool,
    /// Both profiles.
    pub profiles: bool,
    /// A whole run.
    pub scaling: bool,
    /// The guests.
    pub guests: bool,
}

impl What {
    /// What the arguments ask for.
    pub fn of(args: &Args) -> Self {
        let cases = args.case.is_some() || args.phases;
        let others = args.kernels || args.profiles || args.scaling || args.guests;
        if args.markdown && !(cases || others) {
            return Self {
                cases: true,
                ledgers: true,
                kernels: true,
                profiles: true,
                scaling: true,
                guests: true,
            };
        }
        Self {
            cases: cases || !others,
            ledgers: args.phases,
            kernels: args.kernels,
            profiles: args.profiles,
            scaling: args.scaling,
            guests: args.guests,
        }
    }
}

/// The suites that the arguments ask for.
pub fn suites(args: &Args) -> Vec<Hash> {
    args.suite
        .map_or(Hash::ALL.to_vec(), |hash| vec![hash.into()])
}

/// The cases that the arguments ask for.
///
/// # Errors
/// [`BenchError::UnknownCase`].
pub fn selected(args: &Args) -> Result<Vec<Case>, BenchError> {
    let Some(name) = &args.case else {
        return Ok(CASES.to_vec());
    };
    let case = CASES.iter().find(|case| case.name == name);
    case.map(|&case| vec![case])
        .ok_or_else(|| BenchError::UnknownCase(name.clone()))
}
