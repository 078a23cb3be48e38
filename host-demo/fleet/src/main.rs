//! The command-line program: `tranche-fleet --help` lists its subcommands.

use std::process::ExitCode;

use clap::Parser;
use tranche::error::BAD_USAGE;
use tranche_fleet::cli::{Cli, dispatch};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return tranche::answer::not_understood(&error, BAD_USAGE),
    };
    let answer = cli.answer();
    match dispatch(cli, answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            answer.fail("tranche-fleet", &error);
            error.exit_code()
        }
    }
}
