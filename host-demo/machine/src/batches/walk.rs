//! Walks over a run: each executes it again, batch after batch, and fills the traces of the batch at hand.
//!
//! The execution is deterministic from program and input, so every walk fills the same traces. Debts are
//! counted on the first walk that fills all; later ones take them from there. Where several workers share the
//! bodies of a walk, each executes the run, records its own bodies and counts what they owe, and the first one
//! takes over from the others before it closes.

use thiserror::Error;
use tranche_core::retire::Run;
use tranche_core::{F, Statement, TraceMut};

use super::debts::{Debts, DebtsTooShort, Unfilled};
use super::spans::SpanError;
use super::table::RunTable;
use super::tables::{BODY, CLOSING, FIRST_REST, RunTables};
use crate::bus::MAX_RUN_CYCLES;
use crate::exec::{Cell, EpochRecord, ExecError, GuestIo, RecordTooShort, RunMachine};
use crate::merge::{
    Chain, MergeError, RangeCounts, check_cover, fill_image, fill_rest, fill_result,
};
use crate::shape::RowCounts;
use crate::span::BatchSpan;
use crate::tables::lookup;

/// Why walks cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WalkStartError {
    /// The buffer of the record is too short.
    #[error(transparent)]
    Record(#[from] RecordTooShort),
    /// The buffer of the debts is too short.
    #[error(transparent)]
    Debts(#[from] DebtsTooShort),
    /// The spans are no execution.
    #[error(transparent)]
    Spans(#[from] SpanError),
    /// A touched cell is in no table.
    #[error(transparent)]
    Memory(#[from] MergeError),
}

/// Why a trace cannot be filled. Batches count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum WalkError {
    /// The execution cannot go on.
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// A batch went otherwise than in the survey, or the bodies left memory otherwise: the input is another.
    /// What differs and leaves spans and memory alone shows in the roots.
    #[error("batch {batch} is executed otherwise than before")]
    Diverged {
        /// The batch; the closing one when it is about memory.
        batch: usize,
    },
    /// There is no such batch.
    #[error("there is no batch {batch}")]
    NoBatch {
        /// The batch that was asked for.
        batch: usize,
    },
    /// A table that pays the debts was asked for before all debts were counted.
    #[error(transparent)]
    Unfilled(#[from] Unfilled),
    /// Memory does not fit into its tables.
    #[error(transparent)]
    Memory(#[from] MergeError),
}

/// What walks work in; none of it need hold anything in particular.
#[derive(Debug)]
pub struct WalkBuffers<'a> {
    /// Touched cells; see [`Cell::slots_for`].
    pub cells: &'a mut [Cell],
    /// Rows of one batch; at least [`EpochShape::record_words`](crate::EpochShape::record_words) of the
    /// body's shape.
    pub record: &'a mut [u32],
    /// At least [`Debts::words`] of the ROM's height.
    pub debts: &'a mut [u32],
}

/// The private input, again for each walk; output is known by then.
#[derive(Debug)]
struct Replay<'a> {
    input: &'a [u8],
    read: usize,
}

impl GuestIo for Replay<'_> {
    fn read(&mut self) -> Option<u8> {
        let byte = self.input.get(self.read).copied();
        self.read += usize::from(byte.is_some());
        byte
    }

    fn write(&mut self, _: u8) {}
}

/// A run that can be walked any number of times.
#[derive(Debug)]
pub struct Walk<'a> {
    tables: &'a RunTables<'a>,
    spans: &'a [BatchSpan],
    memory: &'a [Chain],
    io: Replay<'a>,
    machine: RunMachine<'a>,
    record: EpochRecord<'a>,
    debts: Debts<'a>,
    /// The batch at hand.
    at: Option<usize>,
    /// The batch after the last that was executed.
    next: usize,
    /// Bodies that have been counted in this walk, here or by one that was taken over.
    counted: usize,
    /// Whether the body at hand is among them.
    added: bool,
    /// Tables of holes that have been counted, as bits.
    rests: u32,
    /// Whether all debts are counted.
    complete: bool,
}

impl Run for Walk<'_> {
    type Error = WalkError;

    fn statement(&self) -> Option<Statement> {
        Some(self.tables.statement())
    }

    fn fill_preprocessed(&self, kind: usize, table: usize, trace: &mut TraceMut<'_>) {
        if let Some(air) = self.tables.airs(kind).get(table) {
            air.fill_preprocessed(trace);
        }
    }

    /// A batch that is not behind the one at hand begins a walk; bodies that are left out are executed and not
    /// counted. The tables of a batch ascend at least on the first walk. Filling a table again writes the same
    /// trace and counts nothing. What follows an error begins a walk.
    ///
    /// # Panics
    /// When `trace` has another shape.
    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), WalkError> {
        if self.at != Some(batch) {
            // Until it has worked out, no batch is at hand.
            let from = self.at.take();
            self.go(from, batch)?;
            self.at = Some(batch);
            self.added = false;
        }
        if self.tables.kind(batch) == CLOSING {
            return self.fill_closing(table, trace);
        }
        if let Some(air) = self.tables.airs(BODY).get(table) {
            air.fill_body(self.tables.program(), &mut self.record, trace);
            if !self.complete && !self.added && self.record.is_counted() {
                self.debts.add(&self.record)?;
                self.counted += 1;
                self.added = true;
            }
        }
        Ok(())
    }

    fn take_over(&mut self, other: &mut Self) {
        if !self.complete {
            self.debts.add_all(&other.debts);
            self.counted += other.counted;
        }
        if !other.complete {
            other.forget();
        }
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        self.tables.public_values(self.spans, batch)
    }
}

impl<'a> Walk<'a> {
    /// Walks over the run of the tables' program on `input`, of which the [survey](fn@super::survey) found
    /// these spans and this memory.
    ///
    /// # Errors
    /// [`WalkStartError`].
    pub fn new(
        tables: &'a RunTables<'a>,
        spans: &'a [BatchSpan],
        memory: &'a [Chain],
        input: &'a [u8],
        buffers: WalkBuffers<'a>,
    ) -> Result<Self, WalkStartError> {
        tables.check_spans(spans)?;
        if let [RunTable::Image(image), RunTable::Result(result), ..] = tables.airs(CLOSING) {
            check_cover(memory, &image.0, &result.0)?;
        }
        let WalkBuffers {
            cells,
            record,
            debts,
        } = buffers;
        let body = tables.shape().body;
        Ok(Self {
            tables,
            spans,
            memory,
            io: Replay { input, read: 0 },
            machine: RunMachine::new(tables.program(), cells, MAX_RUN_CYCLES),
            record: EpochRecord::new(body, record)?,
            debts: Debts::new(&body, debts)?,
            at: None,
            next: 0,
            counted: 0,
            added: false,
            rests: 0,
            complete: false,
        })
    }

    /// The tables.
    pub const fn tables(&self) -> &'a RunTables<'a> {
        self.tables
    }

    /// The spans of the body batches.
    pub const fn spans(&self) -> &'a [BatchSpan] {
        self.spans
    }

    /// Ends the walks and overwrites their [buffers](WalkBuffers), and the registers, with zeros, in a way
    /// that no compiler drops. The walk cannot go on.
    pub fn wipe(&mut self) {
        self.machine.wipe();
        self.record.wipe();
        self.debts.wipe();
        self.at = None;
    }

    /// Forgets what this walk has counted.
    fn forget(&mut self) {
        self.debts.clear();
        (self.counted, self.rests) = (0, 0);
    }

    /// Leaves a batch, if there is one, for another.
    fn go(&mut self, from: Option<usize>, to: usize) -> Result<(), WalkError> {
        if to >= self.tables.batches() {
            return Err(WalkError::NoBatch { batch: to });
        }
        if from.is_none_or(|from| to <= from) {
            self.machine.restart();
            (self.io.read, self.next) = (0, 0);
            if !self.complete {
                self.forget();
            }
        } else if !self.complete && !self.added {
            return Err(Unfilled.into());
        }
        while self.next <= to {
            let batch = self.next;
            let same = match self.spans.get(batch) {
                Some(span) if batch == to => {
                    self.machine.next(&mut self.io, &mut self.record)?.span == *span
                }
                Some(span) => {
                    let (shape, mut rows) = (&self.tables.shape().body, RowCounts::default());
                    let end = self.machine.meter(&mut self.io, shape, &mut rows)?;
                    end.span == *span
                }
                None => self.memory.iter().all(|chain| self.machine.left(chain)),
            };
            if !same {
                return Err(WalkError::Diverged { batch });
            }
            self.next += 1;
        }
        Ok(())
    }

    fn fill_closing(&mut self, table: usize, trace: &mut TraceMut<'_>) -> Result<(), WalkError> {
        if let Some(RunTable::Epoch(_)) = self.tables.airs(CLOSING).get(table) {
            self.finish_counting()?;
        }
        let (tables, memory) = (self.tables, self.memory);
        fill_closing(
            tables,
            memory,
            (&mut self.debts, &mut self.rests),
            table,
            trace,
        )
    }

    /// All debts have been counted, now or on an earlier walk.
    fn finish_counting(&mut self) -> Result<(), Unfilled> {
        let rests = self.rests.count_ones() as usize;
        if !self.complete
            && (rests, self.counted) != (self.tables.holes().len(), self.tables.bodies())
        {
            return Err(Unfilled);
        }
        self.complete = true;
        Ok(())
    }
}

/// Fills a table of the closing batch, of a run that leaves `memory`. The tables of holes add what they owe to the debts,
/// once: those that have are bits. The tables that are asked pay what there is.
pub(super) fn fill_closing(
    tables: &RunTables<'_>,
    memory: &[Chain],
    (debts, rests): (&mut Debts<'_>, &mut u32),
    table: usize,
    trace: &mut TraceMut<'_>,
) -> Result<(), WalkError> {
    match tables.airs(CLOSING).get(table) {
        Some(RunTable::Image(image)) => fill_image(trace, &image.0, memory)?,
        Some(RunTable::Result(result)) => fill_result(trace, &result.0, memory)?,
        Some(RunTable::Rest(_)) => {
            let hole = table - FIRST_REST;
            let Some(&bounds) = tables.holes().get(hole) else {
                return Ok(());
            };
            let mut counts = RangeCounts::new();
            fill_rest(trace, bounds, memory, &mut counts)?;
            if *rests & 1 << hole == 0 {
                *rests |= 1 << hole;
                debts.add_range(&counts);
            }
        }
        Some(RunTable::Epoch(asked)) => lookup::fill(debts.of(asked), trace),
        Some(RunTable::Cpu(_)) | None => {}
    }
    Ok(())
}
