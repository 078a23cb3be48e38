//! `tranche` proves a RISC-V execution in epochs, streams the proofs into a bundle, and verifies it.
//!
//! The command line is [`cli`]; each subcommand has a module of its own, with a function `run`.
#![forbid(unsafe_code)]

pub mod backend;
pub mod bench;
pub mod cli;
pub mod demo;
pub mod error;
pub mod plan;
pub mod prove;
pub mod run;
pub mod verify;
