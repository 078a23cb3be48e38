//! The reduce phase: all openings of a height batched into one codeword,
//! `r(x) = sum_j alpha^j (y_j - f_j(x)) / (z_j - x)`, `j` counting the (column, point) pairs of that
//! height in opening order.

pub(crate) mod compact;
pub(crate) mod fast;

use p3_field::PrimeCharacteristicRing;

use crate::kernels::ext::coordinates;
use crate::parts::{part, split_mut};
use crate::shape::{BatchShape, Round};
use crate::{D, EF, F};

/// Row groups that are combined together, so that a column is read in longer runs.
const TILE: usize = 4;

/// How many (column, point) pairs of other batches stand between a batch's pairs of the rounds before and
/// its first pair of a round, at a height given as log2 of the extension's rows.
pub(crate) type Skips<'s> = &'s (dyn Fn(Round, usize) -> u64 + Sync);

/// Nothing stands between: the batch is alone.
pub(crate) fn alone(_round: Round, _log_lde: usize) -> u64 {
    0
}

/// Columns of the widest matrix.
fn max_width(shape: BatchShape<'_>) -> usize {
    shape.opened().map(|matrix| matrix.width).max().unwrap_or(0)
}

/// Coordinate by coordinate, `alpha^0, alpha^1, ...`, one for each column of the widest matrix, in
/// the first `4 * max_width` elements of `scratch`; the rest comes back.
fn split_powers<'s>(
    shape: BatchShape<'_>,
    alpha: EF,
    scratch: &'s mut [F],
) -> ([&'s [F]; D], &'s mut [F]) {
    let width = max_width(shape);
    let (powers, scratch) = split_mut(scratch, D * width);
    let mut power = EF::ONE;
    for i in 0..width {
        for (d, coordinate) in coordinates(power).into_iter().enumerate() {
            powers[d * width + i] = coordinate;
        }
        power *= alpha;
    }
    let powers = &*powers;
    let powers = core::array::from_fn(|d| part(powers, d * width..(d + 1) * width));
    (powers, scratch)
}
