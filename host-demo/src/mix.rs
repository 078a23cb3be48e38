//! Heights of the tables of a run's epochs, or batches, by its own mix of instructions.
//!
//! An epoch ends when the first of its tables is full, and what the others have left is padding. An execution
//! without proofs counts the rows of each table, window by window; the heights are then those that prove the run in
//! the fewest committed cells: cells of an epoch times epochs.

use tranche_core::shape::TablePlan;
use tranche_machine::shape::{ABSENT, EpochShape, RowCounts, TableHeights};
use tranche_machine::{ExecError, FilledTable, Machine, Pages, Program};

use crate::execute::{Execution, Io};

/// Windows of an epoch at first.
const WINDOWS_PER_EPOCH: u64 = 16;
/// Windows that are kept: where there would be more, two are made one.
const MAX_WINDOWS: usize = 1 << 12;
/// Room of a table that is none: an epoch of it holds next to nothing.
const NO_ROOM: f64 = 1e-3;
/// Cells of an epoch to those of one that begins elsewhere, for which they were counted: at most, as a rule.
const MORE_CELLS: f64 = 1.25;

/// Which heights the tables of a run's epochs, or batches, have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sizing {
    /// Those for a common mix of instructions, whatever the run: as devices have them.
    Common,
    /// Those of the run's own [mix](Mix).
    #[default]
    Metered,
}

impl Sizing {
    /// The program with the ROM that the tables of a run have: its own with a common mix, what it executes otherwise.
    pub fn program<'a>(self, program: &Program<'a>, execution: &Execution) -> Program<'a> {
        match self {
            Self::Common => program.clone(),
            Self::Metered => program.shortened(execution.blocks),
        }
    }
}

/// What an epoch costs besides its cells, in cells: queries, paths and proofs of work.
const EPOCH_CELLS: f64 = (1 << 17) as f64;

/// Something for each table that an execution fills, in batch order.
type PerFilled<T> = [T; FilledTable::ALL.len()];

/// How a run's rows are spread over the tables and over its cycles.
#[derive(Clone, Debug)]
pub struct Mix {
    /// log2 of the cycles of the epochs that it was counted for.
    log2_cycles: u32,
    /// Rows of each table in each window.
    windows: Vec<PerFilled<f64>>,
}

impl Mix {
    /// Executes `program` on `input` once more, in epochs of 2^`log2_cycles` cycles; `execution` is what it came to
    /// before.
    ///
    /// # Errors
    /// When the execution cannot go on.
    pub fn of(
        program: &Program<'_>,
        input: &[u8],
        execution: &Execution,
        log2_cycles: u8,
    ) -> Result<Self, ExecError> {
        let log2_cycles = log2_cycles.into();
        let pages = Pages::new(execution.memory);
        let mut machine = Machine::over(program, pages, execution.cycles);
        let (mut io, mut windows) = (Io::new(input), Windows::default());
        let window = (1_u64 << log2_cycles) / WINDOWS_PER_EPOCH;
        while machine
            .meter_epoch(&mut io, log2_cycles, window, |rows| windows.push(rows))?
            .is_none()
        {}
        Ok(Self {
            log2_cycles,
            windows: windows.finish(),
        })
    }

    /// The heights that prove the run in the fewest committed cells: a local minimum, found from tables that are
    /// full in no epoch by halving one after another.
    pub fn heights(&self, widths: &Widths) -> TableHeights {
        let least =
            FilledTable::ALL.map(|table| self.needed(table).map(|_| EpochShape::least_log(table)));
        let mut logs = FilledTable::ALL.map(|table| self.needed(table));
        let mut cells = self.cells(&logs, widths);
        loop {
            let halved = FilledTable::ALL.into_iter().filter_map(|table| {
                let (at, mut logs) = (table.index(), logs);
                let log = logs[at]?.checked_sub(1)?;
                if table == FilledTable::Cpu || Some(log) < least[at] {
                    return None;
                }
                logs[at] = Some(log);
                Some((self.cells(&logs, widths), logs))
            });
            match halved.min_by(|(a, _), (b, _)| a.total_cmp(b)) {
                Some((fewer, halved)) if fewer < cells => (logs, cells) = (halved, fewer),
                _ => break,
            }
        }
        logs.map(|log| log.map_or(ABSENT, |log| log as u8))
    }

    /// log2 of the rows that hold those of any epoch that is full of cycles; none of an extension without a row.
    fn needed(&self, table: FilledTable) -> Option<u32> {
        let full = f64::from(self.log2_cycles).exp2();
        let in_epoch = |window: &PerFilled<f64>| {
            let cycles = window[FilledTable::Cpu.index()].max(1.0);
            window[table.index()] / cycles * full
        };
        let most = self.windows.iter().map(in_epoch).fold(0.0, f64::max);
        if table.is_extension() && most == 0.0 {
            return None;
        }
        let log = (most + free(table)).max(1.0).log2().ceil() as u32;
        Some(log.min(self.log2_cycles).max(EpochShape::least_log(table)))
    }

    /// Committed cells of all epochs of the run.
    fn cells(&self, logs: &PerFilled<Option<u32>>, widths: &Widths) -> f64 {
        let tables = logs.iter().zip(&widths.filled);
        let filled = tables.map(|(log, width)| log.map_or(0.0, |log| width * rows(log)));
        self.epochs(logs, widths) * (filled.sum::<f64>() + widths.fixed)
    }

    /// Epochs of the run in tables of these heights. Within a window, rows are spread evenly.
    fn epochs(&self, logs: &PerFilled<Option<u32>>, widths: &Widths) -> f64 {
        let mut capacities = logs.map(|log| log.map_or(0.0, rows));
        for table in FilledTable::ALL {
            let capacity = &mut capacities[table.index()];
            *capacity = (*capacity - free(table)).max(NO_ROOM);
        }
        for (capacity, &width) in capacities.iter_mut().zip(&widths.filled) {
            // Batches have no L2G.
            if width == 0.0 {
                *capacity = f64::INFINITY;
            }
        }
        let (mut epochs, mut held) = (1.0, PerFilled::<f64>::default());
        for window in &self.windows {
            let mut left = 1.0;
            loop {
                let fits = share(window, |at| capacities[at] - held[at]);
                if fits >= left {
                    for (held, rows) in held.iter_mut().zip(window) {
                        *held += rows * left;
                    }
                    break;
                }
                // This epoch is full, and perhaps more that lie within the window.
                let whole = share(window, |at| capacities[at]);
                left -= fits;
                let more = (left / whole).floor();
                left -= more * whole;
                epochs += 1.0 + more;
                held = PerFilled::default();
            }
        }
        epochs
    }
}

/// Rows of a table that an epoch may leave free: a step may touch eight cells, and one of a system call asks for a row of
/// MEM whether or not it needs it.
const fn free(table: FilledTable) -> f64 {
    match table {
        FilledTable::L2g => 8.0,
        FilledTable::Mem => 1.0,
        _ => 0.0,
    }
}

/// The share of a window whose rows have room, by the room of each table.
fn share(window: &PerFilled<f64>, room: impl Fn(usize) -> f64) -> f64 {
    let rows = window.iter().enumerate().filter(|&(_, &rows)| rows > 0.0);
    let shares = rows.map(|(at, rows)| room(at).max(0.0) / rows);
    shares.fold(f64::INFINITY, f64::min)
}

fn rows(log: u32) -> f64 {
    f64::from(log).exp2()
}

/// Base columns that the tables of an epoch, or of a batch, commit.
#[derive(Clone, Debug, Default)]
pub struct Widths {
    /// Of those that an execution fills; 0 of one that is not in the batch.
    filled: PerFilled<f64>,
    /// Of those that are asked, times their rows, and what each epoch costs besides.
    fixed: f64,
}

impl Widths {
    /// Those of a plan whose first tables are `filled`.
    pub fn of(filled: impl Iterator<Item = FilledTable>, plan: &[TablePlan]) -> Self {
        let (mut widths, mut tables) = (Self::default(), plan.iter());
        // In this order, so that none is taken that is left.
        for (table, plan) in filled.zip(tables.by_ref()) {
            widths.filled[table.index()] = plan.committed_columns() as f64;
        }
        let asked = tables.map(|plan| (plan.committed_columns() * plan.height()) as f64);
        widths.fixed = asked.sum::<f64>() + EPOCH_CELLS;
        widths
    }
}

/// Windows as they are counted.
struct Windows {
    windows: Vec<PerFilled<f64>>,
    /// The one that is being counted, and how many are in it.
    open: (PerFilled<f64>, u64),
    /// How many are made one.
    joined: u64,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            windows: Vec::new(),
            open: Default::default(),
            joined: 1,
        }
    }
}

impl Windows {
    fn push(&mut self, rows: &RowCounts) {
        let (sum, count) = &mut self.open;
        for table in FilledTable::ALL {
            let more = if table == FilledTable::L2g {
                MORE_CELLS
            } else {
                1.0
            };
            sum[table.index()] += rows[table.index()] as f64 * more;
        }
        *count += 1;
        if *count == self.joined {
            self.close();
        }
    }

    fn close(&mut self) {
        let (window, _) = core::mem::take(&mut self.open);
        self.windows.push(window);
        if self.windows.len() == MAX_WINDOWS {
            let pairs = self.windows.chunks_exact(2);
            self.windows = pairs
                .map(|pair| core::array::from_fn(|at| pair[0][at] + pair[1][at]))
                .collect();
            self.joined *= 2;
        }
    }

    fn finish(mut self) -> Vec<PerFilled<f64>> {
        if self.open.1 > 0 {
            self.close();
        }
        self.windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with so many rows a cycle of MEM, of 16 windows of an epoch of 2^10 cycles, `epochs` times.
    fn mix(epochs: usize, memory: f64) -> Mix {
        let mut window = PerFilled::default();
        window[FilledTable::Cpu.index()] = 64.0;
        window[FilledTable::Mem.index()] = 64.0 * memory;
        Mix {
            log2_cycles: 10,
            windows: vec![window; 16 * epochs],
        }
    }

    fn logs(memory: u32) -> PerFilled<Option<u32>> {
        let mut logs = FilledTable::ALL.map(|table| Some(EpochShape::least_log(table).max(6)));
        logs[FilledTable::Cpu.index()] = Some(10);
        logs[FilledTable::Mem.index()] = Some(memory);
        logs
    }

    /// Tables of a column each.
    fn widths() -> Widths {
        Widths {
            filled: [1.0; FilledTable::ALL.len()],
            fixed: 512.0,
        }
    }

    #[test]
    fn heights_of_the_fewest_cells() {
        // 307 rows of memory in an epoch: half a table of 512 would be padding but for the epochs that it saves.
        let heights = mix(8, 0.3).heights(&widths());
        assert_eq!(heights[FilledTable::Mem.index()], 9);
        // 520 rows are two epochs of 1,024 cycles for one, unless the table has 1,024 rows.
        let heights = mix(8, 0.508).heights(&widths());
        assert_eq!(heights[FilledTable::Mem.index()], 9, "1.6 % more epochs");
        let heights = mix(8, 0.6).heights(&widths());
        assert_eq!(heights[FilledTable::Mem.index()], 10);
        assert_eq!(heights[FilledTable::Cpu.index()], 10);
        assert_eq!(heights[FilledTable::Mul.index()], ABSENT);
    }

    #[test]
    fn epochs_end_when_a_table_is_full() {
        let mix = mix(8, 0.3);
        assert_eq!(mix.epochs(&logs(10), &widths()), 8.0);
        assert_eq!(mix.epochs(&logs(9), &widths()), 8.0, "307 rows of 512");
        // 2,458 rows in tables of 256 and of 64, of which one stays free.
        assert_eq!(mix.epochs(&logs(8), &widths()), 10.0);
        assert_eq!(mix.epochs(&logs(6), &widths()), 40.0);
        assert!(mix.epochs(&logs(0), &widths()) > 2458.0, "no row is left");
    }

    #[test]
    fn a_table_is_as_high_as_its_densest_window() {
        let mut mix = mix(2, 0.1);
        assert_eq!(mix.needed(FilledTable::Mem), Some(7));
        mix.windows[3][FilledTable::Mem.index()] = 33.0;
        assert_eq!(mix.needed(FilledTable::Mem), Some(10));
        assert_eq!(mix.needed(FilledTable::Mul), None);
        assert_eq!(mix.needed(FilledTable::Sys), Some(4), "the least");
    }

    #[test]
    fn windows_are_made_one_and_none_is_lost() {
        let mut windows = Windows::default();
        let count = 3 * MAX_WINDOWS + 5;
        let mut rows = RowCounts::default();
        rows[FilledTable::Cpu.index()] = 7;
        for _ in 0..count {
            windows.push(&rows);
        }
        let windows = windows.finish();
        assert!(windows.len() < MAX_WINDOWS);
        let cycles = windows
            .iter()
            .map(|window| window[FilledTable::Cpu.index()]);
        assert_eq!(cycles.sum::<f64>(), 7.0 * count as f64);
    }
}
