//! A session in its buffer: program, tables, plan and prover in front, then rows, cells and workspace.
//!
//! Whatever the buffer's alignment, a session takes
//! `FIXED_BYTES + cells + record + workspace` bytes, and is refused with one fewer.

use core::mem::MaybeUninit;

use embedded_io::{ErrorKind, ErrorType, Write};
use thiserror::Error;
use tranche_backend::Chosen;
use tranche_core::Hashes;
use tranche_core::shape::Profile;
use tranche_machine::fit::SessionBytes;
use tranche_machine::hash::MachineSuite;
use tranche_machine::setup::SetupError;
use tranche_machine::{
    Cell, EpochBuffers, EpochPlan, EpochProver, EpochTables, GuestIo, Program, ProvedEpoch,
    Settings, Setup,
};

use crate::error::TrancheError;
use crate::raw::arena::{Arena, Lent, ROW_ALIGN, VALUE_ALIGN, value_bytes};
use crate::suite::{SuiteProver, with_suite};
use crate::types::{TranchePlan, TrancheProfile};

/// Bytes of a session besides its cells, its record and its workspace; the same in every suite.
pub const FIXED_BYTES: usize = VALUE_ALIGN - 1
    + value_bytes::<Program<'_>>()
    + value_bytes::<EpochTables<'_>>()
    + value_bytes::<EpochPlan>()
    + value_bytes::<Session<'_>>();

/// Proof bytes that are gathered before the sink is called.
const GATHER_BYTES: usize = 1024;

// No padding stands between the record and the cells.
const _: () = assert!(align_of::<u32>() <= ROW_ALIGN && align_of::<Cell>() <= ROW_ALIGN);

/// A program that is being executed and proved.
#[derive(Debug)]
pub struct Session<'a> {
    prover: SuiteProver<'a>,
    over: bool,
    lent: Lent,
    gathered: [u8; GATHER_BYTES],
}

impl<'a> Session<'a> {
    /// A session at the start of the program, in `buffer`.
    ///
    /// # Errors
    /// What the program or the plan is refused for. [`TrancheError::BufferTooSmall`] is found before
    /// anything is written.
    #[inline(never)] // what it calls is what takes stack
    pub fn begin(
        elf: &'a [u8],
        plan: &TranchePlan,
        max_cycles: u64,
        buffer: &'a mut [MaybeUninit<u8>],
    ) -> Result<&'a mut Self, TrancheError> {
        let settings = Settings::try_from(plan.settings)?;
        with_suite!(settings.hash, S => Self::begin_in::<S>(elf, plan, &settings, max_cycles, buffer))
    }

    /// [`Session::begin`] with the suite of the settings.
    #[inline(never)] // as above
    fn begin_in<S: MachineSuite>(
        elf: &'a [u8],
        plan: &TranchePlan,
        settings: &Settings,
        max_cycles: u64,
        buffer: &'a mut [MaybeUninit<u8>],
    ) -> Result<&'a mut Self, TrancheError>
    where
        Chosen: Hashes<S>,
        SuiteProver<'a>: From<EpochProver<'a, Chosen, S>>,
    {
        let profile =
            TrancheProfile::from_code(plan.profile)?.ok_or(TrancheError::UnknownProfile)?;
        let needed = needed::<S>(elf, plan, settings, profile)?;
        if (buffer.len() as u64) < needed {
            return Err(TrancheError::BufferTooSmall);
        }
        let (mut arena, lent) = Arena::new(buffer);
        let program = place_program(elf, &mut arena)?;
        let tables = place_tables(program, settings, &mut arena)?;
        let epoch = place_plan::<S>(tables, profile, &mut arena)?;
        let session = arena.reserve()?;
        let slots = Cell::slots_for(plan.max_cells as usize);
        let buffers = EpochBuffers {
            cells: arena.rows(slots, Cell::FREE)?,
            record: arena.rows(tables.setup().shape.record_words(), 0)?,
            workspace: arena.bytes(epoch.workspace_len())?,
        };
        place_session(session, tables, epoch, buffers, max_cycles, lent)
    }

    /// The buffer that it lives in.
    pub const fn lent(&self) -> Lent {
        self.lent
    }

    /// Executes the next epoch and proves it; `sink` takes the proof's bytes, and stops it with false.
    ///
    /// # Errors
    /// What the execution or the sink fails with, and [`TrancheError::SessionOver`] from then on, or
    /// after the last epoch.
    pub fn prove_next(
        &mut self,
        guest: &mut impl GuestIo,
        sink: impl FnMut(&[u8]) -> bool,
    ) -> Result<ProvedEpoch, TrancheError> {
        if self.over {
            return Err(TrancheError::SessionOver);
        }
        let mut gather = Gather {
            sink,
            bytes: &mut self.gathered,
            len: 0,
        };
        let proved = match &mut self.prover {
            #[cfg(feature = "poseidon2")]
            SuiteProver::Poseidon2(prover) => prove_epoch(prover, guest, &mut gather),
            #[cfg(feature = "blake3")]
            SuiteProver::Blake3(prover) => prove_epoch(prover, guest, &mut gather),
        };
        self.over = !matches!(&proved, Ok(epoch) if epoch.exit_code.is_none());
        proved
    }
}

// Functions of their own, so that the stack that making a value takes is gone before the next one, and that
// of one suite is no part of the other's.

#[inline(never)]
fn place_program<'a>(
    elf: &'a [u8],
    arena: &mut Arena<'a>,
) -> Result<&'a Program<'a>, TrancheError> {
    Ok(arena.put(Program::parse(elf)?)?)
}

#[inline(never)]
fn place_tables<'a>(
    program: &'a Program<'a>,
    settings: &Settings,
    arena: &mut Arena<'a>,
) -> Result<&'a EpochTables<'a>, TrancheError> {
    let setup = Setup::new(program, *settings).map_err(SetupError::Range)?;
    Ok(arena.put(EpochTables::new(&setup))?)
}

#[inline(never)]
fn place_plan<'a, S: MachineSuite>(
    tables: &EpochTables<'a>,
    profile: Profile,
    arena: &mut Arena<'a>,
) -> Result<&'a EpochPlan<S>, TrancheError> {
    const { assert!(value_bytes::<EpochPlan<S>>() == value_bytes::<EpochPlan>()) }
    let plan = tables
        .plan_in::<Chosen, S>(profile)
        .map_err(SetupError::Plan)?;
    Ok(arena.put(plan)?)
}

#[inline(never)]
fn place_session<'a, S: MachineSuite>(
    place: &'a mut MaybeUninit<Session<'a>>,
    tables: &'a EpochTables<'a>,
    plan: &'a EpochPlan<S>,
    buffers: EpochBuffers<'a>,
    max_cycles: u64,
    lent: Lent,
) -> Result<&'a mut Session<'a>, TrancheError>
where
    Chosen: Hashes<S>,
    SuiteProver<'a>: From<EpochProver<'a, Chosen, S>>,
{
    Ok(place.write(Session {
        prover: EpochProver::new(tables, plan, buffers, max_cycles)?.into(),
        over: false,
        lent,
        gathered: [0; GATHER_BYTES],
    }))
}

#[inline(never)]
fn prove_epoch<S: MachineSuite, W: Write>(
    prover: &mut EpochProver<'_, Chosen, S>,
    guest: &mut impl GuestIo,
    sink: W,
) -> Result<ProvedEpoch, TrancheError>
where
    Chosen: Hashes<S>,
{
    Ok(prover.next(guest, sink)?)
}

/// Bytes that a session of this plan takes.
#[inline(never)]
fn needed<S: MachineSuite>(
    elf: &[u8],
    plan: &TranchePlan,
    settings: &Settings,
    profile: Profile,
) -> Result<u64, TrancheError> {
    let program = Program::parse(elf)?;
    let setup = Setup::new(&program, *settings).map_err(SetupError::Range)?;
    let bytes =
        SessionBytes::of::<Chosen, S>(&setup, profile, plan.max_cells).map_err(SetupError::Plan)?;
    Ok(bytes.total() + FIXED_BYTES as u64)
}

/// Proof bytes on their way to the sink, gathered so that not every field element is a call of it.
struct Gather<'a, S> {
    sink: S,
    bytes: &'a mut [u8; GATHER_BYTES],
    len: usize,
}

/// The sink takes no more bytes.
#[derive(Clone, Copy, Debug, Error)]
#[error("the sink takes no more bytes")]
struct Stopped;

impl embedded_io::Error for Stopped {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Interrupted
    }
}

impl<S> ErrorType for Gather<'_, S> {
    type Error = Stopped;
}

impl<S: FnMut(&[u8]) -> bool> Write for Gather<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Stopped> {
        if self.len >= self.bytes.len() {
            self.flush()?;
        }
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        let len = room.len().min(bytes.len());
        for (to, &byte) in room.iter_mut().zip(bytes) {
            *to = byte;
        }
        self.len += len;
        Ok(len)
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        let gathered = self.bytes.get(..self.len).unwrap_or_default();
        // What the inspection of the static library has to find; no other build has it.
        #[cfg(tranche_heap_probe)]
        let gathered = &*alloc::vec::Vec::from(gathered);
        if !gathered.is_empty() && !(self.sink)(gathered) {
            return Err(Stopped);
        }
        self.len = 0;
        Ok(())
    }
}
