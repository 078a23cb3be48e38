//! The batches that are raced, by name.

use super::BenchError;
use super::airs::{Exclusive, Keccak, Lookups};
use super::race::{Batch, Report};

/// A batch under a name.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What `--case` calls it.
    pub name: &'static str,
    /// Races the provers so many times.
    pub race: fn(usize) -> Result<Report, BenchError>,
}

/// Every case, quickest first.
pub const CASES: [Case; 4] = [
    Case { name: "lookup-2^14x16", race: |runs| lookups(14, 16, runs) },
    Case { name: "exclusive-2^16x32", race: exclusive },
    Case { name: "keccak-2^12", race: keccak },
    Case { name: "lookup-2^18x32", race: |runs| lookups(18, 32, runs) },
];

fn lookups(log_height: usize, lookups: usize, runs: usize) -> Result<Report, BenchError> {
    let air = Lookups { lookups };
    let (core_airs, plonky3_airs) = (vec![air], vec![air]);
    Batch { core_airs, plonky3_airs, traces: vec![air.trace(log_height)] }.race(runs)
}

fn exclusive(runs: usize) -> Result<Report, BenchError> {
    let (core_airs, plonky3_airs) = (vec![Exclusive::<true>], vec![Exclusive::<false>]);
    Batch { core_airs, plonky3_airs, traces: vec![Exclusive::<true>::trace(16)] }.race(runs)
}

fn keccak(runs: usize) -> Result<Report, BenchError> {
    let (core_airs, plonky3_airs) = (vec![Keccak], vec![Keccak]);
    Batch { core_airs, plonky3_airs, traces: vec![Keccak::trace(12)] }.race(runs)
}
