//! The executor: one step is one cycle, one row of the CPU table.
//!
//! Semantics follow The RISC-V Instruction Set Manual, volume I, chapter 2 and the M extension
//! (RV32IM), user level, with aligned accesses only. Executable words are read-only. System calls take their numbers from
//! Linux; a read, and a write to the output, run at an unchanged program counter in steps of a word, where
//! four bytes are left and the next one is at a word of memory, or else of a byte.

mod ahead;
mod call;
mod public;
mod sink;
pub mod state;
mod step;

use super::error::ExecError;
use super::memory::{Cell, CellStore, Memory, Slots};
use super::record::EpochRecord;
use crate::blocks::RomBlocks;
use crate::bus::{CLOCK_START, STAMPS};
use crate::cells::register;
use crate::program::Program;
use crate::shape::{EpochShape, RowCounts};
use crate::tables::FilledTable;
use crate::tables::l2g::EPOCH_BITS;

use ahead::Ahead;
use sink::{BatchSink, Discard, EpochMeter, Meter, Sink, Visits};

/// Addresses below this are refused, unless the program loads them: null pointers.
pub const GUARD_BYTES: u32 = 4096;

/// The outside world of a guest.
pub trait GuestIo {
    /// The next byte of the private input; `None` at its end. What a guest asks for is read up to three bytes
    /// ahead of what it gets.
    fn read(&mut self) -> Option<u8>;
    /// Takes the next byte of the public output.
    fn write(&mut self, byte: u8);
    /// A message begins, after so many cycles of the run.
    fn begin_message(&mut self, cycles: u64) {
        let _ = cycles;
    }
    /// Takes the next byte of the guest's messages, what it writes to descriptor 2. No proof speaks
    /// of them. Unless it is implemented, they are dropped.
    fn message(&mut self, byte: u8) {
        let _ = byte;
    }
}

/// How an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochEnd {
    /// A table is full: another epoch follows.
    Full(FilledTable),
    /// The program exited with this code.
    Exit(u32),
}

/// What an epoch takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochUse {
    /// Rows of each table.
    pub rows: RowCounts,
    /// The blocks of the ROM that it executes.
    pub blocks: RomBlocks,
}

/// A program in execution, with its cells in `C`.
#[derive(Debug)]
pub struct Machine<'a, C = Slots<'a>> {
    program: &'a Program<'a>,
    memory: Memory<C>,
    /// Word index of the next instruction.
    pc: u32,
    epoch: u32,
    cycles: u64,
    instructions: u64,
    max_cycles: u64,
    exit_code: Option<u32>,
    ahead: Ahead,
}

impl<'a> Machine<'a> {
    /// A machine at the entry of `program`, all registers zero.
    ///
    /// `cells` holds every touched cell of memory and every word of output, at seven eighths of its
    /// length at most; what it holds on entry does not matter. `max_cycles` bounds the run.
    pub fn new(program: &'a Program<'a>, cells: &'a mut [Cell], max_cycles: u64) -> Self {
        Self::over(program, Slots::new(cells), max_cycles)
    }

    /// Ends the machine and returns how memory was left.
    ///
    /// First the touched cells of RAM and output, ascending by id; then registers and hidden cells
    /// from [`crate::cells::REGISTERS`] on, those that no epoch touched with epoch 0.
    pub fn into_cells(self) -> (&'a mut [Cell], [Cell; 64]) {
        self.memory.into_cells()
    }

    /// Back to the entry, with nothing touched.
    pub(super) fn restart(&mut self) {
        let Self {
            program,
            memory,
            pc,
            epoch,
            cycles,
            instructions,
            max_cycles: _,
            exit_code,
            ahead,
        } = self;
        ahead.wipe();
        memory.restart(program.public());
        *pc = program.entry();
        (*epoch, *cycles, *instructions, *exit_code) = (0, 0, 0, None);
    }

    /// Overwrites registers and cells with zeros, in a way that no compiler drops. The machine cannot
    /// go on.
    pub(crate) fn wipe(&mut self) {
        self.memory.wipe();
        self.ahead.wipe();
    }
}

impl<'a, C: CellStore> Machine<'a, C> {
    /// A machine as [`Machine::new`] makes it, with its cells in `store`, which holds none yet.
    pub fn over(program: &'a Program<'a>, store: C, max_cycles: u64) -> Self {
        Self {
            program,
            memory: Memory::new(store, program.public()),
            pc: program.entry(),
            epoch: 0,
            cycles: 0,
            instructions: 0,
            max_cycles,
            exit_code: None,
            ahead: Ahead::default(),
        }
    }

    /// Cycles so far.
    pub const fn cycles(&self) -> u64 {
        self.cycles
    }

    /// Instructions so far: a system call is one, however many cycles it takes.
    pub const fn instructions(&self) -> u64 {
        self.instructions
    }

    /// Address of the next instruction, in bytes; 0 after exit.
    pub const fn pc(&self) -> u32 {
        self.pc << 2
    }

    /// Word index of the next instruction, or the halt value.
    pub(super) const fn pc_word(&self) -> u32 {
        self.pc
    }

    /// Epochs so far.
    pub const fn epochs(&self) -> u32 {
        self.epoch
    }

    /// The exit code, once there is one.
    pub const fn exit_code(&self) -> Option<u32> {
        self.exit_code
    }

    /// Value of register x_`i`.
    ///
    /// # Panics
    /// When `i` is not below 32.
    pub fn register(&self, i: u32) -> u32 {
        assert!(i < 32, "32 registers");
        self.memory.get(register(i)).map_or(0, |cell| cell.value)
    }

    /// Registers and hidden cells.
    #[cfg(feature = "alloc")]
    pub(crate) const fn fixed(&self) -> &[Cell; 64] {
        self.memory.fixed()
    }

    /// The cell `id`, if it was touched or is a register.
    pub(super) fn cell(&self, id: u32) -> Option<Cell> {
        self.memory.get(id)
    }

    /// Where the cells of memory and output are.
    pub const fn store(&self) -> &C {
        self.memory.store()
    }

    /// Executes until the program exits; returns its exit code. Nothing is recorded, and no timestamps are kept: a
    /// machine that was run so, or by [`run_for`](Self::run_for) or [`run_visiting`](Self::run_visiting), goes on so.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction.
    pub fn run(&mut self, io: &mut impl GuestIo) -> Result<u32, ExecError> {
        loop {
            if let Some(code) = self.run_for(io, u64::MAX)? {
                return Ok(code);
            }
        }
    }

    /// Executes until the program exits, for at most so many cycles; returns the exit code, once
    /// there is one.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction.
    pub fn run_for(
        &mut self,
        io: &mut impl GuestIo,
        cycles: u64,
    ) -> Result<Option<u32>, ExecError> {
        for _ in 0..cycles {
            if self.exit_code.is_some() {
                break;
            }
            self.step(io, &mut Discard)?;
        }
        Ok(self.exit_code)
    }

    /// As [`Self::run_for`], and adds the blocks of the ROM that are executed to `blocks`.
    ///
    /// # Errors
    /// As [`Self::run_for`].
    pub fn run_visiting(
        &mut self,
        io: &mut impl GuestIo,
        cycles: u64,
        blocks: &mut RomBlocks,
    ) -> Result<Option<u32>, ExecError> {
        let program = self.program;
        let mut visits = Visits { program, blocks };
        for _ in 0..cycles {
            if self.exit_code.is_some() {
                break;
            }
            self.step(io, &mut visits)?;
        }
        Ok(self.exit_code)
    }

    /// Executes one epoch into `record`: until the next step would overflow a table, or the program
    /// exits.
    ///
    /// # Errors
    /// [`ExecError`], which names the instruction. The machine cannot go on after one.
    pub fn run_epoch(
        &mut self,
        io: &mut impl GuestIo,
        record: &mut EpochRecord<'_>,
    ) -> Result<EpochEnd, ExecError> {
        self.start_epoch()?;
        record.reset(self.epoch, self.pc, CLOCK_START);
        let end = self.run_into(io, record)?;
        for row in record.l2g.iter_mut() {
            if let Some(cell) = self.memory.get(row.cell) {
                (row.fini, row.timestamp) = (cell.value, cell.timestamp);
            }
        }
        Ok(end)
    }

    /// Executes one epoch of 2^`log2_cycles` cycles, or fewer where the program exits, whose tables hold any number
    /// of rows; `each` is told the rows of every `window` cycles, and of those that are left. Returns the exit code,
    /// once there is one.
    ///
    /// # Errors
    /// As [`Self::run_epoch`].
    pub fn meter_epoch(
        &mut self,
        io: &mut impl GuestIo,
        log2_cycles: u32,
        window: u64,
        mut each: impl FnMut(&RowCounts),
    ) -> Result<Option<u32>, ExecError> {
        self.start_epoch()?;
        let (mut left, mut clk) = (1 << log2_cycles, CLOCK_START);
        while left > 0 && self.exit_code.is_none() {
            let cycles = window.clamp(1, left);
            let mut meter = Meter::of_cycles(cycles, clk);
            self.run_into(io, &mut meter)?;
            each(meter.rows());
            clk = meter.clk();
            left -= cycles;
        }
        Ok(self.exit_code)
    }

    /// Executes one epoch of `shape`, of which only is recorded what it takes: it ends where one that is recorded does.
    ///
    /// # Errors
    /// As [`Self::run_epoch`].
    pub fn count_epoch(
        &mut self,
        io: &mut impl GuestIo,
        shape: &EpochShape,
    ) -> Result<(EpochUse, EpochEnd), ExecError> {
        self.start_epoch()?;
        let (program, mut blocks) = (self.program, RomBlocks::NONE);
        let mut counted = EpochMeter {
            meter: Meter::new(shape, CLOCK_START),
            visits: Visits {
                program,
                blocks: &mut blocks,
            },
        };
        let end = self.run_into(io, &mut counted)?;
        let rows = *counted.meter.rows();
        Ok((EpochUse { rows, blocks }, end))
    }

    fn start_epoch(&mut self) -> Result<(), ExecError> {
        if self.exit_code.is_some() {
            return Err(ExecError::Exited);
        }
        if self.epoch + 1 == 1 << EPOCH_BITS {
            return Err(ExecError::EpochLimit { pc: self.pc() });
        }
        self.epoch += 1;
        self.memory.start_epoch(self.epoch);
        Ok(())
    }

    /// Executes until a table of `sink` has no room for the next step, or the program exits.
    fn run_into(
        &mut self,
        io: &mut impl GuestIo,
        sink: &mut impl Sink,
    ) -> Result<EpochEnd, ExecError> {
        let start = self.cycles;
        loop {
            if let Some(table) = self.step(io, sink)? {
                if self.cycles == start {
                    let (pc, table) = (self.pc(), table.name());
                    return Err(ExecError::NoRoom { pc, table });
                }
                return Ok(EpochEnd::Full(table));
            }
            if let Some(code) = self.exit_code {
                return Ok(EpochEnd::Exit(code));
            }
        }
    }

    /// Executes one batch of a run into `record`. To the memory, a run is one epoch: timestamps go on.
    pub(super) fn run_batch(
        &mut self,
        io: &mut impl GuestIo,
        record: &mut EpochRecord<'_>,
    ) -> Result<EpochEnd, ExecError> {
        let clock = self.start_batch()?;
        record.reset(self.epoch, self.pc, clock);
        self.run_into(io, &mut BatchSink(record))
    }

    /// Executes one batch of a run into tables of `shape` of which only the rows are counted, and added to
    /// `rows`.
    pub(super) fn meter_batch(
        &mut self,
        io: &mut impl GuestIo,
        shape: &EpochShape,
        rows: &mut RowCounts,
    ) -> Result<EpochEnd, ExecError> {
        let clock = self.start_batch()?;
        let mut meter = Meter::new(shape, clock);
        let end = self.run_into(io, &mut meter)?;
        for table in FilledTable::ALL {
            // Cells are the run's, not a batch's.
            if table != FilledTable::L2g {
                rows[table.index()] += meter.rows()[table.index()];
            }
        }
        Ok(end)
    }

    /// The clock of the next cycle of a run.
    pub(super) const fn run_clock(&self) -> u32 {
        CLOCK_START + STAMPS * self.cycles as u32
    }

    fn start_batch(&mut self) -> Result<u32, ExecError> {
        if self.exit_code.is_some() {
            return Err(ExecError::Exited);
        }
        if self.epoch == 0 {
            self.epoch = 1;
            self.memory.start_epoch(self.epoch);
        }
        Ok(self.run_clock())
    }
}
