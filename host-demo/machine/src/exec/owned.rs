//! A record's buffers on the heap, for hosts.

use alloc::vec;
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
    pub fn new(shape: EpochShape) -> Self {
        let lens = RecordLens::of(shape);
        Self {
            shape,
            cpu: vec![CpuRow::default(); lens.cpu],
            mem: vec![MemRow::default(); lens.mem],
            alu: [lens.cmp, lens.bit, lens.shift].map(|len| vec![AluRow::default(); len]),
            sys: vec![SysRow::default(); lens.sys],
            l2g: vec![L2gRow::default(); lens.l2g],
            rom: vec![0; lens.rom],
            range: vec![0; lens.range],
            and4: vec![0; lens.and4],
        }
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
