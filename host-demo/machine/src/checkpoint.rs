//! What an epoch is proved from elsewhere: a machine before it, and the cells that it touches.
//!
//! A record of an epoch has some 70 bytes a cycle; a checkpoint has what the execution of one epoch reads, and whoever
//! proves it makes the record. Postcard's encoding (<https://postcard.jamesmunns.com/wire-format>), in this order:
//!
//! | item | encoded as |
//! |---|---|
//! | [`VERSION`] | a byte |
//! | digests of program and plan | 32 bytes each |
//! | [`State`]: epochs so far, program counter, cycles, instructions, input read ahead | varints |
//! | registers and hidden cells: value, last epoch | 64 pairs of varints |
//! | number of touched cells, bytes of input | varints |
//! | touched cells: difference to the id before, value, last epoch | varints each, the first one signed |
//! | the input that the epoch reads | bytes |
//!
//! A batch of a run has a checkpoint of the same form: batches so far in place of epochs, and the timestamp of the last
//! access in place of the last epoch, since memory is one path of accesses over a run.
//!
//! Nothing here allocates, and no bytes make it panic. A checkpoint is believed by whoever proves it: one that is false
//! gives a proof of another epoch, whose L2G table has another root.

use embedded_io::Write;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tranche_core::Identity;

use crate::batches::RunTables;
#[cfg(feature = "alloc")]
use crate::bus::MAX_RUN_CYCLES;
#[cfg(feature = "alloc")]
use crate::exec::RunMachine;
use crate::exec::machine::state::{FIXED_CELLS, Unreachable};
use crate::exec::{Cell, CellBefore, GuestIo, Machine, State};
use crate::program::Program;
use crate::setup::Setup;
use crate::tables::l2g::L2gRow;

/// Version of the encoding.
pub const VERSION: u8 = 1;

/// Bytes of an encoded item at most: a digest.
const ITEM_BYTES: usize = size_of::<Identity>();

/// Why bytes are no checkpoint, or that of another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CheckpointError {
    /// The bytes end too early, or encode no integer.
    #[error("a checkpoint is cut off, or damaged")]
    Encoding,
    /// Bytes follow the input.
    #[error("{bytes} bytes follow the checkpoint")]
    Trailing {
        /// Those.
        bytes: usize,
    },
    /// Another version of the encoding.
    #[error("a checkpoint of version {got}, not {VERSION}")]
    Version {
        /// The version found.
        got: u8,
    },
    /// A checkpoint of another program.
    #[error("a checkpoint of another program")]
    Program,
    /// A checkpoint of other settings.
    #[error("a checkpoint of another plan")]
    Plan,
    /// More epochs than a run can have.
    #[error("epoch {got} of a checkpoint is more than a run can have")]
    Epoch {
        /// Its epochs so far.
        got: u32,
    },
    /// The program counter is at no instruction.
    #[error("word {got:#x} of a checkpoint is no instruction")]
    Pc {
        /// The word index.
        got: u32,
    },
    /// Cycles that so many epochs cannot have, or that are above the limit.
    #[error("{got} cycles of a checkpoint are too few or too many")]
    Cycles {
        /// Those.
        got: u64,
    },
    /// More input read ahead than a machine reads.
    #[error("a checkpoint has read ahead what no machine does")]
    Ahead,
    /// A register or hidden cell as no execution leaves it.
    #[error("a checkpoint has a register that no execution leaves so")]
    Register,
    /// A cell that is none of memory or output, is there twice, or was touched by an epoch to come.
    #[error("a checkpoint has a cell that no execution leaves so")]
    Cell,
    /// More cells than there are slots for.
    #[error("{cells} cells of a checkpoint are more than there is room for")]
    Room {
        /// Those.
        cells: u32,
    },
}

impl CheckpointError {
    const fn of(reason: Unreachable, checkpoint: &Checkpoint<'_>) -> Self {
        let State {
            epochs, pc, cycles, ..
        } = checkpoint.state;
        match reason {
            Unreachable::Epoch => Self::Epoch { got: epochs },
            Unreachable::Pc => Self::Pc { got: pc },
            Unreachable::Cycles => Self::Cycles { got: cycles },
            Unreachable::Ahead => Self::Ahead,
            Unreachable::Register => Self::Register,
            Unreachable::Cell => Self::Cell,
            Unreachable::Room => Self::Room {
                cells: checkpoint.count,
            },
        }
    }
}

/// A machine before an epoch, with what the epoch finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint<'b> {
    program: Identity,
    plan: Identity,
    state: State,
    count: u32,
    /// The touched cells, encoded.
    cells: &'b [u8],
    input: &'b [u8],
}

impl<'b> Checkpoint<'b> {
    /// Decodes all of `bytes`.
    ///
    /// # Errors
    /// [`CheckpointError::Encoding`], [`CheckpointError::Trailing`] or [`CheckpointError::Version`]; what the values
    /// say is looked at where a machine is made of them.
    pub fn decode(bytes: &'b [u8]) -> Result<Self, CheckpointError> {
        let mut source = Source(bytes);
        let got = source.take()?;
        if got != VERSION {
            return Err(CheckpointError::Version { got });
        }
        let (program, plan) = (source.take()?, source.take()?);
        let state = State {
            epochs: source.take()?,
            pc: source.take()?,
            cycles: source.take()?,
            instructions: source.take()?,
            ahead: source.take()?,
            registers: {
                let mut registers = [(0, 0); FIXED_CELLS];
                for register in &mut registers {
                    *register = source.take()?;
                }
                registers
            },
        };
        let (count, input_len): (u32, u32) = source.take()?;
        let start = source.0;
        for _ in 0..count {
            source.take::<(i64, u32, u32)>()?;
        }
        let cells = &start[..start.len() - source.0.len()];
        let input = source
            .0
            .get(..input_len as usize)
            .ok_or(CheckpointError::Encoding)?;
        match source.0.len() - input.len() {
            0 => Ok(Self {
                program,
                plan,
                state,
                count,
                cells,
                input,
            }),
            bytes => Err(CheckpointError::Trailing { bytes }),
        }
    }

    /// Number of the epoch, from 1.
    pub const fn number(&self) -> u32 {
        self.state.epochs.saturating_add(1)
    }

    /// The machine before the epoch.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The cells of memory and output that the epoch touches, in the order in which it does.
    pub fn cells(&self) -> impl Iterator<Item = CellBefore> + use<'b> {
        let (mut source, mut id) = (Source(self.cells), 0_u32);
        // All were decoded once.
        core::iter::from_fn(move || {
            let (step, value, epoch): (i64, u32, u32) = source.take().ok()?;
            // An id that is none becomes one that is refused.
            id = u32::try_from(i64::from(id).saturating_add(step)).unwrap_or(u32::MAX);
            Some(CellBefore { id, value, epoch })
        })
    }

    /// The input that the epoch reads.
    pub const fn input(&self) -> &'b [u8] {
        self.input
    }

    /// The outside world of the epoch: its input, and nobody who listens.
    pub const fn io(&self) -> CheckpointIo<'b> {
        CheckpointIo { input: self.input }
    }

    /// Refuses a checkpoint of another program or of other settings.
    ///
    /// # Errors
    /// [`CheckpointError::Program`] or [`CheckpointError::Plan`].
    pub fn check(&self, setup: &Setup<'_>) -> Result<(), CheckpointError> {
        self.check_digests([setup.program_digest, setup.plan_digest])
    }

    /// The same of a batch of a run.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_run(&self, tables: &RunTables<'_>) -> Result<(), CheckpointError> {
        self.check_digests([tables.program().digest(), tables.plan_digest()])
    }

    fn check_digests(&self, [program, plan]: [Identity; 2]) -> Result<(), CheckpointError> {
        if self.program != program {
            return Err(CheckpointError::Program);
        }
        if self.plan != plan {
            return Err(CheckpointError::Plan);
        }
        Ok(())
    }

    /// The machine before the epoch, in `cells`, of which there are [`Cell::slots_for`] the rows of an L2G table;
    /// `max_cycles` bounds the run, cycles before the checkpoint included.
    ///
    /// # Errors
    /// [`CheckpointError`] when no execution comes to it.
    pub fn machine<'a>(
        &self,
        program: &'a Program<'a>,
        cells: &'a mut [Cell],
        max_cycles: u64,
    ) -> Result<Machine<'a>, CheckpointError> {
        Machine::resume(program, cells, max_cycles, &self.state, self.cells())
            .map_err(|reason| CheckpointError::of(reason, self))
    }

    /// The same before a batch of a run, in [`Cell::slots_for`] so many cells as the batch touches.
    ///
    /// # Errors
    /// As [`Self::machine`].
    #[cfg(feature = "alloc")]
    pub(crate) fn run_machine<'a>(
        &self,
        program: &'a Program<'a>,
        cells: &'a mut [Cell],
    ) -> Result<RunMachine<'a>, CheckpointError> {
        let machine =
            Machine::resume_run(program, cells, MAX_RUN_CYCLES, &self.state, self.cells());
        machine
            .map(RunMachine::of)
            .map_err(|reason| CheckpointError::of(reason, self))
    }
}

/// Writes the checkpoint of an epoch: the machine's state before it, the rows of its L2G table, and the input that it
/// read. Returns the bytes written.
///
/// # Errors
/// The sink's.
pub fn write<W: Write>(
    setup: &Setup<'_>,
    state: &State,
    touched: &[L2gRow],
    input: &[u8],
    sink: W,
) -> Result<u64, W::Error> {
    let digests = [setup.program_digest, setup.plan_digest];
    write_cells(
        digests,
        state,
        touched.iter().map(CellBefore::of),
        input,
        sink,
    )
}

/// Writes the checkpoint of a batch of a run: the machine's state before it, the cells that it touches, and the input
/// that it reads. Returns the bytes written.
///
/// # Errors
/// The sink's.
pub fn write_batch<W: Write>(
    tables: &RunTables<'_>,
    state: &State,
    touched: &[CellBefore],
    input: &[u8],
    sink: W,
) -> Result<u64, W::Error> {
    let digests = [tables.program().digest(), tables.plan_digest()];
    write_cells(digests, state, touched.iter().copied(), input, sink)
}

fn write_cells<W: Write>(
    digests: [Identity; 2],
    state: &State,
    cells: impl Iterator<Item = CellBefore> + Clone,
    input: &[u8],
    sink: W,
) -> Result<u64, W::Error> {
    let mut out = Sink { sink, written: 0 };
    let fixed = crate::cells::REGISTERS..crate::cells::OUT;
    let cells = || cells.clone().filter(|cell| !fixed.contains(&cell.id));
    out.put(&VERSION)?;
    digests.iter().try_for_each(|digest| out.put(digest))?;
    let State {
        epochs,
        pc,
        cycles,
        instructions,
        ahead,
        registers,
    } = state;
    out.put(&(epochs, pc))?;
    out.put(&(cycles, instructions))?;
    out.put(ahead)?;
    for register in registers {
        out.put(register)?;
    }
    out.put(&(cells().count() as u32, input.len() as u32))?;
    let mut before = 0_i64;
    for CellBefore { id, value, epoch } in cells() {
        out.put(&(i64::from(id) - before, value, epoch))?;
        before = i64::from(id);
    }
    out.put_bytes(input)?;
    Ok(out.written)
}

/// The outside world of an epoch that is proved from a checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointIo<'b> {
    input: &'b [u8],
}

impl GuestIo for CheckpointIo<'_> {
    fn read(&mut self) -> Option<u8> {
        let (&byte, rest) = self.input.split_first()?;
        self.input = rest;
        Some(byte)
    }

    // The output is known where the run is executed.
    fn write(&mut self, _: u8) {}
}

/// Bytes that are decoded item by item.
struct Source<'b>(&'b [u8]);

impl<'b> Source<'b> {
    fn take<T: Deserialize<'b>>(&mut self) -> Result<T, CheckpointError> {
        let taken = postcard::take_from_bytes(self.0);
        let (item, rest) = taken.map_err(|_| CheckpointError::Encoding)?;
        self.0 = rest;
        Ok(item)
    }
}

/// A sink of encoded items.
struct Sink<W> {
    sink: W,
    written: u64,
}

impl<W: Write> Sink<W> {
    fn put<T: Serialize>(&mut self, item: &T) -> Result<(), W::Error> {
        let mut buffer = [0; ITEM_BYTES];
        // Every item here has at most as many bytes.
        match postcard::to_slice(item, &mut buffer) {
            Ok(bytes) => self.put_bytes(bytes),
            Err(_) => Ok(()),
        }
    }

    fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), W::Error> {
        self.written += bytes.len() as u64;
        self.sink.write_all(bytes)
    }
}
