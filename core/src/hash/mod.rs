//! What a proof hashes with: leaves, nodes and transcript.

pub mod challenger;
pub(crate) mod merkle;
pub mod paths;
pub mod poseidon2;
pub(crate) mod rebuild;
pub(crate) mod sponge;
