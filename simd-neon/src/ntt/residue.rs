//! Residues modulo `p`, 4 side by side, by how far they are reduced.
//!
//! A type is a range of words. Operations take the ranges that they are exact on and give the ones that
//! they leave; [`Lazy::center`] and [`Lazy::reduce`] are the only ways to a smaller range.

use super::roots::{MODULUS, Root};
use crate::intrinsics::{LANES, Words};

/// Any words, as signed integers: in `[-2^31, 2^31)`, which is a little more than `(-p, p)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lazy(pub(super) Words);

/// Words in `[-2^30, 2^30)`, which is a little more than half of the modulus to either side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Centered(pub(super) Words);

/// Words in `[0, p)`: field elements as they are stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reduced(Words);

impl Lazy {
    /// The words of a place.
    #[inline(always)]
    pub fn load(words: &[u32; LANES]) -> Self {
        Self(Words::new(*words))
    }

    /// Leaves the words in a place as they are.
    #[inline(always)]
    pub fn store(self, words: &mut [u32; LANES]) {
        *words = self.0.to_array();
    }

    /// Less the modulus times the nearest integer of a `2^31`th.
    #[inline(always)]
    pub fn center(self) -> Centered {
        let multiple = self.0.shift_right_rounding::<31>();
        Centered(self.0.sub_mul(multiple, Words::splat(MODULUS)))
    }

    /// As they are stored.
    #[inline(always)]
    pub fn reduce(self) -> Reduced {
        let Centered(x) = self.center();
        // What is negative is above everything else without its sign.
        Reduced(x.min_unsigned(x.add(Words::splat(MODULUS))))
    }

    /// The residues times roots: in absolute value at most `p` and `p / 30`, whatever they are.
    #[inline(always)]
    pub fn times(self, root: Root) -> Self {
        let quotient = self.0.mul_high_rounding(root.quotient);
        let product = self.0.mul_low(root.integer);
        Self(product.sub_mul(quotient, Words::splat(MODULUS)))
    }

    /// Element `i` of vector `j` becomes element `j` of vector `i`.
    #[inline(always)]
    pub fn transpose(square: [Self; LANES]) -> [Self; LANES] {
        Words::transpose(square.map(|x| x.0)).map(Self)
    }
}

impl Centered {
    /// `a + b`.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Lazy {
        Lazy(self.0.add(other.0))
    }

    /// `a - b`.
    #[inline(always)]
    pub fn minus(self, other: Self) -> Lazy {
        Lazy(self.0.sub(other.0))
    }
}

impl Reduced {
    /// Of the words of a place that hold field elements.
    #[inline(always)]
    pub fn store(self, words: &mut [u32; LANES]) {
        *words = self.0.to_array();
    }

    /// Element `i` of vector `j` becomes element `j` of vector `i`.
    #[inline(always)]
    pub fn transpose(square: [Self; LANES]) -> [Self; LANES] {
        Words::transpose(square.map(|x| x.0)).map(Self)
    }
}
