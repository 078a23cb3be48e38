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
use tranche_machine::{ExecError, Program, PublicInput};

use crate::error::Error;
use crate::execute::{Execution, Limits, Observed, execute_observed, execute_within};
use crate::files::{Source, is_standard};
use crate::observe::Observer;

/// Refuses files of which several are standard input.
fn standard_once(named: [Option<&Path>; 3]) -> Result<(), Error> {
    let standard = named.into_iter().flatten().filter(|path| is_standard(path));
    match standard.count() {
        0 | 1 => Ok(()),
        _ => Err(Error::StdinTwice),
    }
}

/// Reads the program, the input and the public input of a guest; an input is empty unless a file is named.
fn read_guest(
    program: &Path,
    input: Option<&Path>,
    public: Option<&Path>,
) -> Result<[Source; 3], Error> {
    standard_once([Some(program), input, public])?;
    let optional = |path: Option<&Path>| path.map_or(Ok(Source::EMPTY), Source::read);
    Ok([Source::read(program)?, optional(input)?, optional(public)?])
}

/// The program of a file, with its public input.
fn program<'a>(elf: &'a Source, public: &'a Source) -> Result<Program<'a>, Error> {
    let public = PublicInput::new(&public.bytes)?;
    Ok(Program::parse(&elf.bytes)?.with_public(public))
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
