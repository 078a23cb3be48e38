//! The field operations on 8 lanes.

use bytemuck::cast;
use p3_field::PrimeField32;
use wide::{i32x8, u32x8, u64x4};

use crate::F;

/// The modulus, `15 * 2^27 + 1`.
pub(super) const P: u32 = F::ORDER_U32;
/// `p^-1 mod 2^32`, which is `2^31 + 2^27 + 1`.
pub(super) const MU: u32 = 0x8800_0001;
const _: () = assert!(P == (15 << 27) + 1 && P.wrapping_mul(MU) == 1);

/// Products whose sum stays below `2^64` and whose high half stays below `2p`.
pub(super) const SUMMANDS: usize = 4;
const _: () = assert!(
    (SUMMANDS as u64 * (P as u64 - 1))
        .checked_mul(P as u64 - 1)
        .is_some()
);
const _: () = assert!((SUMMANDS as u64 * (P as u64 - 1) * (P as u64 - 1)) >> 32 < 2 * P as u64);

/// `x` in `-p..p` to `0..p`.
#[inline(always)]
pub(super) fn canonical(x: u32x8) -> u32x8 {
    let sign: u32x8 = cast(cast::<_, i32x8>(x) >> 31);
    x + (sign & u32x8::splat(P))
}

#[inline(always)]
pub(super) fn add(a: u32x8, b: u32x8) -> u32x8 {
    canonical(a + b - u32x8::splat(P))
}

#[inline(always)]
pub(super) fn sub(a: u32x8, b: u32x8) -> u32x8 {
    canonical(a - b)
}

#[inline(always)]
pub(super) fn halve(a: u32x8) -> u32x8 {
    let odd = u32x8::ZERO - (a & u32x8::ONE);
    (a >> 1) + (odd & u32x8::splat(P.div_ceil(2)))
}

/// `a / 2^exp` for `exp <= 27`: with `a = high * 2^exp + low` it is `high - 15 * 2^(27 - exp) * low`,
/// since `-2^-exp = 15 * 2^(27 - exp)` modulo `p`.
#[inline(always)]
pub(super) fn div_2exp(a: u32x8, exp: u32) -> u32x8 {
    let low = a & u32x8::splat((1 << exp) - 1);
    canonical((a >> exp) - (((low << 4) - low) << (27 - exp)))
}

/// The products of the lanes at even and at odd places.
#[inline(always)]
pub(super) fn products(a: u32x8, b: u32x8) -> (u64x4, u64x4) {
    let (a, b): (u64x4, u64x4) = (cast(a), cast(b));
    (low(a) * low(b), (a >> 32) * (b >> 32))
}

#[inline(always)]
pub(super) fn low(x: u64x4) -> u64x4 {
    x & u64x4::splat(u32::MAX.into())
}

#[inline(always)]
pub(super) fn high(x: u64x4) -> u64x4 {
    x & u64x4::splat(u64::from(u32::MAX) << 32)
}

/// `hi(C) - hi(q p)` of 64-bit values at even and odd places, given `hi(C)` or what it is modulo `p`.
#[inline(always)]
pub(super) fn reduce((even, odd): (u64x4, u64x4), high_half: u32x8) -> u32x8 {
    let c: u32x8 = cast(low(even) | (odd << 32));
    let q: u32x8 = c + (c << 27) + (c << 31);
    canonical(high_half - q.mul_keep_high(u32x8::splat(P)))
}

#[inline(always)]
pub(super) fn high_half((even, odd): (u64x4, u64x4)) -> u32x8 {
    cast((even >> 32) | high(odd))
}

#[inline(always)]
pub(super) fn mul(a: u32x8, b: u32x8) -> u32x8 {
    let c = products(a, b);
    reduce(c, high_half(c))
}

/// `sum_i a_i b_i`, reduced once every [`SUMMANDS`] products.
#[inline(always)]
pub(super) fn dot_product<const N: usize>(a: [u32x8; N], b: [u32x8; N]) -> u32x8 {
    let mut sum = u32x8::ZERO;
    for (i, (a, b)) in a.chunks(SUMMANDS).zip(b.chunks(SUMMANDS)).enumerate() {
        let (mut even, mut odd) = products(a[0], b[0]);
        for (&a, &b) in a.iter().zip(b).skip(1) {
            let (e, o) = products(a, b);
            (even, odd) = (even + e, odd + o);
        }
        let c = (even, odd);
        let part = reduce(c, canonical(high_half(c) - u32x8::splat(P)));
        sum = if i == 0 { part } else { add(sum, part) };
    }
    sum
}
