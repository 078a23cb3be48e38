//! Honest runs: every constraint on every row, every bus, and real proofs by the unmodified prover.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_core::verifier::VerifyError;
use tranche_machine::Program;
use tranche_machine::batches::MAX_RUN_CYCLES;
use tranche_machine::bus::Clock;
use tranche_test_support::machine::asm::{
    A0, A1, A2, A7, CODE, DATA, ECALL, elf, exit, immediate, li,
};
use tranche_test_support::machine::audit::audit;
use tranche_test_support::machine::run::{Surveyed, body, reference, spans, survey, traces};

use crate::{guest, program};

/// Checks a run by Plonky3's checkers and by the audit.
fn check(run: &Surveyed<'_>) {
    let tables = run.tables();
    let mut storage = run.storage();
    let traces = traces(&mut run.walk(&tables, &mut storage));
    traces.check().expect("a run that balances");
    assert_eq!(audit(&traces), BTreeSet::new());
    assert_eq!(spans(&traces), run.run.spans);
    tables.check_spans(&spans(&traces)).expect("an execution");
}

/// Words to sort.
const WORDS: [u8; 256] = {
    let (mut words, mut i) = ([0; 256], 0);
    while i < words.len() {
        words[i] = (i * i * 37 % 251) as u8;
        i += 1;
    }
    words
};

/// Base, exponent 3 and modulus, of 256 bits each.
pub const FACTORS: [u8; 96] = {
    let (mut bytes, mut i) = ([0; 96], 0);
    while i < 32 {
        (bytes[i], bytes[64 + i]) = (!(i as u8) << 2, 0xa5 ^ (i as u8 * 7));
        i += 1;
    }
    bytes[32] = 3;
    bytes
};

/// Inputs that make the repository's programs work.
const GUESTS: [(&str, &[u8], u32); 4] = [
    ("sha256", b"abc", 8),
    ("json", b"[1, 2, 30]", 6),
    ("sort", &WORDS, 6),
    ("modexp", &FACTORS, 9),
];

#[test]
fn the_repository_s_programs_run_in_batches() {
    for (name, input, log2_cycles) in GUESTS {
        let program = guest(name);
        let run = survey(program, input, body(program, log2_cycles));
        println!(
            "{name}: {} cycles, {} batches, {:?}",
            run.run.cycles, run.shape.batches, run.shape.body.clock
        );
        assert!(run.shape.batches >= 16, "{name}: {}", run.shape.batches);
        check(&run);
    }
}

/// The least clock and a wider one, and a batch that is not full.
#[test]
fn runs_of_every_clock() {
    let mut code: Vec<_> = (0..100).map(|i| immediate("addi", 5, 5, i)).collect();
    code.extend(exit());
    let program = program(elf(&code, &[]));
    for (log2_cycles, batches) in [(6, 2), (7, 1)] {
        let run = survey(program, &[], body(program, log2_cycles));
        assert_eq!(
            (run.shape.batches, run.shape.body.clock),
            (batches, Clock::SHORT)
        );
        check(&run);
    }
    let sha = guest("sha256");
    let run = survey(sha, &[7; 300], body(sha, 12));
    assert_eq!(run.shape.body.clock.bits(), 17);
    check(&run);
}

/// In one of the runs a batch ends behind each step of a write that lies across the output's words.
#[test]
fn batches_end_inside_a_write() {
    let write = |address, bytes| {
        let registers = [immediate("addi", A7, 0, 64), immediate("addi", A0, 0, 1)];
        let rest = [immediate("addi", A2, 0, bytes), ECALL];
        [&registers[..], &li(A1, address), &rest].concat()
    };
    let mut ends = BTreeSet::new();
    for idle in 40..56 {
        let mut code = write(DATA, 2);
        code.extend((0..idle).map(|_| immediate("addi", 5, 0, 1)));
        code.extend(write(DATA + 1, 23));
        let ecall = (CODE / 4) + code.len() as u32 - 1;
        code.extend(exit());
        let program = program(elf(&code, b"the output of a run, twice"));
        let run = survey(program, &[], body(program, 6));
        assert_eq!(run.output, b"thhe output of a run, twi");
        check(&run);
        // Cycles of the first batch behind those ahead of the call.
        let steps = 64 - (13 + idle);
        if run.run.spans[0].exit() == ecall {
            ends.insert(steps);
        }
    }
    // Three bytes and five words are moved; then it ends.
    assert_eq!(ends, (0..=8).collect());
}

/// Any run can have the clock of the longest.
#[test]
fn a_run_with_the_longest_clock() {
    let program = guest("sha256");
    let mut run = survey(program, b"abc", body(program, 10));
    run.shape.body.clock = Clock::LONGEST;
    check(&run);
    let least = |cycles| Clock::for_run(cycles).bits();
    for bits in 16..28 {
        let end = ((1_u64 << bits) - 1).div_ceil(3);
        assert_eq!((least(end - 1), least(end)), (bits, bits + 1));
    }
    assert_eq!(least(MAX_RUN_CYCLES), 28);
    assert_eq!(Clock::for_run(MAX_RUN_CYCLES + 1), Clock::LONGEST);
}

fn prove(program: &Program<'_>, input: &[u8], log2_cycles: u32) {
    let run = survey(program, input, body(program, log2_cycles));
    assert!(run.shape.batches >= 16, "{}", run.shape.batches);
    let tables = run.tables();
    let mut storage = run.storage();
    let traces = traces(&mut run.walk(&tables, &mut storage));
    let honest = reference(&traces, "", &[]);
    let proof = honest.prove();
    honest.verify(&proof).expect("an honest proof");
    tables.check_spans(&spans(&traces)).expect("an execution");
    // Each public value of each batch is another statement.
    let last = run.shape.batches as usize - 1;
    for batch in [0, 1, last] {
        let cpu = tranche_test_support::machine::run::place(&traces, batch, "cpu");
        for value in 0..4 {
            let mut other = honest.clone();
            other.publics[cpu][value] += F::ONE;
            assert!(
                other.verify(&proof).is_err(),
                "batch {batch}, value {value}"
            );
        }
    }
}

/// At least 16 batches, all tables as one list, under the unmodified prover and verifier.
#[test]
fn a_run_is_proved_and_verified() {
    prove(guest("sha256"), b"abc", 8);
}

/// A debt that is not paid, or paid twice, on each of the tables that are asked.
#[test]
fn debts_are_paid_once() {
    let mut code: Vec<_> = (0..100).map(|i| immediate("andi", 5, 5, i)).collect();
    code.extend(exit());
    let program = program(elf(&code, &[]));
    let run = survey(program, &[], body(program, 6));
    let tables = run.tables();
    let mut storage = run.storage();
    let honest = traces(&mut run.walk(&tables, &mut storage));
    let control = reference(&honest, "", &[]);
    control.verify(&control.prove()).expect("the control");
    for name in ["rom", "range", "and4"] {
        let table = honest.index(name);
        let row = honest.main[table]
            .values
            .iter()
            .position(|&count| count != F::ZERO);
        let row = row.expect("a row that is asked for");
        for (what, of) in [("unpaid", F::ZERO), ("paid twice", F::TWO)] {
            let mut forged = honest.clone();
            forged.main[table].values[row] *= of;
            let batch = reference(&forged, "", &[]);
            let refused = batch.verify(&batch.prove());
            assert_eq!(refused, Err(VerifyError::Buses), "{name}: {what}");
        }
    }
}
