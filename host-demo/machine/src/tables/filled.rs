//! Tables that an execution fills: what is recorded of a row, how many rows there are, and which operations
//! of two words they serve on the exec bus.

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};
use tranche_core::TraceMut;
use zeroize::DefaultIsZeroes;

use super::counts::Counts;
use crate::blocks::RomPart;
use crate::bus::Clock;
use crate::decode::{Alu, Extension};
use crate::program::Program;

/// A table that an execution fills.
pub(crate) trait Filled {
    /// What is recorded of a row.
    type Row: Row;
    /// The height.
    const HEIGHT: Height;
    /// The operations of two words that it serves on the exec bus, first and last; none unless it says so.
    const SERVED: (u32, u32) = (1, 0);

    /// The table of an epoch with this clock.
    fn new(clock: Clock) -> Self;

    /// Writes every element of the main trace, and counts what the rows ask.
    fn fill(
        &self,
        program: &Program<'_>,
        rows: &[Self::Row],
        epoch: Epoch,
        counts: &mut Counts<'_>,
        trace: &mut TraceMut<'_>,
    );

    /// The operation on the exec bus that an instruction asks it for.
    fn op(_alu: Alu) -> Option<u32> {
        None
    }

    /// What is recorded of an operation that it serves.
    fn row(_served: AluRow) -> Option<Self::Row> {
        None
    }

    /// What an operation that it serves comes to.
    fn value(_op: u32, _a: u32, _b: u32) -> u32 {
        0
    }
}

/// A table of an extension.
pub(crate) trait Extends: Filled {
    /// The extension, all of whose operations it serves.
    const EXTENSION: Extension;
}

/// What a filler is told of the epoch besides its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch {
    /// The number, from 1.
    pub number: u32,
    /// Program counter after the last cycle.
    pub exit_pc: u32,
    /// Clock of the first cycle.
    pub clock: u32,
    /// What its ROM table has.
    pub rom_part: RomPart,
}

/// What is recorded of a row: words without gaps, for which zeros are a value.
pub(crate) trait Row: NoUninit + CheckedBitPattern + DefaultIsZeroes {}
impl<T: NoUninit + CheckedBitPattern + DefaultIsZeroes> Row for T {}

/// How many rows a table has in an epoch of 2^n cycles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Height {
    /// There are 2^(n − `below`),
    pub below: u32,
    /// and 2^`least` at least.
    pub least: u32,
}

impl Height {
    /// log2 of the rows in an epoch of 2^`log2_cycles` cycles.
    pub const fn log(&self, log2_cycles: u32) -> u32 {
        let log = log2_cycles.saturating_sub(self.below);
        if log < self.least { self.least } else { log }
    }
}

/// What is recorded of an operation of two words, by the tables that serve such.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct AluRow {
    /// Operation on the exec bus.
    pub op: u32,
    /// First operand.
    pub a: u32,
    /// Second operand.
    pub b: u32,
}

impl DefaultIsZeroes for AluRow {}
