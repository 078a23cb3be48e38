//! Small runs, their bundles, and bundles taken apart.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use tranche::execute::{Execution, execute};
use tranche::prove::{Options, ProveError, Proved, prove};
use tranche::verify::{ProvenRun, Refusal, verify_above};
use tranche_core::Params;
use tranche_machine::Program;
use tranche_machine::hash::Hash;
use tranche_machine::settings::Settings;
use tranche_machine::setup::Setup;
use tranche_machine::shape::{Heights, MAX_OTHERS};

/// Few queries and little grinding.
pub const WEAK: Params = Params {
    num_queries: 5,
    query_pow_bits: 2,
    batch_pow_bits: 1,
    lookup_pow_bits: 1,
    commit_pow_bits: 0,
    ood_pow_bits: 1,
    ..Params::DEFAULT
};

/// Epochs of 2^8 cycles, four tables in a merge.
pub const SMALL: Settings = Settings {
    log2_cycles: 8,
    heights: Heights::Common,
    others: [None; MAX_OTHERS],
    arity: 4,
    params: WEAK,
    hash: Hash::Poseidon2,
};

/// The same of the other suite.
pub const BLAKE3: Settings = Settings {
    hash: Hash::Blake3,
    ..SMALL
};

pub const SPIN_ELF: &[u8] = include_bytes!("../../../host-demo/guests/prebuilt/spin.elf");
const SORT_ELF: &[u8] = include_bytes!("../../../host-demo/guests/prebuilt/sort.elf");

/// A guest of about 1,900 cycles and 13 more per iteration.
pub static SPIN: LazyLock<Program<'static>> =
    LazyLock::new(|| Program::parse(SPIN_ELF).expect("a prebuilt guest"));
/// Another guest, with a longer ROM.
pub static SORT: LazyLock<Program<'static>> =
    LazyLock::new(|| Program::parse(SORT_ELF).expect("a prebuilt guest"));

/// What the guest computes.
pub fn run(program: &Program<'_>, input: &str) -> Execution {
    execute(program, input.as_bytes(), 1 << 20).expect("a guest that exits")
}

/// Proves a run as `execution` claims it to be.
pub fn prove_claim(
    program: &Program<'_>,
    settings: Settings,
    input: &str,
    execution: &Execution,
    workers: usize,
) -> Result<(Proved, Vec<u8>), ProveError> {
    let setup = Setup::new(program, settings).expect("settings within their caps");
    let workers = NonZeroUsize::new(workers).expect("a worker at least");
    let options = Options {
        workers,
        floor: 0.0,
        ..Options::default()
    };
    let mut bundle = Vec::new();
    let proved = prove(
        &setup,
        input.as_bytes(),
        execution,
        &options,
        &mut bundle,
        |_| {},
    )?;
    Ok((proved, bundle))
}

/// Proves a run honestly.
pub fn bundle(program: &Program<'_>, settings: Settings, input: &str) -> Vec<u8> {
    let execution = run(program, input);
    let proved = prove_claim(program, settings, input, &execution, 1);
    proved.expect("an honest run can be proved").1
}

/// Verifies without a floor.
pub fn check(program: &Program<'_>, bundle: &[u8]) -> Result<ProvenRun, Refusal> {
    verify_above(program, bundle, 0.0)
}

/// A bundle taken apart, for a forger to put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Magic, version, integers and digests, without the checksum.
    pub header: Vec<u8>,
    /// Kind and payload of each frame.
    pub frames: Vec<(u8, Vec<u8>)>,
}

pub const EPOCH: u8 = 1;
pub const MERGE: u8 = 2;
pub const RESULT: u8 = 3;
pub const ROOT: u8 = 4;

impl Parts {
    pub fn of(bundle: &[u8]) -> Self {
        let (header, mut rest) = bundle.split_at(tranche::bundle::HEADER_BYTES);
        let mut frames = Vec::new();
        while let [kind, l0, l1, l2, l3, ..] = *rest {
            let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
            frames.push((kind, rest[5..5 + len].to_vec()));
            rest = &rest[5 + len + 4..];
        }
        assert!(rest.is_empty());
        Self {
            header: header[..header.len() - 4].to_vec(),
            frames,
        }
    }

    /// The bundle of these parts, with checksums that are right.
    pub fn sealed(&self) -> Vec<u8> {
        let mut bundle = self.header.clone();
        bundle.extend(crc32fast::hash(&self.header).to_le_bytes());
        for (kind, payload) in &self.frames {
            let mut frame = vec![*kind];
            frame.extend((payload.len() as u32).to_le_bytes());
            frame.extend(payload);
            bundle.extend(&frame);
            bundle.extend(crc32fast::hash(&frame).to_le_bytes());
        }
        bundle
    }

    /// Names another program in the header.
    pub fn name(&mut self, program: &Program<'_>) {
        let at = self.header.len() - 64;
        self.header[at..][..32].copy_from_slice(&program.digest());
    }

    /// Names another public input in the header.
    pub fn name_public(&mut self, program: &Program<'_>) {
        let at = self.header.len() - 32;
        self.header[at..].copy_from_slice(&program.public().digest());
    }

    /// Index of the `n`-th frame (from 0) of a kind.
    pub fn find(&self, kind: u8, n: usize) -> usize {
        let mut of_kind = self
            .frames
            .iter()
            .enumerate()
            .filter(|(_, frame)| frame.0 == kind);
        of_kind.nth(n).expect("so many frames").0
    }

    /// Payload of the `n`-th frame (from 0) of a kind.
    pub fn payload(&mut self, kind: u8, n: usize) -> &mut Vec<u8> {
        let at = self.find(kind, n);
        &mut self.frames[at].1
    }

    /// The `i`-th word of the `n`-th frame of a kind: entry, exit and cycles of an epoch; epochs
    /// and exit code of a result.
    pub fn word(&mut self, kind: u8, n: usize, i: usize) -> u32 {
        let word = &self.payload(kind, n)[4 * i..][..4];
        u32::from_le_bytes(word.try_into().expect("four bytes"))
    }

    pub fn set_word(&mut self, kind: u8, n: usize, i: usize, word: u32) {
        self.payload(kind, n)[4 * i..][..4].copy_from_slice(&word.to_le_bytes());
    }
}
