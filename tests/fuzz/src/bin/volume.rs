//! Random inputs to a target by the number, without coverage to guide them: what libFuzzer keeps account
//! of takes longer than most proofs take to be refused.
//!
//! `volume TARGET COUNT SEED`; a failure prints the input's number, which with the seed gives it again.

use std::panic::catch_unwind;
use std::process::ExitCode;

use tranche_fuzz::{bundle, decode, elf, guest, mutate};

/// A generator of bytes (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }
}

/// The files that an ELF file is made from: the guests and the committed seeds.
fn files() -> Vec<Vec<u8>> {
    let root = env!("CARGO_MANIFEST_DIR");
    ["seeds/elf", "../../host-demo/guests/prebuilt"]
        .into_iter()
        .flat_map(|folder| {
            std::fs::read_dir(format!("{root}/{folder}"))
                .into_iter()
                .flatten()
        })
        .filter_map(|entry| std::fs::read(entry.ok()?.path()).ok())
        .collect()
}

/// The `number`-th input of a target.
fn input(target: &str, files: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    if target == "elf" {
        let choices = random.bytes(64);
        return mutate::file(&choices, files);
    }
    let len = if target == "guest" { 600 } else { 96 };
    random.bytes(len)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, target, count, seed] = &arguments[..] else {
        eprintln!("volume TARGET COUNT SEED");
        return ExitCode::from(2);
    };
    let check = match target.as_str() {
        "elf" => elf::check,
        "bundle" => bundle::check,
        "decode" => decode::check,
        "guest" => guest::check,
        _ => return ExitCode::from(2),
    };
    let (Ok(count), Ok(seed)) = (count.parse::<u64>(), seed.parse::<u64>()) else {
        return ExitCode::from(2);
    };
    let files = files();
    let mut random = Random(seed | 1 << 63);
    let mut failures = 0;
    for number in 0..count {
        let data = input(target, &files, &mut random);
        if catch_unwind(|| check(&data)).is_err() {
            failures += 1;
            let path = std::env::temp_dir().join(format!("{target}-{seed}-{number}"));
            let kept = std::fs::write(&path, &data).is_ok();
            eprintln!(
                "FAILED: {target} {number} of seed {seed}, {} ({kept})",
                path.display()
            );
        }
    }
    println!("{target}: {count} inputs of seed {seed}, {failures} failures");
    ExitCode::from(u8::from(failures > 0))
}
