//! Codewords of challenges, four coordinate columns: folded by two, and added up.
//!
//! A bit-reversed codeword holds `f(x)` and `f(-x)` side by side, and folds to
//! `(f(x) + f(-x)) / 2 + beta (f(x) - f(-x)) / (2x)`.

use p3_field::{PackedFieldPow2, PrimeCharacteristicRing};

use super::ext::Ext;
use super::interleave::even_odd;
use crate::{D, EF, F};

/// One fold by two: the portable kernel.
///
/// `codeword` has four columns of twice the elements of `out`'s, at least `2 * WIDTH` each.
pub fn fold<P: PackedFieldPow2<Scalar = F>>(
    codeword: &[F],
    out: &mut [F],
    inverse_twiddles: &[F],
    beta: EF,
) {
    let (stride, out_stride) = (codeword.len() / D, out.len() / D);
    let half_beta = Ext::<P>::broadcast(beta.halve());
    for row in (0..out_stride).step_by(P::WIDTH) {
        let pairs: [(P, P); D] =
            core::array::from_fn(|d| even_odd(&codeword[d * stride + 2 * row..]));
        let (low, high) = (Ext(pairs.map(|p| p.0)), Ext(pairs.map(|p| p.1)));
        let inverse = *P::from_slice(&inverse_twiddles[row..row + P::WIDTH]);
        let folded = halve(low + high) + ((low - high) * half_beta).scale(inverse);
        folded.store(out, out_stride, row);
    }
}

#[inline]
pub(crate) fn halve<P: PackedFieldPow2<Scalar = F>>(x: Ext<P>) -> Ext<P> {
    Ext(x.0.map(|c| c.halve()))
}

/// Adds `weight * addend` to `codeword`, columns of `stride` elements.
pub(crate) fn add_scaled<P: PackedFieldPow2<Scalar = F>>(
    codeword: &mut [F],
    addend: &[F],
    weight: EF,
    stride: usize,
) {
    let weight = Ext::<P>::broadcast(weight);
    for row in (0..stride).step_by(P::WIDTH) {
        let sum = Ext::load(codeword, stride, row) + Ext::load(addend, stride, row) * weight;
        sum.store(codeword, stride, row);
    }
}
