//! Folding in coefficients, codewords extended when they are committed and opened.
//!
//! A fold by `2^k` with challenge `beta` takes `f` to the polynomial with coefficients
//! `sum_j beta^j f_(2^k i + j)`, whose values are those that folding the codeword of `f` gives.

use p3_field::{PrimeCharacteristicRing, TwoAdicField};

use crate::backend::Backend;
use crate::kernels::bit_reverse::reverse_bits;
use crate::kernels::ext::{challenge, coordinates};
use crate::kernels::ntt::Twiddles;
use crate::{D, EF, F};

/// Folds coefficients, four columns, into `out`.
pub(crate) fn fold(coefficients: &[F], out: &mut [F], beta: EF, log_arity: usize) {
    let (len, out_len) = (coefficients.len() / D, out.len() / D);
    for i in 0..out_len {
        let mut sum = EF::ZERO;
        for j in (0..1 << log_arity).rev() {
            let at = (i << log_arity) + j;
            let coefficient = challenge(core::array::from_fn(|d| coefficients[d * len + at]));
            sum = sum * beta + coefficient;
        }
        for (d, coordinate) in coordinates(sum).into_iter().enumerate() {
            out[d * out_len + i] = coordinate;
        }
    }
}

/// Evaluates coefficients, four columns, on the group of `2^log_blowup` times as many points;
/// `codeword` comes out bit-reversed.
pub(crate) fn extend<B: Backend>(
    twiddles: &Twiddles<'_>,
    coefficients: &[F],
    codeword: &mut [F],
    log_blowup: usize,
) {
    let n = coefficients.len() / D;
    let root = F::two_adic_generator(n.trailing_zeros() as usize + log_blowup);
    let columns = codeword.chunks_exact_mut(n << log_blowup);
    for (column, coefficients) in columns.zip(coefficients.chunks_exact(n)) {
        for (block, values) in column.chunks_exact_mut(n).enumerate() {
            values.copy_from_slice(coefficients);
            let shift = root.exp_u64(reverse_bits(block, log_blowup) as u64);
            B::coset_ntt(twiddles, values, shift);
        }
    }
}
