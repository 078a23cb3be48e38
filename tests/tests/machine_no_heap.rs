//! The machine loads, executes and fills its traces without a heap.

use std::hint::black_box;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use p3_field::PrimeCharacteristicRing;
use tranche_core::{F, TraceMut};
use tranche_machine::exec::RecordStorage;
use tranche_machine::{Cell, EpochEnd, EpochShape, EpochTable, GuestIo, Machine, Program};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Three bytes in, any number out.
#[derive(Default)]
struct Io {
    read: u8,
    written: usize,
}

impl GuestIo for Io {
    fn read(&mut self) -> Option<u8> {
        self.read += 1;
        (self.read <= 3).then_some(self.read)
    }

    fn write(&mut self, _: u8) {
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
