//! A forger's tools: one honest run of three batches, a batch in which nothing happens, and edits of rows.

use std::sync::LazyLock;

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::{F, TraceMut};
use tranche_machine::batches::{BODY, RunTable, RunTables};
use tranche_machine::bus::Clock;
use tranche_machine::exec::RecordStorage;
use tranche_machine::hash::Hash;
use tranche_machine::merge::rest;
use tranche_machine::tables::cpu::{self, RunCpu};
use tranche_machine::tables::mem::{self, Mem};
use tranche_machine::tables::rom::READS_RS2;
use tranche_machine::tables::sys::{self, Sys};
use tranche_machine::{EpochTable, Program};
use tranche_test_support::machine::asm::{CODE, DATA, elf, exit, immediate, li, load, store};
use tranche_test_support::machine::run::{RunTraces, Surveyed, body, place, survey, traces};

/// A cell between code and data, in the second hole, that every batch of the run touches.
pub const CELL: u32 = (CODE + DATA) / 2 / 4;
/// Its rows of the MEM table: batch, row. The first and the last store what the cell has, 0.
pub const ACCESSES: [(usize, usize); 3] = [(0, 0), (1, 0), (2, 0)];
/// log2 of the cycles of a batch.
pub const LOG2_CYCLES: u32 = 6;

/// The run: stores 0 to the cell, loads it, stores 0 again, each in a batch of its own.
pub struct Forger {
    pub run: Surveyed<'static>,
    pub tables: RunTables<'static>,
    pub honest: RunTraces<'static>,
}

/// The run with a clock.
pub fn forger(clock: Clock) -> &'static Forger {
    static FORGERS: LazyLock<[Forger; 2]> =
        LazyLock::new(|| [Clock::SHORT, Clock::LONGEST].map(Forger::new));
    &FORGERS[usize::from(clock == Clock::LONGEST)]
}

fn program() -> &'static Program<'static> {
    static PROGRAM: LazyLock<&Program<'static>> = LazyLock::new(|| {
        let idle = |count| (0..count).map(|_| immediate("addi", 6, 0, 1));
        let mut code = li(7, 4 * CELL).to_vec();
        code.push(store("sw", 0, 7, 0));
        code.extend(idle(64));
        code.push(load("lw", 5, 7, 0));
        code.extend(idle(64));
        code.push(store("sw", 0, 7, 0));
        code.extend(exit());
        // With data, so that the cell's hole has an end.
        crate::program(elf(&code, &[1; 4]))
    });
    &PROGRAM
}

impl Forger {
    fn new(clock: Clock) -> Self {
        let program = program();
        let mut run = survey(program, &[], body(program, LOG2_CYCLES));
        run.shape.body.clock = clock;
        assert_eq!(run.shape.batches, 3);
        // Kept, since traces name their program and the claimed output.
        let run: &'static Surveyed<'static> = Box::leak(Box::new(run));
        let tables: &'static RunTables<'static> = Box::leak(Box::new(run.tables()));
        let storage = Box::leak(Box::new(run.storage()));
        let honest = traces(&mut run.walk(tables, storage));
        Self {
            run: run.clone(),
            tables: tables.clone(),
            honest,
        }
    }

    /// The traces of a body batch in which nothing happens, at a program counter and a clock.
    pub fn idle(&self, pc: u32, clock: u32) -> RunTraces<'static> {
        let mut storage = RecordStorage::new(self.run.shape.body);
        let mut record = storage.record();
        let mut idle = RunTraces {
            tables: self.tables.airs(BODY).to_vec(),
            main: vec![],
            public: vec![],
        };
        for (air, spec) in self.tables.airs(BODY).iter().zip(self.tables.specs(BODY)) {
            let height = 1 << spec.log_height;
            let mut values = vec![F::ZERO; air.main_width() * height];
            let mut trace = TraceMut::new(&mut values, height);
            air.fill_body(self.run.program, &mut record, &mut trace);
            idle.main
                .push(RowMajorMatrix::new(values, height).transpose());
            idle.public.push(vec![]);
        }
        for row in 0..idle.main[0].height() {
            for (column, value) in [(cpu::PC, pc), (cpu::NEXT_PC, pc), (cpu::CLK, clock)] {
                idle.set("cpu", row, column, F::from_u32(value));
            }
        }
        idle.public[0] = [pc, pc, clock, clock].map(F::from_u32).to_vec();
        idle
    }

    /// The closing batch of a run in which nothing happens, with another claim.
    pub fn idle_run(&self, exit_code: u32, output: &'static [u8]) -> RunTraces<'static> {
        let mut shape = self.run.shape.clone();
        shape.batches = 1;
        let params = self.tables.params();
        let tables = RunTables::new(
            self.run.program,
            &shape,
            params,
            Hash::Poseidon2,
            exit_code,
            output,
        );
        let tables: &'static RunTables<'static> = Box::leak(Box::new(tables.expect("tables")));
        let mut run = self.idle(self.run.program.entry(), 1);
        let mut holes = tables.holes().iter();
        for (air, spec) in tables.airs(1).iter().zip(tables.specs(1)) {
            let height = 1 << spec.log_height;
            let mut values = vec![F::ZERO; air.main_width() * height];
            let mut trace = TraceMut::new(&mut values, height);
            match air {
                // Nothing is touched: each cell is left as it was found.
                RunTable::Image(image) => {
                    tranche_machine::merge::fill_image(&mut trace, &image.0, &[]).unwrap();
                }
                RunTable::Rest(_) => {
                    let mut counts = tranche_machine::merge::RangeCounts::new();
                    let hole = *holes.next().unwrap();
                    tranche_machine::merge::fill_rest(&mut trace, hole, &[], &mut counts).unwrap();
                }
                _ => {}
            }
            run.tables.push(*air);
            run.main
                .push(RowMajorMatrix::new(values, height).transpose());
        }
        let public = tables.public_values(&[], 1);
        run.public
            .extend(public.iter().map(|values| values.to_vec()));
        run
    }
}

/// Puts a batch ahead of the tables from `at` on.
pub fn insert(traces: &mut RunTraces<'static>, at: usize, batch: RunTraces<'static>) {
    traces.tables.splice(at..at, batch.tables);
    traces.main.splice(at..at, batch.main);
    traces.public.splice(at..at, batch.public);
}

/// A row of a table, by place.
pub fn row<'t>(traces: &'t mut RunTraces<'_>, table: usize, row: usize) -> &'t mut [F] {
    let main = &mut traces.main[table];
    let width = main.width;
    &mut main.values[row * width..][..width]
}

/// The table of the second hole, which has [`CELL`].
pub fn hole(traces: &RunTraces<'_>) -> usize {
    traces.index("rest") + 1
}

/// The timestamp of an access of [`ACCESSES`].
pub fn time(traces: &RunTraces<'_>, (batch, row): (usize, usize)) -> u32 {
    let main = &traces.main[place(traces, batch, "mem")];
    main.values[row * main.width + mem::CLK].as_canonical_u32() + 2
}

/// Makes an access of [`ACCESSES`] follow one at `previous`, with this low part of the difference.
pub fn follow(traces: &mut RunTraces<'_>, access: (usize, usize), previous: u32, low: Low) {
    let time = time(traces, access);
    let table = place(traces, access.0, "mem");
    let clock = clock_of(traces);
    let row = row(traces, table, access.1);
    row[mem::PREVIOUS] = F::from_u32(previous);
    let difference = F::from_u32(time) - F::from_u32(previous) - F::ONE;
    row[mem::ELAPSED] = low_part(clock, difference, low);
}

/// What stands in the column of the low part of a difference.
#[derive(Clone, Copy, Debug)]
pub enum Low {
    /// The low part.
    Honest,
    /// All of the difference, so that the low part is too wide.
    All,
    /// Nothing, so that the high part is.
    Nothing,
}

fn low_part(clock: Clock, difference: F, low: Low) -> F {
    match low {
        Low::Honest => F::from_u32(difference.as_canonical_u32() & ((1 << clock.low_bits()) - 1)),
        Low::All => difference,
        Low::Nothing => F::ZERO,
    }
}

fn clock_of(traces: &RunTraces<'_>) -> Clock {
    match traces.tables[0] {
        RunTable::Cpu(RunCpu(clock)) => clock,
        _ => panic!("the first table is CPU"),
    }
}

/// Moves all that happens at a time to another: clocks, tokens and their differences, and public values
/// from the second on.
pub fn retime(traces: &mut RunTraces<'_>, to: impl Fn(u32) -> u32) {
    let moved = |time: F| F::from_u32(to(time.as_canonical_u32()));
    let clock = clock_of(traces);
    for t in 0..traces.tables.len() {
        let table = traces.tables[t];
        for r in 0..traces.main[t].height() {
            let row = row(traces, t, r);
            // Clock, whether there is an access, its place in the cycle, its columns.
            let (clk, accesses): (_, Vec<_>) = match table {
                RunTable::Cpu(_) => {
                    let gates = [cpu::REAL, cpu::flag(READS_RS2), cpu::REAL];
                    let of = |i: usize| (row[gates[i]], i, cpu::PREVIOUS[i], cpu::ELAPSED[i]);
                    (cpu::CLK, (0..3).map(of).collect())
                }
                RunTable::Epoch(EpochTable::Mem(Mem(_), _)) => {
                    let gate = row[mem::IS_BYTE] + row[mem::IS_HALF] + row[mem::IS_WORD];
                    if gate + row[mem::IS_JALR] == F::ZERO {
                        continue;
                    }
                    (mem::CLK, vec![(gate, 2, mem::PREVIOUS, mem::ELAPSED)])
                }
                RunTable::Epoch(EpochTable::Sys(Sys(_), _)) => {
                    let gate: F = (sys::IS_EXIT..=sys::IS_READ_END).map(|c| row[c]).sum();
                    if gate == F::ZERO {
                        continue;
                    }
                    let write = sys::IS_WRITE_BYTE..=sys::IS_WRITE_ACROSS;
                    let output = (
                        write.map(|c| row[c]).sum(),
                        2,
                        sys::OUT_LEN_PREVIOUS,
                        sys::ELAPSED[1],
                    );
                    row[sys::RESULT_PREVIOUS] = moved(row[sys::RESULT_PREVIOUS]);
                    let argument = (gate, 2, sys::ARGUMENT_PREVIOUS, sys::ELAPSED[0]);
                    (sys::CLK, vec![argument, output])
                }
                RunTable::Image(_) | RunTable::Result(_) => {
                    row[0] = moved(row[0]);
                    continue;
                }
                RunTable::Rest(_) => {
                    row[rest::FINI_EPOCH] = moved(row[rest::FINI_EPOCH]);
                    continue;
                }
                _ => continue,
            };
            row[clk] = moved(row[clk]);
            for (gate, offset, previous, elapsed) in accesses {
                if gate == F::ONE {
                    row[previous] = moved(row[previous]);
                    let time = row[clk] + F::from_usize(offset);
                    let difference = time - row[previous] - F::ONE;
                    row[elapsed] = low_part(clock, difference, Low::Honest);
                }
            }
        }
    }
}
