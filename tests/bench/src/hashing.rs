//! What the core hashes with, alone: a packed hash of each suite, timed over states in the cache.

use std::hint::black_box;

use p3_field::{PackedFieldPow2, PackedValue};
use tranche_backend::Chosen;
use tranche_core::hash::Hasher;
use tranche_core::hash::blake3::{Blake3, Blake3Hasher};
use tranche_core::hash::leaves::Leaves;
use tranche_core::hash::poseidon2::{Poseidon2, Poseidon2Hasher, WIDTH};
use tranche_core::verifier::Configured;
use tranche_core::{Backend, DIGEST, F};
use tranche_machine::hash::MachineSuite;

use crate::airs::Random;
use crate::clock::processor;

type P = <Chosen as Backend>::P;

/// Packed states that are hashed one after the other.
pub const STATES: usize = 8;
/// Packed hashes of a block: about a millisecond.
pub const HASHES: usize = 1024;
/// Elements of a BLAKE3 block.
pub const BLOCK: usize = 16;

/// A suite that is raced: one that Plonky3 has too, with the core's own hash to be timed alone.
pub trait RacedSuite: MachineSuite + Configured {
    /// Times its hash.
    type Clock: HashClock;
}

/// Seconds of one packed hash of the core's backend, for states in the cache.
pub trait HashClock: Default {
    /// Times a block of hashes, none of which depends on another: the mean.
    fn seconds(&mut self) -> f64;
}

impl RacedSuite for Poseidon2 {
    type Clock = PermutationClock;
}

impl RacedSuite for Blake3 {
    type Clock = CompressionClock;
}

/// The permutation of Poseidon2.
#[derive(Debug)]
pub struct PermutationClock {
    hasher: Poseidon2Hasher<'static, Chosen>,
    /// Its states.
    pub states: [[P; WIDTH]; STATES],
}

impl Default for PermutationClock {
    fn default() -> Self {
        let mut random = Random::default();
        let states =
            std::array::from_fn(|_| std::array::from_fn(|_| P::from_fn(|_| random.element())));
        Self {
            hasher: Poseidon2Hasher::new(Poseidon2::instance()),
            states,
        }
    }
}

impl HashClock for PermutationClock {
    fn seconds(&mut self) -> f64 {
        let Self { hasher, states } = self;
        block(|| {
            let states = black_box(&mut *states).iter_mut();
            states.for_each(|state| hasher.permute(state));
        })
    }
}

/// The compression of BLAKE3: rows of one block, hashed as leaves are.
#[derive(Debug)]
pub struct CompressionClock {
    hasher: Blake3Hasher<Chosen>,
    /// The rows, column by column.
    pub columns: Vec<F>,
    /// Their digests, word by word.
    pub layer: Vec<u32>,
}

/// Rows of a [`CompressionClock`].
pub const ROWS: usize = STATES * P::WIDTH;

impl Default for CompressionClock {
    fn default() -> Self {
        let mut random = Random::default();
        Self {
            hasher: Blake3Hasher::new(),
            columns: (0..BLOCK * ROWS).map(|_| random.element()).collect(),
            layer: vec![0; DIGEST * ROWS],
        }
    }
}

impl HashClock for CompressionClock {
    fn seconds(&mut self) -> f64 {
        let Self {
            hasher,
            columns,
            layer,
        } = self;
        block(|| {
            let rows = std::iter::once(Blocks(black_box(&*columns)));
            Hasher::<Chosen>::hash_rows(hasher, rows, layer);
        })
    }
}

/// [`BLOCK`] columns of [`ROWS`] rows.
#[derive(Clone, Copy)]
struct Blocks<'a>(&'a [F]);

impl Leaves for Blocks<'_> {
    fn log_height(&self) -> usize {
        ROWS.ilog2() as usize
    }

    fn width(&self) -> usize {
        BLOCK
    }

    fn load<Q: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> Q {
        *Q::from_slice(&self.0[column * ROWS + row..][..Q::WIDTH])
    }
}

/// Seconds of one packed hash: the mean of a block, of which each call computes [`STATES`].
pub fn block(mut hash: impl FnMut()) -> f64 {
    let (seconds, ()) = processor(|| (0..HASHES / STATES).for_each(|_| hash()));
    seconds / HASHES as f64
}
