//! Roots as the transforms multiply with them, and the table of those that differ from lane to lane.

use p3_baby_bear::PackedBabyBearAVX512 as P;
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use tranche_core::F;

use crate::intrinsics::{LANES, Words};

pub(super) const MODULUS: u32 = F::ORDER_U32;

/// Elements of a block.
pub(crate) const BLOCK: usize = LANES * LANES;
pub(super) const LOG_BLOCK: usize = 8;

/// Roots of four layers: one, two, four and eight.
const ROOTS: usize = 15;

/// A root in each lane, as an integer `w`; its quotient `floor(2^32 w / p)`; and the quotients of odd
/// lanes in even ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    pub integer: Words,
    pub quotient: Words,
    pub odd_quotient: Words,
}

impl Root {
    /// The same one in every lane.
    #[inline(always)]
    pub fn broadcast(root: F) -> Self {
        let [integer, quotient] = integer_and_quotient(root);
        Self::splat(integer, quotient)
    }

    #[inline(always)]
    fn splat(integer: u32, quotient: u32) -> Self {
        let quotient = Words::splat(quotient);
        Self {
            integer: Words::splat(integer),
            quotient,
            odd_quotient: quotient,
        }
    }
}

/// The integer that a field element stands for, and its quotient.
#[inline(always)]
fn integer_and_quotient(x: F) -> [u32; 2] {
    let integer = x.as_canonical_u32();
    let quotient = (u64::from(integer) << 32) / u64::from(MODULUS);
    [
        integer,
        u32::try_from(quotient).expect("the integer is below p"),
    ]
}

/// The integers and quotients of 16 roots, to be broadcast.
pub(super) struct Roots {
    integers: [u32; LANES],
    quotients: [u32; LANES],
}

impl Roots {
    /// Of roots in the field's own form: the word `2^32 w - floor(2^32 w / p) p`, which has `-p^-1` times
    /// itself for its quotient; `-p^-1 = p - 2`, since `(p - 1)^2` is a multiple of `2^32`.
    #[inline(always)]
    pub fn new(roots: P) -> Self {
        // Times 2^-32 in that form: the word is the integer.
        let integers = Words::stored(roots * P::from(F::ONE.div_2exp_u64(32)));
        let quotients = Words::stored(roots).mul_low(Words::splat(MODULUS - 2));
        Self {
            integers: integers.to_array(),
            quotients: quotients.to_array(),
        }
    }

    /// Root `i` in every lane.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Root {
        Root::splat(self.integers[i], self.quotients[i])
    }
}

/// Vectors of the table of one block: integers, then quotients, of the roots of layers within groups of
/// 16, root by root, and of those between packed values, with a one at the end.
const BLOCK_VECTORS: usize = 2 * ROOTS + 2;
const BLOCK_WORDS: usize = BLOCK_VECTORS * LANES;

/// Words of the table for columns of up to `2^log_column` elements.
pub(crate) const fn table_len(log_column: usize) -> usize {
    if log_column < LOG_BLOCK {
        return 0;
    }
    BLOCK_WORDS << (log_column - LOG_BLOCK)
}

/// Fills the tables of all blocks from bit-reversed roots.
pub(crate) fn fill_table(table: &mut [u32], roots: &[F]) {
    for (block, table) in table.chunks_exact_mut(BLOCK_WORDS).enumerate() {
        let (pairs, _) = table.as_chunks_mut::<{ 2 * LANES }>();
        let (between, within) = pairs.split_last_mut().expect("sixteen pairs of vectors");
        let mut within = within.iter_mut();
        let mut between_roots = [F::ONE; LANES];
        let mut slots = between_roots.iter_mut();
        for log_roots in 0..4 {
            for j in 0..1 << log_roots {
                let words = within.next().expect("fifteen packed roots");
                fill_pair(words, |lane| {
                    roots[((block * LANES + lane) << log_roots) + j]
                });
                *slots.next().expect("fifteen roots") = roots[(block << log_roots) + j];
            }
        }
        fill_pair(between, |lane| between_roots[lane]);
    }
}

/// The integers of roots, and their quotients.
fn fill_pair(words: &mut [u32; 2 * LANES], root: impl Fn(usize) -> F) {
    let (integers, quotients) = words.split_at_mut(LANES);
    for lane in 0..LANES {
        [integers[lane], quotients[lane]] = integer_and_quotient(root(lane));
    }
}

/// The roots of the layers of one block.
pub(super) struct BlockRoots<'a>(&'a [[u32; LANES]; BLOCK_VECTORS]);

impl<'a> BlockRoots<'a> {
    /// Of block `number`.
    #[inline(always)]
    pub fn new(table: &'a [u32], number: usize) -> Self {
        let block = &table[number * BLOCK_WORDS..][..BLOCK_WORDS];
        Self(block.as_chunks().0.first_chunk().expect("a whole table"))
    }

    /// Root `i` of the layers within groups of 16.
    #[inline(always)]
    pub fn within(&self, i: usize) -> Root {
        let quotient = Words::new(self.0[2 * i + 1]);
        Root {
            integer: Words::new(self.0[2 * i]),
            quotient,
            odd_quotient: quotient.odd_to_even(),
        }
    }

    /// Root `i` of the layers between packed values, in every lane.
    #[inline(always)]
    pub fn between(&self, i: usize) -> Root {
        Root::splat(self.0[2 * ROOTS][i], self.0[2 * ROOTS + 1][i])
    }

    /// Those roots, each times its factor; `factors` are these times `2^32`.
    #[inline(always)]
    pub fn between_times(&self, factors: P) -> Roots {
        // What is stored as an integer w is w 2^-32.
        Roots::new(Words::new(self.0[2 * ROOTS]).to_elements() * factors)
    }
}
