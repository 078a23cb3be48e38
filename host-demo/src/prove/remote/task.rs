//! Merges as bytes, and what the proof of an epoch has to say: rows that tables are filled from, in Postcard's encoding.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tranche_core::{F, Identity};
use tranche_machine::merge::{Chain, Outcome, Tree};
use tranche_machine::setup::Setup;
use tranche_machine::tables::l2g::L2gRow;
use tranche_machine::{EpochTables, RecordStorage, Span};

use super::super::collect::{Merge, Pending};
use super::super::worker::l2g_trace;
use super::error::{TaskError, VERSION, WorkError};
use super::place::Place;
use crate::merge::{log_rows, outcome};

/// A row of a child: five words.
pub(super) type Row = [u32; 5];

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
        encode(self)
    }

    /// Decodes the task of a run.
    pub fn decode(setup: &Setup<'_>, bytes: &[u8]) -> Result<Self, TaskError> {
        let task: Self = decode(bytes)?;
        check_run(setup, (task.program, task.plan))?;
        Ok(task)
    }

    /// Its place in the tree.
    pub const fn place(&self) -> Place {
        Place {
            level: self.level,
            index: self.index,
        }
    }

    /// The run's result, where it is the root's.
    pub fn result(&self) -> Result<Outcome<'_>, TaskError> {
        let bytes = self.output.len();
        outcome(self.exit_code, &self.output).ok_or(TaskError::Output { bytes })
    }

    /// The merge, whose children's tables are filled from these rows.
    pub fn merge(
        &self,
        tables: &EpochTables<'_>,
        storage: &mut RecordStorage,
    ) -> Result<Merge, WorkError> {
        let setup = tables.setup();
        let tree = Tree::new(self.epochs, setup.settings.arity.into()).map_err(TaskError::from)?;
        let node = tree.node(self.level, self.index);
        let node = node.filter(|node| node.children as usize == self.children.len());
        let node = node.ok_or(TaskError::Place)?;
        let first = node.index * tree.arity();
        let children = (first..).zip(&self.children).map(|(index, rows)| {
            if node.level > 1 {
                let rows: Vec<_> = rows.iter().copied().map(to_chain).collect();
                let child = tree.node(node.level - 1, index).ok_or(TaskError::Place)?;
                return Ok(Pending {
                    first_epoch: child.first_epoch,
                    log_rows: log_rows(rows.len()),
                    rows: rows.into(),
                    trace: Vec::new(),
                });
            }
            let number = index + 1;
            let rows: Vec<_> = rows.iter().copied().map(to_l2g).collect();
            let mut chains: Vec<_> = rows
                .iter()
                .map(|row| Chain::of_epoch(row, number))
                .collect();
            chains.sort_unstable_by_key(|chain| chain.cell);
            Ok(Pending {
                first_epoch: number,
                log_rows: setup.shape.l2g as u8,
                rows: chains.into(),
                trace: leaf_trace(tables, storage, number, &rows)?,
            })
        });
        let children = children.collect::<Result<Vec<_>, WorkError>>()?;
        Ok(Merge::of(setup, &tree, node, children).map_err(TaskError::from)?)
    }
}

/// What the proof of an epoch has to say.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EpochClaim {
    version: u8,
    program: Identity,
    plan: Identity,
    pub number: u32,
    /// Its first program counter, the one after it, and its cycles.
    span: [u32; 3],
    /// Rows of its L2G table, in their order.
    pub rows: Vec<Row>,
}

impl EpochClaim {
    /// What an epoch is to say.
    pub fn new(setup: &Setup<'_>, number: u32, span: &Span, rows: Vec<Row>) -> Self {
        let Span {
            entry,
            exit,
            cycles,
        } = *span;
        Self {
            version: VERSION,
            program: setup.program_digest,
            plan: setup.plan_digest,
            number,
            span: [entry, exit, cycles],
            rows,
        }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Decodes what is said of an epoch of a run.
    pub fn decode(setup: &Setup<'_>, bytes: &[u8]) -> Result<Self, TaskError> {
        let claim: Self = decode(bytes)?;
        check_run(setup, (claim.program, claim.plan))?;
        Ok(claim)
    }

    /// Where the epoch begins and ends.
    pub const fn span(&self) -> Span {
        let [entry, exit, cycles] = self.span;
        Span {
            entry,
            exit,
            cycles,
        }
    }

    /// The trace of its L2G table, column by column.
    pub fn trace(
        &self,
        tables: &EpochTables<'_>,
        storage: &mut RecordStorage,
    ) -> Result<Vec<F>, WorkError> {
        let rows: Vec<_> = self.rows.iter().copied().map(to_l2g).collect();
        leaf_trace(tables, storage, self.number, &rows)
    }
}

/// The L2G trace of an epoch, column by column.
fn leaf_trace(
    tables: &EpochTables<'_>,
    storage: &mut RecordStorage,
    number: u32,
    rows: &[L2gRow],
) -> Result<Vec<F>, WorkError> {
    let mut record = storage.record();
    if !record.relist(number, rows) {
        return Err(TaskError::Rows { number }.into());
    }
    Ok(l2g_trace(tables, &mut record)?)
}

/// Encodes a value, and the CRC-32 of its bytes: what is damaged is not to be held against whoever proves it.
fn encode(value: &impl Serialize) -> Vec<u8> {
    // Vectors grow: there is nothing to fail.
    let mut bytes = postcard::to_allocvec(value).unwrap_or_default();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Decodes bytes that begin with their version, and end with their checksum.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, TaskError> {
    match bytes.first() {
        Some(&VERSION) => {}
        Some(&got) => return Err(TaskError::Version { got }),
        None => return Err(TaskError::Encoding),
    }
    let (bytes, checksum) = bytes.split_last_chunk().ok_or(TaskError::Encoding)?;
    if crc32fast::hash(bytes).to_le_bytes() != *checksum {
        return Err(TaskError::Encoding);
    }
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(TaskError::Encoding),
    }
}

/// Refuses what says that it is of another program, or another plan.
fn check_run(setup: &Setup<'_>, run: (Identity, Identity)) -> Result<(), TaskError> {
    if run == (setup.program_digest, setup.plan_digest) {
        Ok(())
    } else {
        Err(TaskError::OtherRun)
    }
}

/// A row of an L2G table as words.
pub(super) const fn of_l2g(row: &L2gRow) -> Row {
    [row.cell, row.init_epoch, row.init, row.fini, row.timestamp]
}

/// Words as a row of an L2G table.
const fn to_l2g([cell, init_epoch, init, fini, timestamp]: Row) -> L2gRow {
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
const fn to_chain([cell, init_epoch, init, fini_epoch, fini]: Row) -> Chain {
    Chain {
        cell,
        init_epoch,
        init,
        fini_epoch,
        fini,
    }
}
