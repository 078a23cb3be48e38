//! The command-line program: `tranche --help` lists its subcommands.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = match tranche::cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return tranche::cli::not_understood(&error),
    };
    let answer = cli.answer();
    match tranche::commands::dispatch::dispatch(&cli, answer) {
        Ok(code) => code,
        Err(error) => {
            answer.fail("tranche", &error);
            cli.exit_code(&error)
        }
    }
}
