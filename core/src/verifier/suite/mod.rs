//! The hash suites in Plonky3's types: trees, transcript, and what both are made of. The rest of the verifier
//! names a suite alone.

mod blake3;
mod plonky3;
mod poseidon2;

pub use plonky3::{Plonky3Suite, Root};
pub use poseidon2::{Challenger, Compress, Hash, Permutation, Tree, permutation};
