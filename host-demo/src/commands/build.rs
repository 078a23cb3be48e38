//! `tranche build`: the programs of a project.

use std::process::ExitCode;

use serde_json::json;

use crate::answer::print;
use crate::cli::BuildArgs;
use crate::error::Error;
use crate::kit;

/// Runs the subcommand; prints the path of each program, in a line.
///
/// # Errors
/// When something is missing, or the compiler refuses the program.
pub fn run(args: &BuildArgs) -> Result<ExitCode, Error> {
    let programs = kit::build(&args.project)?;
    if args.json {
        print(format!("{}\n", json!({ "programs": programs })))?;
    } else {
        for program in programs {
            print(format!("{}\n", program.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
