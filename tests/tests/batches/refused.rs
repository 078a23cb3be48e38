//! Proofs that `verify_batch` accepts and that are no execution: what only the spans show.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::{LookupError, Lookups, check_multiplicity_height_bound};
use p3_matrix::Matrix;
use tranche_core::{EF, F};
use tranche_machine::batches::{
    BODY_TABLES, BatchSpan, RunError, RunShape, RunTables, SpanError, check_spans,
};
use tranche_machine::bus::{CLOCK_START, Clock, MAX_RUN_CYCLES};
use tranche_machine::hash::Hash;
use tranche_machine::tables::rom::HALT;
use tranche_test_support::machine::audit::recount;
use tranche_test_support::machine::run::{RunTraces, reference, spans};

use crate::witness::{forger, insert, retime};

/// Proves a run, which is accepted, and returns what its spans are refused for.
fn judge(mut forged: RunTraces<'static>) -> Result<(), SpanError> {
    recount(&mut forged, "", &[]);
    let batch = reference(&forged, "", &[]);
    batch
        .verify(&batch.prove())
        .expect("a proof that is accepted");
    let spans = spans(&forged);
    let program = forger(Clock::SHORT).run.program;
    check_spans(program, Clock::SHORT, spans.len() as u32, &spans)
}

#[test]
fn the_honest_control() {
    assert_eq!(judge(forger(Clock::SHORT).honest.clone()), Ok(()));
}

/// The run with a batch in which nothing happens ahead of batch `at`.
fn with_idle(at: usize, pc: u32, clock: u32) -> RunTraces<'static> {
    let forger = forger(Clock::SHORT);
    let mut forged = forger.honest.clone();
    insert(&mut forged, at * BODY_TABLES, forger.idle(pc, clock));
    forged
}

/// A program counter or a clock that is broken between batches, or at the start.
#[test]
fn batches_that_do_not_follow_one_another() {
    let forger = forger(Clock::SHORT);
    let honest = &forger.run.run.spans;
    let (pc, clock) = (honest[0].exit(), honest[0].end());
    // An idle batch in its place is as good as none.
    assert_eq!(judge(with_idle(1, pc, clock)), Ok(()));

    let (expected, got) = (pc, pc + 1);
    let refused = SpanError::Entry {
        batch: 1,
        expected,
        got,
    };
    assert_eq!(judge(with_idle(1, pc + 1, clock)), Err(refused));
    let (expected, got) = (clock, clock + 3);
    let refused = SpanError::Clock {
        batch: 1,
        expected,
        got,
    };
    assert_eq!(judge(with_idle(1, pc, clock + 3)), Err(refused));

    let entry = forger.run.program.entry();
    let (expected, got) = (entry, entry + 1);
    let refused = SpanError::Entry {
        batch: 0,
        expected,
        got,
    };
    assert_eq!(judge(with_idle(0, entry + 1, CLOCK_START)), Err(refused));
    let mut late = forger.honest.clone();
    retime(&mut late, |time| if time == 0 { 0 } else { time + 3 });
    for batch in 0..3 {
        for value in [2, 3] {
            late.public[batch * BODY_TABLES][value] += F::from_u8(3);
        }
    }
    let (expected, got) = (CLOCK_START, CLOCK_START + 3);
    let refused = SpanError::Clock {
        batch: 0,
        expected,
        got,
    };
    assert_eq!(judge(late), Err(refused));
}

/// HALT is the exit of the last batch, and of no other.
#[test]
fn batches_that_halt_early_or_never() {
    let forger = forger(Clock::SHORT);
    let end = forger.run.run.spans[2].end();
    let early = with_idle(3, HALT, end);
    assert_eq!(judge(early), Err(SpanError::Halt { last: false }));
    // A run that does nothing, and claims to have exited with code 0.
    let never = forger.idle_run(0, b"");
    assert_eq!(judge(never), Err(SpanError::Halt { last: true }));
}

/// The clock ends below the bits of its timestamps: a proof past them takes more cycles than a test can
/// prove, so the spans alone are judged.
#[test]
fn a_clock_past_its_bits() {
    let program = forger(Clock::SHORT).run.program;
    let run = |end: u32| {
        let words = [program.entry(), HALT, CLOCK_START, end];
        [BatchSpan::from_words(words).unwrap()]
    };
    for clock in [Clock::SHORT, Clock::for_cycles(16), Clock::LONGEST] {
        let bits = clock.bits();
        let end = 1 << bits;
        assert_eq!(check_spans(program, clock, 1, &run(end - 1)), Ok(()));
        let refused = SpanError::TooLong { end, bits };
        assert_eq!(check_spans(program, clock, 1, &run(end)), Err(refused));
    }
    assert_eq!(
        u64::from(CLOCK_START) + 3 * MAX_RUN_CYCLES,
        (1 << 28) - 1 - 2
    );
}

/// As many spans as the header has batches, and numbers in one form only.
#[test]
fn spans_that_are_missing_or_have_two_forms() {
    let forger = forger(Clock::SHORT);
    let (program, spans) = (forger.run.program, &forger.run.run.spans);
    let count = |expected, got| Err(SpanError::Count { expected, got });
    assert_eq!(
        check_spans(program, Clock::SHORT, 3, &spans[..2]),
        count(3, 2)
    );
    assert_eq!(check_spans(program, Clock::SHORT, 0, &[]), count(0, 0));

    let words = spans[1].words();
    assert_eq!(BatchSpan::from_words(words), Some(spans[1]));
    for at in 0..4 {
        let mut other = words;
        other[at] += 0x7800_0001;
        assert_eq!(BatchSpan::from_words(other), None);
    }
}

/// What cannot be one proof is refused by name before anything is proved.
#[test]
fn plans_that_are_refused() {
    let forger = forger(Clock::SHORT);
    let tables = |shape: &RunShape| {
        let program = forger.run.program;
        RunTables::new(
            program,
            shape,
            forger.tables.params(),
            Hash::Poseidon2,
            0,
            b"",
        )
        .map(drop)
    };
    let shape = || forger.run.shape.clone();
    assert_eq!(tables(&shape()), Ok(()));

    let none = RunShape {
        batches: 0,
        ..shape()
    };
    assert_eq!(tables(&none), Err(RunError::NoBatches));
    let mut fewer = shape();
    fewer.rest.pop();
    let (expected, got) = (shape().rest.len(), fewer.rest.len());
    assert_eq!(tables(&fewer), Err(RunError::Holes { expected, got }));

    // The bound is exact, and the sum is what Plonky3 computes.
    let sum = forger.tables.multiplicities().unwrap();
    assert_eq!(sum, plonky3(&forger.honest));
    let of = |batches| sum_of(&RunShape { batches, ..shape() });
    let each = of(2) - of(1);
    let rest = of(1) - each;
    let limit = 0x7800_0000;
    let most = ((limit - rest) / each) as u32;
    let longest = RunShape {
        batches: most,
        ..shape()
    };
    assert_eq!(tables(&longest), Ok(()));
    let longer = RunShape {
        batches: most + 1,
        ..shape()
    };
    let sum = rest + each * u64::from(most + 1);
    assert_eq!(
        tables(&longer),
        Err(RunError::Multiplicities { sum, limit })
    );
}

/// The sum of a run's multiplicities.
fn sum_of(shape: &RunShape) -> u64 {
    let forger = forger(Clock::SHORT);
    let params = forger.tables.params();
    let tables =
        RunTables::new(forger.run.program, shape, params, Hash::Poseidon2, 0, b"").unwrap();
    tables.multiplicities().unwrap()
}

/// Plonky3's sum over all tables of a run.
fn plonky3(traces: &RunTraces<'_>) -> u64 {
    let lookups: Vec<_> = traces
        .tables
        .iter()
        .map(Lookups::<F>::from_air::<EF, _>)
        .collect();
    let heights: Vec<_> = traces.main.iter().map(Matrix::height).collect();
    // It says what the sum is where it refuses it: of tables so many times as high.
    let factor = 1 << 31;
    let heights: Vec<_> = heights.iter().map(|height| height * factor).collect();
    let Err(LookupError::MultiplicityHeightBoundExceeded {
        weighted_height_sum,
        ..
    }) = check_multiplicity_height_bound(&lookups, &heights)
    else {
        panic!("a sum that is refused")
    };
    let sum: u128 = weighted_height_sum.to_string().parse().unwrap();
    (sum / factor as u128) as u64
}
