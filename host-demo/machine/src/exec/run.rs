//! A run in batches: one execution whose clock goes on from batch to batch.

use super::error::ExecError;
use super::machine::{EpochEnd, GuestIo, Machine};
use super::memory::{Cell, CellStore, Slots};
use super::record::EpochRecord;
use crate::bus::MAX_RUN_CYCLES;
use crate::merge::Chain;
use crate::program::Program;
use crate::shape::{EpochShape, RowCounts};
use crate::span::BatchSpan;

/// How a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchEnd {
    /// What its proof says of it.
    pub span: BatchSpan,
    /// The program's exit code, if the batch is the last.
    pub exit_code: Option<u32>,
}

/// A program that is executed in batches, with its cells in `C`.
///
/// A batch ends where its next step would overflow a table of its shape, whether its rows are recorded or
/// only counted. Its L2G table holds nothing and does not end it.
#[derive(Debug)]
pub struct RunMachine<'a, C = Slots<'a>>(Machine<'a, C>);

impl<'a> RunMachine<'a> {
    /// A machine as [`Machine::new`] makes it. No run has more than [`MAX_RUN_CYCLES`] cycles.
    pub fn new(program: &'a Program<'a>, cells: &'a mut [Cell], max_cycles: u64) -> Self {
        Self::over(program, Slots::new(cells), max_cycles)
    }

    /// A machine between two batches.
    #[cfg(feature = "alloc")]
    pub(crate) const fn of(machine: Machine<'a>) -> Self {
        Self(machine)
    }

    /// Back to the entry of the program, with nothing touched.
    pub fn restart(&mut self) {
        self.0.restart();
    }

    /// Ends the machine and returns how memory was left: [`Machine::into_cells`].
    pub fn into_cells(self) -> (&'a mut [Cell], [Cell; 64]) {
        self.0.into_cells()
    }

    /// Overwrites registers and cells with zeros, in a way that no compiler drops. The machine cannot
    /// go on.
    pub(crate) fn wipe(&mut self) {
        self.0.wipe();
    }
}

impl<'a, C: CellStore> RunMachine<'a, C> {
    /// A machine with its cells in `store`, which holds none yet.
    pub fn over(program: &'a Program<'a>, store: C, max_cycles: u64) -> Self {
        Self(Machine::over(
            program,
            store,
            max_cycles.min(MAX_RUN_CYCLES),
        ))
    }

    /// The machine, between batches.
    pub const fn machine(&self) -> &Machine<'a, C> {
        &self.0
    }

    /// Whether the run has left a cell so, with the timestamp of its last access in place of an epoch.
    pub(crate) fn left(&self, chain: &Chain) -> bool {
        let cell = self.0.cell(chain.cell);
        cell.is_some_and(|cell| (cell.timestamp, cell.value) == (chain.fini_epoch, chain.fini))
    }

    /// Executes the next batch into `record`.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction. The machine cannot go on after one.
    pub fn next(
        &mut self,
        io: &mut impl GuestIo,
        record: &mut EpochRecord<'_>,
    ) -> Result<BatchEnd, ExecError> {
        self.batch(|machine| machine.run_batch(io, record))
    }

    /// Executes the next batch as [`RunMachine::next`] does with a record of `shape`, and only adds its rows to
    /// `rows`.
    ///
    /// # Errors
    /// As [`RunMachine::next`].
    pub fn meter(
        &mut self,
        io: &mut impl GuestIo,
        shape: &EpochShape,
        rows: &mut RowCounts,
    ) -> Result<BatchEnd, ExecError> {
        self.batch(|machine| machine.meter_batch(io, shape, rows))
    }

    fn batch(
        &mut self,
        run: impl FnOnce(&mut Machine<'a, C>) -> Result<EpochEnd, ExecError>,
    ) -> Result<BatchEnd, ExecError> {
        let (entry, start) = (self.0.pc_word(), self.0.run_clock());
        let exit_code = match run(&mut self.0)? {
            EpochEnd::Full(_) => None,
            EpochEnd::Exit(code) => Some(code),
        };
        let (exit, end) = (self.0.pc_word(), self.0.run_clock());
        Ok(BatchEnd {
            span: BatchSpan::new(entry, exit, start, end),
            exit_code,
        })
    }
}
