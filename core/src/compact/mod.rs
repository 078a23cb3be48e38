//! Kernels of the `Compact` profile: the same polynomials as `Fast`, without their extensions.
//!
//! Every matrix has a home: its columns on the trace domain `H`, rows bit-reversed. It is moved in
//! place from there to the coset where it is needed (an interpolation and an evaluation a column) and
//! back; field arithmetic is exact, so it comes back as it was. Of a permutation trace only the
//! accumulator has a home; its fractions are computed from main and preprocessed columns each time.
//! Caller input was validated by the plan; nothing here panics on what a plan of that shape supplies.

pub(crate) mod claims;
pub(crate) mod fold;
pub(crate) mod fractions;
pub(crate) mod hash;
pub(crate) mod quotient;
pub(crate) mod work;

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};

use crate::F;
use crate::backend::Backend;
use crate::bit_reverse::reverse_bits;
use crate::ntt::Twiddles;

/// The point that generates block `block` of an extension: the coset that its rows lie on.
pub(crate) fn coset(log_height: usize, log_blowup: usize, block: usize) -> F {
    let root = F::two_adic_generator(log_height + log_blowup);
    F::GENERATOR * root.exp_u64(reverse_bits(block, log_blowup) as u64)
}

/// Moves columns of `height` rows, bit-reversed, from the coset `from * H` to `to * H`.
pub(crate) fn shift<B: Backend>(
    twiddles: &Twiddles<'_>,
    columns: &mut [F],
    height: usize,
    from: F,
    to: F,
) {
    if from == to {
        return;
    }
    // What is interpolated as if on H has the coefficients c_i from^i.
    let ratio = to / from;
    for column in columns.chunks_exact_mut(height) {
        B::intt(twiddles, column);
        B::coset_ntt(twiddles, column, ratio);
    }
}
