//! The proofs that the example's images sent, against those of the host program.

use std::fs;
use std::num::NonZeroUsize;

use tranche::bundle::Reader;
use tranche::epoch::{epoch_key, public_values};
use tranche::execute;
use tranche::prove::{Options, prove};
use tranche_core::verifier::MAX_PROOF_BYTES;
use tranche_machine::settings::SECURITY_FLOOR_BITS;
use tranche_machine::{EpochTables, Program, Settings, Setup};

use crate::Failure;

// What `main.c` proves.
const GUEST: &[u8] = include_bytes!("../../../../host-demo/guests/prebuilt/spin.elf");
const INPUT: &[u8] = b"9";
const LOG2_CYCLES: u8 = 10;
const MAX_CYCLES: u64 = 1 << 20;

/// Checks that each file holds the proofs of the example's epochs, one after another, in the host's
/// bytes, and that Plonky3's verifier accepts them.
///
/// # Errors
/// What is not so.
pub fn check(files: &[&str]) -> Result<(), Failure> {
    let program = Program::parse(GUEST)?;
    let settings = Settings {
        log2_cycles: LOG2_CYCLES,
        ..Settings::default()
    };
    let setup = Setup::secure(&program, settings, SECURITY_FLOOR_BITS)?;
    let execution = execute(&program, INPUT, MAX_CYCLES)?;
    let options = Options {
        workers: NonZeroUsize::MIN,
        ..Options::default()
    };
    let mut bundle = Vec::new();
    let proved = prove(&setup, INPUT, &execution, &options, &mut bundle, |_| {})?;

    let sent: Vec<Vec<u8>> = files.iter().map(fs::read).collect::<Result<_, _>>()?;
    let mut rest: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
    let tables = EpochTables::new(&setup);
    let key = epoch_key(&tables)?;
    let (mut reader, _) = Reader::new(&bundle[..])?;
    for number in 1..=proved.epochs {
        let (span, proof) = reader.epoch(MAX_PROOF_BYTES)?;
        for (file, rest) in files.iter().zip(&mut rest) {
            let (sent, after) = rest
                .split_at_checked(proof.len())
                .ok_or_else(|| format!("{file}: epoch {number} is cut short"))?;
            if sent != proof {
                return Err(
                    format!("{file}: epoch {number} has other bytes than the host's").into(),
                );
            }
            let statement = setup.epoch_statement(number);
            key.verify(
                sent,
                Some(&statement),
                &public_values(&tables, number, &span),
            )
            .map_err(|error| format!("{file}: epoch {number} is refused: {error}"))?;
            *rest = after;
        }
    }
    for (file, rest) in files.iter().zip(&rest) {
        if !rest.is_empty() {
            return Err(format!("{file}: {} bytes after the last epoch", rest.len()).into());
        }
        println!(
            "{file}: {} epochs, the host's bytes, verified",
            proved.epochs
        );
    }
    Ok(())
}
