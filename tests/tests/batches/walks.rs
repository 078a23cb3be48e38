//! Walks: the same traces each time, debts that are counted once, and what is refused on the way.

use p3_field::PrimeCharacteristicRing;
use tranche_core::retire::Run;
use tranche_core::{F, TraceMut};
use tranche_machine::batches::{
    BODY, BODY_TABLES, Debts, MAX_RUN_CYCLES, SpanError, SurveyBuffers, SurveyError, Surveyed,
    Unfilled, Walk, WalkError, WalkStartError, survey as survey_in, survey_on_heap,
};
use tranche_machine::exec::{RecordStorage, RunMachine};
use tranche_machine::merge::{Chain, MergeError};
use tranche_machine::{Cell, ExecError};
use tranche_test_support::machine::asm::{elf, immediate, jal};
use tranche_test_support::machine::oracle::Io;
use tranche_test_support::machine::run::{body, fill_batch, survey, traces};

use crate::guest;

#[test]
fn every_walk_fills_the_same_traces() {
    let program = guest("json");
    let run = survey(program, b"[1, 2, 30]", body(program, 9));
    let tables = run.tables();
    let (mut storage, mut other) = (run.storage(), run.storage());
    let mut walk = run.walk(&tables, &mut storage);
    let first = traces(&mut walk);

    // Two more; tables filled twice; a later walk that fills one table a batch.
    assert_eq!(traces(&mut walk).main, first.main);
    for batch in 0..tables.batches() {
        let once = fill_batch(&mut walk, batch);
        assert_eq!(fill_batch(&mut walk, batch), once);
    }
    for batch in 0..tables.bodies() {
        fill_one(&mut walk, batch).unwrap();
    }
    assert_eq!(
        fill_batch(&mut walk, tables.bodies()),
        first.main[first.main.len() - tables.airs(1).len()..]
    );

    // A first walk that is given up and begun again, with a table filled twice.
    let mut walk = run.walk(&tables, &mut other);
    fill_batch(&mut walk, 0);
    fill_batch(&mut walk, 0);
    fill_batch(&mut walk, 1);
    assert_eq!(traces(&mut walk).main, first.main);
}

/// Fills the CPU table of a batch.
fn fill_one(walk: &mut Walk<'_>, batch: usize) -> Result<(), WalkError> {
    let tables = walk.tables();
    let (air, spec) = (&tables.airs(BODY)[0], &tables.specs(BODY)[0]);
    let height = 1 << spec.log_height;
    let mut values = vec![F::ZERO; air.main_width() * height];
    walk.fill(batch, 0, &mut TraceMut::new(&mut values, height))
}

/// Walks that share the bodies fill the same traces, if the first takes over what the others have counted.
#[test]
fn walks_share_the_bodies() {
    let program = guest("sha256");
    let run = survey(program, b"abc", body(program, 8));
    let tables = run.tables();
    let closing = tables.bodies();
    assert!(closing > 6);
    let mut storages: Vec<_> = (0..3).map(|_| run.storage()).collect();
    let expected = traces(&mut run.walk(&tables, &mut storages[0])).main;
    let expected =
        |batch: usize| &expected[batch * BODY_TABLES..][..tables.airs(tables.kind(batch)).len()];
    let mut walks: Vec<_> = storages
        .iter_mut()
        .map(|storage| run.walk(&tables, storage))
        .collect();
    for walk in 0..3 {
        for batch in 0..closing {
            assert_eq!(fill_batch(&mut walks[batch % 3], batch), expected(batch));
        }
        if walk == 0 {
            // Those of the others lack, and it begins again.
            let refused = fill_all(&mut walks[0], closing);
            assert_eq!(refused, Err(WalkError::Unfilled(Unfilled)));
            continue;
        }
        let (first, others) = walks.split_first_mut().expect("three");
        others.iter_mut().for_each(|other| first.take_over(other));
        assert_eq!(fill_batch(first, closing), expected(closing));
    }
}

/// Batches that are filled anywhere, and whose debts are added up in another order.
#[test]
fn debts_commute() {
    let program = guest("json");
    let run = survey(program, b"[1, 2, 30]", body(program, 9));
    let tables = run.tables();
    let mut storage = run.storage();
    let first = traces(&mut run.walk(&tables, &mut storage));

    let shape = run.shape.body;
    let mut cells = vec![Cell::FREE; 1 << 16];
    let mut machine = RunMachine::new(program, &mut cells, u64::MAX);
    let mut io = Io::new(&run.input);
    let mut storages: Vec<_> = run
        .run
        .spans
        .iter()
        .map(|_| RecordStorage::new(shape))
        .collect();
    let mut records: Vec<_> = storages.iter_mut().map(RecordStorage::record).collect();
    for (record, span) in records.iter_mut().zip(&run.run.spans) {
        assert_eq!(machine.next(&mut io, record).unwrap().span, *span);
    }
    let mut words = vec![7; Debts::words(&shape)];
    let mut debts = Debts::new(&shape, &mut words).unwrap();
    assert_eq!(debts.add(&records[0]), Err(Unfilled));
    for (b, record) in records.iter_mut().enumerate().rev() {
        for (t, air) in tables.airs(BODY).iter().enumerate().rev() {
            let height = 1 << tables.specs(BODY)[t].log_height;
            let mut values = vec![F::ZERO; air.main_width() * height];
            let mut trace = TraceMut::new(&mut values, height);
            air.fill_body(program, record, &mut trace);
            let main = &first.main[b * BODY_TABLES + t];
            for row in [0, height / 2, height - 1] {
                for column in 0..main.width {
                    assert_eq!(
                        trace.get(row, column),
                        main.values[row * main.width + column]
                    );
                }
            }
        }
        debts.add(record).unwrap();
    }
    // ROM and AND4 are asked by bodies alone.
    let rom: Vec<_> = first.main[first.index("rom")].values.clone();
    assert!(
        rom.iter()
            .zip(&words)
            .all(|(count, &sum)| *count == F::from_u32(sum))
    );
    let and4 = &first.main[first.index("and4")].values;
    let sums = &words[words.len() - and4.len()..];
    assert!(
        and4.iter()
            .zip(sums)
            .all(|(count, &sum)| *count == F::from_u32(sum))
    );
}

#[test]
fn what_a_walk_refuses() {
    let program = guest("json");
    let run = survey(program, b"[1, 2, 30]", body(program, 9));
    let tables = run.tables();
    let mut storage = run.storage();

    // A batch that is not there, and one left before all is counted.
    let mut walk = run.walk(&tables, &mut storage);
    let batch = tables.batches();
    assert_eq!(
        fill_one(&mut walk, batch),
        Err(WalkError::NoBatch { batch })
    );
    fill_batch(&mut walk, 0);
    fill_one(&mut walk, 1).unwrap();
    assert_eq!(fill_one(&mut walk, 2), Err(WalkError::Unfilled(Unfilled)));
    // What is asked of the closing batch while a body was left out.
    let closing = tables.bodies();
    fill_batch(&mut walk, 0);
    (2..closing).for_each(|batch| drop(fill_batch(&mut walk, batch)));
    assert_eq!(
        fill_all(&mut walk, closing),
        Err(WalkError::Unfilled(Unfilled))
    );
    (0..closing).for_each(|batch| drop(fill_batch(&mut walk, batch)));
    assert_eq!(fill_all(&mut walk, closing), Ok(()), "the control");
    let mut walk = run.walk(&tables, &mut storage);
    // A table that is asked, ahead of those that ask.
    (0..tables.bodies()).for_each(|batch| drop(fill_batch(&mut walk, batch)));
    let rom = tables
        .airs(1)
        .iter()
        .position(|air| air.name() == "rom")
        .unwrap();
    let height = 1 << tables.specs(1)[rom].log_height;
    let mut values = vec![F::ZERO; height];
    let filled = walk.fill(
        tables.bodies(),
        rom,
        &mut TraceMut::new(&mut values, height),
    );
    assert_eq!(filled, Err(WalkError::Unfilled(Unfilled)));

    // Another input, by which batches end elsewhere, or by which only memory is another.
    for (input, at) in [(&b"[1]"[..], None), (b"[1, 2, 31]", Some(tables.bodies()))] {
        let mut other = run.clone();
        other.input = input.to_vec();
        let mut walk = other.walk(&tables, &mut storage);
        let refused = (0..=tables.bodies()).find_map(|batch| fill_all(&mut walk, batch).err());
        match refused {
            Some(WalkError::Diverged { batch }) => assert_eq!(at.unwrap_or(batch), batch),
            other => panic!("{other:?}"),
        }
    }

    // Other spans, and memory that no table has.
    let mut broken = run.run.spans.clone();
    broken.swap(1, 2);
    let refused = Walk::new(&tables, &broken, &run.run.memory, b"", storage.buffers());
    let expected = matches!(
        refused,
        Err(WalkStartError::Spans(SpanError::Entry { batch: 1, .. }))
    );
    assert!(expected, "{:?}", refused.err());
    let mut memory = run.run.memory.clone();
    let odd = Chain {
        cell: 0x7700_0000,
        ..Chain::default()
    };
    memory.push(odd);
    let refused = Walk::new(&tables, &run.run.spans, &memory, b"", storage.buffers());
    let uncovered = WalkStartError::Memory(MergeError::Uncovered { cell: odd.cell });
    assert_eq!(refused.err(), Some(uncovered));
}

fn fill_all(walk: &mut Walk<'_>, batch: usize) -> Result<(), WalkError> {
    let tables = walk.tables();
    let kind = tables.kind(batch);
    let sized = tables.airs(kind).iter().zip(tables.specs(kind));
    for (t, (air, spec)) in sized.enumerate() {
        let height = 1 << spec.log_height;
        let mut values = vec![F::ZERO; air.main_width() * height];
        walk.fill(batch, t, &mut TraceMut::new(&mut values, height))?;
    }
    Ok(())
}

/// In the caller's buffers a survey finds what it finds on the heap, and says which buffer is too short.
#[test]
fn surveys_agree_and_name_what_is_too_short() {
    let program = guest("json");
    let input = b"[1, 2, 30]";
    let body = body(program, 9);
    let expected = survey(program, input, body);
    let (batches, touched) = (expected.run.spans.len(), expected.run.memory.len());
    let survey_of = |slots: usize, batches: usize, touched: usize, max_cycles: u64| {
        let mut cells = vec![Cell::FREE; slots];
        let (mut spans, mut memory) = (
            vec![Default::default(); batches],
            vec![Chain::default(); touched],
        );
        let buffers = SurveyBuffers {
            cells: &mut cells,
            spans: &mut spans,
            memory: &mut memory,
        };
        survey_in(program, &body, &mut Io::new(input), buffers, max_cycles)
            .map(|found| (found, spans, memory))
    };
    let slots = Cell::slots_for(touched);
    let (found, spans, memory) = survey_of(slots, batches, touched, u64::MAX).unwrap();
    let Surveyed {
        exit_code,
        batches: number,
        cells,
        cycles,
        rows,
    } = found;
    assert_eq!(
        (exit_code, number as usize, cells, cycles),
        (0, batches, touched, expected.run.cycles)
    );
    // A cycle is a row of the CPU table, the first.
    assert_eq!((rows, rows[0]), (expected.run.rows, cycles));
    assert_eq!((spans, memory), (expected.run.spans, expected.run.memory));

    let refused = survey_of(slots, batches - 1, touched, u64::MAX).unwrap_err();
    assert_eq!(
        refused,
        SurveyError::TooManyBatches {
            capacity: batches - 1
        }
    );
    let refused = survey_of(slots, batches, touched - 1, u64::MAX).unwrap_err();
    let few = SurveyError::TooManyCells {
        needed: touched,
        got: touched - 1,
    };
    assert_eq!(refused, few);
    let refused = survey_of(slots, batches, touched, cycles - 1).unwrap_err();
    assert!(matches!(
        refused,
        SurveyError::Execution(ExecError::CycleLimit { .. })
    ));
    let refused = survey_of(64, batches, touched, u64::MAX).unwrap_err();
    assert!(matches!(
        refused,
        SurveyError::Execution(ExecError::MemoryFull { .. })
    ));
}

/// A loop that never ends and is no jump to itself: the clock of a run ends, whatever the caller allows.
#[test]
fn a_run_that_is_too_long() {
    let program = crate::program(elf(&[immediate("addi", 5, 5, 1), jal(0, -4)], &[]));
    let body = body(program, 20);
    let survey = |max_cycles| {
        let run = survey_on_heap(program, &body, &mut Io::new(&[]), 1 << 20, max_cycles);
        run.map(drop)
    };
    let cycles = MAX_RUN_CYCLES;
    assert_eq!(survey(u64::MAX), Err(SurveyError::TooLong { cycles }));
    let limit = survey(1000);
    assert!(matches!(
        limit,
        Err(SurveyError::Execution(ExecError::CycleLimit { .. }))
    ));
}
