//! The guest programs on inputs of some size: how many cycles are proved in a second, and what a cycle commits.
//!
//! As `tranche prove --workers 1 --epoch-log2 16` does it: heights and ROM of the run's own, all executions, merges and the
//! bundle. Inputs are made here, the same ones everywhere.

use std::num::NonZeroUsize;

use tranche::cost::{Columns, columns, count};
use tranche::execute;
use tranche::execute::Limits;
use tranche::mix::Sizing;
use tranche::prove::{Options, metered, secure};
use tranche_machine::hash::Hash;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};
use tranche_machine::setup::Setup;
use tranche_machine::{FilledTable, Program};

use crate::clock::processor;
use crate::error::BenchError;

/// log2 of the cycles of an epoch.
const LOG2_CYCLES: u8 = 16;

/// A guest's run, proved by one worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guest {
    /// The program.
    pub name: &'static str,
    /// Cycles of the run.
    pub cycles: u64,
    /// Epochs they were cut into.
    pub epochs: usize,
    /// Processor seconds, executions and merges included.
    pub seconds: f64,
    /// Committed base columns a cycle: main, 4 × permutation, 4 × quotient chunks; merges and preprocessed ones apart.
    pub columns: f64,
    /// Those of them in rows that hold nothing.
    pub padding: f64,
    /// Bytes of the bundle.
    pub bundle_bytes: usize,
}

impl Guest {
    /// Cycles proved in a second.
    pub fn cycles_per_second(&self) -> f64 {
        self.cycles as f64 / self.seconds
    }

    /// The share of padding.
    pub fn padding_share(&self) -> f64 {
        self.padding / self.columns
    }
}

macro_rules! guests {
    ($($name:ident: $input:expr,)*) => {
        /// Each guest with its program and its input.
        pub fn guests() -> Vec<(&'static str, &'static [u8], Vec<u8>)> {
            vec![$((
                stringify!($name),
                include_bytes!(concat!(
                    "../../../host-demo/guests/prebuilt/", stringify!($name), ".elf"
                )),
                $input,
            ),)*]
        }
    };
}

guests! {
    aes128: noise(32 + 6000),
    calc: b"0 begin 1 + dup dup * 7 mod drop dup 800 = until .".to_vec(),
    crc32: noise(40_000),
    ecdsa: hex(ECDSA),
    ed25519: hex(ED25519),
    json: transfers(160),
    keccak256: noise(9000),
    lz4: lz4(3600),
    matrix: matrices(24),
    modexp: noise(96),
    query: [b"EUR\n", &transfers(145)[..]].concat(),
    regex: [b"ab?b$|fox\n", &prose(30)[..]].concat(),
    sha256: noise(12_000),
    sieve: b"27000".to_vec(),
    sort: noise(4 * 3200),
    spin: b"40000".to_vec(),
    words: prose(350),
}

/// A public key, a signature and a message: secp256k1's generator, RFC 6979.
const ECDSA: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\
    934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
    2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5\
    5361746f736869204e616b616d6f746f";
/// The same of RFC 8032, section 7.1, test 3.
const ED25519: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025\
    6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
    18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a\
    af82";

fn hex(digits: &str) -> Vec<u8> {
    let nibbles: Vec<_> = digits
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    let pairs = nibbles.as_chunks::<2>().0.iter();
    pairs.map(|[high, low]| (high << 4 | low) as u8).collect()
}

/// Words without a pattern (Marsaglia's xorshift).
fn random() -> impl Iterator<Item = u32> {
    std::iter::successors(Some(0x9e37_79b9_u32), |&x| {
        let x = x ^ x << 13;
        let x = x ^ x >> 17;
        Some(x ^ x << 5)
    })
}

fn noise(len: usize) -> Vec<u8> {
    random().map(|word| (word >> 9) as u8).take(len).collect()
}

/// So many lines of words.
fn prose(lines: usize) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "abb", "and", "again",
    ];
    let mut random = random();
    let mut line = || {
        let words = random.by_ref().take(8);
        let words: Vec<_> = words.map(|word| WORDS[word as usize % 12]).collect();
        words.join(" ") + "\n"
    };
    (0..lines).map(|_| line()).collect::<String>().into()
}

/// A JSON array of so many transfers.
fn transfers(count: usize) -> Vec<u8> {
    let transfer = |(account, word): (usize, u32)| {
        let (amount, currency) = (word % 10_000, ["EUR", "USD", "CHF"][word as usize % 3]);
        format!(r#"{{"account": {account}, "amount": {amount}, "currency": "{currency}"}}"#)
    };
    let transfers: Vec<_> = random().take(count).enumerate().map(transfer).collect();
    format!("[{}]\n", transfers.join(",\n ")).into()
}

/// An LZ4 block of so many sequences of eight literals and a match of 18 bytes, behind the length of its contents.
fn lz4(sequences: usize) -> Vec<u8> {
    const LITERALS: usize = 8;
    const MATCH: usize = 18;
    let len = sequences * (LITERALS + MATCH) + LITERALS;
    let mut block = (len as u32).to_le_bytes().to_vec();
    let literals = noise((sequences + 1) * LITERALS);
    for literals in literals.chunks(LITERALS).take(sequences) {
        block.push((LITERALS as u8) << 4 | (MATCH - 4) as u8);
        block.extend(literals);
        block.extend((LITERALS as u16).to_le_bytes());
    }
    block.push((LITERALS as u8) << 4);
    block.extend(&literals[sequences * LITERALS..]);
    block
}

/// Two square matrices of words.
fn matrices(size: usize) -> Vec<u8> {
    let matrix: Vec<u32> = random().take(size * size).collect();
    postcard::to_allocvec(&(size, size, size, &matrix, &matrix)).expect("words are encoded")
}

/// Proves each guest once, by one worker.
///
/// # Errors
/// When a run cannot be proved, or a guest refuses its input.
pub fn run(hash: Hash, progress: impl Fn(&str)) -> Result<Vec<Guest>, BenchError> {
    let guests = guests().into_iter();
    let proved = guests.map(|(name, elf, input)| {
        progress(name);
        prove_guest(name, elf, &input, LOG2_CYCLES, hash)
    });
    proved.collect()
}

/// Proves a guest in epochs of `2^log2_cycles` cycles.
///
/// # Errors
/// As [`run`].
pub fn prove_guest(
    name: &'static str,
    elf: &[u8],
    input: &[u8],
    log2_cycles: u8,
    hash: Hash,
) -> Result<Guest, BenchError> {
    let settings = Settings {
        log2_cycles,
        hash,
        ..Settings::default()
    };
    let options = Options {
        workers: NonZeroUsize::MIN,
        ..Options::default()
    };
    let program = Program::parse(elf)?.decoded();
    let mut bundle = Vec::new();
    let (seconds, proved) = processor(|| {
        let execution = execute(&program, input, u64::MAX)?;
        if execution.exit_code != 0 {
            return Err(BenchError::Guest(name));
        }
        let program = Sizing::Metered.program(&program, &execution);
        let settings = metered(&program, input, &execution, settings)?;
        let run = secure(&program, input, &execution, settings, SECURITY_FLOOR_BITS)?;
        run.prove(&options, &mut bundle, |_| {})?;
        Ok((program.clone(), settings, execution))
    });
    let (program, settings, execution) = proved?;
    let setup = Setup::secure(&program, settings, SECURITY_FLOOR_BITS)?;
    let limits = Limits {
        cycles: execution.cycles,
        memory: execution.memory,
    };
    let counted = count(&setup, input, limits, |_| {})?;
    let columns = columns(&setup)?;
    let filled = |table: &Columns| {
        let mut all = FilledTable::ALL.into_iter();
        all.find(|filled| filled.name() == table.name)
    };
    let in_use = |table: &Columns| Some(counted.rows[filled(table)?.index()]);
    // Of tables that are asked every row is in use.
    let asked = |table: &Columns| filled(table).is_none().then(|| table.rows());
    let (mut all, mut real) = (0, cells(&columns.first, in_use));
    for fill in &counted.epochs {
        let columns = columns.at(fill.shape);
        all += cells(columns, |table| Some(table.rows()));
        real += cells(columns, asked);
    }
    let per_cycle = |cells: u64| cells as f64 / counted.cycles as f64;
    Ok(Guest {
        name,
        cycles: counted.cycles,
        epochs: counted.epochs.len(),
        seconds,
        columns: per_cycle(all),
        padding: per_cycle(all - real),
        bundle_bytes: bundle.len(),
    })
}

/// Cells of so many rows of each table.
fn cells(columns: &[Columns], rows: impl Fn(&Columns) -> Option<u64>) -> u64 {
    let cells = columns
        .iter()
        .filter_map(|it| Some(it.committed() * rows(it)?));
    cells.sum()
}
