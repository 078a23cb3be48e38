//! Integers that stand for multiples of elements, eight side by side, by their range.
//!
//! Operations take the ranges that they are exact on and give the ones that they leave. That a [`Sum`] may
//! be reduced, or multiplied as it is, is what the constants ensure, and the tests of both check.

use p3_baby_bear::PackedBabyBearAVX512;

use super::constants::{INVERSE, Q};
use crate::intrinsics::{Pairs, Words};

/// `2^52 / q`, rounded down by a little more than an eighth.
const QUOTIENT: u64 = (1 << 52) / Q;
/// Subtracts multiples of `q`, and adds `2^52`.
const MINUS_Q: u64 = (1 << 52) - Q;

/// Whatever sums of the others come to, negative ones too; in `[2^46, 2^50)`, less `2^52`, where it is
/// reduced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum(Pairs);

/// In `[2^22, q + 2^26)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reduced(Pairs);

/// In `[2^22, 2^32)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand(Pairs);

/// An operand or a constant times `q^-1` modulo `2^64`: what operands are multiplied by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor(Pairs);

/// `-a b 2^-64 mod q`, in `[0, q)`, plus `addend`.
#[inline(always)]
fn multiply(a: Pairs, Factor(by): Factor, addend: Pairs) -> Pairs {
    let quotient = a.mul_low(by).shift_right::<12>();
    addend.add_high_52(quotient, Pairs::splat(Q))
}

impl Sum {
    /// The same integer eight times.
    #[inline(always)]
    pub fn splat(x: u64) -> Self {
        Self(Pairs::splat(x))
    }

    #[cfg(test)]
    pub fn to_array(self) -> [u64; 8] {
        self.0.to_array()
    }

    /// The words of even lanes, and those of odd ones.
    #[inline(always)]
    pub fn even_odd(words: Words) -> [Self; 2] {
        [Self(Pairs::even(words)), Self(Pairs::odd(words))]
    }

    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.add(other.0))
    }

    #[inline(always)]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.sub(other.0))
    }

    #[inline(always)]
    pub fn doubled(self) -> Self {
        Self(self.0.shift_left::<1>())
    }

    #[inline(always)]
    pub fn quadrupled(self) -> Self {
        Self(self.0.shift_left::<2>())
    }

    /// `x + 2^52`, less a multiple of `q`.
    #[inline(always)]
    pub fn reduce(self) -> Reduced {
        let Self(x) = self;
        let quotient = Pairs::splat(0).add_high_52(x, Pairs::splat(QUOTIENT));
        Reduced(x.add_low_52(quotient, Pairs::splat(MINUS_Q)))
    }

    /// The product with a constant so small that what comes from `M_E` is not reduced before, plus `q`.
    #[inline(always)]
    pub fn times_small(self, by: Factor) -> Operand {
        Operand(multiply(self.0, by, Pairs::splat(Q)))
    }

    /// Such a product, plus `addend`.
    #[inline(always)]
    pub fn times_small_plus(self, by: Factor, addend: Self) -> Self {
        Self(multiply(self.0, by, addend.0))
    }

    /// Such products of even lanes and of odd ones, as stored field elements.
    #[inline(always)]
    pub fn times_small_stored(even_odd: [Self; 2], by: Factor) -> PackedBabyBearAVX512 {
        // Products are below the modulus.
        let [even, odd] = even_odd.map(|Self(x)| multiply(x, by, Pairs::splat(0)));
        Words::interleave_even(even, odd).to_elements()
    }
}

impl Reduced {
    /// Where any operand may be.
    #[inline(always)]
    pub fn operand(self) -> Operand {
        Operand(self.0)
    }

    /// To be added up.
    #[inline(always)]
    pub fn sum(self) -> Sum {
        Sum(self.0)
    }
}

impl Operand {
    /// The same integer eight times.
    #[cfg(test)]
    pub fn splat(x: u64) -> Self {
        Self(Pairs::splat(x))
    }

    /// To be added up.
    #[inline(always)]
    pub fn sum(self) -> Sum {
        Sum(self.0)
    }

    /// What multiplies by it.
    #[inline(always)]
    pub fn factor(self) -> Factor {
        Factor(self.0.mul_low(Pairs::splat(INVERSE)))
    }

    /// The product, plus `q`.
    #[inline(always)]
    pub fn times(self, by: Factor) -> Self {
        Self(multiply(self.0, by, Pairs::splat(Q)))
    }

    /// The product, plus what was reduced: below `2^32`.
    #[inline(always)]
    pub fn times_plus_reduced(self, by: Factor, addend: Reduced) -> Self {
        Self(multiply(self.0, by, addend.0))
    }

    /// The product, plus `addend`.
    #[inline(always)]
    pub fn times_plus(self, by: Factor, addend: Sum) -> Sum {
        Sum(multiply(self.0, by, addend.0))
    }
}

impl Factor {
    /// The same constant eight times.
    #[inline(always)]
    pub fn splat(x: u64) -> Self {
        Self(Pairs::splat(x))
    }
}
