//! Folding codewords, and adding one to another.
//!
//! A bit-reversed codeword holds `f(x)` and `f(-x)` side by side, and folds to
//! `(f(x) + f(-x)) / 2 + beta (f(x) - f(-x)) / (2x)`. A fold by `2^k` is `k` of those with challenges
//! `beta, beta^2, beta^4, ...` (as `TwoAdicFriFolding` of Plonky3 does).

use p3_field::PrimeCharacteristicRing;

use crate::backend::{Backend, ScalarBackend, packs};
use crate::kernels::ext::Ext;
use crate::kernels::fold::{add_scaled, halve};
use crate::shape::MAX_LOG_ARITY;
use crate::{D, EF, F};

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
        let rows = out.len() / D;
        return if packs::<B>(rows) {
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

/// Adds `weight * addend` to `codeword`, element by element.
pub(crate) fn roll_in<B: Backend>(codeword: &mut [F], addend: &[F], weight: EF) {
    let stride = codeword.len() / D;
    if packs::<B>(stride) {
        add_scaled::<B::P>(codeword, addend, weight, stride);
    } else {
        add_scaled::<F>(codeword, addend, weight, stride);
    }
}
