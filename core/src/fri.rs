//! Folding codewords, and adding one to another.
//!
//! A bit-reversed codeword holds `f(x)` and `f(-x)` side by side, and folds to
//! `(f(x) + f(-x)) / 2 + beta (f(x) - f(-x)) / (2x)`. A fold by `2^k` is `k` of those with challenges
//! `beta, beta^2, beta^4, ...` (as `TwoAdicFriFolding` of Plonky3 does).

use p3_field::{PackedFieldPow2, PackedValue, PrimeCharacteristicRing};

use crate::backend::{Backend, ScalarBackend};
use crate::ext::Ext;
use crate::merkle::even_odd;
use crate::{D, EF, F};

/// log2 of the largest folding arity.
pub const MAX_LOG_ARITY: usize = 4;

/// Folds `codeword` by `2^log_arity` into `out`, both four coordinate columns.
///
/// `inverse_twiddles[i]` is the inverse of the `i`-th point, bit-reversed, of any group.
pub(crate) fn fold_codeword<B: Backend>(
    codeword: &[F],
    out: &mut [F],
    inverse_twiddles: &[F],
    beta: EF,
    log_arity: usize,
) {
    if log_arity == 1 {
        return if out.len() / D >= B::P::WIDTH {
            B::fri_fold(codeword, out, inverse_twiddles, beta);
        } else {
            ScalarBackend::fri_fold(codeword, out, inverse_twiddles, beta);
        };
    }
    let (stride, out_stride) = (codeword.len() / D, out.len() / D);
    let arity = 1 << log_arity;
    for row in 0..out_stride {
        let mut values = [Ext::<F>::ZERO; 1 << MAX_LOG_ARITY];
        for (j, value) in values[..arity].iter_mut().enumerate() {
            *value = Ext::load(codeword, stride, row * arity + j);
        }
        let mut beta = beta;
        let mut pairs = arity / 2;
        while pairs > 0 {
            let half_beta = Ext::<F>::broadcast(beta.halve());
            for k in 0..pairs {
                let (low, high) = (values[2 * k], values[2 * k + 1]);
                let inverse = inverse_twiddles[row * pairs + k];
                values[k] = halve(low + high) + ((low - high) * half_beta).scale(inverse);
            }
            beta = beta.square();
            pairs /= 2;
        }
        values[0].store(out, out_stride, row);
    }
}

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
fn halve<P: PackedFieldPow2<Scalar = F>>(x: Ext<P>) -> Ext<P> {
    Ext(x.0.map(|c| c.halve()))
}

/// Adds `weight * addend` to `codeword`, element by element.
pub(crate) fn roll_in<B: Backend>(codeword: &mut [F], addend: &[F], weight: EF) {
    let stride = codeword.len() / D;
    if stride >= B::P::WIDTH {
        add_scaled::<B::P>(codeword, addend, weight, stride);
    } else {
        add_scaled::<F>(codeword, addend, weight, stride);
    }
}

fn add_scaled<P: PackedFieldPow2<Scalar = F>>(
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
