//! `tranche run`: executes a program, and proves nothing.

use std::process::ExitCode;

use serde_json::json;
use tranche_machine::Program;

use super::{execute, read_both};
use crate::answer::{print, say};
use crate::cli::RunArgs;
use crate::error::{Error, GUEST_RUN_FAILED, RUN_FAILED};
use crate::hex::hex;

/// Runs the subcommand; the guest's exit code is the program's (its low byte, as on Linux), but
/// never [`RUN_FAILED`].
///
/// # Errors
/// When a file cannot be read, or the execution cannot go on.
pub fn run(args: &RunArgs) -> Result<ExitCode, Error> {
    let [elf, input] = read_both(&args.program, args.input.as_deref())?;
    let program = Program::parse(&elf.bytes)?.decoded();
    let execution = execute(&program, &input.bytes, args.max_cycles, args.max_memory)?;
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
        say(format_args!(
            "exit code {}, {} cycles, {} instructions",
            execution.exit_code, execution.cycles, execution.instructions
        ));
    }
    Ok(ExitCode::from(match execution.exit_code as u8 {
        RUN_FAILED => GUEST_RUN_FAILED,
        code => code,
    }))
}
