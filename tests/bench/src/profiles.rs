//! `Compact` against `Fast`, turn by turn, and the peak memory of Plonky3 beside them.
//!
//! Both profiles prove the same batch in this process and on this thread, each in a workspace of its
//! own. Least processor times are compared: they hold on a busy machine. Plonky3 proves once.

use serde_json::{Value, json};
use tranche::workspace::Workspace;
use tranche_backend::Chosen;
use tranche_core::air::ProverAir;
use tranche_core::hash::blake3::Blake3;
use tranche_core::shape::Profile;
use tranche_core::verifier::{CarvedConfig, PlainConfig};
use tranche_core::{Hashes, Prover};
use tranche_machine::Program;
use tranche_machine::hash::{Hash, MachineSuite};

use crate::airs::Lookups;
use crate::cases::machine_batch;
use crate::clock::Laps;
use crate::error::BenchError;
use crate::plonky3::{Plonky3, Plonky3Air, Raced};
use crate::print::{MIB, Table, equality, strings};
use crate::race::{Batch, PHASES};

/// The goals: bytes and time of `Compact` over those of `Fast`.
pub const GOALS: [f64; 2] = [0.30, 2.0];

/// A batch under a name.
struct Case {
    name: &'static str,
    compare: fn(Hash, usize) -> Result<Comparison, BenchError>,
}

/// The batches that the goals are about.
const CASES: [Case; 2] = [
    Case {
        name: "machine-2^16",
        compare: |hash, runs| {
            let program = Program::parse(crate::cases::GUEST)?;
            let batch = machine_batch(&program, 16, hash)?;
            match hash {
                Hash::Poseidon2 => batch.compare::<CarvedConfig>(runs),
                Hash::Blake3 => batch.compare::<CarvedConfig<Blake3>>(runs),
            }
        },
    },
    Case {
        name: "lookup-2^18x32",
        compare: |hash, runs| {
            let air = Lookups { lookups: 32 };
            let batch = Batch::of_table(air, air.trace(18));
            match hash {
                Hash::Poseidon2 => batch.compare::<PlainConfig>(runs),
                Hash::Blake3 => batch.compare::<PlainConfig<Blake3>>(runs),
            }
        },
    },
];

/// What one profile took.
#[derive(Clone, Debug, Default)]
struct Taken {
    /// Workspace bytes, traces included.
    bytes: usize,
    /// Processor seconds: the least.
    seconds: f64,
    /// Processor seconds of each phase: the least.
    phases: [f64; PHASES.len()],
}

/// What came of a comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What all proofs hashed with.
    suite: Hash,
    fast: Taken,
    compact: Taken,
    /// The most bytes that Plonky3 held at once, and its traces.
    plonky3_bytes: usize,
    /// Whether all proofs were the same bytes.
    pub bytes_equal: bool,
}

impl Comparison {
    /// Bytes and time of `Compact` over those of `Fast`.
    pub fn ratios(&self) -> [f64; 2] {
        let (fast, compact) = (&self.fast, &self.compact);
        let bytes = compact.bytes as f64 / fast.bytes as f64;
        [bytes, compact.seconds / fast.seconds]
    }
}

/// Compares the profiles on every case, with each of the suites.
///
/// # Errors
/// When a prover refuses a batch.
pub fn run(suites: &[Hash], runs: usize) -> Result<Vec<(&'static str, Comparison)>, BenchError> {
    let cases = CASES
        .iter()
        .flat_map(|case| suites.iter().map(move |&hash| (case, hash)));
    let compare = |(case, hash): (&Case, Hash)| Ok((case.name, (case.compare)(hash, runs)?));
    cases.map(compare).collect()
}

/// A comparison as a JSON object.
pub fn object(name: &str, report: &Comparison) -> Value {
    let [bytes_ratio, time_ratio] = report.ratios();
    json!({
        "name": name,
        "suite": report.suite.name(),
        "fast_bytes": report.fast.bytes,
        "compact_bytes": report.compact.bytes,
        "bytes_ratio": bytes_ratio,
        "fast_seconds": report.fast.seconds,
        "compact_seconds": report.compact.seconds,
        "time_ratio": time_ratio,
        "plonky3_bytes": report.plonky3_bytes,
        "bytes_equal": report.bytes_equal,
    })
}

/// All comparisons.
pub fn table(reports: &[(&str, Comparison)]) -> Table {
    let row = |(name, report): &(&str, Comparison)| {
        let [bytes, time] = report.ratios();
        vec![
            (*name).to_owned(),
            report.suite.name().to_owned(),
            format!("{:.1}", report.fast.bytes as f64 / MIB),
            format!("{:.1}", report.compact.bytes as f64 / MIB),
            format!("{bytes:.3}"),
            format!("{:.3}", report.fast.seconds),
            format!("{:.3}", report.compact.seconds),
            format!("{time:.2}"),
            format!("{:.1}", report.plonky3_bytes as f64 / MIB),
            equality(report.bytes_equal),
        ]
    };
    let [bytes, time] = GOALS;
    Table {
        title: format!(
            "Compact over fast, least processor seconds (goals: {bytes:.2} of the bytes, {time:.1} \
             times the time)"
        ),
        heading: strings([
            "case",
            "suite",
            "fast MiB",
            "compact MiB",
            "ratio",
            "fast s",
            "compact s",
            "ratio",
            "plonky3 MiB",
            "bytes",
        ]),
        rows: reports.iter().map(row).collect(),
    }
}

/// The phases of both profiles, case after case.
pub fn phase_table(reports: &[(&str, Comparison)]) -> Table {
    let rows = reports.iter().flat_map(|(name, report)| {
        let profiles = [("fast", &report.fast), ("compact", &report.compact)];
        profiles.map(|(profile, taken)| {
            let phases = taken.phases.map(|seconds| format!("{seconds:.4}"));
            let name = format!("{name} {} {profile}", report.suite.name());
            std::iter::once(name).chain(phases).collect::<Vec<_>>()
        })
    });
    let heading = std::iter::once("case").chain(PHASES);
    Table {
        title: "Profiles by phase, least processor seconds".into(),
        heading: heading.map(str::to_owned).collect(),
        rows: rows.collect(),
    }
}

impl<C, P> Batch<C, P> {
    /// Proves the batch `runs` times in either profile, in turns, and once with Plonky3.
    ///
    /// # Errors
    /// What a prover or the verifier refuses.
    pub fn compare<G: Raced>(&self, runs: usize) -> Result<Comparison, BenchError>
    where
        Chosen: Hashes<G::Suite>,
        C: ProverAir<Chosen>,
        P: Plonky3Air<G>,
    {
        let traces: Vec<_> = self.traces.iter().collect();
        let mut plonky3 = Plonky3::<P, G>::new(self, &traces)?;
        let reference = postcard::to_allocvec(&plonky3.prove()?).map_err(BenchError::plonky3)?;
        let plan = |profile| self.plan::<G::Suite>(profile);
        let plans = [plan(Profile::Fast)?, plan(Profile::Compact)?];
        let mut workspaces = [Workspace::default(), Workspace::default()];
        let mut provers = Vec::new();
        for (plan, workspace) in plans.iter().zip(&mut workspaces) {
            let buffer = workspace.reserve(plan.workspace_len())?;
            let mut prover = Prover::new(plan, &self.core_airs, G::Suite::instance(), buffer)?;
            prover.prepare_with(|table, trace| {
                tranche_core::Batch::fill_preprocessed(&self, table, trace);
            });
            provers.push(prover);
        }
        let mut laps = [Laps::<{ PHASES.len() }>::default(), Laps::default()];
        let mut bytes_equal = true;
        for _ in 0..runs {
            for (prover, laps) in provers.iter_mut().zip(&mut laps) {
                let mut proof = Vec::new();
                laps.start();
                self.prove_with_core(prover, &mut proof, laps)?;
                laps.stop();
                bytes_equal &= proof == reference;
            }
        }
        let taken = |i: usize| Taken {
            bytes: plans[i].workspace_len(),
            seconds: laps[i].least_processor_seconds(),
            phases: laps[i].least_of_each(),
        };
        Ok(Comparison {
            suite: G::Suite::HASH,
            fast: taken(0),
            compact: taken(1),
            plonky3_bytes: plonky3.bytes,
            bytes_equal,
        })
    }
}
