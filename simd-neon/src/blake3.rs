//! BLAKE3 in 4 lanes: the core's compression over vectors whose rotations are one instruction or two.

use tranche_core::hash::blake3::Vector;

use crate::intrinsics::{LANES, Words};

impl Vector for Words {
    #[inline(always)]
    fn splat(word: u32) -> Self {
        Self::splat(word.cast_signed())
    }

    #[inline(always)]
    fn load(words: &[u32]) -> Self {
        Self::new(*words.first_chunk().expect("a word for each lane"))
    }

    #[inline(always)]
    fn store(self, words: &mut [u32]) {
        words[..LANES].copy_from_slice(&self.to_array());
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::add(self, other)
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self::xor(self, other)
    }

    #[inline(always)]
    fn rotate_right<const N: i32>(self) -> Self {
        Self::rotate_right::<N>(self)
    }
}
