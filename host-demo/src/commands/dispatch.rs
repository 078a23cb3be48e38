//! Which function answers to which subcommand.

use std::process::ExitCode;

use super::{build, compare, cost, demo, digest, info, new, plan, prove, run, verify};
use crate::answer::Answer;
use crate::cli::{Cli, Command};
use crate::error::Error;

/// Does what the command line asks for.
///
/// # Errors
/// Whatever the subcommand fails with.
pub fn dispatch(cli: &Cli, answer: Answer) -> Result<ExitCode, Error> {
    match &cli.command {
        None => demo::run(),
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Cost(args)) => cost::run(args),
        Some(Command::Prove(args)) => prove::run(args, answer),
        Some(Command::Verify(args)) => verify::run(args),
        Some(Command::Compare(args)) => compare::run(args, answer),
        Some(Command::Info(args)) => info::run(args),
        Some(Command::New(args)) => new::run(args),
        Some(Command::Build(args)) => build::run(args),
        Some(Command::Digest(args)) => digest::run(args),
        Some(Command::Plan(args)) => plan::run(args),
    }
}
