//! Poseidon2 of width 16 in a padding-free sponge (rate 8), a truncated 2-to-1 compression and a duplex
//! challenger.

use alloc::vec::Vec;

use p3_baby_bear::Poseidon2BabyBear;
use p3_challenger::{CanObserve, DuplexChallenger};
use p3_field::Field;
use p3_merkle_tree::{MerkleTreeMmcs, PrunedMerklePaths};
use p3_poseidon2::ExternalLayerConstants;
use p3_symmetric::{PaddingFreeSponge, TruncatedPermutation};

use super::plonky3::{Plonky3Suite, observe_roots};
use crate::hash::poseidon2::Poseidon2;
use crate::verifier::split_mmcs::Roots;
use crate::workspace::elements;
use crate::{DIGEST, Digest, F};

/// Poseidon2 over BabyBear, width 16, as Plonky3 computes it.
pub type Permutation = Poseidon2BabyBear<16>;
/// Hashes a row into a digest.
pub type Hash = PaddingFreeSponge<Permutation, 16, 8, 8>;
/// Compresses two digests into one.
pub type Compress = TruncatedPermutation<Permutation, 2, 8, 16>;
/// The Fiat-Shamir transcript of Poseidon2.
pub type Challenger = DuplexChallenger<F, Permutation, 16, 8>;
/// One Merkle tree of Poseidon2 over matrices of different heights.
pub type Tree =
    MerkleTreeMmcs<<F as Field>::Packing, <F as Field>::Packing, Hash, Compress, 2, DIGEST>;

/// Plonky3's permutation with the constants of ours.
pub fn permutation(poseidon2: &Poseidon2) -> Permutation {
    Permutation::new(
        ExternalLayerConstants::new(poseidon2.initial.to_vec(), poseidon2.terminal.to_vec()),
        Vec::from(poseidon2.internal),
    )
}

impl Plonky3Suite for Poseidon2 {
    type Digest = [F; DIGEST];
    type Tree = Tree;
    type Challenger = Challenger;

    fn tree(&self, cap_height: usize) -> Tree {
        let permutation = permutation(self);
        Tree::new(
            Hash::new(permutation.clone()),
            Compress::new(permutation),
            cap_height,
        )
    }

    fn challenger(&self) -> Challenger {
        Challenger::new(permutation(self))
    }

    fn digest(words: &Digest) -> [F; DIGEST] {
        core::array::from_fn(|i| elements(words)[i])
    }

    fn paths(sibling_hashes: Vec<[F; DIGEST]>) -> PrunedMerklePaths<F, DIGEST> {
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
