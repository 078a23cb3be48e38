//! The C interface of tranche: a RISC-V program executed and proved, epoch by epoch, in one buffer
//! that the caller supplies. `tranche.h` beside this crate is generated from it.
//!
//! | module | role |
//! |---|---|
//! | [`raw`] | the exported functions and everything unsafe: pointers become slices, a buffer is cut up |
//! | [`plan`] | how many bytes a session takes, and which epoch a budget buys |
//! | [`session`] | a session in its buffer |
//! | [`error`] | error codes and their names |
//! | [`suite`] | the hash suites that this build has |
//! | [`types`] | what crosses the boundary |
//!
//! Nothing here is global, nothing is allocated, and sessions in different buffers are independent. No
//! panic crosses the boundary: with the feature `freestanding` a panic ends in the embedder's
//! `tranche_panic`; without it, for hosts and tests, it aborts the process.
#![no_std]

#[cfg(tranche_heap_probe)]
extern crate alloc;
#[cfg(not(feature = "freestanding"))]
extern crate std;

pub mod error;
pub mod plan;
pub mod raw;
pub mod session;
pub mod suite;
pub mod types;
