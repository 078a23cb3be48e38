//! Integers that stand for multiples of elements, eight side by side, by their range.
//!
//! Operations take the ranges that they are exact on and give the ones that they leave. That a [`Sum`] may
//! be reduced, or multiplied as it is, is what the constants ensure, and the tests of both check.

use p3_baby_bear::PackedBabyBearAVX512;

use super::modulus::{Q, reduce};
use super::product::Product;
use crate::intrinsics::{Pairs, Words};

/// Whatever sums of the others come to, negative ones too; in `[2^46, 2^50)`, less `2^52`, where it is
/// reduced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum(Pairs);

/// In `[2^22, q + 2^26)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reduced(Pairs);

/// In [`Product::OPERANDS`], modulo `2^52`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand(Pairs);

/// What operands are multiplied by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factor<P: Product>(P::Factor);

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

    /// Reduces what carries [`OFFSET`](super::modulus::OFFSET).
    #[inline(always)]
    pub fn reduce(self) -> Reduced {
        Reduced(reduce(self.0))
    }

    /// What carries [`Product::CARRIED`], or the offset of what is reduced, to be multiplied.
    #[inline(always)]
    pub fn operand<P: Product>(self) -> Operand {
        Operand(P::operand(self.0))
    }

    /// What comes from `M_E` times a constant for it, as it is; plus a residue and [`Product::LEAST`].
    #[inline(always)]
    pub fn times<P: Product>(self, by: Factor<P>, addend: Self) -> Operand {
        Operand(P::multiply(self.0, by.0, addend.0))
    }

    /// Such a product, plus `addend`.
    #[inline(always)]
    pub fn times_plus<P: Product>(self, by: Factor<P>, addend: Self) -> Self {
        Self(P::multiply(self.0, by.0, addend.0))
    }

    /// Such products of even lanes and of odd ones with [`Product::LEAVE`], as stored field elements.
    #[inline(always)]
    pub fn times_last<P: Product>(even_odd: [Self; 2], by: Factor<P>) -> PackedBabyBearAVX512 {
        let [even, odd] = even_odd.map(|Self(x)| P::multiply_last(x, by.0));
        // They are below the modulus.
        Words::interleave_even(even, odd).to_elements()
    }
}

impl Reduced {
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

    /// To be added up, where it was no sum that carried something.
    #[inline(always)]
    pub fn sum(self) -> Sum {
        Sum(self.0)
    }

    /// What multiplies by it.
    #[inline(always)]
    pub fn factor<P: Product>(self) -> Factor<P> {
        Factor(P::factor(self.0))
    }

    /// The product, without [`Product::EXCESS`].
    #[inline(always)]
    pub fn times<P: Product>(self, by: Factor<P>) -> Self {
        let addend = P::LEAST + (Q - P::EXCESS) % Q;
        Self(P::multiply(self.0, by.0, Pairs::splat(addend)))
    }

    /// The product, plus what was reduced.
    #[inline(always)]
    pub fn times_plus_reduced<P: Product>(self, by: Factor<P>, addend: Reduced) -> Self {
        Self(P::multiply(self.0, by.0, addend.0))
    }

    /// The product, plus `addend`.
    #[inline(always)]
    pub fn times_plus<P: Product>(self, by: Factor<P>, addend: Sum) -> Sum {
        Sum(P::multiply(self.0, by.0, addend.0))
    }
}

impl<P: Product> Factor<P> {
    /// The same constant eight times.
    #[inline(always)]
    pub fn splat(constant: P::Constant) -> Self {
        Self(P::splat(constant))
    }
}
