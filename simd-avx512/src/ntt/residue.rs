//! Residues modulo `p`, 16 side by side, by how far they are reduced.
//!
//! A type is a range of words. Operations take the ranges that they are exact on and give the ones that
//! they leave; [`Lazy::reduce`] and [`Reduced::lazy`] are the only ways from one range to the other.

use p3_baby_bear::PackedBabyBearAVX512;

use super::roots::{MODULUS, Root};
use crate::intrinsics::{LANES, Words};

/// Words in `[0, p)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reduced(Words);

/// Words in `[0, 2 p)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lazy(Words);

/// Either, where it does not matter which.
pub(super) trait Residue: Copy {
    /// Below `p`; costs nothing where it is.
    fn reduce(self) -> Reduced;
    /// As what is only known to be below `2 p`.
    fn lazy(self) -> Lazy;
    /// Element `i` of vector `j` becomes element `j` of vector `i`.
    fn transpose(square: &[Self; LANES]) -> [Self; LANES];
}

impl Reduced {
    /// Stored field elements.
    #[inline(always)]
    pub fn stored(elements: PackedBabyBearAVX512) -> Self {
        Self(Words::stored(elements))
    }

    /// The field elements that are stored so.
    #[inline(always)]
    pub fn to_elements(self) -> PackedBabyBearAVX512 {
        self.0.to_elements()
    }

    /// `a + b`.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Lazy {
        Lazy(self.0.add(other.0))
    }

    /// `a - b + p`, which is above 0.
    #[inline(always)]
    pub fn minus(self, other: Self) -> Lazy {
        Lazy(self.0.sub(other.0).add(Words::splat(MODULUS)))
    }
}

impl Residue for Reduced {
    #[inline(always)]
    fn reduce(self) -> Reduced {
        self
    }

    #[inline(always)]
    fn lazy(self) -> Lazy {
        Lazy(self.0)
    }

    #[inline(always)]
    fn transpose(square: &[Self; LANES]) -> [Self; LANES] {
        Words::transpose(&square.map(|x| x.0)).map(Self)
    }
}

impl Lazy {
    /// Any words: what [`Lazy::times`] takes reaches further than what it is given.
    #[cfg(test)]
    pub fn any(words: [u32; LANES]) -> Self {
        Self(Words::new(words))
    }

    #[cfg(test)]
    pub fn to_array(self) -> [u32; LANES] {
        self.0.to_array()
    }

    /// The residues times roots.
    #[inline(always)]
    pub fn times(self, root: &Root) -> Self {
        let Self(x) = self;
        let even = x.mul_even(root.quotient);
        let odd = x.odd_to_even().mul_even(root.odd_quotient);
        let quotient = Words::high_words(even, odd);
        Self(
            x.mul_low(root.integer)
                .sub(quotient.mul_low(Words::splat(MODULUS))),
        )
    }
}

impl Residue for Lazy {
    #[inline(always)]
    fn reduce(self) -> Reduced {
        Reduced(self.0.min(self.0.sub(Words::splat(MODULUS))))
    }

    #[inline(always)]
    fn lazy(self) -> Lazy {
        self
    }

    #[inline(always)]
    fn transpose(square: &[Self; LANES]) -> [Self; LANES] {
        Words::transpose(&square.map(|x| x.0)).map(Self)
    }
}
