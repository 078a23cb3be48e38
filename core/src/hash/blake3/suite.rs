//! What the suite says of itself, and the kernels that backends have for it.

use p3_field::Field;

use super::challenger::Challenger;
use super::chunks::levels;
use super::compression::{BLOCK_WORDS, chunks};
use super::vector::Vector;
use crate::backend::{Backend, DefaultBackend, ScalarBackend};
use crate::hash::suite::Suite;
use crate::{DIGEST, F};

/// BLAKE3, of which there is one instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blake3;

impl Suite for Blake3 {
    type Transcript<'s> = Challenger;

    const NAME: &'static str = "blake3";

    // Half of 256 bits.
    const COLLISION_BITS: u32 = DIGEST as u32 * u32::BITS / 2;

    /// The chaining value, the elements of a block that is not full, and the values of chunks that wait.
    fn state_words(width: usize) -> usize {
        DIGEST + pending_words(width) + DIGEST * levels(width)
    }

    /// Its blocks, one at least, and the nodes above its chunks.
    fn row_hashes(width: usize) -> usize {
        width.div_ceil(BLOCK_WORDS).max(1) + chunks(width) - 1
    }

    fn are_digests(_words: &[u32]) -> bool {
        true
    }
}

/// Elements that wait for the rest of their block, at most: the last one of a row completes it.
pub(super) const fn pending_words(width: usize) -> usize {
    let others = width.saturating_sub(1);
    if others < BLOCK_WORDS {
        others
    } else {
        BLOCK_WORDS - 1
    }
}

/// The vector kernels of this suite.
pub trait Kernels: Backend {
    /// Words in as many lanes as the packing has.
    type Vector: Vector;
}

impl Kernels for ScalarBackend {
    type Vector = u32;
}

impl Kernels for DefaultBackend {
    type Vector = Native;
}

/// As many lanes as the field's own packing has.
type Native = cfg_select! {
    all(target_arch = "x86_64", target_feature = "avx512f") => { wide::u32x16 }
    all(target_arch = "x86_64", target_feature = "avx2") => { wide::u32x8 }
    all(target_arch = "aarch64", target_feature = "neon") => { wide::u32x4 }
    _ => { u32 }
};

const _: () = assert!(size_of::<Native>() == size_of::<<F as Field>::Packing>());
