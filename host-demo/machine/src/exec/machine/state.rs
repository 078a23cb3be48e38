//! A machine between two epochs as a value: read off one that runs, and another is made of it.

use super::ahead::Ahead;
use super::sink::Listing;
#[cfg(feature = "alloc")]
use super::sink::{BatchListing, Meter};
use super::{EpochEnd, GuestIo, Machine};
use crate::bus::CLOCK_START;
#[cfg(feature = "alloc")]
use crate::bus::{MAX_RUN_CYCLES, STAMPS};
use crate::cells::{
    EXIT_CODE, IN, IN_LEN, IN_POSITION, IN_START, MAX_OUTPUT_BYTES, MAX_OUTPUT_WORDS, OUT, OUT_LEN,
    PROGRESS, RAM_CELLS, REGISTERS, register, words_of,
};
use crate::exec::error::ExecError;
use crate::exec::memory::{Cell, CellStore};
use crate::exec::record::EpochRecord;
use crate::program::Program;
use crate::shape::EpochShape;
#[cfg(feature = "alloc")]
use crate::span::BatchSpan;
use crate::span::Span;
use crate::tables::l2g::{EPOCH_BITS, L2gRow};
use crate::tables::rom::{RomRow, SYS};

/// Registers and hidden cells.
pub(crate) const FIXED_CELLS: usize = (OUT - REGISTERS) as usize;

/// A cell as an epoch finds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellBefore {
    /// Its id; see [`crate::cells`].
    pub id: u32,
    /// Its value.
    pub value: u32,
    /// The epoch that touched it last, or in a run the timestamp of its last access; 0 for none.
    pub epoch: u32,
}

impl CellBefore {
    /// What the row of an L2G table found.
    pub const fn of(row: &L2gRow) -> Self {
        Self {
            id: row.cell,
            value: row.init,
            epoch: row.init_epoch,
        }
    }
}

/// What a [`State`] says that no machine can have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    Epoch,
    Pc,
    Cycles,
    Ahead,
    Register,
    Cell,
    Room,
}

/// Where a machine stands between two epochs, apart from the cells of memory and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Epochs so far, or in a run batches.
    pub epochs: u32,
    /// Word index of the next instruction.
    pub pc: u32,
    /// Cycles so far.
    pub cycles: u64,
    /// Instructions so far.
    pub instructions: u64,
    /// Input that was read and not yet moved, lowest byte first, and how many bytes it has.
    pub ahead: (u32, u32),
    /// Value and last epoch, or in a run last timestamp, of the cells from [`REGISTERS`] on.
    pub registers: [(u32, u32); FIXED_CELLS],
}

impl State {
    /// Refuses what would make an execution of `program` step out of what any execution comes to. No register was
    /// touched later than `latest`.
    fn check(
        &self,
        program: &Program<'_>,
        max_cycles: u64,
        latest: u32,
    ) -> Result<(), Unreachable> {
        if self.epochs + 1 >= 1 << EPOCH_BITS {
            return Err(Unreachable::Epoch);
        }
        if !program.rom().contains(&self.pc) || !program.in_rom_table(self.pc) {
            return Err(Unreachable::Pc);
        }
        let reached = self.cycles >= u64::from(self.epochs) && self.instructions <= self.cycles;
        if !reached || self.cycles > max_cycles {
            return Err(Unreachable::Cycles);
        }
        let (word, bytes) = self.ahead;
        if bytes > 3 || word >> (8 * bytes) != 0 {
            return Err(Unreachable::Ahead);
        }
        let value = |id: u32| self.registers[(id - REGISTERS) as usize].0;
        // A system call under way moves what is left of the bytes that a2 asks for.
        let progress = value(PROGRESS);
        let calls = RomRow::decode(program, self.pc).has(SYS) && progress <= value(register(12));
        let old = self.registers.iter().all(|&(_, touched)| touched <= latest);
        let known =
            value(register(0)) == 0 && value(EXIT_CODE) == 0 && value(OUT_LEN) < MAX_OUTPUT_BYTES;
        // What a read of public input under way has moved is what the position is further than where it began.
        let (start, position) = (value(IN_START), value(IN_POSITION));
        let public = value(IN_LEN) == program.public().len() && position <= value(IN_LEN);
        let read = position == start || position.checked_sub(start) == Some(progress);
        if old && known && public && read && (progress == 0 || calls) {
            Ok(())
        } else {
            Err(Unreachable::Register)
        }
    }
}

impl<'a, C: CellStore> Machine<'a, C> {
    /// Where the machine stands; between epochs, until the program has exited.
    pub fn state(&self) -> State {
        State {
            epochs: self.epoch,
            pc: self.pc,
            cycles: self.cycles,
            instructions: self.instructions,
            ahead: self.ahead.words(),
            registers: core::array::from_fn(|i| {
                let cell = self.memory.get(REGISTERS + i as u32);
                cell.map_or((0, 0), |cell| (cell.value, cell.epoch))
            }),
        }
    }

    /// Executes one epoch of `shape` as [`Machine::run_epoch`] does, and records only the cells that it touches:
    /// they are in the first of `touched`, as many as are returned, in the order of the L2G table.
    ///
    /// # Errors
    /// As [`Machine::run_epoch`]; the epoch ends early where `touched` has fewer rows than the L2G table.
    pub fn list_epoch(
        &mut self,
        io: &mut impl GuestIo,
        shape: &EpochShape,
        touched: &mut [L2gRow],
    ) -> Result<(Span, EpochEnd, usize), ExecError> {
        self.start_epoch()?;
        let (entry, before) = (self.pc, self.cycles);
        let mut listing = Listing::new(shape, touched);
        let end = self.run_into(io, &mut listing)?;
        let listed = listing.listed();
        self.complete(&mut touched[..listed]);
        let span = Span {
            entry,
            exit: self.pc,
            cycles: (self.cycles - before) as u32,
        };
        Ok((span, end, listed))
    }

    /// Executes one batch of a run of `shape` as [`RunMachine::meter`](crate::exec::RunMachine::meter) does, and records only
    /// the cells that it touches, as [`Self::list_epoch`] does. Batches are the epochs of this machine; timestamps are the
    /// run's.
    ///
    /// # Errors
    /// As [`Machine::run_epoch`].
    #[cfg(feature = "alloc")]
    pub fn list_batch(
        &mut self,
        io: &mut impl GuestIo,
        shape: &EpochShape,
        touched: &mut alloc::vec::Vec<L2gRow>,
    ) -> Result<(BatchSpan, EpochEnd), ExecError> {
        self.start_epoch()?;
        let (entry, start) = (self.pc, self.run_clock());
        touched.clear();
        let end = self.run_into(
            io,
            &mut BatchListing {
                meter: Meter::new(shape, start),
                rows: touched,
            },
        )?;
        self.complete(touched);
        let span = BatchSpan::new(entry, self.pc, start, self.run_clock());
        Ok((span, end))
    }

    /// Adds to what was listed how it was left.
    fn complete(&self, touched: &mut [L2gRow]) {
        for row in touched {
            if let Some(cell) = self.memory.get(row.cell) {
                (row.fini, row.timestamp) = (cell.value, cell.timestamp);
            }
        }
    }
}

impl EpochRecord<'_> {
    /// Empties the record and gives it these rows of the L2G table of epoch `number`, from which that table alone can
    /// be filled; false when they are too many, or no epoch's.
    pub fn relist(&mut self, number: u32, rows: &[L2gRow]) -> bool {
        self.reset(number, 0, CLOCK_START);
        rows.iter()
            .all(|&row| row.init_epoch < number && self.l2g.push(row))
    }
}

impl<'a> Machine<'a> {
    /// A machine at `state`, whose memory and output are what `touched` says, and untouched elsewhere.
    pub(crate) fn resume(
        program: &'a Program<'a>,
        cells: &'a mut [Cell],
        max_cycles: u64,
        state: &State,
        touched: impl Iterator<Item = CellBefore>,
    ) -> Result<Self, Unreachable> {
        let room = (cells, max_cycles);
        Self::at(program, room, state, touched, state.epochs, at_rest)
    }

    /// A machine at `state` between two batches of a run: in the place of epochs are timestamps.
    #[cfg(feature = "alloc")]
    pub(crate) fn resume_run(
        program: &'a Program<'a>,
        cells: &'a mut [Cell],
        max_cycles: u64,
        state: &State,
        touched: impl Iterator<Item = CellBefore>,
    ) -> Result<Self, Unreachable> {
        let max_cycles = max_cycles.min(MAX_RUN_CYCLES);
        // Within the bound it has 32 bits; above, the state is refused.
        let latest = CLOCK_START + STAMPS * state.cycles.min(max_cycles) as u32 - 1;
        let room = (cells, max_cycles);
        let machine = Self::at(program, room, state, touched, latest, in_run)?;
        // To its memory, a run is one epoch.
        Ok(Self {
            epoch: 1,
            ..machine
        })
    }

    /// A machine at `state` with cells that were touched at `latest` or before.
    fn at(
        program: &'a Program<'a>,
        (cells, max_cycles): (&'a mut [Cell], u64),
        state: &State,
        touched: impl Iterator<Item = CellBefore>,
        latest: u32,
        cell_of: impl Fn(CellBefore) -> Cell,
    ) -> Result<Self, Unreachable> {
        state.check(program, max_cycles, latest)?;
        let mut machine = Self::new(program, cells, max_cycles);
        for (id, &(value, epoch)) in (REGISTERS..).zip(&state.registers) {
            *machine.memory.register(id) = cell_of(CellBefore { id, value, epoch });
        }
        for cell in touched {
            let public = IN..IN + words_of(program.public().len());
            let known = cell.id < RAM_CELLS
                || (OUT..OUT + MAX_OUTPUT_WORDS).contains(&cell.id)
                || public.contains(&cell.id);
            if !known || cell.epoch > latest || machine.memory.get(cell.id).is_some() {
                return Err(Unreachable::Cell);
            }
            let put = machine
                .memory
                .with(cell.id, |_| 0, |slot| *slot = cell_of(cell));
            put.map_err(|_| Unreachable::Room)?;
        }
        let (word, bytes) = state.ahead;
        Ok(Self {
            pc: state.pc,
            epoch: state.epochs,
            cycles: state.cycles,
            instructions: state.instructions,
            ahead: Ahead::of_words(word, bytes),
            ..machine
        })
    }
}

/// A cell that the epoch to come has not touched yet.
const fn at_rest(cell: CellBefore) -> Cell {
    Cell {
        id: cell.id,
        value: cell.value,
        epoch: cell.epoch,
        timestamp: 0,
    }
}

/// A cell of a run, by the timestamp of its last access; 0 for none.
#[cfg(feature = "alloc")]
const fn in_run(cell: CellBefore) -> Cell {
    Cell {
        id: cell.id,
        value: cell.value,
        epoch: if cell.epoch == 0 { 0 } else { 1 },
        timestamp: cell.epoch,
    }
}
