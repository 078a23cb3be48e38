//! Two provers, one batch, turn by turn.
//!
//! Both run in this process and on this thread, with the same parameters. Timed of Plonky3: its
//! `prove_batch`, from row-major traces to the proof. Timed of the core: the same, and two things that
//! Plonky3 is spared: writing the traces into the workspace and encoding the proof. Each has its
//! preprocessed columns committed before.

use std::convert::Infallible;
use std::mem::MaybeUninit;

use p3_air::{Air, BaseAir, DebugConstraintBuilder};
use p3_batch_stark::folder::ProverConstraintFolderWithLookups;
use p3_batch_stark::{ProverData, StarkInstance, prove_batch};
use p3_commit::{Mmcs, Pcs};
use p3_field::{Field, PrimeField32};
use p3_fri::FriProof;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_util::log2_strict_usize;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAllocTrait};
use tranche_backend::Chosen;
use tranche_core::air::ProverAir;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::prover::BatchError;
use tranche_core::shape::Profile;
use tranche_core::verifier::{Carving, Challenger, Configuration, VerifierAir};
use tranche_core::{EF, F, Params, Plan, Prover, Statement, TableSpec, TraceMut};

use crate::clock::{Laps, median};
use crate::error::BenchError;
use crate::kernels::PermutationClock;
use crate::ledger::{Cost, Grinding, ledger};

/// The parameters of both provers.
pub const PARAMS: Params = Params::BENCHMARK;

/// The steps of the core, as [`Report::phases`] counts them.
pub const PHASES: [&str; 8] = [
    "fill", "commit", "argue", "quotient", "evaluate", "reduce", "fold", "open",
];

/// AIRs that Plonky3 can prove under `G`.
pub trait Plonky3Air<G: Configuration<Suite = Poseidon2>>:
    Clone
    + VerifierAir<G>
    + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
    + for<'a> Air<ProverConstraintFolderWithLookups<'a, G>>
{
}

impl<A, G: Configuration<Suite = Poseidon2>> Plonky3Air<G> for A where
    A: Clone
        + VerifierAir<G>
        + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
        + for<'a> Air<ProverConstraintFolderWithLookups<'a, G>>
{
}

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
    /// Seconds of the core: the median.
    pub core_seconds: f64,
    /// Seconds of Plonky3: the median.
    pub plonky3_seconds: f64,
    /// Processor seconds of each of [`PHASES`]: their medians. They, unlike elapsed time, hold on a
    /// busy machine.
    pub phases: [f64; PHASES.len()],
    /// Processor seconds of Plonky3: the median.
    pub plonky3_processor_seconds: f64,
    /// What each of [`PHASES`] computes and moves.
    pub costs: [Cost; PHASES.len()],
    /// Seconds of one packed permutation, its lanes side by side: the median of a block after each
    /// proof.
    pub packed_permutation_seconds: f64,
    /// States in a packed permutation.
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

    /// The permutations of the proof.
    pub fn permutations(&self) -> u64 {
        self.costs.iter().map(|cost| cost.permutations).sum()
    }

    /// Seconds that the proof's permutations alone would take, all lanes in use.
    pub fn hash_floor_seconds(&self) -> f64 {
        self.permutations() as f64 / self.lanes as f64 * self.packed_permutation_seconds
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

    /// Proves the batch `runs` times with either prover, in turns.
    ///
    /// # Errors
    /// When either prover refuses the batch.
    ///
    /// # Panics
    /// When `runs` is zero, or in debug builds when a trace breaks a constraint.
    pub fn race<G: Configuration<Suite = Poseidon2>>(
        &self,
        runs: usize,
    ) -> Result<Report, BenchError>
    where
        C: ProverAir<Chosen>,
        P: Plonky3Air<G>,
        G::Pcs: Sync
            + Pcs<
                EF,
                Challenger,
                Proof: OpeningWork,
                ProverData: Sync,
                Commitment: Sync,
                ProverError: Send,
            >,
    {
        let poseidon2 = Poseidon2::BABY_BEAR;
        let widths = self.traces.iter().map(Matrix::width).collect();
        let carving = Carving::new(widths, &self.carved);
        let config =
            <G as Configuration>::new(&PARAMS, &poseidon2, &carving, self.statement.as_ref());
        let traces: Vec<_> = self.traces.iter().collect();
        let instances = StarkInstance::new_multiple(&self.plonky3_airs, &traces, &self.publics);
        let data = ProverData::from_instances(&config, &instances).map_err(BenchError::plonky3)?;
        let trace_bytes: usize = traces
            .iter()
            .map(|t| size_of_val(t.values.as_slice()))
            .sum();

        let plan = Plan::<16>::of::<Chosen, _>(&self, Profile::Fast)?;
        let mut workspace = vec![MaybeUninit::uninit(); plan.workspace_len()];
        let mut prover = Prover::new(&plan, &self.core_airs, &poseidon2, &mut workspace)?;
        prover.prepare_with(|table, trace| {
            tranche_core::Batch::fill_preprocessed(&self, table, trace)
        });

        let (mut core, mut plonky3) = (Laps::<{ PHASES.len() }>::new(), Laps::<1>::new());
        let (mut plonky3_bytes, mut bytes_equal) = (0, true);
        let (mut grinding, mut proof_bytes) = (Grinding::default(), 0);
        let (mut permutation, mut permutations) = (PermutationClock::new(), Vec::new());
        for _ in 0..runs {
            let mut proof = Vec::new();
            core.start();
            self.prove_with_core(&mut prover, &mut proof, &mut core)?;
            core.stop();
            permutations.push(permutation.seconds());

            INSTRUMENTED_SYSTEM.reset_peak_memory();
            plonky3.start();
            let reference = prove_batch(&config, &instances, &data).map_err(BenchError::plonky3)?;
            plonky3.lap(0);
            plonky3.stop();
            let peak = INSTRUMENTED_SYSTEM.get_peak_memory();
            plonky3_bytes = plonky3_bytes.max(trace_bytes + peak);
            let work = |bits: u8, witness: Option<F>| witness.map_or(0, |w| searched(bits, w));
            let opening = reference.opening_proof.work(&PARAMS);
            grinding = Grinding {
                lookup: work(PARAMS.lookup_pow_bits, reference.lookup_pow_witness),
                out_of_domain: work(PARAMS.ood_pow_bits, Some(reference.ood_pow_witness)),
                ..opening
            };
            let reference = postcard::to_allocvec(&reference).map_err(BenchError::plonky3)?;
            bytes_equal &= proof == reference;
            proof_bytes = proof.len() as u64;
        }
        let [plonky3_processor_seconds] = plonky3.processor_seconds();
        Ok(Report {
            core_seconds: core.seconds(),
            plonky3_seconds: plonky3.seconds(),
            phases: core.processor_seconds(),
            plonky3_processor_seconds,
            costs: ledger(&plan, &grinding, proof_bytes),
            packed_permutation_seconds: median(&permutations),
            lanes: plan.lanes(),
            core_bytes: plan.workspace_len(),
            plonky3_bytes,
            bytes_equal,
        })
    }

    /// Proves once, a lap for each of [`PHASES`].
    pub fn prove_with_core(
        &self,
        prover: &mut Prover<'_, Chosen, C>,
        proof: &mut Vec<u8>,
        laps: &mut Laps<{ PHASES.len() }>,
    ) -> Result<(), BatchError>
    where
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

/// The permutations of the proofs of work inside an opening proof.
pub trait OpeningWork {
    /// Those of [`Grinding::batch`] and [`Grinding::fri`]; the others are zero.
    fn work(&self, params: &Params) -> Grinding;
}

impl<E: Field, M: Mmcs<E>, I> OpeningWork for FriProof<E, M, F, I> {
    fn work(&self, params: &Params) -> Grinding {
        let commit = self.commit_pow_witnesses.iter();
        let commit: u64 = commit.map(|&w| searched(params.commit_pow_bits, w)).sum();
        Grinding {
            batch: searched(params.batch_pow_bits, self.batch_pow_witness),
            fri: commit + searched(params.query_pow_bits, self.query_pow_witness),
            ..Grinding::default()
        }
    }
}

/// Candidates that a search tries which starts at zero and ends at its witness; none for no bits.
fn searched(bits: u8, witness: F) -> u64 {
    if bits == 0 {
        0
    } else {
        u64::from(witness.as_canonical_u32()) + 1
    }
}

#[cfg(test)]
mod tests {
    use p3_air::WindowAccess;
    use p3_lookup::{Count, InteractionBuilder};
    use tranche_core::verifier::PlainConfig;

    use super::*;
    use crate::airs::{Exclusive, Lookups};

    #[test]
    fn small_races_end_in_equal_bytes() {
        let air = Lookups { lookups: 3 };
        let lookups = Batch::of_table(air, air.trace(6));
        assert!(lookups.race::<PlainConfig>(1).unwrap().bytes_equal);
        let trace = Exclusive::<true>::trace(6);
        let exclusive = Batch::of_twins(Exclusive::<true>, Exclusive::<false>, trace);
        assert!(exclusive.race::<PlainConfig>(1).unwrap().bytes_equal);
    }

    /// One lookup as [`Lookups`] declares it, but provided first.
    #[derive(Clone)]
    struct ProvidedFirst;

    impl BaseAir<F> for ProvidedFirst {
        fn width(&self) -> usize {
            2
        }
    }

    impl<AB: InteractionBuilder<F = F>> Air<AB> for ProvidedFirst {
        fn eval(&self, builder: &mut AB) {
            let main = builder.main();
            let [key, selector]: [AB::Expr; 2] =
                std::array::from_fn(|column| main.current_slice()[column].into());
            let provided = -Count::provided(selector.clone());
            builder.push_interaction("shared", [key.clone()], provided);
            builder.push_interaction("shared", [key], Count::bounded(selector, 1));
        }
    }

    #[test]
    fn other_messages_end_in_other_bytes() {
        let air = Lookups { lookups: 1 };
        let control = Batch::of_twins(ProvidedFirst, ProvidedFirst, air.trace(6));
        assert!(control.race::<PlainConfig>(1).unwrap().bytes_equal);
        let unlike = Batch::of_twins(air, ProvidedFirst, air.trace(6));
        assert!(!unlike.race::<PlainConfig>(1).unwrap().bytes_equal);
    }
}
