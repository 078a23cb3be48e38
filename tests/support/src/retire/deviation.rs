//! How an attack departs from the specification.

use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::Plonky3Suite;
use tranche_core::{EF, F};

use super::round::Round;

/// How a prover departs from the specification; by default it does not.
#[derive(Clone, Debug)]
pub struct Deviation<S: Plonky3Suite = Poseidon2> {
    /// The order in which the main line absorbs the main roots.
    pub root_order: Option<Vec<usize>>,
    /// The number that each fork absorbs as its own.
    pub fork_numbers: Option<Vec<usize>>,
    /// The LogUp challenges are drawn before the last main root is absorbed.
    pub early_challenges: bool,
    /// Buses are numbered batch by batch.
    pub buses_per_batch: bool,
    /// The row at which every table breaks its constraints; the quotients are rational functions then.
    pub broken_row: Option<usize>,
    /// A slope that is added to the last column of the first table, as if it were not a constant of one row.
    pub slope: Option<F>,
    /// What becomes of every batch's rounds before their claims are absorbed.
    pub claims: fn(&mut [Round<S>]),
    /// What becomes of the coefficients that were drawn.
    pub coefficients: fn(Vec<EF>) -> Vec<EF>,
    /// Batching witnesses in place of the smallest.
    pub batch_witnesses: Option<Vec<F>>,
}

impl<S: Plonky3Suite> Default for Deviation<S> {
    fn default() -> Self {
        Self {
            root_order: None,
            fork_numbers: None,
            early_challenges: false,
            buses_per_batch: false,
            broken_row: None,
            slope: None,
            claims: |_| {},
            coefficients: |drawn| drawn,
            batch_witnesses: None,
        }
    }
}
