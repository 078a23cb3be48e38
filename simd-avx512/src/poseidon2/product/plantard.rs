//! Products by a low half and a high one.

use core::ops::Range;

use super::super::modulus::{INVERSE, OFFSET, Q, reduce};
use super::Product;
use crate::intrinsics::Pairs;

/// `vpmullq`, a shift and `vpmadd52huq`, where `vpmullq` is one multiplication: on processors of AMD.
///
/// With `c = a b q^-1 mod 2^64` and `2^43 <= a b < 2^64`, the integer `(c q - a b) / 2^64` is
/// `floor(floor(c / 2^12) q / 2^52)`: it lies in `[0, q)` and is `-a b 2^-64` modulo `q`. (Plantard,
/// "Efficient word size modular arithmetic", IEEE TETC 2021, with the 52 bits that IFMA offers in place of
/// half a word.) What sums come to is reduced before, and an addend keeps operands above `2^22`.
#[derive(Clone, Copy, Debug)]
pub struct Plantard;

impl Product for Plantard {
    /// The integer times `q^-1` modulo `2^64`.
    type Constant = u64;
    type Factor = Pairs;

    // `INVERSE q = 1 + UNIT 2^64`.
    const UNIT: u64 = ((INVERSE as u128 * Q as u128) >> 64) as u64;
    const EXCESS: u64 = 0;
    const OPERANDS: Range<u64> = 1 << 22..1 << 32;
    const CARRIED: u64 = OFFSET;
    const LEAST: u64 = Q;
    const MIXED: Range<u64> = 35 * Q..70 * Q;
    const LEAVE: u64 = 1 << 16;

    fn constant(residue: u64, operands: Range<u64>) -> u64 {
        const LEAST: u64 = 1 << 43;
        let small = residue * operands.start < LEAST;
        let integer = if small { residue + Q } else { residue };
        assert!(integer.checked_mul(operands.end).is_some() && integer * operands.start >= LEAST);
        integer.wrapping_mul(INVERSE)
    }

    #[cfg(test)]
    fn integer(constant: u64) -> u64 {
        constant.wrapping_mul(Q)
    }

    #[inline(always)]
    fn splat(constant: u64) -> Pairs {
        Pairs::splat(constant)
    }

    #[inline(always)]
    fn factor(x: Pairs) -> Pairs {
        x.mul_low(Pairs::splat(INVERSE))
    }

    #[inline(always)]
    fn operand(sum: Pairs) -> Pairs {
        reduce(sum)
    }

    #[inline(always)]
    fn multiply(a: Pairs, by: Pairs, addend: Pairs) -> Pairs {
        let quotient = a.mul_low(by).shift_right::<12>();
        addend.add_high_52(quotient, Pairs::splat(Q))
    }

    #[inline(always)]
    fn multiply_last(a: Pairs, by: Pairs) -> Pairs {
        Self::multiply(a, by, Pairs::splat(0))
    }
}
