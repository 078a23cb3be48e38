//! Proving epochs in the caller's buffers: [`RecordProver`] those that are recorded,
//! [`EpochProver`] those of a program as it executes.
//!
//! All sizes can be asked for before anything is executed: [`EpochPlan::workspace_len`],
//! [`EpochShape::record_words`](crate::EpochShape::record_words), and [`Cell::slots_for`] for the cells that a run
//! touches, of which an epoch adds at most as many as its L2G table has rows. Nothing here
//! allocates, and nothing panics on what a caller passes, but for a record of another setup.

use core::convert::Infallible;
use core::mem::MaybeUninit;

use embedded_io::Write;
use heapless::Vec;
use thiserror::Error;
use tranche_core::air::ProverAir;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::prover::{BatchError, ProverSetupError, Traces};
use tranche_core::workspace::Buffer;
use tranche_core::{Batch, F, Hashes, Params, Prover, Statement, TableSpec, TraceMut};

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::epoch::{EpochPlan, EpochTables, PublicValues, Span};
use crate::exec::{Cell, EpochEnd, EpochRecord, ExecError, GuestIo, Machine, RecordTooShort};
use crate::hash::MachineSuite;
use crate::tables::{EpochTable, PerTable};

/// A recorded epoch as a batch.
///
/// The record must be of the tables' program.
#[derive(Debug)]
pub struct RecordedEpoch<'t, 'a, 'r> {
    tables: &'t EpochTables<'a>,
    record: &'t mut EpochRecord<'r>,
    public_values: PerTable<PublicValues>,
}

impl<'t, 'a, 'r> RecordedEpoch<'t, 'a, 'r> {
    /// The epoch of a record.
    pub fn new(tables: &'t EpochTables<'a>, record: &'t mut EpochRecord<'r>) -> Self {
        record.divide(tables.shape());
        Self {
            public_values: tables.public_values(record.epoch(), &Span::of(record)),
            tables,
            record,
        }
    }

    /// Compares the rows with the tables.
    fn check<E>(&self) -> Result<(), BatchError<E>> {
        let fits = self
            .record
            .fits(self.tables.shape(), self.tables.setup().program);
        fits.then_some(()).ok_or(BatchError::OtherTables)
    }
}

impl<'a> Batch for RecordedEpoch<'_, 'a, '_> {
    type Air = EpochTable<'a>;
    type Error = Infallible;

    fn airs(&self) -> &[EpochTable<'a>] {
        &self.tables.airs
    }

    fn specs(&self) -> impl Iterator<Item = TableSpec> {
        self.tables.specs.iter().copied()
    }

    fn params(&self) -> Params {
        self.tables.setup().settings.params
    }

    fn statement(&self) -> Option<Statement> {
        Some(self.tables.setup().epoch_statement(self.record.epoch()))
    }

    fn public_values(&self) -> impl AsRef<[&[F]]> {
        let values = self.public_values.iter();
        values.map(Vec::as_slice).collect::<PerTable<_>>()
    }

    fn fill_preprocessed(&self, table: usize, trace: &mut TraceMut<'_>) {
        fill_preprocessed(self.tables, table, trace);
    }

    /// # Panics
    /// When the record is of another shape, and has more rows than a table.
    fn fill(&mut self, table: usize, trace: &mut TraceMut<'_>) -> Result<(), Infallible> {
        if let Some(air) = self.tables.airs.get(table) {
            air.fill(self.tables.setup().program, self.record, trace);
        }
        Ok(())
    }
}

fn fill_preprocessed(tables: &EpochTables<'_>, table: usize, trace: &mut TraceMut<'_>) {
    if let Some(air) = tables.airs.get(table) {
        air.fill_preprocessed(trace);
    }
}

/// Proves recorded epochs, one after another, in one workspace.
#[derive(Debug)]
pub struct RecordProver<'a, B: Hashes<S>, S: MachineSuite = Poseidon2> {
    tables: &'a EpochTables<'a>,
    prover: Prover<'a, B, EpochTable<'a>, S>,
}

impl<'a, B: Hashes<S>, S: MachineSuite> RecordProver<'a, B, S>
where
    EpochTable<'a>: ProverAir<B>,
{
    /// Takes a workspace of at least [`EpochPlan::workspace_len`] bytes, and commits what is the same
    /// in all epochs.
    ///
    /// # Errors
    /// [`StartError::Workspace`], or [`StartError::OtherPlan`].
    pub fn new(
        tables: &'a EpochTables<'a>,
        plan: &'a EpochPlan<S>,
        workspace: impl Into<Buffer<'a>>,
    ) -> Result<Self, StartError> {
        let specs = plan.tables().iter().map(|table| table.spec);
        let settings = &tables.setup().settings;
        if !specs.eq(tables.specs.iter().copied())
            || *plan.params() != settings.params
            || settings.hash != S::HASH
        {
            return Err(StartError::OtherPlan);
        }
        let mut prover = Prover::new(plan, &tables.airs, S::instance(), workspace)?;
        prover.prepare_with(|table, trace| fill_preprocessed(tables, table, trace));
        Ok(Self { tables, prover })
    }

    /// Overwrites the whole workspace with zeros: [`Prover::wipe`]. What is the same in all epochs is
    /// committed again when the next one is proved.
    pub fn wipe(&mut self) {
        self.prover.wipe();
    }

    /// Starts the proof of a recorded epoch: all traces are written. What follows are the steps of
    /// [`tranche_core::prover`].
    ///
    /// # Errors
    /// As [`RecordProver::prove`], but for the sink's.
    pub fn fill(
        &mut self,
        epoch: &mut RecordedEpoch<'_, 'a, '_>,
    ) -> Result<Traces<'_, 'a, B, EpochTable<'a>, S>, BatchError> {
        epoch.check()?;
        Ok(self.prover.fill(epoch)?)
    }

    /// Proves a recorded epoch; returns the number of bytes written.
    ///
    /// # Errors
    /// What the sink returns; [`BatchError::OtherTables`] for an epoch of other tables, or of more rows than they have.
    pub fn prove<W: Write>(
        &mut self,
        record: &mut EpochRecord<'_>,
        sink: W,
    ) -> Result<u64, BatchError<W::Error>> {
        let mut epoch = RecordedEpoch::new(self.tables, record);
        epoch.check()?;
        Ok(self.prover.prove(&mut epoch, sink)?)
    }
}

/// Everything that an [`EpochProver`] works in; none of it need hold anything in particular.
#[derive(Debug)]
pub struct EpochBuffers<'a> {
    /// Touched cells; see [`Cell::slots_for`].
    pub cells: &'a mut [Cell],
    /// Rows of one epoch; at least [`EpochShape::record_words`](crate::EpochShape::record_words) of the
    /// setup's shape.
    pub record: &'a mut [u32],
    /// At least [`EpochPlan::workspace_len`] bytes, of any alignment.
    pub workspace: &'a mut [MaybeUninit<u8>],
}

/// Executes a program and proves each epoch as soon as it is full, at the heights of its tables: a run's first, which have
/// room for all.
#[derive(Debug)]
pub struct EpochProver<'a, B: Hashes<S>, S: MachineSuite = Poseidon2> {
    machine: Machine<'a>,
    record: EpochRecord<'a>,
    prover: RecordProver<'a, B, S>,
    wiped: bool,
}

/// A proved epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ProvedEpoch {
    /// Its number, from 1.
    pub number: u32,
    /// What its proof says of it.
    pub span: Span,
    /// The program's exit code, if the epoch is the last.
    pub exit_code: Option<u32>,
    /// Bytes that went to the sink.
    pub proof_bytes: u64,
}

impl<'a, B: Hashes<S>, S: MachineSuite> EpochProver<'a, B, S>
where
    EpochTable<'a>: ProverAir<B>,
{
    /// A prover at the start of the program that `tables` were made for; `max_cycles` bounds the run.
    ///
    /// # Errors
    /// [`StartError`], when a buffer is too short or the plan was made for other tables.
    pub fn new(
        tables: &'a EpochTables<'a>,
        plan: &'a EpochPlan<S>,
        buffers: EpochBuffers<'a>,
        max_cycles: u64,
    ) -> Result<Self, StartError> {
        let EpochBuffers {
            cells,
            record,
            workspace,
        } = buffers;
        let setup = tables.setup();
        Ok(Self {
            record: EpochRecord::new(setup.shape, record)?,
            machine: Machine::new(setup.program, cells, max_cycles),
            prover: RecordProver::new(tables, plan, workspace)?,
            wiped: false,
        })
    }

    /// A prover before the epoch of a checkpoint, whose [io](Checkpoint::io) it is to be executed with; `max_cycles`
    /// bounds the run, cycles before the checkpoint included.
    ///
    /// What the checkpoint says is believed: the next epoch is proved as it would have been in line, those behind it
    /// have no memory to go on with.
    ///
    /// # Errors
    /// [`StartError::Checkpoint`] when it is another run's, or no machine can have come to it; else as
    /// [`EpochProver::new`].
    pub fn from_checkpoint(
        tables: &'a EpochTables<'a>,
        plan: &'a EpochPlan<S>,
        buffers: EpochBuffers<'a>,
        checkpoint: &Checkpoint<'_>,
        max_cycles: u64,
    ) -> Result<Self, StartError> {
        let EpochBuffers {
            cells,
            record,
            workspace,
        } = buffers;
        let setup = tables.setup();
        checkpoint.check(setup)?;
        Ok(Self {
            record: EpochRecord::new(setup.shape, record)?,
            machine: checkpoint.machine(setup.program, cells, max_cycles)?,
            prover: RecordProver::new(tables, plan, workspace)?,
            wiped: false,
        })
    }

    /// Executes the next epoch and proves it; the proof's bytes go to `sink` as they are known.
    ///
    /// # Errors
    /// [`EpochError`]; [`ExecError::Exited`] after the last epoch, or when all was wiped.
    pub fn next<W: Write>(
        &mut self,
        io: &mut impl GuestIo,
        sink: W,
    ) -> Result<ProvedEpoch, EpochError<W::Error>> {
        if self.wiped {
            return Err(ExecError::Exited.into());
        }
        let end = self.machine.run_epoch(io, &mut self.record)?;
        let exit_code = match end {
            EpochEnd::Full(_) => None,
            EpochEnd::Exit(code) => Some(code),
        };
        let proof_bytes = self.prover.prove(&mut self.record, sink)?;
        Ok(ProvedEpoch {
            number: self.record.epoch(),
            span: Span::of(&self.record),
            exit_code,
            proof_bytes,
        })
    }

    /// Ends the run and overwrites all of its [buffers](EpochBuffers), and the registers, with zeros, in
    /// a way that no compiler drops.
    ///
    /// Private input, and what the guest computed from it, stay there otherwise; where they are secret,
    /// this is the last thing to do, after an error too. What it cannot reach is the stack below the
    /// calls that came before.
    pub fn wipe(&mut self) {
        self.machine.wipe();
        self.record.wipe();
        self.prover.wipe();
        self.wiped = true;
    }

    /// The machine, between epochs.
    pub const fn machine(&self) -> &Machine<'a> {
        &self.machine
    }
}

/// Why proving cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StartError {
    /// The buffer of the record is too short.
    #[error(transparent)]
    Record(#[from] RecordTooShort),
    /// The core refused the workspace, or the plan's backend.
    #[error(transparent)]
    Workspace(#[from] ProverSetupError),
    /// The checkpoint is another run's, or none.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The plan was made for other tables, other parameters or another hash suite.
    #[error("the plan was made for other tables")]
    OtherPlan,
}

/// Why an epoch could not be proved; `E` is the error of the proof sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EpochError<E> {
    /// The execution cannot go on.
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// The core refused the batch, or the sink failed.
    #[error(transparent)]
    Batch(#[from] BatchError<E>),
}
