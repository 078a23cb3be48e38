//! The subcommands, each in a module of its own, with a function `run`.

pub mod budgets;
pub mod build;
pub mod compare;
pub mod cost;
pub mod demo;
pub mod digest;
pub mod dispatch;
pub mod info;
pub mod new;
pub mod plan;
pub mod prove;
mod report;
mod resume;
mod retire;
pub mod run;
pub mod verify;

use std::io::LineWriter;
use std::path::Path;

use report::{Messages, spinner};
use tranche_machine::{ExecError, Program};

use crate::error::Error;
use crate::execute::{Execution, Limits, Observed, execute_observed, execute_within};
use crate::files::{Source, is_standard};
use crate::observe::Observer;

/// Reads the program and the input of a guest, which is empty unless a file is named.
fn read_both(program: &Path, input: Option<&Path>) -> Result<[Source; 2], Error> {
    if is_standard(program) && input.is_some_and(is_standard) {
        return Err(Error::StdinTwice);
    }
    let program = Source::read(program)?;
    let input = input.map_or(Ok(Source::EMPTY), Source::read)?;
    Ok([program, input])
}

/// Executes a program as [`execute`] does, and shows each instruction to `observers`.
fn execute_seen(
    program: &Program<'_>,
    input: &[u8],
    limits: Limits,
    observers: &mut [&mut dyn Observer],
) -> Result<Observed, ExecError> {
    let spinner = spinner();
    let mut messages = LineWriter::new(Messages(&spinner));
    let progress = |cycles| spinner.set_position(cycles);
    let observed = execute_observed(program, input, limits, &mut messages, progress, observers);
    spinner.finish_and_clear();
    observed
}

/// Executes a program, and shows its messages and its progress on stderr.
fn execute(
    program: &Program<'_>,
    input: &[u8],
    max_cycles: u64,
    max_memory: u64,
) -> Result<Execution, ExecError> {
    let spinner = spinner();
    let mut messages = LineWriter::new(Messages(&spinner));
    let progress = |cycles| spinner.set_position(cycles);
    let execution = execute_within(
        program,
        input,
        max_cycles,
        max_memory,
        &mut messages,
        progress,
    );
    spinner.finish_and_clear();
    execution
}
