//! The batches that are raced, by name.

use tranche_backend::Chosen;
use tranche_core::air::ProverAir;
use tranche_core::hash::blake3::Blake3;
use tranche_core::verifier::{CarvedConfig, PlainConfig};
use tranche_machine::hash::Hash;
use tranche_machine::settings::Settings;
use tranche_machine::{EpochTable, Program};

use crate::airs::{Exclusive, Keccak, Lookups};
use crate::error::BenchError;
use crate::plonky3::Plonky3Air;
use crate::race::{Batch, PARAMS, Report};
use tranche::epoch::epoch_batch;

/// What the machine executes: SHA-256 of its input.
pub static GUEST: &[u8] = include_bytes!("../../../host-demo/guests/prebuilt/sha256.elf");

/// Bytes of its input: enough for several epochs.
const INPUT_BYTES: usize = 1 << 12;

/// The epoch that is proved: an early one would read its input for the most part.
const EPOCH: u32 = 4;

/// A batch under a name.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What `--case` calls it.
    pub name: &'static str,
    /// Races the provers with a suite so many times.
    pub race: fn(Hash, usize) -> Result<Report, BenchError>,
}

/// Every case, quickest first.
pub const CASES: [Case; 5] = [
    Case {
        name: "lookup-2^14x16",
        race: |hash, runs| lookups(14, 16, hash, runs),
    },
    Case {
        name: "exclusive-2^16x32",
        race: exclusive,
    },
    Case {
        name: "keccak-2^12",
        race: keccak,
    },
    Case {
        name: "machine-2^14",
        race: machine,
    },
    Case {
        name: "lookup-2^18x32",
        race: |hash, runs| lookups(18, 32, hash, runs),
    },
];

fn lookups(
    log_height: usize,
    lookups: usize,
    hash: Hash,
    runs: usize,
) -> Result<Report, BenchError> {
    let air = Lookups { lookups };
    plain(&Batch::of_table(air, air.trace(log_height)), hash, runs)
}

fn exclusive(hash: Hash, runs: usize) -> Result<Report, BenchError> {
    let trace = Exclusive::<true>::trace(16);
    let batch = Batch::of_twins(Exclusive::<true>, Exclusive::<false>, trace);
    plain(&batch, hash, runs)
}

fn keccak(hash: Hash, runs: usize) -> Result<Report, BenchError> {
    plain(&Batch::of_table(Keccak, Keccak::trace(12)), hash, runs)
}

/// One epoch of 2^14 cycles, with L2G carved and its statement bound.
fn machine(hash: Hash, runs: usize) -> Result<Report, BenchError> {
    let program = Program::parse(GUEST)?;
    let batch = machine_batch(&program, 14, hash)?;
    match hash {
        Hash::Poseidon2 => batch.race::<CarvedConfig, CarvedConfig>(runs),
        Hash::Blake3 => batch.race::<CarvedConfig<Blake3>, CarvedConfig>(runs),
    }
}

/// Races with one tree a round.
fn plain<C: ProverAir<Chosen>, P>(
    batch: &Batch<C, P>,
    hash: Hash,
    runs: usize,
) -> Result<Report, BenchError>
where
    P: Plonky3Air<PlainConfig> + Plonky3Air<PlainConfig<Blake3>>,
{
    match hash {
        Hash::Poseidon2 => batch.race::<PlainConfig, PlainConfig>(runs),
        Hash::Blake3 => batch.race::<PlainConfig<Blake3>, PlainConfig>(runs),
    }
}

/// One epoch of 2^`log2_cycles` cycles, of the plan of a suite.
///
/// # Errors
/// When the program cannot be executed so far.
pub fn machine_batch<'a>(
    program: &'a Program<'a>,
    log2_cycles: u8,
    hash: Hash,
) -> Result<Batch<EpochTable<'a>, EpochTable<'a>>, BenchError> {
    let settings = Settings {
        log2_cycles,
        params: PARAMS,
        hash,
        ..Settings::default()
    };
    // Longer epochs take a longer input to come as far.
    let input = vec![0x5a; INPUT_BYTES << log2_cycles.saturating_sub(14)];
    let epoch = epoch_batch(program, &input, settings, EPOCH)?;
    Ok(Batch {
        core_airs: epoch.airs.to_vec(),
        plonky3_airs: epoch.airs.to_vec(),
        traces: epoch.traces,
        publics: epoch.publics.to_vec(),
        carved: epoch.specs.iter().map(|spec| spec.carved).collect(),
        statement: Some(epoch.statement),
    })
}
