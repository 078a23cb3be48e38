//! The machine loads, executes and fills its traces without a heap.

use std::hint::black_box;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use p3_field::PrimeCharacteristicRing;
use tranche_core::retire::Run;
use tranche_core::{F, Params, TraceMut};
use tranche_machine::batches::{
    BatchSpan, CLOSING, Debts, RunShape, RunTables, SurveyBuffers, Walk, WalkBuffers, survey,
};
use tranche_machine::exec::RecordStorage;
use tranche_machine::hash::Hash;
use tranche_machine::merge::Chain;
use tranche_machine::{Cell, EpochEnd, EpochShape, EpochTable, GuestIo, Machine, Program};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Three bytes in, any number out.
#[derive(Default)]
struct Io {
    read: u8,
    written: usize,
    output: [u8; 32],
}

impl GuestIo for Io {
    fn read(&mut self) -> Option<u8> {
        self.read += 1;
        (self.read <= 3).then_some(self.read)
    }

    fn write(&mut self, byte: u8) {
        if let Some(slot) = self.output.get_mut(self.written) {
            *slot = byte;
        }
        self.written += 1;
    }
}

const ELF: &[u8] = include_bytes!("../../host-demo/guests/prebuilt/sha256.elf");
const LOG2_CYCLES: u32 = 9;

#[test]
fn a_guest_runs_into_its_traces() {
    // The caller's buffers: a device has them in static memory.
    let rom_log2 = Program::parse(ELF).unwrap().rom_log2();
    let shape = EpochShape::new(LOG2_CYCLES, rom_log2).unwrap();
    let mut cells = vec![Cell::FREE; 1 << 12];
    let mut storage = RecordStorage::new(shape);
    let mut values = vec![F::ZERO; 64 << LOG2_CYCLES.max(rom_log2)];

    let (epochs, written) = assert_no_alloc(|| {
        let program = Program::parse(ELF).unwrap();
        let _ = black_box(program.digest());
        let mut io = Io::default();
        let mut machine = Machine::new(&program, &mut cells, 1 << 20);
        let mut record = storage.record();
        loop {
            let end = machine.run_epoch(&mut io, &mut record).unwrap();
            for table in EpochTable::all(shape, &program) {
                let height = 1 << table.log_height(shape);
                let mut fill = |width: usize, fixed: bool| {
                    let mut trace = TraceMut::new(&mut values[..width * height], height);
                    if fixed {
                        table.fill_preprocessed(&mut trace);
                    } else {
                        table.fill(&program, &mut record, &mut trace);
                    }
                };
                fill(table.main_width(), false);
                fill(table.fixed_width(), true);
            }
            black_box(&values);
            if end == EpochEnd::Exit(0) {
                let epochs = machine.epochs();
                black_box(machine.into_cells());
                return (epochs, io.written);
            }
        }
    });
    assert!(epochs > 3);
    assert!(written >= 32, "a digest");
}

#[test]
fn a_guest_is_surveyed_and_walked() {
    let program = Program::parse(ELF).unwrap();
    let body = RunShape::body(LOG2_CYCLES, &program).unwrap();
    let (mut surveyed, mut walked) = (vec![Cell::FREE; 1 << 12], vec![Cell::FREE; 1 << 12]);
    let (mut spans, mut memory) = (
        vec![BatchSpan::default(); 32],
        vec![Chain::default(); 1 << 12],
    );
    let (mut record, mut debts) = (vec![0; body.record_words()], vec![0; Debts::words(&body)]);
    let mut values = vec![F::ZERO; 64 << LOG2_CYCLES.max(program.rom_log2())];

    let batches = assert_no_alloc(|| {
        let mut io = Io::default();
        let buffers = SurveyBuffers {
            cells: &mut surveyed,
            spans: &mut spans,
            memory: &mut memory,
        };
        let run = survey(&program, &body, &mut io, buffers, 1 << 20).unwrap();
        let (spans, memory) = (&spans[..run.batches as usize], &memory[..run.cells]);
        let shape = RunShape::of(&program, body, run.batches, memory);
        let output = &io.output[..io.written];
        let tables = RunTables::new(
            &program,
            &shape,
            Params::DEFAULT,
            Hash::Poseidon2,
            run.exit_code,
            output,
        )
        .unwrap();
        let _ = black_box(tables.statement());
        let buffers = WalkBuffers {
            cells: &mut walked,
            record: &mut record,
            debts: &mut debts,
        };
        let mut walk = Walk::new(&tables, spans, memory, &[1, 2, 3], buffers).unwrap();
        for _ in 0..2 {
            for batch in 0..tables.batches() {
                let _ = black_box(tables.public_values(spans, batch));
                let kind = tables.kind(batch);
                for (t, air) in tables.airs(kind).iter().enumerate() {
                    let height = 1 << tables.specs(kind)[t].log_height;
                    let main = &mut values[..air.main_width() * height];
                    walk.fill(batch, t, &mut TraceMut::new(main, height))
                        .unwrap();
                    if air.fixed_width() > 0 {
                        let fixed = &mut values[..air.fixed_width() * height];
                        walk.fill_preprocessed(CLOSING, t, &mut TraceMut::new(fixed, height));
                    }
                }
                black_box(&values);
            }
        }
        walk.wipe();
        tables.bodies()
    });
    assert!(batches > 3);
    assert!(record.iter().chain(&debts).all(|&word| word == 0));
}
