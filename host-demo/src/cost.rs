//! What the proofs of a run's epochs commit to, found by executing it into records and proving nothing.
//!
//! A *cell* is an element of a committed trace on its own domain: main columns, four for each column of the permutation
//! trace, and four for each chunk of the quotient. Preprocessed columns are committed once for all and counted apart. Merges
//! are not counted.

use std::time::{Duration, Instant};

use tranche_backend::Chosen;
use tranche_core::shape::{Profile, TablePlan};
use tranche_machine::setup::{Setup, SetupError};
use tranche_machine::shape::RowCounts;
use tranche_machine::tables::Instance;
use tranche_machine::tables::rom::RomRow;
use tranche_machine::{EpochEnd, EpochTables, FilledTable, Machine, Pages, RecordStorage};

use crate::epoch::{PerShape, ShapeIndex};
use crate::execute::{Io, Limits};
use crate::observe::functions::Functions;
use crate::prove::{Ends, ProveError};
use crate::suite::{HostSuite, with_suite};

/// The columns of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Its name.
    pub name: &'static str,
    /// log2 of its rows, of its first instance where it has two.
    pub log_rows: u8,
    /// log2 of the rows of its second instance.
    pub second: Option<u32>,
    /// Main columns.
    pub main: u64,
    /// Base columns of the permutation trace.
    pub permutation: u64,
    /// Base columns of the quotient.
    pub quotient: u64,
    /// Preprocessed columns.
    pub preprocessed: u64,
    /// Messages of a row.
    pub interactions: u64,
}

impl Columns {
    const fn new(name: &'static str, table: &TablePlan, second: Option<u32>) -> Self {
        Self {
            name,
            log_rows: table.spec.log_height,
            second,
            main: table.layout.main_width as u64,
            permutation: table.permutation_base_width() as u64,
            quotient: table.quotient_base_width() as u64,
            preprocessed: table.layout.preprocessed_width as u64,
            interactions: table.layout.messages_per_row as u64,
        }
    }

    /// Rows of the table, of both instances.
    pub const fn rows(&self) -> u64 {
        let second = match self.second {
            Some(log_rows) => 1 << log_rows,
            None => 0,
        };
        (1 << self.log_rows) + second
    }

    /// Cells of a row.
    pub const fn committed(&self) -> u64 {
        self.main + self.permutation + self.quotient
    }
}

/// The columns of each table of an epoch, in batch order; a table of two instances once.
///
/// # Errors
/// When an epoch cannot be planned.
pub fn columns(setup: &Setup<'_>) -> Result<PerShape<Vec<Columns>>, SetupError> {
    let tables = PerShape::of(setup);
    with_suite!(setup.settings.hash, S => tables.try_map(columns_in::<S>))
}

fn columns_in<S: HostSuite>(tables: &EpochTables<'_>) -> Result<Vec<Columns>, SetupError> {
    let plan = tables
        .plan_in::<Chosen, S>(Profile::Fast)
        .map_err(SetupError::Plan)?;
    let shape = tables.shape();
    let filled = shape.tables().map(|(table, _)| table);
    let second = filled.map(|table| shape.second_log_rows(table));
    let second = second.chain(core::iter::repeat(None));
    let all = tables.airs.iter().zip(plan.tables());
    let first = all.filter(|(air, _)| air.instance() == Instance::First);
    let first = first.zip(second);
    Ok(first
        .map(|((air, table), second)| Columns::new(air.name(), table, second))
        .collect())
}

/// How full an epoch's tables are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// The heights of its tables.
    pub shape: ShapeIndex,
    /// Its cycles.
    pub cycles: u32,
    /// The table that was full when it ended; `None` where the program exited.
    pub ended_by: Option<FilledTable>,
    /// The table of the largest share of rows in use, and that share.
    pub fullest: (FilledTable, f64),
}

/// What was counted in a run.
#[derive(Clone, Debug)]
pub struct Counted {
    /// What the program exited with.
    pub exit_code: u32,
    /// Cycles of the run.
    pub cycles: u64,
    /// Its epochs, in order.
    pub epochs: Vec<Fill>,
    /// What ended them.
    pub ends: Ends,
    /// Rows in use of each table that an execution fills, of all epochs.
    pub rows: RowCounts,
    /// Of each word of the ROM, how often it was executed, and how often it was next again: a move
    /// of a system call.
    words: Vec<[u64; 2]>,
    /// Time that executing and counting took.
    pub time: Duration,
}

/// Executes the program of `setup` on `input` in epochs; `progress` is told the cycles so far.
///
/// # Errors
/// When the execution cannot go on, or there is no memory for a record.
pub fn count(
    setup: &Setup<'_>,
    input: &[u8],
    limits: Limits,
    mut progress: impl FnMut(u64),
) -> Result<Counted, ProveError> {
    let start = Instant::now();
    let tables = PerShape::of(setup);
    let rom = setup.program.rom();
    let mut machine = Machine::over(setup.program, Pages::new(limits.memory), limits.cycles);
    let mut storage = RecordStorage::try_new(setup.shape)?;
    let mut record = storage.record();
    let mut io = Io::new(input);
    let mut counted = Counted {
        exit_code: 0,
        cycles: 0,
        epochs: Vec::new(),
        ends: Ends::default(),
        rows: RowCounts::default(),
        words: vec![[0; 2]; rom.len()],
        time: Duration::ZERO,
    };
    loop {
        let end = machine.run_epoch(&mut io, &mut record)?;
        for [pc, next] in record.program_counters() {
            let [cycles, moves] = &mut counted.words[(pc - rom.start) as usize];
            *cycles += 1;
            *moves += u64::from(pc == next);
        }
        let mut fullest = (FilledTable::Cpu, 0.0);
        let place = tables.holding(&record);
        let shape = tables.at(place).shape();
        for (table, _) in shape.tables() {
            let rows = record.rows(table);
            counted.rows[table.index()] += rows as u64;
            let share = rows as f64 / shape.capacity(table) as f64;
            if share > fullest.1 {
                fullest = (table, share);
            }
        }
        counted.ends.count(end);
        counted.epochs.push(Fill {
            shape: place,
            cycles: record.cycles(),
            ended_by: match end {
                EpochEnd::Full(table) => Some(table),
                EpochEnd::Exit(_) => None,
            },
            fullest,
        });
        progress(machine.cycles());
        if let EpochEnd::Exit(exit_code) = end {
            counted.exit_code = exit_code;
            counted.cycles = machine.cycles();
            counted.time = start.elapsed();
            return Ok(counted);
        }
    }
}

/// Rows that a function fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Cycles in it alone.
    pub cycles: u64,
    /// Rows of each table, L2G apart: what it touches is the epoch's.
    pub rows: RowCounts,
}

impl Counted {
    /// What each function fills.
    pub fn by_function(&self, setup: &Setup<'_>, functions: &Functions) -> Vec<Use> {
        let mut uses = vec![Use::default(); functions.count()];
        for (pc, &[cycles, moves]) in setup.program.rom().zip(&self.words) {
            if cycles == 0 {
                continue;
            }
            let used = &mut uses[functions.at(pc << 2)];
            used.cycles += cycles;
            used.rows[FilledTable::Cpu.index()] += cycles;
            let serving = RomRow::of(setup.program, pc).serving();
            if let Some(table) = serving {
                used.rows[table.index()] += cycles;
            }
            if serving == Some(FilledTable::Sys) {
                used.rows[FilledTable::Mem.index()] += moves;
            }
        }
        uses
    }

    /// The mean over all epochs of the share of rows in use of the fullest table.
    pub fn fullest_share(&self) -> f64 {
        let sum: f64 = self.epochs.iter().map(|fill| fill.fullest.1).sum();
        sum / self.epochs.len().max(1) as f64
    }
}
