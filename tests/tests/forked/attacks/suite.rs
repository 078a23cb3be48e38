//! The digests of each hash suite, as attacks change them.

use p3_commit::Mmcs;
use p3_field::PrimeCharacteristicRing;
use p3_merkle_tree::PrunedMerklePaths;
use tranche_core::F;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::Plonky3Suite;
use tranche_machine::hash::MachineSuite;
use tranche_test_support::retire::NaiveSuite;

/// The paths of the rows that are opened of one round.
pub type Paths<S> = <<S as Plonky3Suite>::Tree as Mmcs<F>>::MultiProof;

/// Suites whose digests are altered.
pub trait AlteredSuite: NaiveSuite + MachineSuite {
    /// Makes another digest of one.
    fn alter(digest: &mut Self::Digest);

    /// The digests of paths.
    fn siblings(paths: &mut Paths<Self>) -> &mut Vec<Self::Digest>;
}

impl AlteredSuite for Poseidon2 {
    fn alter(digest: &mut [F; 8]) {
        digest[3] += F::ONE;
    }

    fn siblings(paths: &mut PrunedMerklePaths<F, 8>) -> &mut Vec<[F; 8]> {
        &mut paths.sibling_hashes
    }
}

impl AlteredSuite for Blake3 {
    fn alter(digest: &mut [u8; 32]) {
        digest[13] ^= 0x10;
    }

    fn siblings(paths: &mut PrunedMerklePaths<u8, 32>) -> &mut Vec<[u8; 32]> {
        &mut paths.sibling_hashes
    }
}

/// A test in each suite of each of these functions, which are generic over it.
macro_rules! in_both_suites {
    ($($test:ident),* $(,)?) => {
        $(mod $test {
            #[test]
            fn poseidon2() {
                super::$test::<tranche_core::hash::poseidon2::Poseidon2>();
            }

            #[test]
            fn blake3() {
                super::$test::<tranche_core::hash::blake3::Blake3>();
            }
        })*
    };
}
pub(crate) use in_both_suites;
