//! The range table of a merge: every `(value, bits)` with `value < 2^bits` and `bits ≤ 8`.
//!
//! Row `2^bits − 1 + value` holds `(value, bits)`; the last row repeats `(255, 8)` and stays unused.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use tranche_core::{F, TraceMut};

use crate::bus::RANGE;

/// log2 of the number of rows.
pub(super) const LOG_ROWS: u8 = 9;
/// Rows of the range table.
pub const RANGE_ROWS: usize = 1 << LOG_ROWS;
const MAX_BITS: u32 = 8;

const MULTIPLICITY: usize = 0;
pub(super) const WIDTH: usize = 1;
const VALUE: usize = 0;
const BITS: usize = 1;
pub(super) const FIXED_WIDTH: usize = 2;

pub(super) fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let fixed = builder.preprocessed().current_slice();
    let entry: [AB::Expr; 2] = [fixed[VALUE].into(), fixed[BITS].into()];
    let multiplicity: AB::Expr = builder.main().current_slice()[MULTIPLICITY].into();
    builder.push_interaction(RANGE, entry, Count::provided(-multiplicity));
}

/// Checks each limb to its number of bits, on every row, and returns the value that they compose,
/// lowest limb first.
pub(super) fn check<AB: InteractionBuilder<F = F>, const N: usize>(
    builder: &mut AB,
    limbs: [(AB::Expr, u32); N],
) -> AB::Expr {
    let mut value = AB::Expr::ZERO;
    let mut shift = 0;
    for (limb, bits) in limbs {
        value += limb.clone() * F::from_u32(1 << shift);
        shift += bits;
        builder.push_interaction(RANGE, [limb, AB::Expr::from_u32(bits)], 1);
    }
    value
}

/// Writes the preprocessed trace.
pub(super) fn fill_preprocessed(trace: &mut TraceMut<'_>) {
    assert_eq!((trace.width(), trace.height()), (FIXED_WIDTH, RANGE_ROWS));
    for bits in 0..=MAX_BITS {
        for value in 0..1 << bits {
            let row = (1 << bits) - 1 + value as usize;
            trace.set_row(row, &[F::from_u32(value), F::from_u32(bits)]);
        }
    }
    trace.set_row(RANGE_ROWS - 1, &[F::from_u32(255), F::from_u32(MAX_BITS)]);
}

/// How often a batch looks each entry up.
#[derive(Clone, Debug)]
pub struct RangeCounts([u32; RANGE_ROWS]);

impl RangeCounts {
    /// No look-ups.
    pub const fn new() -> Self {
        Self([0; RANGE_ROWS])
    }

    /// Counts the limbs of `value`, whose widths are `bits`, lowest first, and returns them.
    pub(super) fn split<const N: usize>(&mut self, value: u32, bits: [u32; N]) -> [F; N] {
        let mut rest = value;
        bits.map(|bits| {
            let limb = rest & ((1 << bits) - 1);
            rest >>= bits;
            self.0[(1 << bits) - 1 + limb as usize] += 1;
            F::from_u32(limb)
        })
    }

    pub(super) fn multiplicity(&self, row: usize) -> F {
        F::from_u32(self.0[row])
    }
}

impl Default for RangeCounts {
    fn default() -> Self {
        Self::new()
    }
}
