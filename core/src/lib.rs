//! A STARK prover that uses no heap.
//!
//! One fixed-size batch of tables is proved at a time inside a buffer that the caller supplies, and
//! the proof is byte for byte the one that Plonky3 0.8.0's `prove_batch` makes for the same tables,
//! parameters and hash suite (BabyBear, its degree-4 binomial extension; Poseidon2 of width 16, or BLAKE3).
//!
//! ```text
//! AIRs, specs, Params ──► Plan ──workspace_len()──► buffer ──► Prover ──prove_batch──► sink
//!                          │                                     ▲
//!                          └─ security bits, regions, lengths    └─ traces, public values, statement
//! ```
//!
//! A [`Plan`] fixes everything before values are known, a [`Prover`] proves batch after batch of it in one
//! buffer, and a `verifier::VerifyingKey` (feature `verifier`, which allocates) checks them with
//! Plonky3's own verifier. An AIR is an ordinary [`p3_air::Air`]; [`air`] says what it may use on a device.
//!
//! Inside, a module uses only those above it:
//!
//! | module | what it is |
//! |---|---|
//! | [`kernels`] | transforms, folds, combinations over a packing of the field |
//! | [`backend`] | a packing, with the kernels that may be replaced; threads, if it has any |
//! | `divide` | work cut into pieces for these |
//! | [`hash`] | the hash suites: leaves, nodes, transcript; trees and their paths |
//! | [`portable`] | the backend over `wide` |
//! | [`air`] | AIRs without a heap: degrees, buses, rows, the debug check |
//! | [`shape`], [`security`] | what is known of a batch before its values; its proven bits |
//! | `steps` | the phases as arithmetic over slices, fast and compact side by side |
//! | `lowdegree` | FRI by itself |
//! | [`plan`] | the place of every region of the workspace, phase by phase |
//! | `engine` | each step on its regions |
//! | [`prover`] | Plonky3's order: transcript and bytes |
//! | [`retire`] | a run of many batches as one proof, each batch made and dropped |
//! | `verifier` | the unmodified verifier behind a plan; one of runs in forked order |
#![no_std]

// Linked for the signatures of p3's traits; nothing here allocates.
extern crate alloc;

// From the inside out: each uses those above it.
mod parts;
pub mod sink;
pub mod statement;
pub mod trace;
pub mod workspace;

pub mod kernels;

pub mod backend;

mod divide;

pub mod hash;

pub mod portable;

pub mod air;

pub mod shape;

pub mod security;

mod steps;

mod lowdegree;

pub mod plan;

mod engine;

pub mod prover;

pub mod retire;

#[cfg(feature = "verifier")]
pub mod verifier;

use p3_baby_bear::BabyBear;
use p3_field::extension::BinomialExtensionField;

pub use backend::{Backend, DefaultBackend, ScalarBackend};
pub use hash::{Hashes, Suite};
pub use plan::{Plan, PlanError};
pub use portable::PortableBackend;
pub use prover::{Batch, Prover};
pub use shape::{Params, TableSpec};
pub use statement::{Identity, Statement};
pub use trace::TraceMut;

/// The base field.
pub type F = BabyBear;
/// The challenge field: `F[X] / (X^4 - 11)`.
pub type EF = BinomialExtensionField<BabyBear, 4>;
/// Words in a digest.
pub const DIGEST: usize = 8;
/// A digest, in its hash suite's words.
pub type Digest = [u32; DIGEST];
/// Coordinates of a challenge over the base field.
pub const D: usize = 4;
/// The README's example is a test.
#[cfg(all(doctest, feature = "verifier"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;
