//! Words side by side, as the compression takes them.

use core::fmt;

use wide::{u32x4, u32x8, u32x16};

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

/// The vectors of `wide`, which are registers or some of them.
macro_rules! wide_vectors {
    ($($vector:ty),*) => {$(
        impl Vector for $vector {
            #[inline(always)]
            fn splat(word: u32) -> Self {
                Self::splat(word)
            }

            #[inline(always)]
            fn load(words: &[u32]) -> Self {
                Self::new(*words.first_chunk().expect("a word for each lane"))
            }

            #[inline(always)]
            fn store(self, words: &mut [u32]) {
                let lanes = self.to_array();
                words[..lanes.len()].copy_from_slice(&lanes);
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self + other
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }

            #[inline(always)]
            fn rotate_right<const N: i32>(self) -> Self {
                let right = N.unsigned_abs();
                (self >> right) | (self << (u32::BITS - right))
            }
        }
    )*};
}

wide_vectors!(u32x4, u32x8, u32x16);
