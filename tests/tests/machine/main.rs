//! The machine: executor against an oracle, traces against Plonky3's checkers, witnesses with one
//! element changed.

mod columns;
mod errors;
mod extensions;
mod files;
mod guests;
mod instances;
mod messages;
mod output;
mod pages;
mod proofs;
mod public;
mod qemu;
mod random;
mod rom;

use tranche_test_support::machine::{asm, audit, oracle};
