//! Cells in pages and instructions decoded ahead, as hosts have them, against cells in a hash table and instructions
//! decoded one by one: one run, the same rows; one history, the same cells.

use tranche_machine::cells::{MAX_OUTPUT_WORDS, OUT};
use tranche_machine::exec::{NoRoom, Slots};
use tranche_machine::tables::l2g::L2gRow;
use tranche_machine::{
    Cell, CellStore, EpochEnd, EpochShape, ExecError, Machine, Pages, Program, RecordStorage,
};

use crate::guests::guest;
use crate::oracle::Io;

/// The L2G rows of every epoch, in order, and the output.
fn rows<S: CellStore>(mut machine: Machine<'_, S>, shape: EpochShape) -> (Vec<[u32; 5]>, Vec<u8>) {
    let mut io = Io::new(b"{\"a\": [1, 2.5, -3], \"b\": \"text\"}");
    let mut storage = RecordStorage::new(shape);
    let mut record = storage.record();
    let mut rows = Vec::new();
    loop {
        let end = machine.run_epoch(&mut io, &mut record).unwrap();
        rows.extend(record.l2g().iter().map(|row: &L2gRow| {
            let L2gRow {
                cell,
                init_epoch,
                init,
                fini,
                timestamp,
            } = *row;
            [cell, init_epoch, init, fini, timestamp]
        }));
        if matches!(end, EpochEnd::Exit(_)) {
            return (rows, io.output);
        }
    }
}

#[test]
fn guests_leave_the_same_rows_in_the_same_order() {
    for name in ["sha256", "json", "sort"] {
        let elf = guest(name);
        let program = Program::parse(&elf).unwrap();
        for log2_cycles in [6, 9, 12] {
            let shape = EpochShape::of(log2_cycles, &program).unwrap();
            let mut cells = vec![Cell::FREE; 1 << 14];
            let slots = rows(Machine::new(&program, &mut cells, u64::MAX), shape);
            let pages = Pages::new(1 << 20);
            let decoded = program.clone().decoded();
            let pages = rows(Machine::over(&decoded, pages, u64::MAX), shape);
            assert!(slots == pages, "{name}, 2^{log2_cycles} cycles");
        }
    }
}

/// A small deterministic generator (xorshift, Marsaglia 2003).
fn next(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

#[test]
fn any_history_leaves_the_same_cells() {
    let initial = |id: u32| id.wrapping_mul(0x9e37_79b1);
    for seed in 1..=8 {
        let mut state = seed;
        let mut slots = vec![Cell::FREE; 1 << 12];
        let mut slots = Slots::new(&mut slots);
        let mut pages = Pages::new(1 << 30);
        // Neighbours, far pages, both ends of memory and of the output.
        let end = OUT + MAX_OUTPUT_WORDS;
        let regions = [0, 250, 1 << 20, (1 << 30) - 16, OUT, end - 16];
        for epoch in 0..60 {
            if epoch > 0 {
                slots.start_epoch(epoch);
                pages.start_epoch(epoch);
            }
            for timestamp in 1..next(&mut state) % 100 {
                let random = next(&mut state);
                let id = regions[random as usize % regions.len()] + (random >> 16) % 16;
                let access = |cell: &mut Cell| {
                    let found = *cell;
                    if cell.epoch != epoch {
                        (cell.epoch, cell.timestamp) = (epoch, 0);
                    }
                    cell.timestamp = timestamp * epoch.min(1);
                    cell.value ^= random;
                    found
                };
                let [a, b] = [
                    slots.with(id, initial, access).unwrap(),
                    pages.with(id, initial, access).unwrap(),
                ];
                // Timestamps are of the current epoch.
                let timestamps = |cell: Cell| (cell.epoch == epoch).then_some(cell.timestamp);
                assert_eq!((a.id, a.value, a.epoch), (b.id, b.value, b.epoch));
                assert_eq!(timestamps(a), timestamps(b), "seed {seed}, epoch {epoch}");
                let [a, b] = [slots.get(id), pages.get(id)].map(Option::unwrap);
                assert_eq!(a, b);
            }
        }
    }
}

#[test]
fn pages_are_limited() {
    let mut pages = Pages::new(2047);
    let touch = |pages: &mut Pages, id| pages.with(id, |_| 7, |cell| cell.value);
    assert_eq!(touch(&mut pages, 0), Ok(7));
    assert_eq!(touch(&mut pages, 255), Ok(7));
    let full = Err(NoRoom::Limit { bytes: 2047 });
    assert_eq!(touch(&mut pages, 256), full);
    assert_eq!((pages.get(256), pages.bytes()), (None, 1024));

    let elf = guest("sort");
    let program = Program::parse(&elf).unwrap();
    let mut machine = Machine::over(&program, Pages::new(1 << 10), u64::MAX);
    let error = machine.run(&mut Io::new(b"x")).unwrap_err();
    assert!(matches!(error, ExecError::MemoryFull { bytes: 1024, .. }));
}
