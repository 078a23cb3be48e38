//! The transcript's duplex sponge: observed elements go in, challenges come out.
//!
//! It equals Plonky3's `DuplexChallenger<F, Poseidon2, 16, 8>` step by step. Observed elements wait
//! until eight are there or a sample is asked for; then they overwrite the rate, zeros fill the
//! rest of it, their number is added to the first capacity lane, and the state is permuted. Samples
//! are the rate of the permuted state, last lane first, and a permutation renews them.
//!
//! Source: duplex sponges in overwrite mode (Bertoni et al., *Duplexing the sponge*, 2011), and the
//! length tag of Plonky3 0.8.0. Panics: when a number of bits reaches 31, and where
//! [`Challenger::grind`] says.

use core::array;

use p3_field::{PackedValue, PrimeCharacteristicRing, PrimeField32};

use super::permutation::{Packed, Poseidon2, RATE, WIDTH};
use crate::hash::suite::{Transcript, mask};
use crate::workspace::elements;
use crate::{Digest, F};

/// A duplex sponge over a permutation that outlives it.
#[derive(Clone, Debug)]
pub struct Challenger<'p> {
    permutation: &'p Poseidon2,
    state: [F; WIDTH],
    /// Observed elements that the state has not absorbed yet: `pending[..observed]`.
    pending: [F; RATE],
    /// Number of pending elements, below [`RATE`].
    observed: usize,
    /// Samples left: `state[..available]`, taken from its end. Zero while elements are pending.
    available: usize,
}

impl<'p> Challenger<'p> {
    /// A challenger that has observed nothing.
    pub const fn new(permutation: &'p Poseidon2) -> Self {
        Self {
            permutation,
            state: [F::ZERO; WIDTH],
            pending: [F::ZERO; RATE],
            observed: 0,
            available: 0,
        }
    }

    /// Observes a proof of work and draws its bits: the smallest element after which the next
    /// sample ends in `bits` zeros.
    ///
    /// It is what Plonky3's `grind` finds without the feature `parallel`; `permute` tries a packing of
    /// candidates at a time. No bits need no work: the result is zero, and nothing is
    /// observed.
    ///
    /// # Panics
    /// When `bits` is above [`MAX_SAMPLE_BITS`](crate::hash::suite::MAX_SAMPLE_BITS), or when no element of the
    /// field is a witness, which has a chance of about `exp(-2^(31 - bits))`.
    pub(super) fn grind<P: Packed + PackedValue<Value = F>>(
        &mut self,
        bits: usize,
        permute: impl Fn(&mut [P; WIDTH]),
    ) -> F {
        let mask = mask(bits);
        if bits == 0 {
            return F::ZERO;
        }
        // Candidates share all that is absorbed with them; their own lane is overwritten below.
        let base: [P; WIDTH] = self.absorbed(self.observed + 1).map(P::from);
        let mut candidates = P::from_fn(F::from_usize);
        for _ in 0..F::ORDER_U32.div_ceil(P::WIDTH as u32) {
            let mut state = base;
            state[self.observed % RATE] = candidates;
            permute(&mut state);
            let samples = state[RATE - 1].as_slice();
            if let Some(lane) = samples
                .iter()
                .position(|x| x.as_canonical_u32() & mask == 0)
            {
                let witness = candidates.as_slice()[lane];
                self.observe(witness);
                let zeros = self.sample_bits(bits);
                debug_assert_eq!(zeros, 0);
                return witness;
            }
            candidates += F::from_usize(P::WIDTH);
        }
        panic!("no proof of work of {bits} bits exists")
    }

    /// Absorbs what is pending, if anything, and permutes: all of the rate can be sampled.
    fn duplex(&mut self) {
        if self.observed > 0 {
            self.state = self.absorbed(self.observed);
            self.observed = 0;
        }
        self.permutation.permute(&mut self.state);
        self.available = RATE;
    }

    /// The state, before its permutation, once the first `count` of `pending` are absorbed.
    fn absorbed(&self, count: usize) -> [F; WIDTH] {
        array::from_fn(|i| match i {
            0..RATE if i < count => self.pending[i],
            0..RATE => F::ZERO,
            RATE => self.state[RATE] + F::from_usize(count),
            _ => self.state[i],
        })
    }
}

impl Transcript for Challenger<'_> {
    fn observe(&mut self, value: F) {
        self.available = 0;
        // Nothing wraps, here and where samples are taken, and no bound is checked.
        self.pending[self.observed % RATE] = value;
        self.observed += 1;
        if self.observed == RATE {
            self.duplex();
        }
    }

    fn observe_digest(&mut self, digest: &Digest) {
        self.observe_slice(elements(digest));
    }

    fn sample(&mut self) -> F {
        if self.available == 0 {
            self.duplex();
        }
        self.available -= 1;
        self.state[self.available % RATE]
    }

    fn sample_bits(&mut self, bits: usize) -> usize {
        self.sample().as_canonical_u32() as usize & mask(bits) as usize
    }

    fn check_witness(&mut self, bits: usize, witness: F) -> bool {
        if bits == 0 {
            return true;
        }
        self.observe(witness);
        self.sample_bits(bits) == 0
    }
}
