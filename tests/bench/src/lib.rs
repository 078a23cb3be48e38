//! The core against the unmodified `p3_batch_stark::prove_batch`.
//!
//! Ratios are what counts: two programs compared in one run. The exit code is 1 when the bytes of any
//! proof differ from Plonky3's, 2 for bad usage.
//!
//! | module | role |
//! |---|---|
//! | `args`, `error` | the command line, and why it ends without a result |
//! | `cases`, `airs` | the batches, and the tables they are made of |
//! | `race`, `plonky3` | two provers, one batch; Plonky3's side of it |
//! | `ledger` | what each phase computes and moves, from the plan |
//! | `hashing`, `kernels` | hashes, extension and inversion alone |
//! | `profiles` | what each profile of the workspace costs |
//! | `guests` | every guest program on an input of some size: cycles a second, committed columns |
//! | `scaling` | a whole run with one worker and with two, in many epochs and in one |
//! | `clock`, `print` | stopwatches; tables, Markdown, JSON |
#![forbid(unsafe_code)]

pub mod airs;
pub mod args;
pub mod cases;
pub mod clock;
pub mod error;
pub mod guests;
pub mod hashing;
pub mod kernels;
pub mod ledger;
pub mod plonky3;
pub mod print;
pub mod profiles;
pub mod race;
pub mod scaling;

use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use tranche::answer::Answer;
use tranche::error::REFUSED;
use tranche::table::Form;

use args::{Args, What, selected, suites};
use error::BenchError;
use print::Measured;

/// Measures and prints what the arguments ask for; the exit code.
///
/// # Errors
/// What could not be measured or printed.
pub fn run(args: &Args, answer: Answer) -> Result<ExitCode, BenchError> {
    let measured = measure(args)?;
    answer.give(match (args.json, args.markdown) {
        (true, _) => format!("{}\n", measured.json()),
        (_, true) => measured.tables(Form::Markdown),
        _ => measured.tables(Form::Text),
    })?;
    let cases = measured.cases.iter().map(|(_, report)| report.bytes_equal);
    let profiles = measured
        .profiles
        .iter()
        .map(|(_, report)| report.bytes_equal);
    let equal = cases.chain(profiles).all(|equal| equal);
    Ok(ExitCode::from(if equal { 0 } else { REFUSED }))
}

/// Measures what the arguments ask for.
fn measure(args: &Args) -> Result<Measured, BenchError> {
    let what = What::of(args);
    let mut measured = Measured {
        ledgers: what.ledgers,
        ..Measured::default()
    };
    let (runs, suites) = (args.runs as usize, suites(args));
    if what.cases {
        for case in selected(args)? {
            for &hash in &suites {
                say(&format!(
                    "{}, {}: {runs} proofs each",
                    case.name,
                    hash.name()
                ));
                measured.cases.push((case.name, (case.race)(hash, runs)?));
            }
        }
    }
    if what.kernels {
        say("kernels");
        measured.kernels = kernels::run()?;
    }
    if what.profiles {
        say(&format!("profiles: {runs} proofs each"));
        measured.profiles = profiles::run(&suites, runs)?;
    }
    if what.scaling {
        say(&format!("scaling: {runs} runs each"));
        for &hash in &suites {
            measured.scaling.extend(scaling::run(hash, runs)?);
        }
    }
    if what.guests {
        for &hash in &suites {
            let proved = guests::run(hash, say)?;
            measured.guests.push((hash, proved));
        }
    }
    Ok(measured)
}

/// Tells a terminal what is being measured.
fn say(what: &str) {
    if stderr().is_terminal() {
        eprintln!("{what}");
    }
}
