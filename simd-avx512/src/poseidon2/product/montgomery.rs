//! Products by 52-bit multiply-adds alone.

use core::ops::Range;

use super::super::modulus::{INVERSE, Q};
use super::Product;
use crate::intrinsics::Pairs;

/// `-q^-1 mod 2^52`.
const NEGATED_INVERSE: u64 = INVERSE.wrapping_neg() % (1 << 52);

/// Three `vpmadd52`, where `vpmullq` is three multiplications: on processors of Intel.
///
/// With `m = -(a b + 1) q^-1 mod 2^52`, the low halves of `a b` and `m q`, of 52 bits each, add up to
/// `2^52 - 1`, whatever `a` and `b` are. So nothing is carried from them, and the high halves add up to
/// `(a b + m q + 1 - 2^52) / 2^52`, which is `a b 2^-52 + 2^-52 - 1` modulo `q`. (Montgomery, "Modular
/// multiplication without trial division", Math. Comp. 1985, but for the 1: there `a b + m q` is divisible,
/// and low halves carry unless both are zero.) Constants take `2^-52 - 1` away wherever something is added
/// anyway.
///
/// The sum of the high halves is below `q + a b / 2^52`, so that products of large operands are small too:
/// nothing is reduced to become one. What is above the low 52 bits of an operand has no effect.
#[derive(Clone, Copy, Debug)]
pub struct Montgomery;

/// An integer to multiply by.
#[derive(Clone, Copy, Debug)]
pub struct Multiplier<T> {
    integer: T,
    /// Times `-q^-1` modulo `2^52`.
    quotient: T,
}

impl Product for Montgomery {
    type Constant = Multiplier<u64>;
    type Factor = Multiplier<Pairs>;

    // `NEGATED_INVERSE q = UNIT 2^52 - 1`.
    const UNIT: u64 = ((NEGATED_INVERSE as u128 * Q as u128) >> 52) as u64 + 1;
    const EXCESS: u64 = Self::UNIT - 1;
    const OPERANDS: Range<u64> = 0..1 << 50;
    const CARRIED: u64 = 0;
    const LEAST: u64 = 0;
    const MIXED: Range<u64> = 0..1 << 38;
    const LEAVE: u64 = 1;

    fn constant(residue: u64, operands: Range<u64>) -> Multiplier<u64> {
        assert!(operands.end <= Self::OPERANDS.end);
        Multiplier {
            integer: residue,
            quotient: residue.wrapping_mul(NEGATED_INVERSE) % (1 << 52),
        }
    }

    #[cfg(test)]
    fn integer(constant: Multiplier<u64>) -> u64 {
        constant.integer
    }

    #[inline(always)]
    fn splat(constant: Multiplier<u64>) -> Multiplier<Pairs> {
        Multiplier {
            integer: Pairs::splat(constant.integer),
            quotient: Pairs::splat(constant.quotient),
        }
    }

    #[inline(always)]
    fn factor(x: Pairs) -> Multiplier<Pairs> {
        Multiplier {
            integer: x,
            quotient: Pairs::splat(0).add_low_52(x, Pairs::splat(NEGATED_INVERSE)),
        }
    }

    #[inline(always)]
    fn operand(sum: Pairs) -> Pairs {
        sum
    }

    #[inline(always)]
    fn multiply(a: Pairs, by: Multiplier<Pairs>, addend: Pairs) -> Pairs {
        let multiple = Pairs::splat(NEGATED_INVERSE).add_low_52(a, by.quotient);
        // The high half of `a b` does not wait for the multiple.
        let sum = addend.add_high_52(a, by.integer);
        sum.add_high_52(multiple, Pairs::splat(Q))
    }

    /// The high half of the product itself is zero.
    #[inline(always)]
    fn multiply_last(a: Pairs, by: Multiplier<Pairs>) -> Pairs {
        let multiple = Pairs::splat(NEGATED_INVERSE).add_low_52(a, by.quotient);
        Pairs::splat(0).add_high_52(multiple, Pairs::splat(Q))
    }
}
