//! The compression function, over the lanes of a vector, and the flags of its calls.
//!
//! A state of 16 words is the chaining value, four constants, counter, length and flags; seven rounds mix its
//! columns and diagonals with the block, permuted from round to round; the new chaining value is the
//! exclusive or of the state's halves.
//!
//! Source: the BLAKE3 paper (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020), section 2. Nothing here panics.

use super::vector::Vector;
use crate::DIGEST;

/// Words of a block.
pub(super) const BLOCK_WORDS: usize = 16;
/// Blocks of a chunk.
const CHUNK_BLOCKS: usize = 16;
/// Words of a chunk.
pub(super) const CHUNK_WORDS: usize = CHUNK_BLOCKS * BLOCK_WORDS;
/// Bytes of a word.
const WORD_BYTES: usize = size_of::<u32>();

/// The initial chaining value, and the constants of a state.
pub(super) const IV: [u32; DIGEST] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The first block of a chunk.
const CHUNK_START: u32 = 1 << 0;
/// The last block of a chunk.
const CHUNK_END: u32 = 1 << 1;
/// A node above chunks.
const PARENT: u32 = 1 << 2;
/// The last call of a message.
const ROOT: u32 = 1 << 3;

const ROUNDS: usize = 7;

/// Which word of a block is used where, round by round.
const SCHEDULE: [[usize; BLOCK_WORDS]; ROUNDS] = {
    const PERMUTATION: [usize; BLOCK_WORDS] =
        [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut schedule = [[0; BLOCK_WORDS]; ROUNDS];
    let mut i = 0;
    while i < BLOCK_WORDS {
        schedule[0][i] = i;
        i += 1;
    }
    let mut round = 1;
    while round < ROUNDS {
        i = 0;
        while i < BLOCK_WORDS {
            schedule[round][i] = schedule[round - 1][PERMUTATION[i]];
            i += 1;
        }
        round += 1;
    }
    schedule
};

/// What a call says of its block besides the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Number of the chunk.
    counter: u32,
    /// Bytes of the block.
    len: u32,
    flags: u32,
}

impl Call {
    /// A message of `bytes` bytes, a block at most.
    pub const fn single(bytes: usize) -> Self {
        Self {
            counter: 0,
            len: bytes as u32,
            flags: CHUNK_START | CHUNK_END | ROOT,
        }
    }

    /// A node above chunks, or the last of them.
    pub const fn parent(root: bool) -> Self {
        Self {
            counter: 0,
            len: (BLOCK_WORDS * WORD_BYTES) as u32,
            flags: if root { PARENT | ROOT } else { PARENT },
        }
    }

    /// The block of a message of `width` words, one at least, that ends with word `end`.
    pub const fn of_chunk(end: usize, width: usize) -> Self {
        let last = end - 1;
        let first = last - last % BLOCK_WORDS;
        let mut flags = 0;
        if first.is_multiple_of(CHUNK_WORDS) {
            flags |= CHUNK_START;
        }
        if ends_chunk(end, width) {
            flags |= CHUNK_END;
            if width <= CHUNK_WORDS {
                flags |= ROOT;
            }
        }
        Self {
            counter: (last / CHUNK_WORDS) as u32,
            len: ((end - first) * WORD_BYTES) as u32,
            flags,
        }
    }
}

/// Whether a block of a message of `width` words ends with its word `end`.
#[inline(always)]
pub(super) const fn ends_block(end: usize, width: usize) -> bool {
    end.is_multiple_of(BLOCK_WORDS) || end == width
}

/// Whether a chunk does.
#[inline(always)]
pub(super) const fn ends_chunk(end: usize, width: usize) -> bool {
    end.is_multiple_of(CHUNK_WORDS) || end == width
}

/// Chunks of a message of `width` words.
pub(super) const fn chunks(width: usize) -> usize {
    if width <= CHUNK_WORDS {
        1
    } else {
        width.div_ceil(CHUNK_WORDS)
    }
}

/// The chaining value that a chunk starts from, and a node.
#[inline(always)]
pub(super) fn initial<V: Vector>() -> [V; DIGEST] {
    IV.map(V::splat)
}

/// Compresses a block into the chaining value. Words of the block past its length are zero.
///
/// Not inlined: the code is long, and the call is short beside it.
#[inline(never)]
pub(super) fn compress<V: Vector>(cv: &mut [V; DIGEST], block: &[V; BLOCK_WORDS], call: Call) {
    let [a, b, c, d, e, f, g, h] = *cv;
    let constants = [
        IV[0],
        IV[1],
        IV[2],
        IV[3],
        call.counter,
        0,
        call.len,
        call.flags,
    ];
    let [i, j, k, l, m, n, o, p] = constants.map(V::splat);
    let mut v = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
    // One after the other, so that every place is a constant.
    round::<V, 0>(&mut v, block);
    round::<V, 1>(&mut v, block);
    round::<V, 2>(&mut v, block);
    round::<V, 3>(&mut v, block);
    round::<V, 4>(&mut v, block);
    round::<V, 5>(&mut v, block);
    round::<V, 6>(&mut v, block);
    *cv = core::array::from_fn(|i| v[i].xor(v[i + DIGEST]));
}

/// Mixes columns, then diagonals.
#[inline(always)]
fn round<V: Vector, const ROUND: usize>(v: &mut [V; 16], block: &[V; BLOCK_WORDS]) {
    let m = |i: usize| block[SCHEDULE[ROUND][i]];
    mix(v, [0, 4, 8, 12], m(0), m(1));
    mix(v, [1, 5, 9, 13], m(2), m(3));
    mix(v, [2, 6, 10, 14], m(4), m(5));
    mix(v, [3, 7, 11, 15], m(6), m(7));
    mix(v, [0, 5, 10, 15], m(8), m(9));
    mix(v, [1, 6, 11, 12], m(10), m(11));
    mix(v, [2, 7, 8, 13], m(12), m(13));
    mix(v, [3, 4, 9, 14], m(14), m(15));
}

/// The quarter round.
#[inline(always)]
fn mix<V: Vector>(v: &mut [V; 16], [a, b, c, d]: [usize; 4], x: V, y: V) {
    v[a] = v[a].add(v[b]).add(x);
    v[d] = v[d].xor(v[a]).rotate_right::<16>();
    v[c] = v[c].add(v[d]);
    v[b] = v[b].xor(v[c]).rotate_right::<12>();
    v[a] = v[a].add(v[b]).add(y);
    v[d] = v[d].xor(v[a]).rotate_right::<8>();
    v[c] = v[c].add(v[d]);
    v[b] = v[b].xor(v[c]).rotate_right::<7>();
}
