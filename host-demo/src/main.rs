//! The command-line program: `tranche --help` lists its subcommands.

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAlloc};

/// Counts the bytes of the heap, which `tranche bench` reports for Plonky3.
#[global_allocator]
static HEAP: &PeakMemAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let cli = tranche::cli::Cli::parse();
    match tranche::cli::run(&cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tranche: {error}");
            if cli.json() {
                println!("{}", serde_json::json!({ "error": error.to_string() }));
            }
            error.exit_code()
        }
    }
}
