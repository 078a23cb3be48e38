//! What a run was proved with.

use tranche_machine::{EpochEnd, FilledTable};

use crate::padding::Cells;

/// What ended the epochs of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    full: [u32; FilledTable::ALL.len()],
    exit: u32,
}

impl Ends {
    /// Each table with the epochs that ended because it was full, and `exit` with those in which
    /// the program exited: one, once all are proved.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let full = FilledTable::ALL
            .iter()
            .map(|table| table.name())
            .zip(self.full);
        full.chain([("exit", self.exit)])
    }

    pub(crate) const fn count(&mut self, end: EpochEnd) {
        match end {
            EpochEnd::Full(table) => self.full[table as usize] += 1,
            EpochEnd::Exit(_) => self.exit += 1,
        }
    }
}

/// What was proved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Proved {
    /// Epochs.
    pub epochs: u32,
    /// Those of them that a partial file had.
    pub resumed_epochs: u32,
    /// What ended them.
    pub ends: Ends,
    /// Cycles of all epochs.
    pub cycles: u64,
    /// Merges, the root included.
    pub merges: u32,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
    /// Threads that proved epochs.
    pub workers: usize,
    /// Pieces of proofs that threads with nothing else to do took from others.
    pub handed_over: usize,
    /// Bytes of all workspaces: one for each worker, and that of the largest merge.
    pub workspace_bytes: usize,
    /// Cells of the epochs' tables.
    pub cells: Cells,
    /// Hashes of trees that a verifier of all proofs is expected to compute.
    pub expected_hashes: f64,
}
