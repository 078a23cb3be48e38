//! Honest runs of one small program, which the [`bundle`](crate::bundle) target forges.

use std::sync::LazyLock;

use tranche::epoch::{EpochKey, epoch_key, public_values};
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::{F, Statement};
use tranche_machine::{EpochTables, Program, Settings, Setup, Span};

use crate::asm::{A0, A1, A2, A7, DATA, ECALL, branch, elf, exit, immediate, li, load, store};
use crate::bundles::{EPOCH, Parts, SMALL, bundle, check};
use crate::heap_peak;

/// Reads a byte, counts up from it, writes the sum and exits with it: three epochs of 2^6 cycles.
fn program() -> Vec<u8> {
    let (count, sum) = (5, 6);
    let mut code = vec![immediate("addi", A7, 0, 63), immediate("addi", A0, 0, 0)];
    code.extend(li(A1, DATA));
    code.extend([immediate("addi", A2, 0, 1), ECALL]);
    code.extend([load("lbu", sum, A1, 0), immediate("addi", count, 0, 40)]);
    // A loop of four.
    code.extend([
        immediate("addi", sum, sum, 7),
        store("sw", sum, A1, 4),
        immediate("addi", count, count, -1),
        branch("bne", count, 0, -12),
    ]);
    code.extend([immediate("addi", A7, 0, 64), immediate("addi", A0, 0, 1)]);
    code.extend([
        immediate("addi", A1, A1, 4),
        immediate("addi", A2, 0, 2),
        ECALL,
    ]);
    code.push(immediate("andi", A0, sum, 0x7f));
    code.extend(exit());
    elf(&code, b"data")
}

/// A proof of an epoch, with what it is verified against.
#[derive(Debug)]
pub struct EpochProof {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What seeds it.
    pub statement: Statement,
    /// Public values of each table.
    pub publics: Vec<Vec<F>>,
}

/// What there is to forge.
pub struct Honest {
    /// The program.
    pub program: &'static Program<'static>,
    /// Bundles of it, for several inputs and settings.
    pub bundles: Vec<Vec<u8>>,
    /// The same, taken apart.
    pub parts: Vec<Parts>,
    /// The key of the epochs of the first bundle.
    pub key: EpochKey<'static>,
    /// Its epochs.
    pub proofs: Vec<EpochProof>,
    /// Bytes of the heap that verifying the most demanding bundle takes.
    pub heap: usize,
}

/// Proves all of it, once.
pub static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let elf: &'static [u8] = program().leak();
    let program = Program::parse(elf).expect("a program of ours");
    let program: &'static Program<'static> = Box::leak(Box::new(program));
    let mut first = Settings {
        log2_cycles: 6,
        arity: 2,
        ..SMALL
    };
    // Three indices of seven bits: a witness of the queries' grinding that is found anew hits them
    // once in 2^21.
    first.params.num_queries = 3;
    let mut other = Settings { arity: 4, ..first };
    other.params.num_queries += 1;
    let short = Settings {
        log2_cycles: 8,
        ..first
    };
    let bundles: Vec<Vec<u8>> = [(first, "a"), (first, "b"), (other, "a"), (short, "a")]
        .map(|(settings, input)| bundle(program, settings, input))
        .into();
    let parts: Vec<Parts> = bundles.iter().map(|bundle| Parts::of(bundle)).collect();
    let heap = bundles.iter().map(|bundle| {
        let (verified, heap) = heap_peak(|| check(program, bundle));
        verified.expect("an honest bundle is accepted");
        heap
    });
    let setup = Setup::new(program, first).expect("settings within their caps");
    let tables: &'static EpochTables<'static> = Box::leak(Box::new(EpochTables::new(&setup)));
    let epochs = parts[0].frames.iter().filter(|frame| frame.0 == EPOCH);
    let proofs = epochs.zip(1..).map(|((_, payload), number)| {
        let word = |i: usize| {
            let bytes = payload[4 * i..][..4].try_into().expect("four bytes");
            u32::from_le_bytes(bytes)
        };
        let (entry, exit, cycles) = (word(0), word(1), word(2));
        let span = Span {
            entry,
            exit,
            cycles,
        };
        EpochProof {
            bytes: payload[12..].to_vec(),
            statement: setup.epoch_statement(number),
            publics: public_values(tables, number, &span),
        }
    });
    Honest {
        program,
        heap: heap.max().unwrap_or_default(),
        key: epoch_key::<Poseidon2>(tables).expect("a plan that can be verified"),
        proofs: proofs.collect(),
        bundles,
        parts,
    }
});
