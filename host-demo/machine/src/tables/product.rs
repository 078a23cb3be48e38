//! Products of two words by bytes, as four sums of 16-bit weight.

use core::ops::{Add, Mul};

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;

/// The sums `L_k` of the products of bytes of `x` and `y`, lowest first, with `x * y` the sum of
/// `2^(16 k) * L_k`; `shift` is 2^8.
///
/// Of bytes, `L_0` is at most 513 · 255² < 2^25, `L_1` at most 1027 · 255² < 2^26, `L_2` at most 515 · 255² < 2^25
/// and `L_3` at most 255² < 2^16.
pub(super) fn limbs<T>(x: &[T; 4], y: &[T; 4], shift: T) -> [T; 4]
where
    T: Clone + Add<Output = T> + Mul<Output = T>,
{
    let of = |i: usize, j: usize| x[i].clone() * y[j].clone();
    let even = |odd: T| odd * shift.clone();
    [
        of(0, 0) + even(of(0, 1) + of(1, 0)),
        of(0, 2) + of(1, 1) + of(2, 0) + even(of(0, 3) + of(1, 2) + of(2, 1) + of(3, 0)),
        of(1, 3) + of(2, 2) + of(3, 1) + even(of(2, 3) + of(3, 2)),
        of(3, 3),
    ]
}

/// The halves of a word by its bytes.
pub(super) fn halves<T>(bytes: &[T; 4], shift: T) -> [T; 2]
where
    T: Clone + Add<Output = T> + Mul<Output = T>,
{
    [0, 2].map(|i: usize| bytes[i].clone() + bytes[i + 1].clone() * shift.clone())
}

/// The bytes of a word, lowest first.
pub(super) fn bytes(word: u32) -> [i64; 4] {
    word.to_le_bytes().map(i64::from)
}

/// A part of a sum that is not negative, and below 2^32. [`F::from_i64`](PrimeCharacteristicRing::from_i64) would divide
/// numbers of 128 bits, with a function that a device may not have.
pub(super) fn element(value: i64) -> F {
    F::from_u32(value as u32)
}
