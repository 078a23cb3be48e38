//! The two small lookup tables: preprocessed rows, and how often each is asked for.
//!
//! RANGE holds `(value, bits)` with `value < 2^bits` for bits 0 to 8, at row `2^bits - 1 + value`;
//! its last row repeats `(0, 0)`. AND4 holds `(x, y, x & y)` for nibbles, at row `16 x + y`.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use tranche_core::{F, TraceMut};

/// Columns of RANGE's message.
pub(crate) const RANGE_WIDTH: usize = 2;
/// Columns of AND4's message.
pub(super) const AND4_WIDTH: usize = 3;

/// The rows of RANGE.
pub(crate) fn fill_range(trace: &mut TraceMut<'_>) {
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

/// The rows of AND4.
pub(super) fn fill_and4(trace: &mut TraceMut<'_>) {
    for row in 0..trace.height() as u32 {
        let (x, y) = (row >> 4, row & 15);
        trace.set_row(row as usize, &[x, y, x & y].map(F::from_u32));
    }
}

/// The multiplicities.
pub(crate) fn fill(counts: &[u32], trace: &mut TraceMut<'_>) {
    for (row, &count) in counts.iter().enumerate() {
        trace.set(row, 0, F::from_u32(count));
    }
}

/// Provides every row of a table of `W` preprocessed columns.
pub(crate) fn eval<const W: usize, AB: InteractionBuilder<F = F>>(bus: &str, builder: &mut AB) {
    let fixed = builder.preprocessed().clone();
    let count: AB::Expr = builder.main().current_slice()[0].into();
    let message: [AB::Expr; W] = core::array::from_fn(|c| fixed.current_slice()[c].into());
    builder.push_interaction(bus, message, Count::provided(-count));
}
