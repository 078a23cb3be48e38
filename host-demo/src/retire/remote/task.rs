//! Tasks as bytes, in Postcard's encoding.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tranche_machine::merge::Chain;

/// Version of the encoding.
const VERSION: u8 = 1;

/// Why bytes are no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// The bytes end too early, or go on.
    #[error("the task of a batch is cut off, or damaged")]
    Encoding,
    /// Another version of the encoding.
    #[error("the task of a batch has version {got}, not {VERSION}")]
    Version {
        /// The version found.
        got: u8,
    },
}

/// What the traces of a batch are filled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The [checkpoint](tranche_machine::checkpoint) of a body.
    Body(Vec<u8>),
    /// Of the closing batch.
    Closing {
        /// What all bodies owe the tables that are asked, row by row.
        owed: Vec<u32>,
        /// How memory is left: cell, value at genesis, timestamp of the last access, value.
        memory: Vec<[u32; 4]>,
    },
}

/// What a batch is opened at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queries {
    /// The constraint challenge of the batch: its coordinates, as integers.
    pub alpha: [u32; 4],
    /// Places in the tallest extension of the run.
    pub indices: Vec<u32>,
}

/// What is done with a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Its main traces are committed.
    Commit,
    /// It is argued; with what all batches of the run committed to.
    Argue(Vec<Vec<u8>>),
    /// It is opened; with the same.
    Open(Vec<Vec<u8>>, Queries),
}

/// One step of one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The batch, from 0.
    pub batch: u32,
    /// What its traces are filled from.
    pub source: Source,
    /// What is done with it.
    pub step: Step,
}

impl Task {
    /// A step of a batch.
    pub const fn new(batch: usize, source: Source, step: Step) -> Self {
        Self {
            batch: batch as u32,
            source,
            step,
        }
    }
}

/// The bytes of a task, or of a part of one: its source, the records of all commitments, what each batch is opened at.
pub fn encode<T: Serialize>(part: &T) -> Vec<u8> {
    // Vectors grow: there is nothing to fail.
    postcard::to_extend(part, vec![VERSION]).unwrap_or_default()
}

/// What these are the [bytes](encode) of.
///
/// # Errors
/// [`TaskError`]; what the values say is looked at where the batch is made.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, TaskError> {
    let (&version, bytes) = bytes.split_first().ok_or(TaskError::Encoding)?;
    if version != VERSION {
        return Err(TaskError::Version { got: version });
    }
    match postcard::take_from_bytes(bytes) {
        Ok((part, [])) => Ok(part),
        _ => Err(TaskError::Encoding),
    }
}

/// A row of the final memory.
pub(super) const fn chain([cell, init, timestamp, fini]: [u32; 4]) -> Chain {
    Chain {
        cell,
        init_epoch: 0,
        init,
        fini_epoch: timestamp,
        fini,
    }
}
