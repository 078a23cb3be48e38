//! The transcript: observed bytes go in, digests come out and are sampled from their ends.
//!
//! It equals Plonky3's `SerializingChallenger32<F, HashChallenger<u8, Blake3, 32>>` step by step. A message
//! grows with what is observed: an element is the four bytes of its stored word, little-endian, a digest is its
//! 32 bytes. A sample that finds no bytes left hashes the message; the digest is what can be sampled, last
//! byte first, and what the next message starts with. What is observed voids what could be sampled. An
//! element is four sampled bytes, little-endian, without the top bit, as often as it takes to be below p. A proof
//! of work first discards a byte, so that what the witness follows is a digest.
//!
//! Source: `hash_challenger.rs` and `serializing_challenger.rs` of p3-challenger 0.8.0. Panics: when a number of
//! bits reaches 31, and where [`Challenger::grind`] says.

use p3_field::{PackedValue, PrimeCharacteristicRing, PrimeField32};

use super::compression::{BLOCK_WORDS, Call, compress, initial};
use super::vector::Vector;
use crate::hash::suite::{Transcript, mask};
use crate::workspace::{words, words_mut};
use crate::{DIGEST, Digest, F};

/// Bytes of a word, and of a sample.
const WORD_BYTES: usize = size_of::<u32>();
/// Elements that are observed at a time: a block's.
const SLICE: usize = BLOCK_WORDS;

/// A message under way, and what is left of the digest of the last one.
#[derive(Clone, Debug)]
pub struct Challenger {
    /// The last digest, and what was observed after it.
    message: blake3::Hasher,
    /// The last digest.
    digest: [u8; blake3::OUT_LEN],
    /// Bytes of it that are left, taken from its end. Zero while something is observed.
    available: usize,
}

impl Default for Challenger {
    fn default() -> Self {
        Self::new()
    }
}

impl Challenger {
    /// A challenger that has observed nothing.
    pub fn new() -> Self {
        Self {
            message: blake3::Hasher::new(),
            digest: [0; blake3::OUT_LEN],
            available: 0,
        }
    }

    /// Observes a proof of work and draws its bits: the smallest element after which the next sample ends
    /// in `bits` zeros.
    ///
    /// It is what Plonky3's `grind` finds without the feature `parallel`; a packing `P` of candidates is tried
    /// at a time, in the lanes of `V`. No bits need no work: the result is zero, and nothing is observed.
    ///
    /// # Panics
    /// When `bits` is above [`MAX_SAMPLE_BITS`](crate::hash::suite::MAX_SAMPLE_BITS), or when no element of the
    /// field is a witness, which has a chance of about `exp(-2^(31 - bits))`.
    pub(super) fn grind<P, V: Vector>(&mut self, bits: usize) -> F
    where
        P: PackedValue<Value = F> + PrimeCharacteristicRing + From<F>,
    {
        let mask = mask(bits);
        if bits == 0 {
            return F::ZERO;
        }
        self.sample_byte();
        // What follows a digest and one element is a single block.
        let mut block = [V::splat(0); BLOCK_WORDS];
        for (word, bytes) in block.iter_mut().zip(self.digest.as_chunks().0) {
            *word = V::splat(u32::from_le_bytes(*bytes));
        }
        let call = Call::single((DIGEST + 1) * WORD_BYTES);
        let mut candidates = P::from_fn(F::from_usize);
        let step = P::from(F::from_usize(P::WIDTH));
        let mut samples = candidates;
        for _ in 0..F::ORDER_U32.div_ceil(P::WIDTH as u32) {
            block[DIGEST] = V::load(words(candidates.as_slice()));
            let mut cv = initial::<V>();
            compress(&mut cv, &block, call);
            let samples = words_mut(samples.as_slice_mut());
            cv[DIGEST - 1].store(samples);
            // The last four bytes, backwards.
            if let Some(lane) = samples.iter().position(|x| x.swap_bytes() & mask == 0) {
                let witness = candidates.as_slice()[lane];
                self.observe(witness);
                let zeros = self.sample_bits(bits);
                debug_assert_eq!(zeros, 0);
                return witness;
            }
            candidates += step;
        }
        panic!("no proof of work of {bits} bits exists")
    }

    fn observe_bytes(&mut self, bytes: &[u8]) {
        self.message.update(bytes);
        self.available = 0;
    }

    fn sample_byte(&mut self) -> u8 {
        if self.available == 0 {
            self.digest = self.message.finalize().into();
            self.message.reset();
            self.message.update(&self.digest);
            self.available = self.digest.len();
        }
        self.available -= 1;
        // Nothing wraps, and no bound is checked.
        self.digest[self.available % blake3::OUT_LEN]
    }

    fn sample_word(&mut self) -> u32 {
        u32::from_le_bytes(core::array::from_fn(|_| self.sample_byte()))
    }
}

impl Transcript for Challenger {
    fn observe(&mut self, value: F) {
        self.observe_bytes(&value.to_unique_u32().to_le_bytes());
    }

    fn observe_digest(&mut self, digest: &Digest) {
        let mut bytes = [[0; WORD_BYTES]; DIGEST];
        for (bytes, word) in bytes.iter_mut().zip(digest) {
            *bytes = word.to_le_bytes();
        }
        self.observe_bytes(bytes.as_flattened());
    }

    fn sample(&mut self) -> F {
        loop {
            let value = self.sample_word() & (u32::MAX >> 1);
            if value < F::ORDER_U32 {
                return F::from_u32(value);
            }
        }
    }

    fn sample_bits(&mut self, bits: usize) -> usize {
        let mask = mask(bits);
        (self.sample_word() & mask) as usize
    }

    fn check_witness(&mut self, bits: usize, witness: F) -> bool {
        if bits == 0 {
            return true;
        }
        self.sample_byte();
        self.observe(witness);
        self.sample_bits(bits) == 0
    }

    fn observe_slice(&mut self, values: &[F]) {
        for values in values.chunks(SLICE) {
            let mut bytes = [[0; WORD_BYTES]; SLICE];
            for (bytes, value) in bytes.iter_mut().zip(values) {
                *bytes = value.to_unique_u32().to_le_bytes();
            }
            self.observe_bytes(bytes[..values.len()].as_flattened());
        }
    }
}
