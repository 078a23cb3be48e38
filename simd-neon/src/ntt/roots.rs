//! Roots as the transforms multiply with them, and the table of those of blocks.

use core::array;

use p3_baby_bear::PackedBabyBearNeon as P;
use p3_field::{PackedValue, PrimeCharacteristicRing, PrimeField32};
use tranche_core::F;

use crate::intrinsics::{LANES, Words};
use crate::residue::{Centered, Factor, INVERSE, Lazy, MODULUS};

/// Vectors of a block, and elements.
pub(super) const BLOCK_VECTORS: usize = 16;
pub(crate) const BLOCK: usize = BLOCK_VECTORS * LANES;
pub(super) const LOG_BLOCK: usize = 6;

/// Roots, one in each lane.
pub(super) type Root = Factor;

impl Factor {
    /// The same one in every lane.
    #[inline(always)]
    pub fn broadcast(root: F) -> Self {
        let [integer, quotient] = integer_and_quotient(root).map(u32::cast_signed);
        Self {
            integer: Words::splat(integer),
            quotient: Words::splat(quotient),
        }
    }

    /// That of a lane, in every lane.
    #[inline(always)]
    pub fn broadcast_lane(self, lane: usize) -> Self {
        Self {
            integer: self.integer.broadcast(lane),
            quotient: self.quotient.broadcast(lane),
        }
    }

    /// Of field elements, one in each lane.
    ///
    /// `2^31 w` less what remains of it modulo `p` is the quotient times `p`; the inverse of `p` takes its low
    /// word to that of the quotient. Remainders reach a little further than half of `p`, quotients then from the
    /// nearest integer.
    #[inline(always)]
    pub fn new(roots: P) -> Self {
        // In Montgomery form times 2^-32 the word is the integer, times 1/2 what remains of 2^31 w.
        let integers = roots * P::from(F::ONE.div_2exp_u64(32));
        let center = |x: P| Lazy(Words::stored(x)).center();
        let (Centered(integer), Centered(remainder)) = (center(integers), center(roots.halve()));
        let multiple = integer.shift_left::<31>().sub(remainder);
        Self {
            integer,
            quotient: multiple.mul_low(Words::splat(INVERSE)),
        }
    }
}

/// The integer of least absolute value that a field element stands for, and its quotient.
#[inline(always)]
fn integer_and_quotient(x: F) -> [u32; 2] {
    let integer = x.as_canonical_u32().cast_signed();
    let integer = integer - if integer > MODULUS / 2 { MODULUS } else { 0 };
    let (multiple, modulus) = (i64::from(integer) << 31, i64::from(MODULUS));
    let quotient = (multiple + modulus / 2).div_euclid(modulus);
    [integer, quotient as i32].map(i32::cast_unsigned)
}

/// Roots of the layers between the vectors of a block: one, two, four, eight, and a one.
const BETWEEN: usize = 16;
/// Roots of the layers within the vectors of four: of one layer, and two of the other.
const WITHIN: usize = 3;
/// Squares of a block.
const SQUARES: usize = BLOCK_VECTORS / LANES;

/// The roots of the layers of one block, integers and quotients.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockRoots<'a>(&'a [u32; BLOCK_WORDS]);

const BLOCK_WORDS: usize = 2 * (BETWEEN + SQUARES * WITHIN * LANES);

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
        let (between, within) = table.split_at_mut(2 * BETWEEN);
        let (integers, quotients) = between.split_at_mut(BETWEEN);
        for i in 0..BETWEEN {
            // Root i + 1 of a binary tree.
            let log_roots = (i + 1).ilog2() as usize;
            let root = match log_roots {
                0..4 => roots[(block << log_roots) + i + 1 - (1 << log_roots)],
                _ => F::ONE,
            };
            [integers[i], quotients[i]] = integer_and_quotient(root);
        }
        let vectors = within.chunks_exact_mut(2 * LANES).enumerate();
        for (i, vectors) in vectors {
            let (square, i) = (i / WITHIN, i % WITHIN);
            for lane in 0..LANES {
                let group = (block * SQUARES + square) * LANES + lane;
                let root = roots[if i == 0 { group } else { 2 * group + i - 1 }];
                [vectors[lane], vectors[LANES + lane]] = integer_and_quotient(root);
            }
        }
    }
}

impl<'a> BlockRoots<'a> {
    /// Of block `number`.
    #[inline(always)]
    pub fn new(table: &'a [u32], number: usize) -> Self {
        let block = table[number * BLOCK_WORDS..].first_chunk();
        Self(block.expect("a whole table"))
    }

    /// The roots of the layers between vectors.
    #[inline(always)]
    pub fn between(&self) -> BetweenRoots {
        let (vectors, _) = self.0.as_chunks();
        BetweenRoots(array::from_fn(|i| Words::new(vectors[i])))
    }

    /// Root `i` of the layers within the vectors of a square.
    #[inline(always)]
    pub fn within(&self, square: usize, i: usize) -> Root {
        let (vectors, _) = self.0[2 * BETWEEN..].as_chunks();
        let first = 2 * (square * WITHIN + i);
        Root {
            integer: Words::new(vectors[first]),
            quotient: Words::new(vectors[first + 1]),
        }
    }
}

/// The roots of the layers between the vectors of a block, four to a vector: integers, then quotients.
#[derive(Clone, Copy, Debug)]
pub(super) struct BetweenRoots([Words; 2 * BETWEEN / LANES]);

impl BetweenRoots {
    /// Root `i`, in every lane.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Root {
        let of = |first: usize| self.0[first + i / LANES].broadcast(i % LANES);
        Root {
            integer: of(0),
            quotient: of(BETWEEN / LANES),
        }
    }
}

/// The roots of the layers of a block that one pass takes, four to a vector: one of the first layer, two of the
/// second and a one, four of the third and eight of the fourth.
#[derive(Clone, Copy, Debug)]
pub(super) struct PassRoots([Root; Self::VECTORS]);

impl PassRoots {
    /// Vectors of the roots of four layers.
    pub const VECTORS: usize = 4;

    /// What is the same for all roots of a layer, in the lanes of each.
    #[inline(always)]
    pub fn in_lanes(of: impl Fn(usize) -> F) -> [P; Self::VECTORS] {
        Self::lanes(|layer, _| of(layer))
    }

    /// Of block `number`, each times the factor in its lane.
    #[inline(always)]
    pub fn new<const WAYS: usize>(roots: &[F], number: usize, factors: [P; Self::VECTORS]) -> Self {
        let lanes = Self::lanes(|layer, i| {
            if 2 << layer <= WAYS {
                roots[(number << layer) + i]
            } else {
                F::ONE
            }
        });
        Self(array::from_fn(|i| Root::new(lanes[i] * factors[i])))
    }

    /// The lanes by layer, and by number in the layer.
    #[inline(always)]
    fn lanes(of: impl Fn(usize, usize) -> F) -> [P; Self::VECTORS] {
        let first = [of(0, 0), of(1, 0), of(1, 1), F::ONE];
        [
            P::from_fn(|i| first[i]),
            P::from_fn(|i| of(2, i)),
            P::from_fn(|i| of(3, i)),
            P::from_fn(|i| of(3, LANES + i)),
        ]
    }

    /// Root `i`, in every lane.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Root {
        let place = if i < 3 { i } else { i + 1 };
        self.0[place / LANES].broadcast_lane(place % LANES)
    }
}
