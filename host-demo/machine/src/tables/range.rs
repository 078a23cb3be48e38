//! RANGE: `(value, bits)` with `value < 2^bits`, at row `2^bits - 1 + value`; its last row repeats `(0, 0)`.
//!
//! Bits are 0 to 8, and as many more as half a timestamp has: a table twice as high is little beside an epoch
//! whose clock is two bits wider.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::lookup;
use super::table::Table;
use crate::bus::RANGE;
use crate::columns::{Column, columns};
use crate::program::Program;
use crate::shape::EpochShape;

columns! {
    /// How often the row is asked for.
    COUNT,
}

/// Columns of the message.
pub(crate) const FIXED_WIDTH: usize = 2;
/// log2 of the number of rows, for bytes alone.
pub(crate) const LOG_ROWS: u32 = 9;

/// log2 of the number of rows in an epoch of a shape.
pub(crate) const fn log_rows(shape: &EpochShape) -> u32 {
    let log_rows = shape.clock.low_bits() + 1;
    if log_rows < LOG_ROWS {
        LOG_ROWS
    } else {
        log_rows
    }
}

/// The table, of 2^`log_height` rows.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    log_height: u32,
}

impl Range {
    pub(super) const fn new(shape: &EpochShape, _: &Program<'_>) -> Self {
        Self {
            log_height: log_rows(shape),
        }
    }
}

impl Table for Range {
    const COLUMNS: &'static [Column] = COLUMNS;
    const FIXED_WIDTH: usize = FIXED_WIDTH;

    fn fixed_log_height(&self) -> Option<u8> {
        Some(self.log_height as u8)
    }

    fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        fill_preprocessed(trace);
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        lookup::eval::<FIXED_WIDTH, AB>(RANGE, builder);
    }
}

pub(crate) fn fill_preprocessed(trace: &mut TraceMut<'_>) {
    let height = trace.height() as u32;
    for row in 0..height {
        let bits = (row + 1).ilog2();
        let (value, bits) = if row + 1 == height {
            (0, 0)
        } else {
            (row + 1 - (1 << bits), bits)
        };
        trace.set_row(row as usize, &[value, bits].map(F::from_u32));
    }
}
