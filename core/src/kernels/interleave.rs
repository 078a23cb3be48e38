//! Lanes that change places.

use p3_field::PackedFieldPow2;

use crate::F;

/// Splits the first `2 * WIDTH` values into those at even and those at odd places.
///
/// Each interleaving swaps the bit that tells two packed values apart with one bit of the lane.
#[inline]
pub(crate) fn even_odd<P: PackedFieldPow2<Scalar = F>>(values: &[F]) -> (P, P) {
    let mut a = *P::from_slice(&values[..P::WIDTH]);
    let mut b = *P::from_slice(&values[P::WIDTH..2 * P::WIDTH]);
    let mut block = P::WIDTH / 2;
    while block > 0 {
        (a, b) = a.interleave(b, block);
        block /= 2;
    }
    (a, b)
}

/// The sum of all lanes: halves are added up while there are any.
pub(crate) fn sum_lanes<P: PackedFieldPow2<Scalar = F>>(x: P) -> F {
    let mut sum = x;
    let mut block = P::WIDTH / 2;
    while block > 0 {
        let (low, high) = sum.interleave(sum, block);
        sum = low + high;
        block /= 2;
    }
    sum.extract(0)
}
