//! A record's buffer on the heap, for hosts.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::record::EpochRecord;
use crate::shape::EpochShape;

/// The buffer of one epoch's record; see [`EpochRecord`].
///
/// The record is what moves between threads: make a few storages, and send their records round from
/// the executor to the provers and back.
#[derive(Debug)]
pub struct RecordStorage {
    shape: EpochShape,
    words: Vec<u32>,
}

impl RecordStorage {
    /// A buffer for epochs of `shape`.
    ///
    /// # Panics
    /// When there is no memory for it.
    pub fn new(shape: EpochShape) -> Self {
        Self::try_new(shape).expect("memory for a record")
    }

    /// A buffer for epochs of `shape`, where there is memory for it.
    ///
    /// # Errors
    /// The allocator's, which says how much it was asked for.
    pub fn try_new(shape: EpochShape) -> Result<Self, TryReserveError> {
        let (mut words, len) = (Vec::new(), shape.record_words());
        words.try_reserve_exact(len)?;
        words.resize(len, 0);
        Ok(Self { shape, words })
    }

    /// An empty record in the buffer.
    pub fn record(&mut self) -> EpochRecord<'_> {
        EpochRecord::new(self.shape, &mut self.words).expect("as many words as the shape needs")
    }
}
