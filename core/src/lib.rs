//! A STARK prover that uses no heap.
//!
//! One fixed-size batch of tables is proved at a time inside a buffer that the caller supplies, and
//! the proof is byte for byte the one that Plonky3 0.8.0's `prove_batch` makes for the same tables,
//! parameters and permutation (BabyBear, its degree-4 binomial extension, Poseidon2 of width 16).
#![no_std]

// Linked for the signatures of p3's traits; nothing here allocates.
extern crate alloc;

pub mod kernels;

pub mod backend;

pub mod hash;

pub mod portable;

pub mod air;

pub mod shape;

mod steps;

mod lowdegree;

pub mod plan;

mod engine;

pub mod prover;

pub mod security;
pub mod sink;
pub mod statement;
pub mod trace;
#[cfg(feature = "verifier")]
pub mod verifier;
pub mod workspace;

use p3_baby_bear::BabyBear;
use p3_field::extension::BinomialExtensionField;

pub use backend::{Backend, DefaultBackend, Hasher, ScalarBackend};
pub use plan::{Plan, PlanError};
pub use portable::PortableBackend;
pub use prover::Prover;
pub use shape::{Params, TableSpec};
pub use statement::{Identity, Statement};
pub use trace::TraceMut;

/// The base field.
pub type F = BabyBear;
/// The challenge field: `F[X] / (X^4 - 11)`.
pub type EF = BinomialExtensionField<BabyBear, 4>;
/// Coordinates of a challenge over the base field.
pub const D: usize = 4;
/// A Merkle digest: the rate half of a Poseidon2 state of width 16.
pub type Digest = [F; DIGEST];
/// Field elements in a digest.
pub const DIGEST: usize = 8;

/// The README's example is a test.
#[cfg(all(doctest, feature = "verifier"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
