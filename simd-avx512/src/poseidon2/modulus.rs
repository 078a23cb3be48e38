//! The modulus, and how sums of its multiples are reduced.

use p3_field::PrimeField64;
use tranche_core::F;

use crate::intrinsics::Pairs;

/// The modulus.
pub(super) const Q: u64 = F::ORDER_U64;
/// `q^-1 mod 2^64`.
pub(super) const INVERSE: u64 = inverse_mod_2_64(Q);

/// The inverse of an odd number, by Newton's iteration.
pub(super) const fn inverse_mod_2_64(x: u64) -> u64 {
    let mut inverse = 1u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(x.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

/// What is reduced carries this multiple of `q`, which puts it in the range that reductions take, and
/// `-2^52`, which they add back.
pub(super) const OFFSET: u64 = (Q << 17).wrapping_sub(1 << 52);

/// `2^52 / q`, rounded down by a little more than an eighth.
const QUOTIENT: u64 = (1 << 52) / Q;
/// Subtracts multiples of `q`, and adds `2^52`.
const MINUS_Q: u64 = (1 << 52) - Q;

/// `x + 2^52`, less a multiple of `q`.
#[inline(always)]
pub(super) fn reduce(x: Pairs) -> Pairs {
    let quotient = Pairs::splat(0).add_high_52(x, Pairs::splat(QUOTIENT));
    x.add_low_52(quotient, Pairs::splat(MINUS_Q))
}
