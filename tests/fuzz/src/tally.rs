//! Outcomes, counted, and printed from time to time: how deep a fuzzer gets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts of outcomes by name.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<(u64, BTreeMap<String, u64>)>,
}

/// The first multiple of this many outcomes is printed, and every later one.
const PRINTED_EVERY: u64 = 1000;

impl Tally {
    /// Nothing counted.
    pub const fn new() -> Self {
        Self {
            counts: Mutex::new((0, BTreeMap::new())),
        }
    }

    /// Counts an outcome, and prints all counts at every thousandth.
    pub fn count(&self, outcome: String) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.0 += 1;
        *counts.1.entry(outcome).or_default() += 1;
        if counts.0.is_multiple_of(PRINTED_EVERY) {
            let list: Vec<String> = counts.1.iter().map(|(k, n)| format!("{k} {n}")).collect();
            eprintln!("outcomes of {}: {}", counts.0, list.join(", "));
        }
    }

    /// How often an outcome was counted.
    pub fn of(&self, outcome: &str) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.1.get(outcome).copied().unwrap_or(0)
    }
}
