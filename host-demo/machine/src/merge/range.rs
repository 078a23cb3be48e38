//! Range checks of a merge, against the same table as an epoch's: `(value, bits)` with
//! `value < 2^bits` and `bits ≤ 8`, in row `2^bits − 1 + value`.

use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::F;

use crate::bus::RANGE;
use crate::tables::range;

/// Rows of the range table.
pub const RANGE_ROWS: usize = 1 << range::LOG_ROWS;
/// log2 of the number of rows.
pub(super) const LOG_ROWS: u8 = range::LOG_ROWS as u8;
/// Main columns: the multiplicity.
pub(super) const WIDTH: usize = 1;

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

    /// Look-ups of each row.
    pub(crate) const fn rows(&self) -> &[u32; RANGE_ROWS] {
        &self.0
    }
}

impl Default for RangeCounts {
    fn default() -> Self {
        Self::new()
    }
}
