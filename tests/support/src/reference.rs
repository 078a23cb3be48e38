//! The unmodified Plonky3 prover behind our types: what the core's bytes are compared with.

use p3_air::{Air, DebugConstraintBuilder};
use p3_batch_stark::folder::ProverConstraintFolderWithLookups;
use p3_batch_stark::{ProverData, StarkInstance, prove_batch};
use p3_commit::Pcs;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_util::log2_strict_usize;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{
    CarvedConfig, Carving, Configuration, Configured, KeyError, PlainConfig, Plonky3Suite, Root,
    VerifierAir, VerifyError, VerifyingKey,
};
use tranche_core::{EF, F, Params, Statement};

/// Hash suites that Plonky3 can prove with.
pub trait ReferenceSuite: Configured<Plain: ProverConfig, Carved: ProverConfig> {}

impl<S: Configured<Plain: ProverConfig, Carved: ProverConfig>> ReferenceSuite for S {}

/// Configurations that Plonky3 can prove under.
pub trait ProverConfig:
    Configuration<
    Pcs: Sync
             + Pcs<
        EF,
        <<Self as Configuration>::Suite as Plonky3Suite>::Challenger,
        ProverData: Sync,
        Commitment: Sync,
        ProverError: Send,
    >,
>
{
}

impl<C> ProverConfig for C where
    C: Configuration<
        Pcs: Sync
                 + Pcs<
            EF,
            <<C as Configuration>::Suite as Plonky3Suite>::Challenger,
            ProverData: Sync,
            Commitment: Sync,
            ProverError: Send,
        >,
    >
{
}

/// AIRs that Plonky3 can prove and verify: every `Air` over `InteractionBuilder` is one.
pub trait ReferenceAir<S: Configured = Poseidon2>:
    Clone
    + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
    + ProverAir<PlainConfig<S>>
    + ProverAir<CarvedConfig<S>>
{
}

impl<A, S: Configured> ReferenceAir<S> for A where
    A: Clone
        + for<'a> Air<DebugConstraintBuilder<'a, F, EF>>
        + ProverAir<PlainConfig<S>>
        + ProverAir<CarvedConfig<S>>
{
}

/// AIRs that Plonky3 can prove and verify under `C`.
pub trait ProverAir<C: Configuration>:
    VerifierAir<C> + for<'a> Air<ProverConstraintFolderWithLookups<'a, C>>
{
}

impl<A, C: Configuration> ProverAir<C> for A where
    A: VerifierAir<C> + for<'a> Air<ProverConstraintFolderWithLookups<'a, C>>
{
}

/// Tables with their traces, and all else that decides the bytes of their proof.
#[derive(Clone, Debug)]
pub struct Batch<A, S = Poseidon2> {
    /// One AIR per table.
    pub airs: Vec<A>,
    /// One trace per table, rows in natural order.
    pub traces: Vec<RowMajorMatrix<F>>,
    /// The public values of each table.
    pub publics: Vec<Vec<F>>,
    /// One flag per table. With none set the batch is plain, else its main round is split.
    pub carved: Vec<bool>,
    /// FRI parameters and grinding.
    pub params: Params,
    /// What seeds the transcript.
    pub statement: Option<Statement>,
    /// The hash suite.
    pub suite: S,
}

impl<A, S> Batch<A, S> {
    /// The same with another hash suite.
    pub fn with_suite<T>(self, suite: T) -> Batch<A, T> {
        Batch {
            airs: self.airs,
            traces: self.traces,
            publics: self.publics,
            carved: self.carved,
            params: self.params,
            statement: self.statement,
            suite,
        }
    }
}

impl<A: ReferenceAir<S>, S: ReferenceSuite> Batch<A, S> {
    /// log2 of the tables' heights.
    pub fn log_heights(&self) -> Vec<usize> {
        self.traces
            .iter()
            .map(|trace| log2_strict_usize(trace.height()))
            .collect()
    }

    /// Whether any table is carved.
    pub fn is_carved(&self) -> bool {
        self.carved.contains(&true)
    }

    /// The postcard encoding of the proof that Plonky3's `prove_batch` makes.
    ///
    /// # Panics
    /// When a trace breaks a constraint (debug builds), or the parameters do not fit the tables.
    pub fn prove(&self) -> Vec<u8> {
        if self.is_carved() {
            self.prove_under::<CarvedConfig<S>>()
        } else {
            self.prove_under::<PlainConfig<S>>()
        }
    }

    /// Checks the bytes of a proof about these tables and public values; the roots of the carved
    /// tables.
    ///
    /// # Errors
    /// When the proof is refused.
    pub fn verify(&self, bytes: &[u8]) -> Result<Vec<Root<S>>, VerifyError> {
        if self.is_carved() {
            self.verify_under::<CarvedConfig<S>>(bytes)
        } else {
            self.verify_under::<PlainConfig<S>>(bytes)
        }
    }

    /// The verifying key of these tables at these heights.
    ///
    /// # Errors
    /// When Plonky3 cannot verify such a plan.
    pub fn key<C: Configuration<Suite = S>>(&self) -> Result<VerifyingKey<A, C>, KeyError>
    where
        A: VerifierAir<C>,
    {
        VerifyingKey::new(
            self.airs.clone(),
            &self.log_heights(),
            self.params,
            self.suite.clone(),
            &self.carved,
        )
    }

    fn verify_under<C: Configuration<Suite = S>>(
        &self,
        bytes: &[u8],
    ) -> Result<Vec<Root<S>>, VerifyError>
    where
        A: VerifierAir<C>,
    {
        let key = self.key::<C>().expect("a batch that was proved has a key");
        key.verify(bytes, self.statement.as_ref(), &self.publics)
    }

    fn prove_under<C: ProverConfig + Configuration<Suite = S>>(&self) -> Vec<u8>
    where
        A: ProverAir<C>,
    {
        let widths = self.traces.iter().map(Matrix::width).collect();
        let carving = Carving::new(widths, &self.carved);
        let config = C::new(&self.params, &self.suite, &carving, self.statement.as_ref());
        let traces: Vec<_> = self.traces.iter().collect();
        let instances = StarkInstance::<C, A>::new_multiple(&self.airs, &traces, &self.publics);
        let data = ProverData::from_instances(&config, &instances)
            .expect("preprocessed columns that can be committed");
        let proof = prove_batch(&config, &instances, &data).expect("tables that can be proved");
        postcard::to_allocvec(&proof).expect("a proof is always encodable")
    }
}
