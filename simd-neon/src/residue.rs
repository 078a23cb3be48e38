//! Residues modulo `p`, 4 side by side, by how far they are reduced.
//!
//! A type is a range of words. Operations take the ranges that they are exact on and give the ones that
//! they leave; [`Lazy::center`] and [`Lazy::reduce`] are the only ways to a smaller range.

use p3_baby_bear::PackedBabyBearNeon;
use p3_field::PrimeField32;
use tranche_core::F;

use crate::intrinsics::{LANES, Words};

/// `p`, the modulus.
pub(crate) const MODULUS: i32 = F::ORDER_U32.cast_signed();
/// `p^-1 mod 2^32`: the square of `p - 1` is a multiple of `2^32`.
pub(crate) const INVERSE: i32 = 2i32.wrapping_sub(MODULUS);

/// A factor known in advance in each lane: an integer `w` of at most `2^30`, and its quotient `2^31 w / p`,
/// rounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor {
    pub integer: Words,
    pub quotient: Words,
}

/// Any words, as signed integers: in `[-2^31, 2^31)`, which is a little more than `(-p, p)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lazy(pub(crate) Words);

/// Words in `[-2^30, 2^30)`, which is a little more than half of the modulus to either side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Centered(pub(crate) Words);

/// Words in `[0, p)`: field elements as they are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduced(Words);

impl Lazy {
    /// Stored field elements.
    #[inline(always)]
    pub fn stored(elements: PackedBabyBearNeon) -> Self {
        Self(Words::stored(elements))
    }

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
        Reduced::of_signed(x)
    }

    /// The residues times factors: in absolute value at most `p` and `p / 30`, whatever they are.
    #[inline(always)]
    pub fn times(self, factor: Factor) -> Self {
        let quotient = self.0.mul_high_rounding(factor.quotient);
        let product = self.0.mul_low(factor.integer);
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
    /// Of words in `(-p, p)`: what is negative is above everything else without its sign.
    #[inline(always)]
    pub fn of_signed(x: Words) -> Self {
        Self(x.min_unsigned(x.add(Words::splat(MODULUS))))
    }

    /// The field elements that are stored so.
    #[inline(always)]
    pub fn to_elements(self) -> PackedBabyBearNeon {
        self.0.to_elements()
    }

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
