//! Words side by side, as the compression takes them.

use core::fmt;

use bytemuck::cast;
use p3_field::PackedValue;
use wide::{u32x4, u32x8};

use crate::F;
use crate::workspace::{words, words_mut};

/// Words of 32 bits side by side: any bits are some.
pub trait Vector: Copy + fmt::Debug {
    /// A word in every lane.
    fn splat(word: u32) -> Self;

    /// The first words of a slice, one in each lane.
    ///
    /// # Panics
    /// When there are fewer words than lanes.
    fn load(words: &[u32]) -> Self;

    /// Stores a word of each lane in the first of a slice.
    ///
    /// # Panics
    /// When there are fewer words than lanes.
    fn store(self, words: &mut [u32]);

    /// Sums modulo `2^32`.
    fn add(self, other: Self) -> Self;

    /// Differences in bits.
    fn xor(self, other: Self) -> Self;

    /// The low `N` bits of each word above the others.
    fn rotate_right<const N: i32>(self) -> Self;
}

impl Vector for u32 {
    #[inline(always)]
    fn splat(word: u32) -> Self {
        word
    }

    #[inline(always)]
    fn load(words: &[u32]) -> Self {
        words[0]
    }

    #[inline(always)]
    fn store(self, words: &mut [u32]) {
        words[0] = self;
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }

    #[inline(always)]
    fn rotate_right<const N: i32>(self) -> Self {
        Self::rotate_right(self, N.unsigned_abs())
    }
}

/// As many lanes as a packing has, by the vectors of `wide`.
#[derive(Clone, Copy)]
pub struct Wide<P>(P);

impl<P: PackedValue<Value = F>> fmt::Debug for Wide<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wide")
            .field(&words(self.0.as_slice()))
            .finish()
    }
}

impl<P: PackedValue<Value = F>> Wide<P> {
    /// Combines the lanes of two: eight at a time, else four, else one.
    #[inline(always)]
    fn zip(
        mut self,
        other: Self,
        by_eight: impl Fn(u32x8, u32x8) -> u32x8,
        by_four: impl Fn(u32x4, u32x4) -> u32x4,
        by_one: impl Fn(u32, u32) -> u32,
    ) -> Self {
        let (a, b) = (words_mut(self.0.as_slice_mut()), words(other.0.as_slice()));
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks_mut::<8>(), b.as_chunks::<8>());
        for (a, b) in a.iter_mut().zip(b) {
            *a = by_eight(cast(*a), cast(*b)).to_array();
        }
        let ((a, a_rest), (b, b_rest)) = (a_rest.as_chunks_mut::<4>(), b_rest.as_chunks::<4>());
        for (a, b) in a.iter_mut().zip(b) {
            *a = by_four(cast(*a), cast(*b)).to_array();
        }
        for (a, b) in a_rest.iter_mut().zip(b_rest) {
            *a = by_one(*a, *b);
        }
        self
    }
}

impl<P: PackedValue<Value = F>> Vector for Wide<P> {
    #[inline(always)]
    fn splat(word: u32) -> Self {
        let mut vector = Self(P::from_fn(|_| F::default()));
        words_mut(vector.0.as_slice_mut()).fill(word);
        vector
    }

    #[inline(always)]
    fn load(from: &[u32]) -> Self {
        let mut vector = Self(P::from_fn(|_| F::default()));
        words_mut(vector.0.as_slice_mut()).copy_from_slice(&from[..P::WIDTH]);
        vector
    }

    #[inline(always)]
    fn store(self, to: &mut [u32]) {
        to[..P::WIDTH].copy_from_slice(words(self.0.as_slice()));
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b, |a, b| a + b, u32::wrapping_add)
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b, |a, b| a ^ b, |a, b| a ^ b)
    }

    #[inline(always)]
    fn rotate_right<const N: i32>(self) -> Self {
        self.zip(
            self,
            |a, _| (a >> N) | (a << (32 - N)),
            |a, _| (a >> N) | (a << (32 - N)),
            |a, _| a.rotate_right(N.unsigned_abs()),
        )
    }
}
