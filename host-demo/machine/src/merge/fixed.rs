//! The preprocessed columns of `Image` and `Outcome`: cells, each with a value that the verifier
//! derives.

use p3_field::PrimeCharacteristicRing;
use tranche_core::{F, TraceMut};

use crate::columns::{columns, width};

columns! {
    /// The cell.
    CELL,
    /// Its value, low half.
    LO,
    /// Its value, high half.
    HI,
    /// 1 on rows that hold a cell.
    REAL,
}
pub(crate) const WIDTH: usize = width(COLUMNS);

/// One row per cell and value, then zeros.
pub(crate) fn fill(cells: impl Iterator<Item = (u32, u32)>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    for (row, (cell, value)) in cells.enumerate() {
        let (lo, hi) = (value & 0xffff, value >> 16);
        trace.set_row(row, &[cell, lo, hi, 1].map(F::from_u32));
    }
}
