//! What `tranche` does without arguments: it proves and verifies the SHA-256 of this repository's
//! README, and compares it with what another implementation computes.

use std::process::ExitCode;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tranche_machine::Program;
use tranche_machine::hash::Hash;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};

use super::report::{progress_bar, size};
use crate::answer::print;
use crate::error::Error;
use crate::hex::{digest_hex, hex};
use crate::prove::{self, Options};
use crate::system::peak_rss_bytes;
use crate::{execute, verify};

/// The built-in guest: SHA-256 of its input.
pub const GUEST: &[u8] = include_bytes!("../../guests/prebuilt/sha256.elf");
/// What it hashes.
const README: &[u8] = include_bytes!("../../../README.md");

/// Prints a line.
fn say(line: String) -> Result<(), Error> {
    print(line + "\n")
}

/// Runs the demonstration.
///
/// # Errors
/// When any step fails, and when the proven hash is wrong.
pub fn run() -> Result<ExitCode, Error> {
    let program = Program::parse(GUEST)?.decoded();
    let execution = execute(&program, README, u64::MAX)?;
    say(format!(
        "program    SHA-256 in C, compiled for RV32I ({} bytes of ELF)",
        GUEST.len()
    ))?;
    say(format!(
        "input      the {} bytes of this repository's README.md",
        README.len()
    ))?;
    say(format!("execution  {} cycles", execution.cycles))?;

    let options = Options::default();
    let settings = Settings {
        hash: Hash::Blake3,
        ..Settings::default()
    };
    let settings = prove::metered(&program, README, &execution, settings)?;
    let run = prove::secure(&program, README, &execution, settings, SECURITY_FLOOR_BITS)?;
    let bar = progress_bar(execution.cycles);
    let (start, mut bundle) = (Instant::now(), Vec::new());
    let proved = run.prove(&options, &mut bundle, |proved| {
        bar.set_position(proved.cycles);
        bar.set_message(format!(
            "{} epochs, {} merges",
            proved.epochs, proved.merges
        ));
    });
    bar.finish_and_clear();
    let proved = proved?;
    let seconds = start.elapsed().as_secs_f64();
    say(format!(
        "proof      {} epochs of 2^{} cycles and {} merges in {seconds:.1} s by {} workers ({})",
        proved.epochs,
        run.setup.settings.log2_cycles,
        proved.merges,
        proved.workers,
        tranche_backend::NAME
    ))?;
    say(format!(
        "memory     {} of workspaces; besides them the core allocates nothing",
        size(proved.workspace_bytes as u64)
    ))?;

    let start = Instant::now();
    let claim = verify(&program, &bundle[..]).map_err(Error::Refused)?;
    say(format!(
        "verified   a bundle of {} in {:.2} s: program {}, exit code {}, {:.1} proven bits a proof",
        size(proved.bundle_bytes),
        start.elapsed().as_secs_f64(),
        &digest_hex(&claim.program_digest)[..16],
        claim.exit_code,
        claim.security_bits
    ))?;
    let expected = Sha256::digest(README);
    say(format!("proven     {}", hex(claim.output.iter().copied())))?;
    say(format!("sha2 says  {}", hex(expected)))?;
    if let Some(bytes) = peak_rss_bytes() {
        say(format!("resident   {} at most", size(bytes)))?;
    }
    if claim.exit_code != 0 || claim.output != expected.as_slice() {
        return Err(Error::Demo { what: "hash" });
    }
    Ok(ExitCode::SUCCESS)
}
