//! Two provers, one batch, turn by turn.
//!
//! Both run in this process and on this thread, with the same parameters. Timed of Plonky3: its
//! `prove_batch`, from row-major traces to the proof. Timed of the core: the same, and two things that
//! Plonky3 is spared: writing the traces into the workspace and encoding the proof. Each has its
//! preprocessed columns committed before. The core's workspace is the program's, in large pages where the system has
//! some; Plonky3's memory is what the allocator gives.

use std::convert::Infallible;

use p3_air::BaseAir;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_util::log2_strict_usize;
use tranche::workspace::Workspace;
use tranche_backend::Chosen;
use tranche_core::air::ProverAir;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::prover::BatchError;
use tranche_core::shape::Profile;
use tranche_core::verifier::VerifyingKey;
use tranche_core::{
    F, Hashes, Params, Plan, PlanError, Prover, Statement, Suite, TableSpec, TraceMut,
};
use tranche_machine::hash::{Hash, MachineSuite};

use crate::clock::{Laps, elapsed, median};
use crate::error::BenchError;
use crate::hashing::{HashClock, RacedSuite};
use crate::ledger::{Cost, Grinding, ledger};
use crate::plonky3::{Plonky3, Plonky3Air, Raced, grinding};

/// The parameters of both provers.
pub const PARAMS: Params = Params::BENCHMARK;

/// The steps of the core, as [`Report::phases`] counts them.
pub const PHASES: [&str; 8] = [
    "fill", "commit", "argue", "quotient", "evaluate", "reduce", "fold", "open",
];

/// One batch as both provers take it: AIRs for either, and one trace per table.
#[derive(Clone, Debug)]
pub struct Batch<C, P> {
    /// The AIRs as the core evaluates them.
    pub core_airs: Vec<C>,
    /// The same AIRs as Plonky3 evaluates them.
    pub plonky3_airs: Vec<P>,
    /// One trace per table, rows in natural order.
    pub traces: Vec<RowMajorMatrix<F>>,
    /// The public values of each table.
    pub publics: Vec<Vec<F>>,
    /// Whether each table is carved; matters under `CarvedConfig` only.
    pub carved: Vec<bool>,
    /// What seeds the transcript.
    pub statement: Option<Statement>,
}

/// What came of a race.
#[derive(Clone, Debug)]
pub struct Report {
    /// What both provers hashed with.
    pub suite: Hash,
    /// Seconds of the core: the median.
    pub core_seconds: f64,
    /// Seconds of Plonky3: the median.
    pub plonky3_seconds: f64,
    /// Seconds of Plonky3 with Poseidon2, in turns with the others: the median.
    pub poseidon2_seconds: f64,
    /// Seconds from a proof's bytes to the verdict of the core's key: the median.
    pub verify_seconds: f64,
    /// Seconds of Plonky3's verifier, its own proof being decoded: the median.
    pub plonky3_verify_seconds: f64,
    /// Processor seconds of each of [`PHASES`]: their medians. They, unlike elapsed time, hold on a
    /// busy machine.
    pub phases: [f64; PHASES.len()],
    /// Processor seconds of Plonky3: the median.
    pub plonky3_processor_seconds: f64,
    /// What each of [`PHASES`] computes and moves.
    pub costs: [Cost; PHASES.len()],
    /// Seconds of one packed hash, its lanes side by side: the median of a block after each proof.
    pub packed_hash_seconds: f64,
    /// States in a packed hash.
    pub lanes: usize,
    /// Bytes of the core's workspace, which holds the traces too.
    pub core_bytes: usize,
    /// The most bytes that Plonky3 held on the heap at once, and those of the traces it was given.
    pub plonky3_bytes: usize,
    /// Whether both proofs were the same bytes, every time.
    pub bytes_equal: bool,
}

impl Report {
    /// The core's time over Plonky3's.
    pub fn ratio(&self) -> f64 {
        self.core_seconds / self.plonky3_seconds
    }

    /// The core's time over Plonky3's with Poseidon2.
    pub fn ratio_to_poseidon2(&self) -> f64 {
        self.core_seconds / self.poseidon2_seconds
    }

    /// The hashes of the proof.
    pub fn hashes(&self) -> u64 {
        self.costs.iter().map(|cost| cost.hashes).sum()
    }

    /// Seconds that the proof's hashes alone would take, all lanes in use.
    pub fn hash_floor_seconds(&self) -> f64 {
        self.hashes() as f64 / self.lanes as f64 * self.packed_hash_seconds
    }

    /// The core's time over [`Report::hash_floor_seconds`].
    pub fn over_floor(&self) -> f64 {
        self.core_seconds / self.hash_floor_seconds()
    }

    /// Processor seconds of the core.
    pub fn core_processor_seconds(&self) -> f64 {
        self.phases.iter().sum()
    }
}

impl<A: Clone> Batch<A, A> {
    /// One table without public values, of an AIR that both provers take as it is.
    pub fn of_table(air: A, trace: RowMajorMatrix<F>) -> Self {
        Self::of_twins(air.clone(), air, trace)
    }
}

impl<C, P> Batch<C, P> {
    /// One table without public values, of an AIR that has one form for either prover.
    pub fn of_twins(core_air: C, plonky3_air: P, trace: RowMajorMatrix<F>) -> Self {
        Self {
            core_airs: vec![core_air],
            plonky3_airs: vec![plonky3_air],
            traces: vec![trace],
            publics: vec![vec![]],
            carved: vec![false],
            statement: None,
        }
    }

    /// Proves the batch `runs` times with either prover under `G`, and with Plonky3 under `B` where that is
    /// another suite, in turns; verifies each of Plonky3's proofs both ways.
    ///
    /// # Errors
    /// When either prover refuses the batch, or either verifier a proof.
    ///
    /// # Panics
    /// When `runs` is zero, or in debug builds when a trace breaks a constraint.
    pub fn race<G: Raced, B: Raced<Suite = Poseidon2>>(
        &self,
        runs: usize,
    ) -> Result<Report, BenchError>
    where
        Chosen: Hashes<G::Suite>,
        C: ProverAir<Chosen>,
        P: Plonky3Air<G> + Plonky3Air<B>,
    {
        let traces: Vec<_> = self.traces.iter().collect();
        let mut plonky3 = Plonky3::<P, G>::new(self, &traces)?;
        let mut poseidon2 = match G::Suite::HASH {
            Hash::Poseidon2 => None,
            Hash::Blake3 => Some(Plonky3::<P, B>::new(self, &traces)?),
        };
        let key = self.key::<G>()?;

        let suite = G::Suite::instance();
        let plan = self.plan::<G::Suite>(Profile::Fast)?;
        let mut workspace = Workspace::default();
        let buffer = workspace.reserve(plan.workspace_len())?;
        let mut prover = Prover::new(&plan, &self.core_airs, suite, buffer)?;
        prover.prepare_with(|table, trace| {
            tranche_core::Batch::fill_preprocessed(&self, table, trace)
        });

        let (mut core, mut bytes_equal) = (Laps::<{ PHASES.len() }>::default(), true);
        let (mut work, mut proof_bytes) = (Grinding::default(), 0);
        let mut hash = <G::Suite as RacedSuite>::Clock::default();
        let (mut hashes, mut verifications) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            let mut proof = Vec::new();
            core.start();
            self.prove_with_core(&mut prover, &mut proof, &mut core)?;
            core.stop();
            hashes.push(hash.seconds());

            let reference = plonky3.prove()?;
            plonky3.verify(&reference)?;
            work = grinding(&reference);
            let reference = postcard::to_allocvec(&reference).map_err(BenchError::plonky3)?;
            bytes_equal &= proof == reference;
            proof_bytes = proof.len() as u64;
            let (seconds, verified) =
                elapsed(|| key.verify(&reference, self.statement.as_ref(), &self.publics));
            verified?;
            verifications.push(seconds);
            if let Some(poseidon2) = &mut poseidon2 {
                poseidon2.prove()?;
            }
        }
        let plonky3_seconds = plonky3.laps.seconds();
        let [plonky3_processor_seconds] = plonky3.laps.processor_seconds();
        Ok(Report {
            suite: G::Suite::HASH,
            core_seconds: core.seconds(),
            plonky3_seconds,
            poseidon2_seconds: poseidon2.map_or(plonky3_seconds, |p| p.laps.seconds()),
            verify_seconds: median(&verifications),
            plonky3_verify_seconds: plonky3.verify_seconds(),
            phases: core.processor_seconds(),
            plonky3_processor_seconds,
            costs: ledger(&plan, &work, proof_bytes),
            packed_hash_seconds: median(&hashes),
            lanes: plan.lanes(),
            core_bytes: plan.workspace_len(),
            plonky3_bytes: plonky3.bytes,
            bytes_equal,
        })
    }

    /// The core's plan of the batch.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan<S: Suite>(&self, profile: Profile) -> Result<Plan<16, S>, PlanError>
    where
        C: ProverAir<Chosen>,
        P: BaseAir<F>,
    {
        let specs: Vec<_> = tranche_core::Batch::specs(&self).collect();
        Plan::of_suite::<Chosen, _>(&self.core_airs, &specs, PARAMS, profile)
    }

    /// What the core's verifier keeps of the batch.
    fn key<G: Raced>(&self) -> Result<VerifyingKey<P, G>, BenchError>
    where
        P: Plonky3Air<G>,
    {
        let heights = self.traces.iter().map(|trace| trace.height());
        let log_heights: Vec<_> = heights.map(log2_strict_usize).collect();
        let (airs, suite) = (self.plonky3_airs.clone(), G::Suite::instance().clone());
        Ok(VerifyingKey::new(
            airs,
            &log_heights,
            PARAMS,
            suite,
            &self.carved,
        )?)
    }

    /// Proves once, a lap for each of [`PHASES`].
    pub fn prove_with_core<S: MachineSuite>(
        &self,
        prover: &mut Prover<'_, Chosen, C, S>,
        proof: &mut Vec<u8>,
        laps: &mut Laps<{ PHASES.len() }>,
    ) -> Result<(), BatchError>
    where
        Chosen: Hashes<S>,
        C: ProverAir<Chosen>,
        P: BaseAir<F>,
    {
        let publics: Vec<&[F]> = self.publics.iter().map(Vec::as_slice).collect();
        let traces = prover.fill(&mut &*self)?;
        laps.lap(0);
        let committed = traces.commit(&publics)?;
        laps.lap(1);
        let argued = committed.argue();
        laps.lap(2);
        let quotients = argued.quotient();
        laps.lap(3);
        let evaluated = quotients.evaluate(proof).map_err(BatchError::Sink)?;
        laps.lap(4);
        let reduced = evaluated.reduce();
        laps.lap(5);
        let folded = reduced.fold();
        laps.lap(6);
        folded.open().map_err(BatchError::Sink)?;
        laps.lap(7);
        Ok(())
    }
}

impl<C, P: BaseAir<F>> tranche_core::Batch for &Batch<C, P> {
    type Air = C;
    type Error = Infallible;

    fn airs(&self) -> &[C] {
        &self.core_airs
    }

    fn specs(&self) -> impl Iterator<Item = TableSpec> {
        let tables = self.plonky3_airs.iter().zip(&self.traces).zip(&self.carved);
        tables.map(|((air, trace), &carved)| TableSpec {
            carved,
            ..TableSpec::of(air, log2_strict_usize(trace.height()) as u8)
        })
    }

    fn params(&self) -> Params {
        PARAMS
    }

    fn statement(&self) -> Option<Statement> {
        self.statement
    }

    fn public_values(&self) -> impl AsRef<[&[F]]> {
        self.publics.iter().map(Vec::as_slice).collect::<Vec<_>>()
    }

    fn fill_preprocessed(&self, table: usize, trace: &mut TraceMut<'_>) {
        if let Some(matrix) = self.plonky3_airs[table].preprocessed_trace() {
            trace.copy_from_rows(&matrix.values);
        }
    }

    fn fill(&mut self, table: usize, trace: &mut TraceMut<'_>) -> Result<(), Infallible> {
        trace.copy_from_rows(&self.traces[table].values);
        Ok(())
    }
}
