//! A whole run with one worker and with two, in many epochs and in one, which two share: how many cycles are proved in
//! a second.
//!
//! The guest is the built-in loop over a few memory cells; every run ends in the same bundle. Timed is
//! [`prove`](tranche::prove()): executor, epochs, merges, bundle.

use std::num::NonZeroUsize;

use tranche_machine::Program;
use tranche_machine::hash::Hash;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, Settings};
use tranche_machine::setup::Setup;

use crate::clock::{elapsed, median};
use crate::error::BenchError;
use tranche::prove::{Options, Proved};
use tranche::{execute, prove};

/// What the machine executes.
static GUEST: &[u8] = include_bytes!("../../../host-demo/guests/prebuilt/spin.elf");
/// Its input, a number of iterations of 13 cycles each; the report says how many epochs they are.
const INPUT: &[u8] = b"20000";

/// One run, timed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// What its proofs hashed with.
    pub suite: Hash,
    /// Threads that there were.
    pub workers: usize,
    /// Pieces of proofs that those with nothing else to do took from others.
    pub handed_over: usize,
    /// Elapsed seconds: the median.
    pub seconds: f64,
    /// Cycles proved.
    pub cycles: u64,
    /// Epochs they were cut into.
    pub epochs: u32,
}

impl Scaling {
    /// Cycles proved in a second.
    pub fn cycles_per_second(&self) -> f64 {
        self.cycles as f64 / self.seconds
    }
}

/// The input of a run that an epoch of `2^ONE_EPOCH` cycles holds.
const SHORT_INPUT: &[u8] = b"3500";
/// log2 of the cycles of that epoch.
const ONE_EPOCH: u8 = 16;

/// Proves a run in epochs of the default length, and a shorter one in a single epoch, `runs` times with one worker and
/// with two, in turns.
///
/// # Errors
/// When a proof is refused, or the bundles differ.
pub fn run(hash: Hash, runs: usize) -> Result<[[Scaling; 2]; 2], BenchError> {
    let settings = Settings {
        hash,
        ..Settings::default()
    };
    let one = Settings {
        log2_cycles: ONE_EPOCH,
        ..settings
    };
    Ok([
        run_with(INPUT, settings, runs)?,
        run_with(SHORT_INPUT, one, runs)?,
    ])
}

/// [`run`] with an input and settings of one's own.
///
/// # Errors
/// As [`run`].
pub fn run_with(input: &[u8], settings: Settings, runs: usize) -> Result<[Scaling; 2], BenchError> {
    let program = Program::parse(GUEST)?;
    let execution = execute(&program, input, u64::MAX)?;
    let setup = Setup::secure(&program, settings, SECURITY_FLOOR_BITS)?;
    let workers = [1, 2].map(|count| NonZeroUsize::new(count).expect("not zero"));
    let mut seconds = workers.map(|_| Vec::new());
    let (mut bundles, mut proved) = (workers.map(|_| Vec::new()), [Proved::default(); 2]);
    for _ in 0..runs {
        for (i, &workers) in workers.iter().enumerate() {
            let options = Options {
                workers,
                ..Options::default()
            };
            bundles[i].clear();
            let bundle = &mut bundles[i];
            let (taken, result) =
                elapsed(|| prove(&setup, input, &execution, &options, bundle, |_| {}));
            proved[i] = result?;
            seconds[i].push(taken);
        }
        if bundles[0] != bundles[1] {
            return Err(BenchError::Bundles);
        }
    }
    Ok(std::array::from_fn(|i| Scaling {
        suite: settings.hash,
        workers: workers[i].get(),
        handed_over: proved[i].handed_over,
        seconds: median(&seconds[i]),
        cycles: proved[i].cycles,
        epochs: proved[i].epochs,
    }))
}
