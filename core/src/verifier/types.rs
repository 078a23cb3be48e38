//! What trees and transcripts are made of, in Plonky3's types.

use p3_baby_bear::{BabyBear, Poseidon2BabyBear};
use p3_challenger::DuplexChallenger;
use p3_field::Field;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::{MerkleCap, PaddingFreeSponge, TruncatedPermutation};

use crate::{DIGEST, F};

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
