//! What a hostile bundle costs: the program verifies each bundle of a corpus, is refused for the reason
//! stated, and takes at most twice the memory that it takes for the honest bundle.
//!
//! Each bundle has right checksums, so that only the check under test stands between its claim and
//! the memory. Times are printed and not asserted.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tranche::bundle::Kind;
use tranche::execute::execute;
use tranche::prove::{Options, secure};
use tranche_core::Params;
use tranche_core::verifier::{CarvedConfig, MAX_PROOF_BYTES, decode};
use tranche_machine::Program;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};

use bundles::Parts;

#[allow(dead_code)]
#[path = "../../tests/tests/epochs/bundles.rs"]
mod bundles;

const SPIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/prebuilt/spin.elf");
/// The payload of the first frame of a kind.
fn payload(parts: &mut Parts, kind: Kind) -> &mut Vec<u8> {
    parts.payload(kind as u8, 0)
}

/// Bytes of a payload before its proof, or before its output.
fn fixed(kind: Kind, payload: &[u8]) -> usize {
    match kind {
        Kind::Epoch => 12,
        Kind::Merge => 1,
        Kind::Root => 1 + usize::from(payload[0]),
        Kind::Result => 8,
    }
}

/// The bundle with another proof in the first frame of a kind.
fn with_proof(honest: &Parts, kind: Kind, proof: &[u8]) -> Parts {
    let mut forged = honest.clone();
    let payload = payload(&mut forged, kind);
    payload.splice(fixed(kind, payload).., proof.iter().copied());
    forged
}

/// `bytes` as postcard writes a length.
fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = vec![];
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A proof of `len` bytes whose instances have nothing in them: eight bytes each, where the decoded
/// ones take two hundred.
fn empty_instances(len: usize) -> Vec<u8> {
    // No root of a main, permutation, quotient or random round.
    let mut proof = vec![0, 0, 0, 0];
    proof.extend(varint(len / 8));
    proof.resize(len, 0);
    proof
}

/// A proof of `len` bytes with as many absent terminals: a byte each, where the decoded ones take
/// twenty.
fn absent_terminals(len: usize) -> Vec<u8> {
    // No roots, no instances; then a witness, no folds, no openings, no polynomial, a witness.
    let mut proof = [&[0; 5][..], &[0; 4], &[0; 5], &[0; 4]].concat();
    proof.extend(varint(len - proof.len() - 4));
    proof.resize(len, 0);
    proof
}

/// A proof of `len` bytes with as many queries that open nothing.
fn empty_openings(len: usize) -> Vec<u8> {
    let mut proof = [&[0; 5][..], &[0; 4], &[0; 2], &[1]].concat();
    proof.extend(varint(len - proof.len() - 8));
    proof.resize(len, 0);
    proof
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// What `tranche verify` says of a bundle.
fn verify(bundle: &Parts) -> Value {
    let path = file("hostile.bundle", &bundle.sealed());
    let output = Command::new(env!("CARGO_BIN_EXE_tranche"))
        .args(["verify", SPIN, path.to_str().unwrap(), "--json"])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).expect("one JSON object on stdout")
}

/// An honest run with a merge below the root, at the default floor.
fn honest() -> Parts {
    let elf = fs::read(SPIN).unwrap();
    let program = Program::parse(&elf).unwrap();
    let settings = Settings {
        log2_cycles: 10,
        arity: 2,
        ..Settings::default()
    };
    let input = b"64";
    let execution = execute(&program, input, 1 << 20).unwrap();
    let floor = SECURITY_FLOOR_BITS;
    let run = secure(&program, input, &execution, settings, floor).unwrap();
    let options = Options {
        workers: NonZeroUsize::MIN,
        ..Options::default()
    };
    let mut bundle = Vec::new();
    run.prove(&options, &mut bundle, |_| {}).unwrap();
    Parts::of(&bundle)
}

/// Each hostile bundle with a part of the reason why it is refused.
fn corpus(honest: &Parts) -> Vec<(String, Parts, &'static str)> {
    let mut corpus = Vec::new();
    for kind in [Kind::Epoch, Kind::Merge, Kind::Root] {
        let name = kind.name();
        let len = payload(&mut honest.clone(), kind).len() - 64;
        for (what, proof) in [
            ("instances", empty_instances as fn(usize) -> Vec<u8>),
            ("terminals", absent_terminals),
            ("openings", empty_openings),
        ] {
            let mut add = |len: usize, reason| {
                let forged = with_proof(honest, kind, &proof(len));
                corpus.push((
                    format!("{name}: {len} bytes of empty {what}"),
                    forged,
                    reason,
                ));
            };
            add(MAX_PROOF_BYTES, "bytes in a frame, at most");
            add(len, "more elements than");
        }
        // The heights are another plan's.
        let bytes = payload(&mut honest.clone(), kind).clone();
        let proof = &bytes[fixed(kind, &bytes)..];
        let mut proof = decode::<CarvedConfig>(proof, MAX_PROOF_BYTES).unwrap();
        proof.degree_bits[0] += 16;
        let forged = with_proof(honest, kind, &postcard::to_allocvec(&proof).unwrap());
        corpus.push((
            format!("{name}: other heights"),
            forged,
            "rows, the plan has",
        ));
    }

    let mut add = |what: &str, change: &dyn Fn(&mut Parts), reason| {
        let mut forged = honest.clone();
        change(&mut forged);
        corpus.push((what.to_owned(), forged, reason));
    };
    add(
        "result: 4 MiB of output",
        &|forged| payload(forged, Kind::Result).resize(8 + (4 << 20) - 1, 0),
        "at most",
    );
    add(
        "result: four bytes a cycle",
        &|forged| {
            let cycles: u32 = forged
                .frames
                .iter()
                .filter(|frame| frame.0 == Kind::Epoch as u8)
                .map(|frame| u32::from_le_bytes(frame.1[8..12].try_into().unwrap()))
                .sum();
            payload(forged, Kind::Result).resize(8 + 4 * cycles as usize, 0);
        },
        "rows, the plan has",
    );
    add(
        "merge: a parent of 2^24 rows",
        &|forged| payload(forged, Kind::Merge)[0] = 24,
        "a table of 2^24 rows",
    );
    add(
        "root: holes of 2^24 rows",
        &|forged| {
            let payload = payload(forged, Kind::Root);
            let holes = usize::from(payload[0]);
            payload[1..1 + holes].fill(24);
        },
        "a table of 2^24 rows",
    );
    add(
        "root: 255 holes",
        &|forged| payload(forged, Kind::Root)[0] = 255,
        "tables of untouched memory",
    );
    // Offsets of the header's integers from its first, the epoch's log2; the program's digest follows.
    let first = honest.header.len() - 32 - 3 - Params::BYTES;
    for (at, value, what) in [
        (0, 20, "epochs of 2^20 cycles"),
        (3, 3, "a blowup of 8"),
        (6, 4, "caps of 16 digests"),
    ] {
        add(
            &format!("header: {what}"),
            &|forged| forged.header[first + at] = value,
            "",
        );
    }
    add(
        "no frames at all",
        &|forged| forged.frames.clear(),
        "ends too early",
    );
    corpus
}

#[test]
fn twice_the_honest_memory_is_enough_to_refuse() {
    let honest = honest();
    let report = verify(&honest);
    assert_eq!(report["accepted"], true, "{report}");
    let peak = |report: &Value| report["peak_rss_bytes"].as_u64().expect("a peak");
    let limit = 2 * peak(&report);
    let print = |what: &str, report: &Value| {
        let seconds = report["verify_seconds"].as_f64().unwrap();
        println!("{:8} KiB {seconds:7.3} s  {what}", peak(report) >> 10);
    };
    print("honest", &report);
    for (what, forged, reason) in corpus(&honest) {
        let report = verify(&forged);
        print(&what, &report);
        assert_eq!(report["accepted"], false, "{what}");
        let said = report["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{what}: {said}");
        assert!(peak(&report) <= limit, "{what}: {} bytes", peak(&report));
    }
}
