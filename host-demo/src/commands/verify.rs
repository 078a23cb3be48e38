//! `tranche verify`: checks a bundle and says what it proves.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use sha2::{Digest, Sha256};
use tranche_machine::Program;

use super::read;
use super::report::{peak_rss_bytes, printable};
use crate::cli::VerifyArgs;
use crate::error::{Error, REFUSED};
use crate::setup::{POSEIDON2, digest_hex, hex};
use crate::verify::verify_above;

/// Runs the subcommand. A refusal is an answer, not an error: it is printed, and the exit code is 1.
///
/// # Errors
/// When a file cannot be read, or the program is none.
pub fn run(args: &VerifyArgs) -> Result<ExitCode, Error> {
    let elf = read(&args.program)?;
    let program = Program::parse(&elf)?;
    let path = &args.bundle;
    let file = File::open(path).map_err(|error| Error::File { path: path.clone(), error })?;
    let start = Instant::now();
    let verdict = verify_above(&program, BufReader::new(file), args.security_floor);
    let seconds = start.elapsed().as_secs_f64();
    let program_digest = digest_hex(&program.digest(&POSEIDON2));

    if args.json {
        let claim = verdict.as_ref().ok();
        let report = json!({
            "accepted": verdict.is_ok(),
            "reason": verdict.as_ref().err().map(ToString::to_string),
            "program_digest": program_digest,
            "cycles": claim.map(|claim| claim.cycles),
            "epochs": claim.map(|claim| claim.epochs),
            "exit_code": claim.map(|claim| claim.exit_code),
            "output_hex": claim.map(|claim| hex(claim.output.iter().copied())),
            "security_bits": claim.map(|claim| claim.security_bits),
            "bundle_security_bits": claim.map(|claim| claim.bundle_security_bits),
            "verify_seconds": seconds,
            "peak_rss_bytes": peak_rss_bytes(),
        });
        println!("{report}");
        return Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) });
    }
    let claim = verdict.map_err(Error::Refused)?;
    println!("accepted in {seconds:.2} s");
    println!("program    {program_digest}");
    println!("cycles     {} in {} epochs", claim.cycles, claim.epochs);
    println!("exit code  {}", claim.exit_code);
    println!("output     {} bytes, SHA-256 {}", claim.output.len(), output_digest(&claim.output));
    match printable(&claim.output) {
        Some("") => {}
        Some(text) => println!("{}", text.trim_end()),
        None => println!("{}", hex(claim.output)),
    }
    println!(
        "security   {:.2} proven bits a proof, {:.2} against {} of them together",
        claim.security_bits,
        claim.bundle_security_bits,
        u64::from(claim.epochs) + u64::from(claim.merges)
    );
    Ok(ExitCode::SUCCESS)
}

/// SHA-256 of an output, so that long ones can be compared.
fn output_digest(output: &[u8]) -> String {
    hex(Sha256::digest(output))
}
