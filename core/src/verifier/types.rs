//! The hash suite in Plonky3's types: trees, transcript, and what both are made of. The rest of the verifier
//! names these alone.
//!
//! Poseidon2 of width 16 in a padding-free sponge (rate 8), a truncated 2-to-1 compression and a duplex
//! challenger.

use alloc::vec;
use alloc::vec::Vec;

use p3_baby_bear::{BabyBear, Poseidon2BabyBear};
use p3_challenger::DuplexChallenger;
use p3_field::Field;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_poseidon2::ExternalLayerConstants;
use p3_symmetric::{MerkleCap, PaddingFreeSponge, TruncatedPermutation};

use crate::DIGEST;
use crate::Digest;
use crate::F;
use crate::hash::poseidon2::Poseidon2;
use crate::workspace::elements;

/// Poseidon2 over BabyBear, width 16, as Plonky3 computes it.
pub type Permutation = Poseidon2BabyBear<16>;
/// Hashes a row into a digest.
pub type Hash = PaddingFreeSponge<Permutation, 16, 8, 8>;
/// Compresses two digests into one.
pub type Compress = TruncatedPermutation<Permutation, 2, 8, 16>;
/// The Fiat-Shamir transcript.
pub type Challenger = DuplexChallenger<F, Permutation, 16, 8>;
/// One Merkle tree over matrices of different heights.
pub type Tree =
    MerkleTreeMmcs<<F as Field>::Packing, <F as Field>::Packing, Hash, Compress, 2, DIGEST>;
/// What is published of a [`Tree`]: its root, or the 2^cap_height digests of a layer.
pub type Root = MerkleCap<BabyBear, [BabyBear; DIGEST]>;

/// Plonky3's permutation with the constants of ours.
pub fn permutation(poseidon2: &Poseidon2) -> Permutation {
    Permutation::new(
        ExternalLayerConstants::new(poseidon2.initial.to_vec(), poseidon2.terminal.to_vec()),
        Vec::from(poseidon2.internal),
    )
}

/// Trees whose caps have `2^cap_height` digests.
pub(super) fn tree(poseidon2: &Poseidon2, cap_height: usize) -> Tree {
    let permutation = permutation(poseidon2);
    Tree::new(
        Hash::new(permutation.clone()),
        Compress::new(permutation),
        cap_height,
    )
}

/// A transcript that has observed nothing.
pub(super) fn challenger(poseidon2: &Poseidon2) -> Challenger {
    Challenger::new(permutation(poseidon2))
}

/// The cap of `2^cap_height` digests that are all `digest`.
pub fn uniform_cap(digest: &Digest, cap_height: usize) -> Root {
    let digest: [F; DIGEST] = core::array::from_fn(|i| elements(digest)[i]);
    Root::new(vec![digest; 1 << cap_height])
}
