//! The suite of BLAKE3: leaves are hashes of rows, nodes of the two digests below, the transcript of all that
//! was observed; the suite for everything that is not verified inside another proof.
//!
//! A row's bytes are the stored words of its elements, little-endian, so that columns are hashed as they
//! lie: nothing is converted, and a lane is a row.

pub(super) mod challenger;
mod chunks;
mod compression;
pub(super) mod hasher;
pub(super) mod suite;
mod vector;

pub use challenger::Challenger;
pub use hasher::Blake3Hasher;
pub use suite::{Blake3, Kernels};
pub use vector::Vector;
