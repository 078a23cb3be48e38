//! `tranche verify`: checks a bundle and says what it proves.

use std::io::{BufReader, Read};
use std::process::ExitCode;
use std::time::Instant;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::report::{public_text, shown};
use super::retire::verify_one;
use super::{program, standard_once};
use crate::answer::print;
use crate::bundle::FormatError;
use crate::cli::VerifyArgs;
use crate::error::{Error, REFUSED};
use crate::files::{self, Source};
use crate::hex::{digest_hex, hex};
use crate::retire::header::MAGIC;
use crate::system::peak_rss_bytes;
use crate::verify::{Check, Refusal, verify_above};

/// Runs the subcommand. A refusal is an answer, not an error: it is printed, and the exit code is
/// 1.
///
/// # Errors
/// When a file cannot be read, or the program is none.
pub fn run(args: &VerifyArgs) -> Result<ExitCode, Error> {
    let public = args.public.as_deref();
    standard_once([Some(&*args.program), Some(&*args.bundle), public])?;
    let elf = Source::read(&args.program)?;
    let public = public.map_or(Ok(Source::EMPTY), Source::read)?;
    let program = program(&elf, &public)?;
    let mut file = BufReader::new(files::open(&args.bundle)?);
    // Either kind of bundle begins with eight bytes of its own; what is shorter is neither.
    let mut magic = Vec::new();
    let read = file
        .by_ref()
        .take(MAGIC.len() as u64)
        .read_to_end(&mut magic);
    read.map_err(|error| files::failed(&args.bundle, error))?;
    if magic == MAGIC {
        return verify_one(args, &program, file);
    }
    let start = Instant::now();
    let verdict = verify_above(&program, magic.as_slice().chain(file), args.security_floor);
    let seconds = start.elapsed().as_secs_f64();
    // What cannot be read is not refused.
    if let Err(Refusal {
        check: Check::Format(FormatError::Read(kind)),
        ..
    }) = verdict
    {
        return Err(files::failed(&args.bundle, kind.into()));
    }
    let program_digest = digest_hex(&program.digest());

    if args.json {
        let claim = verdict.as_ref().ok();
        let report = json!({
            "accepted": verdict.is_ok(),
            "reason": verdict.as_ref().err().map(ToString::to_string),
            "program_digest": program_digest,
            "public_digest": digest_hex(&program.public().digest()),
            "cycles": claim.map(|claim| claim.cycles),
            "epochs": claim.map(|claim| claim.epochs),
            "hash": claim.map(|claim| claim.settings.hash.name()),
            "exit_code": claim.map(|claim| claim.exit_code),
            "output_hex": claim.map(|claim| hex(claim.output.iter().copied())),
            "security_bits": claim.map(|claim| claim.security_bits),
            "bundle_security_bits": claim.map(|claim| claim.bundle_security_bits),
            "verify_seconds": seconds,
            "peak_rss_bytes": peak_rss_bytes(),
        });
        print(format!("{report}\n"))?;
        return Ok(if verdict.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(REFUSED)
        });
    }
    let claim = verdict.map_err(Error::Refused)?;
    let proofs = u64::from(claim.epochs) + u64::from(claim.merges);
    let output = shown(&claim.output);
    print(format!(
        "accepted in {seconds:.2} s\n\
         program    {program_digest}\n\
         {}cycles     {} in {} epochs\n\
         exit code  {}\n\
         security   {:.2} proven bits a proof, {:.2} against a forgery of any of {proofs}\n\
         output     {} bytes, SHA-256 {}\n\
         {output}\n",
        public_text(&program),
        claim.cycles,
        claim.epochs,
        claim.exit_code,
        claim.security_bits,
        claim.bundle_security_bits,
        claim.output.len(),
        hex(Sha256::digest(&claim.output)),
    ))?;
    Ok(ExitCode::SUCCESS)
}
