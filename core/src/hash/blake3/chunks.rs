//! Rows of more than a chunk: the tree above their chunks.
//!
//! Chunks come in order, so that the tree is a binary counter: bit `b` of the number of finished chunks says
//! that the value of `2^b` of them waits at level `b`. A row's length is known, so a value is merged as soon as
//! the one beside it is there, and the last chunk closes the tree.
//!
//! Source: the BLAKE3 paper, section 5.1.2. Nothing here panics.

use super::compression::{BLOCK_WORDS, Call, chunks, compress, initial};
use super::vector::Vector;
use crate::DIGEST;

/// Levels of the highest tree: rows of `2^30` elements.
pub(super) const MAX_LEVELS: usize = 22;

/// Values that wait in a row of `width` elements, at most.
pub(super) const fn levels(width: usize) -> usize {
    chunks(width).next_power_of_two().ilog2() as usize
}

/// Where values wait, level by level.
pub(super) trait Waiting<V> {
    /// The value of a level.
    fn load(&self, level: usize) -> [V; DIGEST];
    /// Replaces it.
    fn store(&mut self, level: usize, cv: [V; DIGEST]);
}

impl<V: Copy> Waiting<V> for [[V; DIGEST]] {
    #[inline(always)]
    fn load(&self, level: usize) -> [V; DIGEST] {
        self[level]
    }

    #[inline(always)]
    fn store(&mut self, level: usize, cv: [V; DIGEST]) {
        self[level] = cv;
    }
}

/// Takes chunk number `chunk`, which is not the last.
pub(super) fn push<V: Vector>(
    waiting: &mut (impl Waiting<V> + ?Sized),
    mut cv: [V; DIGEST],
    chunk: usize,
) {
    let level = chunk.trailing_ones() as usize;
    for below in 0..level {
        cv = parent(waiting.load(below), cv, false);
    }
    waiting.store(level, cv);
}

/// The digest of a row whose last chunk is number `chunk`, the second at least.
pub(super) fn finish<V: Vector>(
    waiting: &(impl Waiting<V> + ?Sized),
    mut cv: [V; DIGEST],
    chunk: usize,
) -> [V; DIGEST] {
    let top = chunk.ilog2() as usize;
    for level in (0..=top).filter(|level| chunk >> level & 1 == 1) {
        cv = parent(waiting.load(level), cv, level == top);
    }
    cv
}

/// The value of a node above two.
#[inline(always)]
fn parent<V: Vector>(left: [V; DIGEST], right: [V; DIGEST], root: bool) -> [V; DIGEST] {
    let mut cv = initial();
    compress(&mut cv, &block(left, right), Call::parent(root));
    cv
}

/// Two values side by side.
#[inline(always)]
pub(super) fn block<V: Copy>(left: [V; DIGEST], right: [V; DIGEST]) -> [V; BLOCK_WORDS] {
    core::array::from_fn(|i| {
        if i < DIGEST {
            left[i]
        } else {
            right[i - DIGEST]
        }
    })
}
