//! Heights of the tables of a run's epochs, or batches, by its own mix of instructions.
//!
//! An epoch ends when the first of its tables is full, and what the others have left is padding. An execution
//! without proofs counts the rows of each table, window by window; the heights are then those that prove the
//! run in the fewest committed cells: cells of an epoch times epochs.

mod heights;
mod others;

use tranche_machine::shape::RowCounts;
use tranche_machine::{ExecError, FilledTable, Machine, Pages, Program};

use crate::execute::{Execution, Io};

pub use heights::Widths;
pub use others::{FrequentRom, other_heights};

/// Windows of an epoch at first.
const WINDOWS_PER_EPOCH: u64 = 16;
/// Windows that are kept: where there would be more, two are made one.
const MAX_WINDOWS: usize = 1 << 12;
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
            Self::Metered => program
                .shortened(execution.blocks)
                .with_frequent(execution.frequent),
        }
    }
}

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
