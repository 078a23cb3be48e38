//! The suites that a backend can hash with.

use super::blake3::hasher::Blake3Hasher;
use super::blake3::suite::Blake3;
use super::poseidon2::hasher::Poseidon2Hasher;
use super::poseidon2::permutation::Poseidon2;
use super::suite::{Hasher, Suite};
use super::{blake3, poseidon2};
use crate::backend::Backend;

/// A backend that has the kernels of suite `S`.
pub trait Hashes<S: Suite = Poseidon2>: Backend {
    /// An instance of the suite, made ready for this backend.
    type Hasher<'s>: Hasher<Self, Suite = S, Transcript = S::Transcript<'s>>;

    /// Makes of an instance what the backend needs.
    fn hasher(suite: &S) -> Self::Hasher<'_>;
}

impl<B: poseidon2::Kernels> Hashes<Poseidon2> for B {
    type Hasher<'s> = Poseidon2Hasher<'s, B>;

    fn hasher(suite: &Poseidon2) -> Poseidon2Hasher<'_, B> {
        Poseidon2Hasher::new(suite)
    }
}

impl<B: blake3::Kernels> Hashes<Blake3> for B {
    type Hasher<'s> = Blake3Hasher<B>;

    fn hasher(_suite: &Blake3) -> Blake3Hasher<B> {
        Blake3Hasher::new()
    }
}
