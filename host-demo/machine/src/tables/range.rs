//! RANGE: `(value, bits)` with `value < 2^bits` for bits 0 to 8, at row `2^bits - 1 + value`; its last row
//! repeats `(0, 0)`.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::lookup;
use super::table::Table;
use crate::bus::RANGE;
use crate::columns::{Column, columns};
use crate::program::Program;

columns! {
    /// How often the row is asked for.
    COUNT,
}

/// Columns of the message.
pub(crate) const FIXED_WIDTH: usize = 2;
/// log2 of the number of rows.
pub(crate) const LOG_ROWS: u32 = 9;

/// log2 of the number of rows in an epoch of a shape.
pub(crate) const fn log_rows(_: u32) -> u32 {
    LOG_ROWS
}

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Range;

impl Range {
    pub(super) const fn new(_: u32, _: &Program<'_>) -> Self {
        Self
    }
}

impl Table for Range {
    const COLUMNS: &'static [Column] = COLUMNS;
    const FIXED_WIDTH: usize = FIXED_WIDTH;

    fn fixed_log_height(&self) -> Option<u8> {
        Some(LOG_ROWS as u8)
    }

    fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        fill_preprocessed(trace);
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        lookup::eval::<FIXED_WIDTH, AB>(RANGE, builder);
    }
}

pub(crate) fn fill_preprocessed(trace: &mut TraceMut<'_>) {
    for row in 0..trace.height() as u32 {
        let bits = (row + 1).ilog2();
        let (value, bits) = if bits > 8 {
            (0, 0)
        } else {
            (row + 1 - (1 << bits), bits)
        };
        trace.set_row(row as usize, &[value, bits].map(F::from_u32));
    }
}
