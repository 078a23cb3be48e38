//! `tranche run`: executes a program, and proves nothing.

use std::io::{LineWriter, stderr};
use std::process::ExitCode;

use serde_json::json;
use tranche_machine::Program;

use super::{print, read, read_input};
use crate::cli::RunArgs;
use crate::error::Error;
use crate::execute::execute_within;
use crate::hex::hex;

/// Runs the subcommand; the guest's exit code is the program's (its low byte, as on Linux).
///
/// # Errors
/// When a file cannot be read, or the execution cannot go on.
pub fn run(args: &RunArgs) -> Result<ExitCode, Error> {
    let elf = read(&args.program)?;
    let input = read_input(args.input.as_deref())?;
    let program = Program::parse(&elf)?;
    let mut messages = LineWriter::new(stderr());
    let execution = execute_within(
        &program,
        &input,
        args.max_cycles,
        args.max_memory,
        &mut messages,
    )?;
    if args.json {
        let report = json!({
            "exit_code": execution.exit_code,
            "output_hex": hex(execution.output),
            "cycles": execution.cycles,
            "instructions": execution.instructions,
        });
        print(format!("{report}\n"))?;
    } else {
        print(&execution.output)?;
        eprintln!(
            "{} cycles, {} instructions",
            execution.cycles, execution.instructions
        );
    }
    Ok(ExitCode::from(execution.exit_code as u8))
}
