//! The suite of Poseidon2: a sponge without padding, a truncated permutation, a duplex challenger, all of
//! width 16; the suite to verify inside another proof.

pub(super) mod challenger;
pub(super) mod hasher;
pub(super) mod permutation;
mod suite;

pub use challenger::Challenger;
pub use hasher::Poseidon2Hasher;
pub use permutation::{
    HALF_EXTERNAL_ROUNDS, INTERNAL_ROUNDS, Kernels, Packed, Permute, Poseidon2, RATE, Sponge, WIDTH,
};
