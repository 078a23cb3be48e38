//! The batches that are raced, by name.

use tranche_core::verifier::PlainConfig;

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
    Batch::of_table(air, air.trace(log_height)).race::<PlainConfig>(runs)
}

fn exclusive(runs: usize) -> Result<Report, BenchError> {
    let trace = Exclusive::<true>::trace(16);
    Batch::of_twins(Exclusive::<true>, Exclusive::<false>, trace).race::<PlainConfig>(runs)
}

fn keccak(runs: usize) -> Result<Report, BenchError> {
    Batch::of_table(Keccak, Keccak::trace(12)).race::<PlainConfig>(runs)
}
