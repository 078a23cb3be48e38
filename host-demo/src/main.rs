//! The command-line program: `tranche --help` lists its subcommands.

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc};

/// Counts the bytes of the heap, which `tranche bench` reports for Plonky3.
#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let cli = match tranche::cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return tranche::cli::not_understood(&error),
    };
    let answer = cli.answer();
    match tranche::cli::run(&cli, answer) {
        Ok(code) => code,
        Err(error) => {
            answer.fail(&error);
            cli.exit_code(&error)
        }
    }
}
