//! What a suite is: how rows and nodes are hashed, and how challenges are drawn.

use core::fmt::Debug;
use core::ops::Range;

use p3_field::BasedVectorSpace;

use super::leaves::Leaves;
use crate::backend::{Backend, ScalarBackend};
use crate::{Digest, EF, F};

/// A hash of leaves and nodes with a transcript; a value of it is one instance, such as its constants.
pub trait Suite: Clone + Debug + Send + Sync + 'static {
    /// The Fiat-Shamir transcript.
    type Transcript<'s>: Transcript;

    /// The name that programs print.
    const NAME: &'static str;

    /// Whole bits of a digest's collision resistance: half of its bits.
    const COLLISION_BITS: u32;

    /// Words of the state of a row of `width` elements that comes some columns at a time, at least
    /// [`DIGEST`](crate::DIGEST): what it ends as is in the first of them.
    fn state_words(width: usize) -> usize;

    /// Hash calls that a row of `width` elements takes: as many as compressions would cost as much.
    fn row_hashes(width: usize) -> usize;

    /// Whether some words, as many as there are in a few digests, can be some of the suite.
    fn are_digests(words: &[u32]) -> bool;
}

/// Hashes in the lanes of a backend. Numbers of rows are multiples of these.
pub trait Hasher<B: Backend>: Clone + Debug + Send + Sync {
    /// The suite.
    type Suite: Suite;
    /// Its transcript.
    type Transcript: Transcript;
    /// The same in one lane.
    type Scalar: Hasher<ScalarBackend, Transcript = Self::Transcript>;

    /// The same in one lane, for rows too few to pack.
    fn scalar(&self) -> Self::Scalar;

    /// A transcript that has observed nothing.
    fn transcript(&self) -> Self::Transcript;

    /// Hashes the rows of `matrices`, one matrix after the other in each, into a layer of digests.
    fn hash_rows<L: Leaves>(&self, matrices: impl Iterator<Item = L> + Clone, layer: &mut [u32]);

    /// Hashes the digests of `below` in pairs into `layer`, then those with the rows of `matrices` if
    /// there are any.
    fn compress<L: Leaves>(
        &self,
        below: &[u32],
        matrices: impl Iterator<Item = L> + Clone,
        layer: &mut [u32],
    );

    /// Starts states that have absorbed nothing.
    fn start(&self, states: &mut [u32]);

    /// Absorbs columns of `stride` elements, the first rows of each, into the states of the rows `to`.
    fn absorb(&self, states: &mut States<'_>, columns: &[F], stride: usize, to: Range<usize>);

    /// Ends states in place: the digest of a row is in the first words of its state.
    fn end(&self, states: &mut States<'_>);

    /// Ends states, and hashes each digest of `layer` with that of its row.
    fn inject(&self, states: &mut States<'_>, layer: &mut [u32]);

    /// Observes a proof of work and draws its bits: the smallest element after which the next sample
    /// ends in `bits` zeros. No bits need no work: the result is zero, and nothing is observed.
    ///
    /// # Panics
    /// When `bits` is above [`MAX_SAMPLE_BITS`], or when no element of the field is a witness, which has
    /// a chance of about `exp(-2^(31 - bits))`.
    fn grind(&self, transcript: &mut Self::Transcript, bits: usize) -> F;
}

/// States of rows that have all absorbed as many elements, word by word.
#[derive(Debug)]
pub struct States<'w> {
    /// [`Suite::state_words`] times [`Self::rows`] words.
    pub words: &'w mut [u32],
    /// Number of states.
    pub rows: usize,
    /// Elements that each absorbs in all.
    pub width: usize,
    /// Elements that each has absorbed before those under way.
    pub absorbed: usize,
}

/// Bits that a sample can give: `2^30` is the largest power of two below the field's order.
pub const MAX_SAMPLE_BITS: usize = 30;

/// `2^bits - 1`.
///
/// # Panics
/// When `bits` is above [`MAX_SAMPLE_BITS`].
pub(super) fn mask(bits: usize) -> u32 {
    assert!(
        bits <= MAX_SAMPLE_BITS,
        "the field has no {bits} uniform bits"
    );
    (1 << bits) - 1
}

/// A Fiat-Shamir transcript: observed elements and digests go in, challenges come out.
pub trait Transcript: Clone + Debug + Send + Sync {
    /// Observes one element; samples that were left are void.
    fn observe(&mut self, value: F);

    /// Observes a digest.
    fn observe_digest(&mut self, digest: &Digest);

    /// Draws one element.
    fn sample(&mut self) -> F;

    /// Draws an element and keeps its low `bits` bits.
    ///
    /// # Panics
    /// When `bits` is above [`MAX_SAMPLE_BITS`].
    fn sample_bits(&mut self, bits: usize) -> usize;

    /// Observes a proof of work as [`Hasher::grind`] does and draws its bits; returns whether they are zero. No
    /// bits need no work: nothing is observed.
    ///
    /// # Panics
    /// When `bits` is above [`MAX_SAMPLE_BITS`].
    fn check_witness(&mut self, bits: usize, witness: F) -> bool;

    /// Observes elements in order.
    fn observe_slice(&mut self, values: &[F]) {
        for &value in values {
            self.observe(value);
        }
    }

    /// Observes the coordinates of an extension element, constant term first.
    fn observe_ext(&mut self, value: EF) {
        self.observe_slice(value.as_basis_coefficients_slice());
    }

    /// Draws an extension element, constant term first.
    fn sample_ext(&mut self) -> EF {
        EF::from_basis_coefficients_fn(|_| self.sample())
    }
}
