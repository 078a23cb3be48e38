//! Runs proved in epochs, end to end: honest ones are accepted, every forged bundle is refused for
//! the reason stated.
//!
//! Proofs here have few queries, so that hundreds of them fit a test; what refuses a forgery is an
//! argument, not a number of queries. `secure.rs` proves one run at the default's 100 bits.

mod bundles;
mod bytes;
mod caps;
mod checks;
mod forged;
mod forger;
mod frames;
mod frequent;
mod honest;
mod identity;
mod metered;
mod programs;
mod public;
mod secure;
mod shapes;
