//! The core's prover on the batches of this crate.

use core::convert::Infallible;
use core::mem::MaybeUninit;

use p3_matrix::dense::RowMajorMatrix;
use tranche_core::air::ProverAir;
use tranche_core::shape::Profile;
use tranche_core::{F, Hashes, Params, Plan, PlanError, Prover, Statement, TableSpec, TraceMut};

use crate::reference::{Batch, ReferenceAir, ReferenceSuite};

/// Tables that the plans of the tests have room for.
pub const MAX_TABLES: usize = 24;

/// Both profiles.
pub const PROFILES: [Profile; 2] = [Profile::Fast, Profile::Compact];

/// A buffer of `len` bytes with nothing in it.
pub fn buffer(len: usize) -> Vec<MaybeUninit<u8>> {
    vec![MaybeUninit::uninit(); len]
}

/// Writes a row-major matrix into a trace.
pub fn fill(matrix: &RowMajorMatrix<F>, mut trace: TraceMut<'_>) {
    trace.copy_from_rows(&matrix.values);
}

impl<A: ReferenceAir<S>, S: ReferenceSuite> tranche_core::Batch for &Batch<A, S> {
    type Air = A;
    type Error = Infallible;

    fn airs(&self) -> &[A] {
        &self.airs
    }

    fn specs(&self) -> impl Iterator<Item = TableSpec> {
        Batch::specs(self).into_iter()
    }

    fn params(&self) -> Params {
        self.params
    }

    fn statement(&self) -> Option<Statement> {
        self.statement
    }

    fn public_values(&self) -> impl AsRef<[&[F]]> {
        self.publics.iter().map(Vec::as_slice).collect::<Vec<_>>()
    }

    fn fill_preprocessed(&self, table: usize, trace: &mut TraceMut<'_>) {
        let matrix = self.airs[table].preprocessed_trace();
        trace.copy_from_rows(&matrix.expect("preprocessed columns").values);
    }

    fn fill(&mut self, table: usize, trace: &mut TraceMut<'_>) -> Result<(), Infallible> {
        trace.copy_from_rows(&self.traces[table].values);
        Ok(())
    }
}

impl<A: ReferenceAir<S>, S: ReferenceSuite> Batch<A, S> {
    /// What the core's plan wants to know of each table.
    pub fn specs(&self) -> Vec<TableSpec> {
        let tables = self.airs.iter().zip(self.log_heights()).zip(&self.carved);
        tables
            .map(|((air, log_height), &carved)| TableSpec {
                carved,
                ..TableSpec::of(air, log_height as u8)
            })
            .collect()
    }

    /// The core's plan of this batch, in the `Fast` profile.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan<B: Hashes<S>>(&self) -> Result<Plan<MAX_TABLES, S>, PlanError>
    where
        A: ProverAir<B>,
    {
        self.plan_in::<B>(Profile::Fast)
    }

    /// The core's plan of this batch in a profile.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_in<B: Hashes<S>>(&self, profile: Profile) -> Result<Plan<MAX_TABLES, S>, PlanError>
    where
        A: ProverAir<B>,
    {
        let plan = Plan::of_suite::<B, _>(&self.airs, &self.specs(), self.params, profile)?;
        plan.check_next_rows(&self.airs)?;
        Ok(plan)
    }

    /// A prover of this batch in `buffer`, its preprocessed traces committed.
    ///
    /// # Panics
    /// When the core refuses the buffer.
    pub fn prover<'a, B: Hashes<S>>(
        &'a self,
        plan: &'a Plan<MAX_TABLES, S>,
        buffer: &'a mut [MaybeUninit<u8>],
    ) -> Prover<'a, B, A, S>
    where
        A: ProverAir<B>,
    {
        let mut prover = Prover::new(plan, &self.airs, &self.suite, buffer)
            .expect("a workspace of the plan's length");
        prover.prepare_with(|table, trace| {
            tranche_core::Batch::fill_preprocessed(&self, table, trace)
        });
        prover
    }

    /// The bytes that `prover`, which is of this batch's AIRs, proves of it.
    ///
    /// # Panics
    /// When the core refuses the inputs.
    pub fn prove_with<B: Hashes<S>>(&self, prover: &mut Prover<'_, B, A, S>) -> Vec<u8>
    where
        A: ProverAir<B>,
    {
        let mut bytes = Vec::new();
        let written = prover
            .prove(&mut &*self, &mut bytes)
            .expect("a vector never fails");
        assert_eq!(written, bytes.len() as u64);
        bytes
    }

    /// The bytes that the core proves in `buffer`.
    ///
    /// # Panics
    /// When the core refuses the plan, the buffer or the inputs.
    pub fn prove_in<B: Hashes<S>>(&self, buffer: &mut [MaybeUninit<u8>]) -> Vec<u8>
    where
        A: ProverAir<B>,
    {
        let plan = self.plan::<B>().expect("a plan of a test batch");
        self.prove_with(&mut self.prover::<B>(&plan, buffer))
    }

    /// The bytes that the core proves in a workspace of exactly the plan's length.
    ///
    /// # Panics
    /// When the core refuses the batch.
    pub fn core_prove<B: Hashes<S>>(&self, profile: Profile) -> Vec<u8>
    where
        A: ProverAir<B>,
    {
        let plan = self.plan_in::<B>(profile).expect("a plan of a test batch");
        self.prove_with(&mut self.prover::<B>(&plan, &mut buffer(plan.workspace_len())))
    }
}
