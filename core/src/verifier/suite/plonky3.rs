//! What a suite is in Plonky3's types.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Debug;

use p3_challenger::{CanObserve, FieldChallenger, GrindingChallenger};
use p3_commit::Mmcs;
use p3_field::PrimeCharacteristicRing;
use p3_merkle_tree::MerkleTreeError;
use p3_symmetric::MerkleCap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash::Suite;
use crate::hash::poseidon2::Poseidon2;
use crate::verifier::split_mmcs::Roots;
use crate::{Digest, F};

/// A hash suite that Plonky3 has too.
pub trait Plonky3Suite: Suite + Sync {
    /// A digest.
    type Digest: Copy + Debug + Eq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// One Merkle tree over matrices of different heights.
    type Tree: Mmcs<F, Commitment = Root<Self>, MultiProof: Sync, Error = MerkleTreeError>
        + Debug
        + Send
        + Sync;
    /// The Fiat-Shamir transcript.
    type Challenger: FieldChallenger<F>
        + GrindingChallenger<Witness = F>
        + CanObserve<Root<Self>>
        + CanObserve<Roots<Root<Self>>>
        + Clone;

    /// Trees whose caps have `2^cap_height` digests.
    fn tree(&self, cap_height: usize) -> Self::Tree;

    /// A transcript that has observed nothing.
    fn challenger(&self) -> Self::Challenger;

    /// The digest that is stored in these words.
    fn digest(words: &Digest) -> Self::Digest;

    /// Pruned Merkle paths of these siblings.
    fn paths(siblings: Vec<Self::Digest>) -> <Self::Tree as Mmcs<F>>::MultiProof;

    /// The cap of `2^cap_height` digests that are all `digest`.
    fn uniform_cap(digest: &Digest, cap_height: usize) -> Root<Self> {
        Root::<Self>::new(vec![Self::digest(digest); 1 << cap_height])
    }
}

/// What is published of a tree: its root, or the `2^cap_height` digests of a layer.
pub type Root<S = Poseidon2> = MerkleCap<F, <S as Plonky3Suite>::Digest>;

/// A commitment of several roots: their number, then each in order.
pub(super) fn observe_roots<R, C: CanObserve<F> + CanObserve<R>>(
    challenger: &mut C,
    roots: Roots<R>,
) {
    challenger.observe(F::from_usize(roots.0.len()));
    roots
        .0
        .into_iter()
        .for_each(|root| challenger.observe(root));
}
