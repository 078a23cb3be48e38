//! The merge under Plonky3's own prover and verifier: honest merges of one and two levels, and every
//! forgery of the global memory argument.
//!
//! A forgery is made three times: against the real tables, where an audit names the constraint or bus
//! that fails and the verifier refuses the proof for that reason; against tables with that one
//! constraint taken out, where proof and verifier accept it, so the constraint is what refuses it; and
//! its honest control is accepted.

mod attacks;
mod honest;

use tranche_test_support::merge::{audit, batch, mutant};
