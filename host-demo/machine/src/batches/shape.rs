//! The integers that decide every batch of a run.

use heapless::Vec;

use crate::bus::Clock;
use crate::merge::{Chain, holes, image_rows, log_rows, rest_rows};
use crate::program::{MAX_SEGMENTS, Program};
use crate::shape::EpochShape;

/// Most tables of holes: one ahead of each interval of the image, and one behind the last.
pub const MAX_RESTS: usize = MAX_SEGMENTS + 1;

/// log2 of the height of each hole's table.
pub type RestHeights = Vec<u8, MAX_RESTS>;

/// Heights and number of a run's batches.
///
/// A verifier takes all of it from a header, under caps of its own; the heights of image and result follow
/// from program and result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunShape {
    /// Heights of the tables of a body batch; a batch has no L2G table, whatever height it has here.
    pub body: EpochShape,
    /// Number of body batches.
    pub batches: u32,
    /// The clock of the tables: any is sound, since its bits bound the run; [`RunShape::of`] takes the least
    /// that all batches full of cycles fit into.
    pub clock: Clock,
    /// log2 of the heights of the tables of the holes.
    pub rest: RestHeights,
}

impl RunShape {
    /// Heights of the tables of a body batch of at most 2^`log2_cycles` cycles, for a common mix of
    /// instructions; `None` where there is no [`EpochShape`] of that length.
    pub const fn body(log2_cycles: u32, program_rom_log2: u32) -> Option<EpochShape> {
        match EpochShape::new(log2_cycles, program_rom_log2) {
            Some(shape) => Some(EpochShape { l2g: 0, ..shape }),
            None => None,
        }
    }

    /// The shape of a run of so many batches that leaves this memory, whose cells ascend.
    pub fn of(program: &Program<'_>, body: EpochShape, batches: u32, memory: &[Chain]) -> Self {
        let batch = 1_u64.checked_shl(body.cpu).unwrap_or(u64::MAX);
        let rest = holes(program.intervals())
            .take(MAX_RESTS)
            .map(|hole| log_rows(rest_rows(hole, memory)))
            .collect();
        Self {
            body,
            batches,
            clock: Clock::for_run(batch.saturating_mul(batches.into())),
            rest,
        }
    }

    /// log2 of the height of a program's image table.
    pub fn image_log_height(program: &Program<'_>) -> u8 {
        log_rows(image_rows(program))
    }

    /// log2 of the height of the result table, for an output of so many bytes.
    pub const fn result_log_height(output_bytes: usize) -> u8 {
        log_rows(output_bytes.saturating_add(2))
    }
}
