//! AND4: `(x, y, x & y)` for nibbles, at row `16 x + y`.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::lookup;
use super::table::Table;
use crate::bus::AND4;
use crate::columns::{Column, columns};
use crate::program::Program;
use crate::shape::EpochShape;

columns! {
    /// How often the row is asked for.
    COUNT,
}

/// Columns of the message.
pub(crate) const FIXED_WIDTH: usize = 3;
/// log2 of the number of rows.
pub(crate) const LOG_ROWS: u32 = 8;

/// log2 of the number of rows in an epoch of a shape.
pub(crate) const fn log_rows(_: &EpochShape) -> u32 {
    LOG_ROWS
}

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct And4;

impl And4 {
    pub(super) const fn new(_: &EpochShape, _: &Program<'_>) -> Self {
        Self
    }
}

impl Table for And4 {
    const COLUMNS: &'static [Column] = COLUMNS;
    const FIXED_WIDTH: usize = FIXED_WIDTH;

    fn fixed_log_height(&self) -> Option<u8> {
        Some(LOG_ROWS as u8)
    }

    fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        fill_preprocessed(trace);
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        lookup::eval::<FIXED_WIDTH, AB>(AND4, builder);
    }
}

fn fill_preprocessed(trace: &mut TraceMut<'_>) {
    for row in 0..trace.height() as u32 {
        let (x, y) = (row >> 4, row & 15);
        trace.set_row(row as usize, &[x, y, x & y].map(F::from_u32));
    }
}
