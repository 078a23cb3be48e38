//! The integers that decide every batch of a run.

use heapless::Vec;

use crate::bus::Clock;
use crate::merge::{Chain, holes, image_rows, log_rows, rest_rows};
use crate::program::{MAX_SEGMENTS, Program};
use crate::shape::{EpochShape, MIN_LOG2_CYCLES, RowCounts};
use crate::tables::FilledTable;

/// Most tables of holes: one ahead of each interval of the image, and one behind the last.
pub const MAX_RESTS: usize = MAX_SEGMENTS + 1;

/// log2 of the height of each hole's table.
pub type RestHeights = Vec<u8, MAX_RESTS>;

/// log2 of the most rows of a table that an execution fills, in a batch of a run.
pub const MAX_LOG2_ROWS: u32 = 23;

/// Tables of a body batch that has none of an extension: all that an execution fills but L2G.
pub const BODY_TABLES: usize = FilledTable::REQUIRED - 1;
/// Tables of a body batch at most.
pub const MAX_BODY_TABLES: usize = FilledTable::ALL.len() - 1;

/// Those tables, in batch order.
const OF_BODY: [FilledTable; MAX_BODY_TABLES] = {
    let mut tables = [FilledTable::Cpu; MAX_BODY_TABLES];
    let (mut table, mut at) = (0, 0);
    while table < FilledTable::ALL.len() {
        if !matches!(FilledTable::ALL[table], FilledTable::L2g) {
            tables[at] = FilledTable::ALL[table];
            at += 1;
        }
        table += 1;
    }
    tables
};

/// log2 of the height of each table of a body batch, in batch order; [`ABSENT`](crate::shape::ABSENT) of one that it
/// has not.
pub type BodyHeights = [u8; MAX_BODY_TABLES];

/// Heights and number of a run's batches.
///
/// A verifier takes all of it from a header, under caps of its own; the heights of image and result follow
/// from program and result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunShape {
    /// Heights of the tables of a body batch, with the clock of the run; a batch has no L2G table, whatever
    /// height it has here.
    pub body: EpochShape,
    /// Number of body batches.
    pub batches: u32,
    /// log2 of the heights of the tables of the holes.
    pub rest: RestHeights,
}

impl RunShape {
    /// Heights of the tables of a body batch of at most 2^`log2_cycles` cycles of a program, for a common mix
    /// of instructions; `None` outside of [`MIN_LOG2_CYCLES`] to [`MAX_LOG2_ROWS`].
    pub fn body(log2_cycles: u32, program: &Program<'_>) -> Option<EpochShape> {
        if !(MIN_LOG2_CYCLES..=MAX_LOG2_ROWS).contains(&log2_cycles) {
            return None;
        }
        let common = EpochShape::common_of(log2_cycles, program);
        Some(EpochShape { l2g: 0, ..common })
    }

    /// Heights of a body batch that any run fits into: to [survey](super::survey()) what it has, not to prove.
    pub fn endless(program_rom_log2: u32) -> EpochShape {
        let endless = [u32::BITS as u8; FilledTable::ALL.len()];
        EpochShape::of_heights(&endless, program_rom_log2)
    }

    /// The least heights of the tables of a body batch that hold so many rows; `None` where one would have
    /// more than 2^[`MAX_LOG2_ROWS`]. A table of an extension without a row is absent.
    pub fn holding(rows: &RowCounts, program_rom_log2: u32) -> Option<EpochShape> {
        let fits = rows.iter().all(|&rows| rows <= 1 << MAX_LOG2_ROWS);
        let least = || EpochShape::holding(rows, program_rom_log2);
        fits.then(|| EpochShape { l2g: 0, ..least() })
    }

    /// log2 of the heights of the tables of a body batch, in batch order: what a header has of them.
    pub fn body_heights(body: &EpochShape) -> BodyHeights {
        let heights = body.heights();
        OF_BODY.map(|table| heights[table.index()])
    }

    /// The body batch of [these heights](Self::body_heights).
    pub fn body_of(heights: &BodyHeights, program_rom_log2: u32) -> EpochShape {
        let mut all = [0; FilledTable::ALL.len()];
        for (table, &log) in OF_BODY.iter().zip(heights) {
            all[table.index()] = log;
        }
        EpochShape::of_heights(&all, program_rom_log2)
    }

    /// The tables of so many body batches, with the least clock that all of them full of cycles fit into. Any
    /// clock is sound, since its bits bound the run.
    pub fn with_clock_of(body: EpochShape, batches: u32) -> EpochShape {
        let batch = 1_u64.checked_shl(body.cpu).unwrap_or(u64::MAX);
        let clock = Clock::for_run(batch.saturating_mul(batches.into()));
        EpochShape { clock, ..body }
    }

    /// The shape of a run of so many batches that leaves this memory, whose cells ascend.
    pub fn of(program: &Program<'_>, body: EpochShape, batches: u32, memory: &[Chain]) -> Self {
        let rest = holes(program.intervals())
            .take(MAX_RESTS)
            .map(|hole| log_rows(rest_rows(hole, memory)))
            .collect();
        Self {
            body: Self::with_clock_of(body, batches),
            batches,
            rest,
        }
    }

    /// log2 of the height of a program's image table.
    pub fn image_log_height(program: &Program<'_>) -> u8 {
        log_rows(image_rows(program))
    }
}
