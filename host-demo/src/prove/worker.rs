//! A worker: one workspace, epoch after epoch.

use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

use tranche_core::F;
use tranche_machine::merge::Chain;
use tranche_machine::{EpochPlan, EpochRecord, EpochTable, EpochTables, RecordProver, Span};

use super::error::ProveError;
use crate::backend::Backend;

/// An executed epoch.
#[derive(Debug)]
pub(super) struct Job<'r> {
    /// What its traces are filled from.
    pub record: EpochRecord<'r>,
    /// Whether the program exited in it.
    pub last: bool,
}

/// A proved epoch.
#[derive(Debug)]
pub(super) struct Done<'r> {
    pub number: u32,
    pub span: Span,
    pub last: bool,
    pub proof: Vec<u8>,
    /// What it did to each cell it touched.
    pub rows: Vec<Chain>,
    /// Its L2G trace, column by column.
    pub trace: Vec<F>,
    /// Its record, to be used again.
    pub record: EpochRecord<'r>,
}

/// What workers and the executor tell the thread that writes.
pub(super) type Report<'r> = Sender<Result<Done<'r>, ProveError>>;

/// A buffer that proofs are made in, reused and never shrunk.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    buffer: Box<[MaybeUninit<u8>]>,
}

impl Workspace {
    /// A buffer of at least `len` bytes.
    pub fn reserve(&mut self, len: usize) -> &mut [MaybeUninit<u8>] {
        if self.buffer.len() < len {
            // The old one goes first, so that there are never two.
            self.buffer = Box::default();
            self.buffer = Box::new_uninit_slice(len);
        }
        &mut self.buffer
    }

    pub const fn len(&self) -> usize {
        self.buffer.len()
    }
}

/// Proves the epochs that come until there are no more, or nobody listens.
pub(super) fn work<'r>(
    tables: &EpochTables<'_>,
    plan: &EpochPlan,
    workspace: &mut Workspace,
    jobs: &Mutex<Receiver<Job<'r>>>,
    report: &Report<'r>,
) -> Result<(), ProveError> {
    let buffer = workspace.reserve(plan.workspace_len());
    let mut prover = RecordProver::<Backend>::new(tables, plan, buffer)?;
    let next = || jobs.lock().ok()?.recv().ok();
    while let Some(Job { mut record, last }) = next() {
        let (number, span) = (record.epoch(), Span::of(&record));
        let publics = tables.public_values(number, &span);
        let publics = publics.each_ref().map(|values| values.as_slice());
        let mut traces = prover.fill(&mut record);
        let mut l2g = traces.trace_mut(EpochTable::L2g.index());
        let (trace, mut proof) = (l2g.values_mut().to_vec(), Vec::new());
        traces.finish(&publics, &mut proof)?;
        let rows = record
            .l2g()
            .iter()
            .map(|row| Chain::of_epoch(row, number))
            .collect();
        let done = Done {
            number,
            span,
            last,
            proof,
            rows,
            trace,
            record,
        };
        if report.send(Ok(done)).is_err() {
            break;
        }
    }
    Ok(())
}

/// Reports when its thread panics, so that nobody waits for it.
pub(super) struct Alarm<'a, 'r>(&'a Report<'r>);

impl<'a, 'r> Alarm<'a, 'r> {
    pub const fn new(report: &'a Report<'r>) -> Self {
        Self(report)
    }
}

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send(Err(ProveError::Panicked));
        }
    }
}
