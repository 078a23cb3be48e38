//! What a proof hashes with.
//!
//! A [`Suite`] is the hash of leaves and nodes, and the transcript: what a digest is made of, and how a
//! challenge is drawn, is known here and in a suite's kernels alone. Its vector kernels are a trait of the
//! suite that backends implement beside [`crate::Backend`], from which [`Hashes`] follows.
//!
//! Digests are eight words wherever they are: in a layer word by word, so that side by side they are hashed
//! without gathering. States of rows that come some columns at a time lie like that too.

pub mod blake3;
pub(crate) mod builder;
mod hashes;
pub mod leaves;
pub mod paths;
pub mod poseidon2;
pub(crate) mod rebuild;
mod suite;
pub(crate) mod tree;

pub use hashes::Hashes;
pub use suite::{Hasher, MAX_SAMPLE_BITS, States, Suite, Transcript};
pub use tree::zero_node;
