//! `tranche new`: a project of one's own.

use std::process::ExitCode;

use serde_json::json;

use crate::answer::{print, say};
use crate::cli::NewArgs;
use crate::error::Error;
use crate::kit;

/// Runs the subcommand.
///
/// # Errors
/// When the project cannot be made.
pub fn run(args: &NewArgs) -> Result<ExitCode, Error> {
    let files = kit::create(&args.project, args.lang)?;
    let project = args.project.display();
    if args.json {
        print(format!(
            "{}\n",
            json!({ "project": args.project, "files": files })
        ))?;
    } else {
        say(format_args!(
            "{project}: {} files; `tranche build {project}` builds it",
            files.len()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
