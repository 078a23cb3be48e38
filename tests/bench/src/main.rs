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
//! | `scaling` | a whole run with one worker and with two |
//! | `clock`, `print` | stopwatches; tables, Markdown, JSON |
#![forbid(unsafe_code)]

mod airs;
mod args;
mod cases;
mod clock;
mod error;
mod hashing;
mod kernels;
mod ledger;
mod plonky3;
mod print;
mod profiles;
mod race;
mod scaling;

use std::alloc::System;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;

use clap::Parser;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc};
use tranche::answer::{Answer, not_understood};
use tranche::error::{BAD_USAGE, REFUSED};
use tranche::table::Form;

use args::{Args, What, selected, suites};
use error::BenchError;
use print::Measured;

/// Counts the bytes of the heap, which are reported for Plonky3.
#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return not_understood(&error, BAD_USAGE),
    };
    let answer = Answer {
        json: args.json,
        on_stderr: false,
    };
    match run(&args, answer) {
        Ok(code) => code,
        Err(error) => {
            answer.fail("tranche-bench", &error);
            ExitCode::from(error.exit_code())
        }
    }
}

/// Measures and prints what the arguments ask for.
fn run(args: &Args, answer: Answer) -> Result<ExitCode, BenchError> {
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
        let run = |&hash| scaling::run(hash, runs);
        measured.scaling = suites.iter().map(run).collect::<Result<_, _>>()?;
    }
    Ok(measured)
}

/// Tells a terminal what is being measured.
fn say(what: &str) {
    if stderr().is_terminal() {
        eprintln!("{what}");
    }
}
