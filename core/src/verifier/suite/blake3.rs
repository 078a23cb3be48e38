//! BLAKE3 of rows and of pairs of digests, and a transcript of bytes.

use alloc::vec::Vec;

use p3_challenger::{CanObserve, HashChallenger, SerializingChallenger32};
use p3_merkle_tree::{MerkleTreeMmcs, PrunedMerklePaths};
use p3_symmetric::{CompressionFunctionFromHasher, SerializingHasher};

use super::plonky3::{Plonky3Suite, observe_roots};
use crate::hash::blake3::Blake3;
use crate::verifier::split_mmcs::Roots;
use crate::{DIGEST, Digest, F};

/// Bytes of a digest.
const BYTES: usize = DIGEST * size_of::<u32>();

/// Hashes a row into a digest.
type Hash = SerializingHasher<p3_blake3::Blake3>;
/// Compresses two digests into one.
type Compress = CompressionFunctionFromHasher<p3_blake3::Blake3, 2, BYTES>;
/// The Fiat-Shamir transcript.
type Challenger = SerializingChallenger32<F, HashChallenger<u8, p3_blake3::Blake3, BYTES>>;
/// One Merkle tree over matrices of different heights.
type Tree = MerkleTreeMmcs<F, u8, Hash, Compress, 2, BYTES>;

impl Plonky3Suite for Blake3 {
    type Digest = [u8; BYTES];
    type Tree = Tree;
    type Challenger = Challenger;

    fn tree(&self, cap_height: usize) -> Tree {
        let blake3 = p3_blake3::Blake3;
        Tree::new(Hash::new(blake3), Compress::new(blake3), cap_height)
    }

    fn challenger(&self) -> Challenger {
        Challenger::from_hasher(Vec::new(), p3_blake3::Blake3)
    }

    fn digest(words: &Digest) -> [u8; BYTES] {
        core::array::from_fn(|i| words[i / 4].to_le_bytes()[i % 4])
    }

    fn paths(sibling_hashes: Vec<[u8; BYTES]>) -> PrunedMerklePaths<u8, BYTES> {
        PrunedMerklePaths { sibling_hashes }
    }
}

impl<R> CanObserve<Roots<R>> for Challenger
where
    Self: CanObserve<R>,
{
    fn observe(&mut self, roots: Roots<R>) {
        observe_roots(self, roots);
    }
}
