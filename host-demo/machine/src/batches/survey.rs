//! The first execution of a run: how many batches it has, where each leads, how memory is left.

use thiserror::Error;

use crate::bus::MAX_RUN_CYCLES;
use crate::cells::REGISTERS;
use crate::exec::{Cell, CellStore, ExecError, GuestIo, RunMachine};
use crate::merge::Chain;
use crate::program::Program;
use crate::shape::{EpochShape, RowCounts};
use crate::span::BatchSpan;

/// Why a run cannot be surveyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SurveyError {
    /// The execution cannot go on.
    #[error(transparent)]
    Execution(#[from] ExecError),
    /// The run is longer than a clock of 28 bits counts.
    #[error("more than {cycles} cycles, the most of one run: its clock has 28 bits")]
    TooLong {
        /// Most cycles of a run.
        cycles: u64,
    },
    /// More batches than the buffer holds spans.
    #[error("more than {capacity} batches")]
    TooManyBatches {
        /// Spans that it holds.
        capacity: usize,
    },
    /// More touched cells than the buffer of the final memory holds.
    #[error("{needed} touched cells in a buffer of {got}")]
    TooManyCells {
        /// Touched cells.
        needed: usize,
        /// Cells that it holds.
        got: usize,
    },
}

/// What a survey works in and leaves; none of it need hold anything in particular.
#[derive(Debug)]
pub struct SurveyBuffers<'a> {
    /// Touched cells; see [`Cell::slots_for`].
    pub cells: &'a mut [Cell],
    /// One for each body batch.
    pub spans: &'a mut [BatchSpan],
    /// One for each touched cell, registers and hidden cells included.
    pub memory: &'a mut [Chain],
}

/// What a survey found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// The program's exit code.
    pub exit_code: u32,
    /// Body batches: their spans are the first of the buffer.
    pub batches: u32,
    /// Touched cells: how each was left is in the first of the buffer, ascending by cell, with the
    /// timestamp of the last access in place of an epoch.
    pub cells: usize,
    /// Cycles of the run.
    pub cycles: u64,
    /// Rows of each table that the execution fills; L2G holds nothing in a run.
    pub rows: RowCounts,
}

/// Executes a program once, in batches of `body`'s heights, of at most `max_cycles` in all.
///
/// # Errors
/// [`SurveyError`].
pub fn survey<'a>(
    program: &'a Program<'a>,
    body: &EpochShape,
    io: &mut impl GuestIo,
    buffers: SurveyBuffers<'a>,
    max_cycles: u64,
) -> Result<Surveyed, SurveyError> {
    let SurveyBuffers {
        cells,
        spans,
        memory,
    } = buffers;
    let mut machine = RunMachine::new(program, cells, max_cycles);
    let (mut batches, capacity) = (0, spans.len());
    let (exit_code, rows) = meter(&mut machine, body, io, max_cycles, |span| {
        let slot = spans.get_mut(batches);
        *slot.ok_or(SurveyError::TooManyBatches { capacity })? = span;
        batches += 1;
        Ok(())
    })?;
    let cycles = machine.machine().cycles();
    let (cells, fixed) = machine.into_cells();
    let (needed, got) = (left(program, cells, &fixed).count(), memory.len());
    if needed > got {
        return Err(SurveyError::TooManyCells { needed, got });
    }
    for (slot, chain) in memory.iter_mut().zip(left(program, cells, &fixed)) {
        *slot = chain;
    }
    Ok(Surveyed {
        exit_code,
        batches: batches as u32,
        cells: needed,
        cycles,
        rows,
    })
}

/// Executes a run to its end, in batches of `body`'s heights, and hands out the span of each. Returns the exit
/// code, and the rows of each table.
pub(super) fn meter<C: CellStore>(
    machine: &mut RunMachine<'_, C>,
    body: &EpochShape,
    io: &mut impl GuestIo,
    max_cycles: u64,
    mut push: impl FnMut(BatchSpan) -> Result<(), SurveyError>,
) -> Result<(u32, RowCounts), SurveyError> {
    let mut rows = RowCounts::default();
    loop {
        let end = machine.meter(io, body, &mut rows);
        let end = end.map_err(|error| match error {
            ExecError::CycleLimit { .. } if max_cycles > MAX_RUN_CYCLES => SurveyError::TooLong {
                cycles: MAX_RUN_CYCLES,
            },
            error => error.into(),
        })?;
        push(end.span)?;
        if let Some(code) = end.exit_code {
            return Ok((code, rows));
        }
    }
}

/// How a run leaves memory, ascending by cell: `cells` ascend, and `fixed` are registers and hidden cells.
pub(super) fn left<'c>(
    program: &'c Program<'_>,
    cells: &'c [Cell],
    fixed: &'c [Cell],
) -> impl Iterator<Item = Chain> + 'c {
    let (ram, output) = cells.split_at(cells.partition_point(|cell| cell.id < REGISTERS));
    let touched = fixed.iter().filter(|cell| cell.epoch != 0);
    ram.iter().chain(touched).chain(output).map(|cell| Chain {
        cell: cell.id,
        init_epoch: 0,
        init: program.initial_word(cell.id),
        fini_epoch: cell.timestamp,
        fini: cell.value,
    })
}
