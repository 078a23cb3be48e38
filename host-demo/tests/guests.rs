//! The guest programs: each computes what another implementation does, or refuses its input.
//!
//! The committed programs are executed by the machine. With `TRANCHE_GUESTS` set it is those of another folder, which
//! are executed by `qemu-riscv32` too: `guests/rebuild.sh check` does that with rebuilt ones.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tranche::execute;
use tranche_machine::Program;

#[path = "guests/data.rs"]
mod data;
#[path = "guests/hashes.rs"]
mod hashes;
#[path = "guests/numbers.rs"]
mod numbers;
#[path = "guests/signatures.rs"]
mod signatures;
#[path = "guests/text.rs"]
mod text;

const PREBUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/prebuilt");
/// More than any of these runs takes.
const MAX_CYCLES: u64 = 1 << 27;

/// The folder of rebuilt programs.
fn rebuilt() -> Option<PathBuf> {
    env::var_os("TRANCHE_GUESTS").map(PathBuf::from)
}

/// The file of a guest.
fn path(guest: &str) -> PathBuf {
    let folder = rebuilt().unwrap_or_else(|| PREBUILT.into());
    folder.join(format!("{guest}.elf"))
}

/// A guest's exit code and output.
fn run(guest: &str, input: &[u8]) -> (u32, Vec<u8>) {
    let path = path(guest);
    let elf = fs::read(&path).expect(guest);
    let program = Program::parse(&elf).expect(guest);
    let run = execute(&program, input, MAX_CYCLES).expect(guest);
    let result = (run.exit_code, run.output);
    if rebuilt().is_some() {
        let mut qemu = Command::new("qemu-riscv32");
        let piped = qemu.arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::null()).spawn().expect("qemu-riscv32");
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // A guest may have seen enough before the end of its input.
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        });
        let code = output.status.code().expect("no signal") as u32;
        assert_eq!((code, output.stdout), result, "{guest} under qemu-riscv32");
    }
    result
}

/// A guest exits with 0 and writes this.
#[track_caller]
fn gives(guest: &str, input: &[u8], output: &[u8]) {
    let shown = String::from_utf8_lossy(&input[..input.len().min(60)]);
    assert_eq!(
        run(guest, input),
        (0, output.to_vec()),
        "{guest} on {shown:?}"
    );
}

/// A guest exits with 1 and writes nothing.
#[track_caller]
fn refuses(guest: &str, input: &[u8]) {
    let shown = String::from_utf8_lossy(&input[..input.len().min(60)]);
    assert_eq!(run(guest, input), (1, vec![]), "{guest} on {shown:?}");
}

/// Marsaglia's xorshift, as `sort` and `spin` have it.
fn xorshift(mut x: u32) -> u32 {
    x ^= x << 13;
    x ^= x >> 17;
    x ^ (x << 5)
}

/// Bytes without a pattern, the same for the same length.
fn noise(len: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9 ^ len as u32;
    let mut next = || {
        x = xorshift(x);
        (x >> 9) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Little-endian words.
fn words(words: impl IntoIterator<Item = u32>) -> Vec<u8> {
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Lengths around the blocks of hashes, ciphers and reads.
const LENGTHS: [usize; 16] = [
    0, 1, 3, 55, 56, 64, 65, 135, 136, 137, 1023, 1024, 1025, 1088, 1089, 5000,
];

const TESTED: [&str; 17] = [
    "aes128",
    "calc",
    "crc32",
    "ecdsa",
    "ed25519",
    "json",
    "keccak256",
    "lz4",
    "matrix",
    "modexp",
    "query",
    "regex",
    "sha256",
    "sieve",
    "sort",
    "spin",
    "words",
];

#[test]
fn every_committed_program_is_tested() {
    let names = fs::read_dir(PREBUILT).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".elf")
            .expect("programs alone")
            .to_owned()
    });
    let names: BTreeSet<_> = names.collect();
    assert_eq!(names, TESTED.map(str::to_owned).into());
}

/// Messages of panics name source files, by names that no machine and no registry has a part in.
#[test]
fn no_program_names_a_folder_of_the_machine_that_built_it() {
    for guest in TESTED {
        let elf = fs::read(path(guest)).expect(guest);
        for place in [
            "/home/",
            "/root/",
            "/usr/",
            "/.cargo/",
            "registry/src",
            "crates.io",
        ] {
            let named = elf
                .windows(place.len())
                .any(|bytes| bytes == place.as_bytes());
            assert!(!named, "{guest} names {place}");
        }
    }
}

/// What LLVM puts where no program should come.
const TRAP: u32 = 0xc000_1073;

/// No FENCE, no atomics, nothing compressed: whether or not these tests come there.
#[test]
fn every_word_of_code_is_an_instruction() {
    for guest in TESTED {
        let elf = fs::read(path(guest)).expect(guest);
        let program = Program::parse(&elf).expect(guest);
        for pc in program.rom() {
            let (word, decoded) = (program.code(pc).unwrap(), program.instruction(pc).unwrap());
            assert!(
                decoded.is_ok() || word == TRAP,
                "{guest}: {word:#010x} at {:#x}",
                4 * pc
            );
        }
    }
}
