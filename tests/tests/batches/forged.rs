//! Forgeries of what runs add to the tables of epochs and merges: each is refused by one check alone, and
//! accepted without it, by the audit and by real proofs.

use std::collections::BTreeSet;

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use tranche_core::F;
use tranche_core::verifier::VerifyError;
use tranche_machine::batches::RunTable;
use tranche_machine::bus::{Clock, MEMORY, RANGE};
use tranche_machine::merge::{GMEM, MergeTable, rest};
use tranche_machine::tables::EpochTable;
use tranche_machine::tables::cpu::{Cpu, RunCpu};
use tranche_machine::tables::mem::Mem;
use tranche_test_support::audit::Flaw;
use tranche_test_support::machine::audit::{audit, audit_without, recount};
use tranche_test_support::machine::run::{RunTraces, place, reference};
use tranche_test_support::merge::batch::{image, outcome};
use tranche_test_support::merge::forge::{TOP, bridge, padding, rest_trace, row as rest_row};
use tranche_test_support::omit::Checks;
use tranche_test_support::omit::Omit::{self, Assertion, Interaction};

use crate::witness::{ACCESSES, CELL, Low, follow, forger, hole, retime, row, time};

/// Judges a forgery that the tables of this name refuse by these checks: by the audit, then by proofs.
fn judge(what: &str, forged: &RunTraces<'static>, table: &str, omits: &[Omit]) {
    let mut without = forged.clone();
    recount(&mut without, table, omits);
    assert_eq!(
        audit_without(&without, table, omits),
        BTreeSet::new(),
        "{what}: without the check"
    );
    let mut real = forged.clone();
    recount(&mut real, "", &[]);
    let air = forged.tables[forged.index(table)];
    let name = air.name();
    let checks = Checks::of(&air);
    let expected = omits.iter().map(|omit| match *omit {
        Assertion(k) => Flaw::Constraint(name, k),
        Interaction(k) => Flaw::Bus(checks.interactions[k].clone()),
    });
    assert_eq!(
        audit(&real),
        expected.collect(),
        "{what}: why it is refused"
    );

    let breaks_the_table = |error: &VerifyError| match *error {
        VerifyError::Constraints { table } => forged.tables[table].name() == name,
        _ => false,
    };
    let (without, real) = (reference(&without, table, omits), reference(&real, "", &[]));
    let proof = without.prove();
    without.verify(&proof).expect(what);
    let refused = real.verify(&proof).unwrap_err();
    assert!(breaks_the_table(&refused), "{what}: {refused:?}");
    let refused = real.verify(&real.prove()).unwrap_err();
    match omits[0] {
        Assertion(_) => assert!(breaks_the_table(&refused), "{what}: {refused:?}"),
        Interaction(_) => assert_eq!(refused, VerifyError::Buses, "{what}"),
    }
}

#[test]
fn the_honest_controls() {
    for clock in [Clock::SHORT, Clock::LONGEST] {
        let honest = &forger(clock).honest;
        assert_eq!(audit(honest), BTreeSet::new());
        let batch = reference(honest, "", &[]);
        batch.verify(&batch.prove()).expect("an honest run");
    }
    let idle = forger(Clock::SHORT).idle_run(0, b"");
    let mut counted = idle.clone();
    recount(&mut counted, "", &[]);
    assert_eq!(audit(&counted), BTreeSet::new());
}

/// The rows of the last batch start three ticks after what its public values say.
#[test]
fn a_batch_whose_rows_start_at_another_clock() {
    for clock in [Clock::SHORT, Clock::LONGEST] {
        let mut forged = forger(clock).honest.clone();
        let last = place(&forged, 2, "cpu");
        let start = forged.public[last][3];
        let from = start.as_canonical_u32();
        retime(
            &mut forged,
            |time| if time >= from { time + 3 } else { time },
        );
        // The batch ahead leaves its padding where it was, since it is full.
        forged.public[last][2] += F::from_u8(3);
        judge("rows that start late", &forged, "cpu", &[Assertion(1)]);
    }
}

/// Interactions of MEM that check a difference, the low part first: the address and the two tokens stand
/// ahead.
const MEM_ELAPSED: usize = 6;

/// The store of batch 0 is the last: it takes what the store of batch 2 put, and final memory has its
/// older timestamp.
#[test]
fn a_write_that_is_replayed_with_an_older_timestamp() {
    for clock in [Clock::SHORT, Clock::LONGEST] {
        let air = RunTable::Epoch(EpochTable::from(Mem(clock)));
        let interactions = Checks::of(&air).interactions;
        for (part, wrong) in [Low::All, Low::Nothing].into_iter().enumerate() {
            assert_eq!(interactions[MEM_ELAPSED + part], RANGE);
            let mut forged = forger(clock).honest.clone();
            let [first, load, last] = ACCESSES;
            let [at_first, at_load, at_last] = ACCESSES.map(|access| time(&forged, access));
            follow(&mut forged, load, 0, Low::Honest);
            follow(&mut forged, last, at_load, Low::Honest);
            follow(&mut forged, first, at_last, wrong);
            let rest = hole(&forged);
            row(&mut forged, rest, 0)[rest::FINI_EPOCH] = F::from_u32(at_first);
            let what = format!("a store replayed by part {part}, {clock:?}");
            judge(&what, &forged, "mem", &[Interaction(MEM_ELAPSED + part)]);
        }
    }
}

/// Final memory has the cell twice, so that the load of batch 1 can find it as genesis left it.
#[test]
fn final_memory_with_a_cell_twice() {
    let mut forged = forger(Clock::SHORT).honest.clone();
    let [_, load, last] = ACCESSES;
    let [at_first, at_load, at_last] = ACCESSES.map(|access| time(&forged, access));
    follow(&mut forged, load, 0, Low::Honest);
    follow(&mut forged, last, at_first, Low::Honest);
    let table = hole(&forged);
    let height = forged.main[table].values.len() / rest::WIDTH;
    let [first, end] = [0, 1].map(|i| forged.public[table][i].as_canonical_u32());
    let mut rows = vec![
        rest_row(CELL, CELL - first, (at_last, 0)),
        bridge(CELL + 1, 0),
        rest_row(CELL, 0, (at_load, 0)),
        padding(end - CELL - 1),
    ];
    rows.resize(height, padding(0));
    forged.main[table] = rest_trace(&rows, TOP);
    judge("a cell twice", &forged, "rest", &[Assertion(2)]);
}

/// Tokens of final memory: without them its rows say what they like.
#[test]
fn final_memory_that_nobody_left() {
    let tokens = |table: &RunTable<'_>| {
        let buses = Checks::of(table).interactions;
        let on_memory = |(k, bus): (usize, &String)| (bus == MEMORY).then_some(Interaction(k));
        buses
            .iter()
            .enumerate()
            .filter_map(on_memory)
            .collect::<Vec<_>>()
    };
    let forger = forger(Clock::SHORT);
    let mut image = forger.idle_run(0, b"");
    let table = image.index("image");
    row(&mut image, table, 0)[..2].fill(F::ONE);
    let omits = tokens(&image.tables[table]);
    judge(
        "a cell of the image changed by nobody",
        &image,
        "image",
        &omits,
    );

    let result = forger.idle_run(7, b"ok");
    let omits = tokens(&result.tables[result.index("result")]);
    judge(
        "a run that does nothing claims an output",
        &result,
        "result",
        &omits,
    );

    let mut rest = forger.idle_run(0, b"");
    let table = hole(&rest);
    let height = rest.main[table].values.len() / rest::WIDTH;
    let [first, end] = [0, 1].map(|i| rest.public[table][i].as_canonical_u32());
    let mut rows = vec![
        rest_row(CELL, CELL - first, (5, 5)),
        padding(end - CELL - 1),
    ];
    rows.resize(height, padding(0));
    rest.main[table] = rest_trace(&rows, TOP);
    let omits = tokens(&rest.tables[table]);
    judge("a cell of a hole changed by nobody", &rest, "rest", &omits);
}

/// Final memory without a cell that the run touched.
#[test]
fn final_memory_short_of_a_cell() {
    let mut forged = forger(Clock::SHORT).honest.clone();
    let table = hole(&forged);
    let height = forged.main[table].values.len() / rest::WIDTH;
    forged.main[table] = rest_trace(&vec![padding(0); height], TOP);
    recount(&mut forged, "", &[]);
    assert_eq!(audit(&forged), BTreeSet::from([Flaw::Bus(MEMORY.into())]));
    let batch = reference(&forged, "", &[]);
    assert_eq!(batch.verify(&batch.prove()), Err(VerifyError::Buses));
}

/// What runs take from epochs and merges has the same checks there, where each is forged; only the bus of
/// memory is another.
#[test]
fn the_other_checks_are_those_of_epochs_and_merges() {
    for clock in [Clock::SHORT, Clock::LONGEST] {
        let ours = Checks::of(&RunTable::Cpu(RunCpu(clock)));
        assert_eq!(ours, Checks::of(&EpochTable::from(Cpu(clock))));
    }
    let traces = &forger(Clock::SHORT).honest;
    let theirs = [
        MergeTable::Image(image()),
        MergeTable::Result(outcome(0, b"")),
        MergeTable::Rest,
    ];
    for (name, theirs) in ["image", "result", "rest"].into_iter().zip(theirs) {
        let mut expected = Checks::of(&theirs);
        for bus in &mut expected.interactions {
            if bus == GMEM {
                *bus = MEMORY.into();
            }
        }
        let ours = Checks::of(&traces.tables[traces.index(name)]);
        assert_eq!(ours, expected, "{name}");
    }
}
