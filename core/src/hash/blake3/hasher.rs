//! Leaves, nodes and states of rows in the lanes of a backend.
//!
//! A state of a row that comes some columns at a time is its chaining value, then the elements of a block that
//! is not full, then the values that wait above its chunks: word by word. What completes a row ends its state,
//! whose first words are the digest then.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;

use p3_field::PackedValue;

use super::challenger::Challenger;
use super::chunks::{MAX_LEVELS, Waiting, block, finish, levels, push};
use super::compression::{
    BLOCK_WORDS, CHUNK_WORDS, Call, compress, ends_block, ends_chunk, initial,
};
use super::suite::{Blake3, Kernels, pending_words};
use super::vector::Vector;
use crate::backend::ScalarBackend;
use crate::hash::leaves::Leaves;
use crate::hash::suite::{Hasher, States};
use crate::kernels::interleave::even_odd;
use crate::workspace::{elements, words};
use crate::{DIGEST, F};

/// Row groups that are hashed together, so that a column is read in longer runs.
const TILE: usize = 4;

/// The hasher of a backend.
pub struct Blake3Hasher<B>(PhantomData<B>);

impl<B> Blake3Hasher<B> {
    /// BLAKE3 has no constants to prepare.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<B> Default for Blake3Hasher<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> Clone for Blake3Hasher<B> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<B> fmt::Debug for Blake3Hasher<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blake3Hasher")
    }
}

/// Hashes `T` row groups of `width` elements from row `row` on. Where a row has several chunks, `waiting` has
/// room for what waits above them, group after group.
#[inline(always)]
fn hash_groups<B: Kernels, L: Leaves, const T: usize>(
    matrices: impl Iterator<Item = L>,
    width: usize,
    row: usize,
    waiting: &mut [[B::Vector; DIGEST]],
) -> [[B::Vector; DIGEST]; T] {
    let zero = B::Vector::splat(0);
    let mut cvs = [initial(); T];
    let mut blocks = [[zero; BLOCK_WORDS]; T];
    if width == 0 {
        let call = Call::single(0);
        let groups = cvs.iter_mut().zip(&blocks);
        groups.for_each(|(cv, block)| compress(cv, block, call));
        return cvs;
    }
    let rows = T * B::P::WIDTH;
    let levels = waiting.len() / T;
    let mut absorbed = 0;
    for matrix in matrices {
        let columns = matrix.width();
        for column in 0..columns {
            // What the next block absorbs, here or in the rows that follow.
            let ahead = column + BLOCK_WORDS;
            if ahead < columns {
                matrix.prefetch::<B>(ahead, row, rows);
            } else {
                matrix.prefetch::<B>(ahead % columns, row + rows, rows);
            }
            let groups: [B::P; T] = matrix.load_groups(column, row);
            for (block, values) in blocks.iter_mut().zip(&groups) {
                block[absorbed % BLOCK_WORDS] = B::Vector::load(words(values.as_slice()));
            }
            absorbed += 1;
            if !ends_block(absorbed, width) {
                continue;
            }
            let filled = (absorbed - 1) % BLOCK_WORDS + 1;
            let call = Call::of_chunk(absorbed, width);
            for (cv, block) in cvs.iter_mut().zip(&mut blocks) {
                block[filled..].fill(zero);
                compress(cv, block, call);
            }
            if width > CHUNK_WORDS && ends_chunk(absorbed, width) {
                let chunk = (absorbed - 1) / CHUNK_WORDS;
                for (cv, waiting) in cvs.iter_mut().zip(waiting.chunks_exact_mut(levels)) {
                    *cv = take_chunk(waiting, *cv, chunk, absorbed == width);
                }
            }
        }
    }
    cvs
}

/// Rows from row `row` on, as many as are whole groups of `T`; the row after them. `waiting` is empty where rows are
/// of one chunk at most.
#[inline(never)]
fn hash_range<B: Kernels, L: Leaves, const T: usize>(
    matrices: impl Iterator<Item = L> + Clone,
    width: usize,
    mut row: usize,
    waiting: &mut [[B::Vector; DIGEST]],
    layer: &mut [u32],
) -> usize {
    let len = layer.len() / DIGEST;
    while row + T * B::P::WIDTH <= len {
        let digests = hash_groups::<B, L, T>(matrices.clone(), width, row, waiting);
        for (t, digest) in digests.iter().enumerate() {
            store(digest, layer, len, row + t * B::P::WIDTH);
        }
        row += T * B::P::WIDTH;
    }
    row
}

/// Rows of several chunks.
#[inline(never)]
fn hash_wide<B: Kernels, L: Leaves>(
    matrices: impl Iterator<Item = L> + Clone,
    width: usize,
    layer: &mut [u32],
) {
    let mut waiting = [initial(); MAX_LEVELS];
    let row = match TILE * levels(width) <= MAX_LEVELS {
        true => hash_range::<B, L, TILE>(matrices.clone(), width, 0, &mut waiting, layer),
        false => 0,
    };
    hash_range::<B, L, 1>(matrices, width, row, &mut waiting, layer);
}

/// The node of two digests side by side.
#[inline(always)]
fn node<V: Vector>(left: [V; DIGEST], right: [V; DIGEST]) -> [V; DIGEST] {
    let mut cv = initial();
    compress(&mut cv, &block(left, right), NODE);
    cv
}

/// A message of two digests.
const NODE: Call = Call::single(size_of::<[[u32; DIGEST]; 2]>());

/// What a chunk of a row of several leaves as the chaining value: the row's digest after the last one, else
/// what the next one starts from.
#[inline(always)]
fn take_chunk<V: Vector>(
    waiting: &mut (impl Waiting<V> + ?Sized),
    cv: [V; DIGEST],
    chunk: usize,
    last: bool,
) -> [V; DIGEST] {
    if last {
        finish(waiting, cv, chunk)
    } else {
        push(waiting, cv, chunk);
        initial()
    }
}

impl<B: Kernels> Hasher<B> for Blake3Hasher<B> {
    type Suite = Blake3;
    type Transcript = Challenger;
    type Scalar = Blake3Hasher<ScalarBackend>;

    fn scalar(&self) -> Self::Scalar {
        Blake3Hasher::new()
    }

    fn transcript(&self) -> Challenger {
        Challenger::new()
    }

    fn hash_rows<L: Leaves>(&self, matrices: impl Iterator<Item = L> + Clone, layer: &mut [u32]) {
        let width = matrices.clone().map(|matrix| matrix.width()).sum();
        if width > CHUNK_WORDS {
            hash_wide::<B, L>(matrices, width, layer);
        } else {
            let row = hash_range::<B, L, TILE>(matrices.clone(), width, 0, &mut [], layer);
            hash_range::<B, L, 1>(matrices, width, row, &mut [], layer);
        }
    }

    fn compress<L: Leaves>(
        &self,
        below: &[u32],
        matrices: impl Iterator<Item = L> + Clone,
        layer: &mut [u32],
    ) {
        let len = layer.len() / DIGEST;
        let pairs = elements(below);
        let injects = matrices.clone().next().is_some();
        if injects {
            self.hash_rows(matrices, layer);
        }
        for row in (0..len).step_by(B::P::WIDTH) {
            let (mut left, mut right) = (initial(), initial());
            for i in 0..DIGEST {
                let (even, odd) = even_odd::<B::P>(&pairs[2 * (i * len + row)..]);
                left[i] = B::Vector::load(words(even.as_slice()));
                right[i] = B::Vector::load(words(odd.as_slice()));
            }
            let mut digest = node::<B::Vector>(left, right);
            if injects {
                digest = node(digest, load(layer, len, row));
            }
            store(&digest, layer, len, row);
        }
    }

    fn start(&self, _states: &mut [u32]) {
        // The first block of a chunk reads no chaining value.
    }

    fn absorb(&self, states: &mut States<'_>, columns: &[F], stride: usize, to: Range<usize>) {
        let (width, first) = (states.width, to.start);
        let end = states.absorbed + columns.len() / stride;
        for row in to.step_by(B::P::WIDTH) {
            let mut columns = columns.chunks_exact(stride);
            let mut next = || {
                let column = columns.next().expect("as many as are absorbed");
                B::Vector::load(&words(column)[row - first..])
            };
            let mut absorbed = states.absorbed;
            let mut state = State {
                words: &mut *states.words,
                rows: states.rows,
                row,
                width,
            };
            while absorbed < end {
                let start = absorbed % BLOCK_WORDS;
                let stop = (start + end - absorbed).min(BLOCK_WORDS);
                absorbed += stop - start;
                if !ends_block(absorbed, width) {
                    (start..stop).for_each(|i| state.store_word(DIGEST + i, next()));
                    break;
                }
                let block = core::array::from_fn(|i| match i {
                    _ if i < start => state.load_word(DIGEST + i),
                    _ if i < stop => next(),
                    _ => B::Vector::splat(0),
                });
                let mut cv = match (absorbed - 1) % CHUNK_WORDS {
                    0..BLOCK_WORDS => initial(),
                    _ => state.load_words(0),
                };
                compress(&mut cv, &block, Call::of_chunk(absorbed, width));
                if width > CHUNK_WORDS && ends_chunk(absorbed, width) {
                    let chunk = (absorbed - 1) / CHUNK_WORDS;
                    cv = take_chunk(&mut state, cv, chunk, absorbed == width);
                }
                state.store_words(0, cv);
            }
        }
    }

    fn end(&self, states: &mut States<'_>) {
        debug_assert_eq!(states.absorbed, states.width);
    }

    fn inject(&self, states: &mut States<'_>, layer: &mut [u32]) {
        let len = states.rows;
        for row in (0..len).step_by(B::P::WIDTH) {
            let digest = load::<B::Vector>(states.words, len, row);
            store(&node(load(layer, len, row), digest), layer, len, row);
        }
    }

    fn grind(&self, transcript: &mut Challenger, bits: usize) -> F {
        transcript.grind::<B::P, B::Vector>(bits)
    }
}

/// The states of the rows in the lanes from `row` on.
struct State<'w> {
    words: &'w mut [u32],
    rows: usize,
    row: usize,
    width: usize,
}

impl State<'_> {
    #[inline(always)]
    fn load_word<V: Vector>(&self, i: usize) -> V {
        V::load(&self.words[i * self.rows + self.row..])
    }

    #[inline(always)]
    fn store_word<V: Vector>(&mut self, i: usize, word: V) {
        word.store(&mut self.words[i * self.rows + self.row..]);
    }

    #[inline(always)]
    fn load_words<V: Vector>(&self, first: usize) -> [V; DIGEST] {
        load(&self.words[first * self.rows..], self.rows, self.row)
    }

    #[inline(always)]
    fn store_words<V: Vector>(&mut self, first: usize, words: [V; DIGEST]) {
        store(
            &words,
            &mut self.words[first * self.rows..],
            self.rows,
            self.row,
        );
    }

    /// Where the value of a level waits.
    const fn level(&self, level: usize) -> usize {
        DIGEST + pending_words(self.width) + DIGEST * level
    }
}

impl<V: Vector> Waiting<V> for State<'_> {
    #[inline(always)]
    fn load(&self, level: usize) -> [V; DIGEST] {
        self.load_words(self.level(level))
    }

    #[inline(always)]
    fn store(&mut self, level: usize, cv: [V; DIGEST]) {
        self.store_words(self.level(level), cv);
    }
}

/// Eight words of the rows in the lanes from `row` on, of `rows` that lie word by word.
#[inline(always)]
fn load<V: Vector>(words: &[u32], rows: usize, row: usize) -> [V; DIGEST] {
    core::array::from_fn(|i| V::load(&words[i * rows + row..]))
}

#[inline(always)]
fn store<V: Vector>(digest: &[V; DIGEST], words: &mut [u32], rows: usize, row: usize) {
    for (i, word) in digest.iter().enumerate() {
        word.store(&mut words[i * rows + row..]);
    }
}
