//! One batch of a run by itself: a body from the checkpoint before it, or the closing batch from what all bodies owe and
//! how they leave memory.
//!
//! A [`Walk`](super::Walk) comes to a batch by executing all before it; this one is set down there.

use alloc::vec;
use alloc::vec::Vec;

use thiserror::Error;
use tranche_core::retire::Run;
use tranche_core::{F, Statement, TraceMut};

use super::debts::{Debts, DebtsTooShort, Unfilled};
use super::tables::{BODY, CLOSING, RunTables};
use super::walk::{WalkError, fill_closing};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::exec::{Cell, EpochRecord, RecordTooShort};
use crate::merge::Chain;
use crate::shape::EpochShape;
use crate::span::BatchSpan;

/// Why there is nothing to fill the traces of a batch from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DetachError {
    /// The checkpoint is none of the run.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The batch cannot be executed, goes elsewhere than the run does, or is none.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// Not one debt for each row of the tables that are asked.
    #[error("{got} debts, the run has {expected}")]
    Debts {
        /// Those of the run.
        expected: usize,
        /// Those given.
        got: usize,
    },
    /// The buffer of the record is too short.
    #[error(transparent)]
    Record(#[from] RecordTooShort),
    /// The buffer of the debts is too short.
    #[error(transparent)]
    Short(#[from] DebtsTooShort),
}

/// The buffers of a [`Detached`] batch.
#[derive(Debug)]
pub struct DetachedStorage {
    record: Vec<u32>,
    debts: Vec<u32>,
}

impl DetachedStorage {
    /// Buffers for batches of `body`'s heights.
    pub fn new(body: &EpochShape) -> Self {
        Self {
            record: vec![0; body.record_words()],
            debts: vec![0; Debts::words(body)],
        }
    }
}

/// Batches of a run, of which one is at hand.
#[derive(Debug)]
pub struct Detached<'a> {
    tables: &'a RunTables<'a>,
    spans: &'a [BatchSpan],
    record: EpochRecord<'a>,
    debts: Debts<'a>,
    memory: Vec<Chain>,
    /// The batch at hand.
    at: Option<usize>,
    /// Tables of holes that have been counted, as bits.
    rests: u32,
}

impl<'a> Detached<'a> {
    /// No batch of a run that has these spans.
    ///
    /// # Errors
    /// When the buffers are those of lower tables.
    pub fn new(
        tables: &'a RunTables<'a>,
        spans: &'a [BatchSpan],
        storage: &'a mut DetachedStorage,
    ) -> Result<Self, DetachError> {
        let body = tables.shape().body;
        Ok(Self {
            tables,
            spans,
            record: EpochRecord::new(body, &mut storage.record)?,
            debts: Debts::new(&body, &mut storage.debts)?,
            memory: Vec::new(),
            at: None,
            rests: 0,
        })
    }

    /// The tables.
    pub const fn tables(&self) -> &'a RunTables<'a> {
        self.tables
    }

    /// Executes a body batch from its checkpoint.
    ///
    /// # Errors
    /// When it is another batch's checkpoint, or does not lead where the run does.
    pub fn execute(
        &mut self,
        batch: usize,
        checkpoint: &Checkpoint<'_>,
    ) -> Result<(), DetachError> {
        self.at = None;
        checkpoint.check_run(self.tables)?;
        let span = self.spans.get(batch).ok_or(WalkError::NoBatch { batch })?;
        if checkpoint.state().epochs as usize != batch {
            return Err(WalkError::Diverged { batch }.into());
        }
        let mut cells = vec![Cell::FREE; Cell::slots_for(checkpoint.cells().count())];
        let mut machine = checkpoint.run_machine(self.tables.program(), &mut cells)?;
        let end = machine.next(&mut checkpoint.io(), &mut self.record);
        if end.map_err(WalkError::from)?.span != *span {
            return Err(WalkError::Diverged { batch }.into());
        }
        self.at = Some(batch);
        Ok(())
    }

    /// What the body at hand owes the tables that are asked, once its tables are filled.
    ///
    /// # Errors
    /// When one is not.
    pub fn owed(&mut self) -> Result<Vec<u32>, Unfilled> {
        self.debts.clear();
        self.debts.add(&self.record)?;
        Ok(self.debts.all().collect())
    }

    /// Makes ready for the closing batch of a run whose bodies owe and leave so much.
    ///
    /// # Errors
    /// When there are more or fewer debts than the tables have rows.
    pub fn close(&mut self, owed: &[u32], memory: Vec<Chain>) -> Result<(), DetachError> {
        self.at = None;
        let (expected, got) = (Debts::words(&self.tables.shape().body), owed.len());
        if got != expected {
            return Err(DetachError::Debts { expected, got });
        }
        self.debts.clear();
        self.debts.add_words(owed);
        self.memory = memory;
        self.rests = 0;
        self.at = Some(self.tables.bodies());
        Ok(())
    }
}

impl Run for Detached<'_> {
    type Error = WalkError;

    fn statement(&self) -> Option<Statement> {
        Some(self.tables.statement())
    }

    fn fill_preprocessed(&self, kind: usize, table: usize, trace: &mut TraceMut<'_>) {
        if let Some(air) = self.tables.airs(kind).get(table) {
            air.fill_preprocessed(trace);
        }
    }

    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), WalkError> {
        if self.at != Some(batch) {
            return Err(WalkError::NoBatch { batch });
        }
        if self.tables.kind(batch) == CLOSING {
            let debts = (&mut self.debts, &mut self.rests);
            return fill_closing(self.tables, &self.memory, debts, table, trace);
        }
        if let Some(air) = self.tables.airs(BODY).get(table) {
            air.fill_body(self.tables.program(), &mut self.record, trace);
        }
        Ok(())
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        self.tables.public_values(self.spans, batch)
    }
}
