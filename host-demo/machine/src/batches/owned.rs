//! Surveys and walks with buffers on the heap, for hosts.

use alloc::vec;
use alloc::vec::Vec;

use super::debts::Debts;
use super::survey::{SurveyError, left, meter};
use super::walk::WalkBuffers;
use crate::exec::{Cell, GuestIo, Pages, RunMachine};
use crate::merge::Chain;
use crate::program::Program;
use crate::shape::{EpochShape, RowCounts};
use crate::span::BatchSpan;

/// What a survey found.
#[derive(Clone, Debug)]
pub struct OwnedRun {
    /// The program's exit code.
    pub exit_code: u32,
    /// One for each body batch.
    pub spans: Vec<BatchSpan>,
    /// How each touched cell was left, ascending by cell, with the timestamp of its last access in place of
    /// an epoch.
    pub memory: Vec<Chain>,
    /// Cycles of the run.
    pub cycles: u64,
    /// Instructions of the run.
    pub instructions: u64,
    /// Rows of each table that the execution fills; L2G holds nothing in a run.
    pub rows: RowCounts,
}

/// [`survey`](super::survey()) on the heap: memory follows the guest, up to `max_bytes` of its own.
///
/// # Errors
/// [`SurveyError`].
pub fn survey_on_heap(
    program: &Program<'_>,
    body: &EpochShape,
    io: &mut impl GuestIo,
    max_bytes: u64,
    max_cycles: u64,
) -> Result<OwnedRun, SurveyError> {
    let mut machine = RunMachine::over(program, Pages::new(max_bytes), max_cycles);
    let mut spans = Vec::new();
    let (exit_code, rows) = meter(&mut machine, body, io, max_cycles, |span| {
        spans.push(span);
        Ok(())
    })?;
    let machine = machine.machine();
    let touched = machine.store().touched();
    let memory = left(program, &touched, machine.fixed()).collect();
    Ok(OwnedRun {
        exit_code,
        spans,
        memory,
        cycles: machine.cycles(),
        instructions: machine.instructions(),
        rows,
    })
}

/// The buffers of walks.
#[derive(Debug)]
pub struct WalkStorage {
    cells: Vec<Cell>,
    record: Vec<u32>,
    debts: Vec<u32>,
}

impl WalkStorage {
    /// Buffers for walks over a run that touches so many cells, in batches of `body`'s heights.
    pub fn new(body: &EpochShape, cells: usize) -> Self {
        Self {
            cells: vec![Cell::FREE; Cell::slots_for(cells)],
            record: vec![0; body.record_words()],
            debts: vec![0; Debts::words(body)],
        }
    }

    /// The buffers.
    pub fn buffers(&mut self) -> WalkBuffers<'_> {
        WalkBuffers {
            cells: &mut self.cells,
            record: &mut self.record,
            debts: &mut self.debts,
        }
    }
}
