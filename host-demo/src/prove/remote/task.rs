//! Merges as bytes: what their tables are filled from, in Postcard's encoding.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tranche_core::Identity;
use tranche_machine::checkpoint::CheckpointError;
use tranche_machine::merge::{Chain, MergeError};
use tranche_machine::setup::Setup;
use tranche_machine::tables::l2g::L2gRow;

/// Version of the encoding.
const VERSION: u8 = 1;

/// Why bytes are no task of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The checkpoint of an epoch is none, or another run's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The bytes of a merge end too early, or go on.
    #[error("the task of a merge is cut off, or damaged")]
    Encoding,
    /// Another version of the encoding.
    #[error("the task of a merge has version {got}, not {VERSION}")]
    Version {
        /// The version found.
        got: u8,
    },
    /// A task of another run.
    #[error("the task of a merge is another run's")]
    OtherRun,
    /// The tree has no such merge, or one of other children.
    #[error("no merge of the run has this place and these children")]
    Place,
    /// More output than any run has.
    #[error("{bytes} bytes of output are too many")]
    Output {
        /// Its bytes.
        bytes: usize,
    },
    /// The rows of an epoch's L2G table are too many, or those of another epoch.
    #[error("the rows of epoch {number} are none of an L2G table")]
    Rows {
        /// The epoch.
        number: u32,
    },
    /// The children do not chain.
    #[error(transparent)]
    Merge(#[from] MergeError),
}

/// A row of a child: five words.
type Row = [u32; 5];

/// What a merge is proved from.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MergeTask {
    version: u8,
    program: Identity,
    plan: Identity,
    /// Epochs that are known when the merge is due: the tree's, as far as its shape matters here.
    pub epochs: u32,
    pub level: u32,
    pub index: u32,
    /// The run's result, for the root.
    pub exit_code: u32,
    pub output: Vec<u8>,
    /// Rows of the children that are not empty: of L2G tables in their order, or of parents.
    pub children: Vec<Vec<Row>>,
}

impl MergeTask {
    /// The merge at a place of a run's tree.
    pub fn new(setup: &Setup<'_>, epochs: u32, [level, index]: [u32; 2]) -> Self {
        Self {
            version: VERSION,
            program: setup.program_digest,
            plan: setup.plan_digest,
            epochs,
            level,
            index,
            exit_code: 0,
            output: Vec::new(),
            children: Vec::new(),
        }
    }

    /// The task's bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Vectors grow: there is nothing to fail.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// Decodes the task of a run.
    pub fn decode(setup: &Setup<'_>, bytes: &[u8]) -> Result<Self, TaskError> {
        match bytes.first() {
            Some(&VERSION) => {}
            Some(&got) => return Err(TaskError::Version { got }),
            None => return Err(TaskError::Encoding),
        }
        let (task, rest): (Self, _) =
            postcard::take_from_bytes(bytes).map_err(|_| TaskError::Encoding)?;
        if !rest.is_empty() {
            return Err(TaskError::Encoding);
        }
        if (task.program, task.plan) != (setup.program_digest, setup.plan_digest) {
            return Err(TaskError::OtherRun);
        }
        Ok(task)
    }
}

/// A row of an L2G table as words.
pub(super) const fn of_l2g(row: &L2gRow) -> Row {
    [row.cell, row.init_epoch, row.init, row.fini, row.timestamp]
}

/// Words as a row of an L2G table.
pub(super) const fn to_l2g([cell, init_epoch, init, fini, timestamp]: Row) -> L2gRow {
    L2gRow {
        cell,
        init_epoch,
        init,
        fini,
        timestamp,
    }
}

/// A row of a parent table as words.
pub(super) const fn of_chain(row: &Chain) -> Row {
    [row.cell, row.init_epoch, row.init, row.fini_epoch, row.fini]
}

/// Words as a row of a parent table.
pub(super) const fn to_chain([cell, init_epoch, init, fini_epoch, fini]: Row) -> Chain {
    Chain {
        cell,
        init_epoch,
        init,
        fini_epoch,
        fini,
    }
}
