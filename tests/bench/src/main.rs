//! The program of the benchmarks.
#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc};
use tranche::answer::{Answer, not_understood};
use tranche::error::BAD_USAGE;
use tranche_bench::args::Args;
use tranche_bench::run;

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
