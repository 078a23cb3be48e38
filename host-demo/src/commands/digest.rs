//! `tranche digest`: the name that a bundle's program has.

use std::process::ExitCode;

use serde_json::json;
use tranche_machine::Program;

use crate::answer::print;
use crate::cli::DigestArgs;
use crate::error::Error;
use crate::files::Source;
use crate::hex::digest_hex;

/// Runs the subcommand.
///
/// # Errors
/// When the file cannot be read, or is no program.
pub fn run(args: &DigestArgs) -> Result<ExitCode, Error> {
    let elf = Source::read(&args.program)?;
    let program = Program::parse(&elf.bytes)?;
    let digest = digest_hex(&program.digest());
    print(if args.json {
        format!("{}\n", json!({ "program_digest": digest }))
    } else {
        format!("{digest}\n")
    })?;
    Ok(ExitCode::SUCCESS)
}
