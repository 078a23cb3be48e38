//! `tranche` proves a RISC-V execution in epochs, streams the proofs into a bundle, and verifies
//! it.
//!
//! | module | role |
//! |---|---|
//! | [`epoch`], [`merge`] | the two kinds of proof, as batches |
//! | [`execute`](mod@execute) | execution without proof |
//! | [`observe`] | markers, traces and profiles of it |
//! | [`cost`] | what proving it would commit to |
//! | [`mix`] | heights of tables by a run's own mix of instructions |
//! | [`prove`](mod@prove) | executor, workers, merges: an execution into a bundle |
//! | [`retire`] | the other way: a whole run as one proof |
//! | [`verify`](mod@verify) | a program and a bundle into the statement that it proves |
//! | [`bundle`] | the format of bundles |
//! | [`hex`] | bytes and digests as text |
//! | [`kit`] | projects of guests, and their build |
//! | [`cli`], [`commands`], [`answer`], [`table`] | the command line |
//! | [`files`], [`signals`], [`system`] | what it reads and writes, how it is ended, what the system tells |
#![forbid(unsafe_code)]

pub mod answer;
pub mod bundle;
pub mod cli;
pub mod commands;
pub mod cost;
pub mod epoch;
pub mod error;
pub mod execute;
pub mod files;
pub mod hex;
pub mod kit;
pub mod merge;
pub mod mix;
pub mod observe;
pub mod padding;
pub mod prove;
pub mod retire;
pub mod signals;
pub mod suite;
pub mod system;
pub mod table;
pub mod verify;
pub mod visits;
pub mod workspace;

pub use execute::execute;
pub use prove::prove;
pub use verify::verify;

/// The Rust of `docs/embedding.md` compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
pub struct Embedding;
