//! Plonky3's side of a race: its unmodified prover and verifier over one batch, in one configuration.

use p3_air::{Air, DebugConstraintBuilder};
use p3_batch_stark::folder::ProverConstraintFolderWithLookups;
use p3_batch_stark::{BatchProof, ProverData, StarkInstance, prove_batch, verify_batch};
use p3_commit::{Mmcs, Pcs};
use p3_field::{Field, PrimeField32};
use p3_fri::FriProof;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use peakmem_alloc::{INSTRUMENTED_SYSTEM, PeakMemAllocTrait};
use tranche_core::verifier::{Carving, Configuration, Plonky3Suite, VerifierAir};
use tranche_core::{EF, F, Params};
use tranche_machine::hash::MachineSuite;

use crate::clock::{Laps, elapsed, median};
use crate::error::BenchError;
use crate::hashing::RacedSuite;
use crate::ledger::Grinding;
use crate::race::{Batch, PARAMS};

/// Configurations that Plonky3 proves under, and whose proofs of work can be counted.
pub trait Raced:
    Configuration<
        Suite: RacedSuite,
        Pcs: Sync
                 + Pcs<
            EF,
            <<Self as Configuration>::Suite as Plonky3Suite>::Challenger,
            Proof: OpeningWork,
            ProverData: Sync,
            Commitment: Sync,
            ProverError: Send,
        >,
    >
{
}

impl<G> Raced for G where
    G: Configuration<
            Suite: RacedSuite,
            Pcs: Sync
                     + Pcs<
                EF,
                <<G as Configuration>::Suite as Plonky3Suite>::Challenger,
                Proof: OpeningWork,
                ProverData: Sync,
                Commitment: Sync,
                ProverError: Send,
            >,
        >
{
}

/// AIRs that Plonky3 can prove under `G`.
pub trait Plonky3Air<G: Raced>:
    Clone
    + VerifierAir<G>
    + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
    + for<'a> Air<ProverConstraintFolderWithLookups<'a, G>>
{
}

impl<A, G: Raced> Plonky3Air<G> for A where
    A: Clone
        + VerifierAir<G>
        + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
        + for<'a> Air<ProverConstraintFolderWithLookups<'a, G>>
{
}

/// Plonky3 with a batch, its preprocessed columns committed.
pub struct Plonky3<'b, P, G: Raced> {
    airs: &'b [P],
    publics: &'b [Vec<F>],
    config: G,
    instances: Vec<StarkInstance<'b, G, P>>,
    data: ProverData<G>,
    trace_bytes: usize,
    /// The most bytes that it held on the heap at once, and those of the traces it was given.
    pub bytes: usize,
    /// Its proofs.
    pub laps: Laps<1>,
    verifications: Vec<f64>,
}

impl<'b, P: Plonky3Air<G>, G: Raced> Plonky3<'b, P, G> {
    /// Takes a batch, whose `traces` are listed by the caller.
    ///
    /// # Errors
    /// When Plonky3 refuses it.
    pub fn new<C>(
        batch: &'b Batch<C, P>,
        traces: &'b [&'b RowMajorMatrix<F>],
    ) -> Result<Self, BenchError> {
        let widths = traces.iter().map(|trace| trace.width()).collect();
        let carving = Carving::new(widths, &batch.carved);
        let suite = G::Suite::instance();
        let config = <G as Configuration>::new(&PARAMS, suite, &carving, batch.statement.as_ref());
        let airs = &batch.plonky3_airs;
        let instances = StarkInstance::new_multiple(airs, traces, &batch.publics);
        let data = ProverData::from_instances(&config, &instances).map_err(BenchError::plonky3)?;
        let bytes = traces.iter().map(|t| size_of_val(t.values.as_slice()));
        Ok(Self {
            airs,
            publics: &batch.publics,
            config,
            instances,
            data,
            trace_bytes: bytes.sum(),
            bytes: 0,
            laps: Laps::default(),
            verifications: Vec::new(),
        })
    }

    /// Proves once, timed.
    ///
    /// # Errors
    /// When Plonky3 refuses the batch.
    ///
    /// # Panics
    /// In debug builds when a trace breaks a constraint.
    pub fn prove(&mut self) -> Result<BatchProof<G>, BenchError> {
        INSTRUMENTED_SYSTEM.reset_peak_memory();
        self.laps.start();
        let proof = prove_batch(&self.config, &self.instances, &self.data);
        let proof = proof.map_err(BenchError::plonky3)?;
        self.laps.lap(0);
        self.laps.stop();
        let peak = INSTRUMENTED_SYSTEM.get_peak_memory();
        self.bytes = self.bytes.max(self.trace_bytes + peak);
        Ok(proof)
    }

    /// Verifies a proof once, timed.
    ///
    /// # Errors
    /// When Plonky3 refuses it.
    pub fn verify(&mut self, proof: &BatchProof<G>) -> Result<(), BenchError> {
        let common = &self.data.common;
        let (seconds, verified) =
            elapsed(|| verify_batch(&self.config, self.airs, proof, self.publics, common));
        self.verifications.push(seconds);
        verified.map_err(BenchError::plonky3)
    }

    /// Seconds of a verification: the median.
    pub fn verify_seconds(&self) -> f64 {
        median(&self.verifications)
    }
}

/// The hashes that the proofs of work of a proof took.
pub fn grinding<G: Raced>(proof: &BatchProof<G>) -> Grinding {
    let work = |bits: u8, witness: Option<F>| witness.map_or(0, |w| searched(bits, w));
    Grinding {
        lookup: work(PARAMS.lookup_pow_bits, proof.lookup_pow_witness),
        out_of_domain: work(PARAMS.ood_pow_bits, Some(proof.ood_pow_witness)),
        ..proof.opening_proof.work(&PARAMS)
    }
}

/// The hashes of the proofs of work inside an opening proof.
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
