//! The command-line program: `tranche --help` lists its subcommands.

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc};

/// Counts the bytes of the heap, which `tranche bench` reports for Plonky3.
#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    match tranche::cli::run(&tranche::cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tranche: {error}");
            error.exit_code()
        }
    }
}
