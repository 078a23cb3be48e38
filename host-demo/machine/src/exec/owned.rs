//! A record's buffers on the heap, for hosts.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::record::{
    AluRow, CpuRow, EpochRecord, L2gRow, MemRow, RecordBuffers, RecordLens, SysRow,
};
use crate::shape::EpochShape;

/// Buffers for one epoch's record; see [`EpochRecord`].
///
/// The record is what moves between threads: make a few storages, and send their records round from
/// the executor to the provers and back.
#[derive(Debug)]
pub struct RecordStorage {
    shape: EpochShape,
    cpu: Vec<CpuRow>,
    mem: Vec<MemRow>,
    alu: [Vec<AluRow>; 3],
    sys: Vec<SysRow>,
    l2g: Vec<L2gRow>,
    rom: Vec<u32>,
    range: Vec<u32>,
    and4: Vec<u32>,
}

impl RecordStorage {
    /// Buffers for epochs of `shape`.
    ///
    /// # Panics
    /// When there is no memory for them.
    pub fn new(shape: EpochShape) -> Self {
        Self::try_new(shape).expect("memory for a record")
    }

    /// Buffers for epochs of `shape`, where there is memory for them.
    ///
    /// # Errors
    /// The allocator's, which says how much it was asked for.
    pub fn try_new(shape: EpochShape) -> Result<Self, TryReserveError> {
        let lens = RecordLens::of(shape);
        Ok(Self {
            shape,
            cpu: rows(lens.cpu)?,
            mem: rows(lens.mem)?,
            alu: [rows(lens.cmp)?, rows(lens.bit)?, rows(lens.shift)?],
            sys: rows(lens.sys)?,
            l2g: rows(lens.l2g)?,
            rom: rows(lens.rom)?,
            range: rows(lens.range)?,
            and4: rows(lens.and4)?,
        })
    }

    /// An empty record over the buffers.
    pub fn record(&mut self) -> EpochRecord<'_> {
        let [cmp, bit, shift] = &mut self.alu;
        let Self {
            shape,
            cpu,
            mem,
            sys,
            l2g,
            rom,
            range,
            and4,
            ..
        } = self;
        EpochRecord::new(
            *shape,
            RecordBuffers {
                cpu,
                mem,
                cmp,
                bit,
                shift,
                sys,
                l2g,
                rom,
                range,
                and4,
            },
        )
    }
}

fn rows<T: Clone + Default>(len: usize) -> Result<Vec<T>, TryReserveError> {
    let mut rows = Vec::new();
    rows.try_reserve_exact(len)?;
    rows.resize(len, T::default());
    Ok(rows)
}
