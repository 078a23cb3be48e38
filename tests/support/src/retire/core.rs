//! The core's prover of runs on the runs of this crate, and Plonky3's on all their tables.

use std::convert::Infallible;
use std::fmt::Debug;

use embedded_io::Write;
use p3_air::BaseAir;
use p3_batch_stark::{ProverData, StarkInstance, prove_batch};
use tranche_core::air::ProverAir;
use tranche_core::retire::{
    Alone, BatchKind, Crew, Journal, Keep, Order, Retire, RetireError, RunPlan, Worker,
};
use tranche_core::shape::Profile;
use tranche_core::verifier::{CarvedConfig, VerifyError, VerifyingKey};
use tranche_core::{F, Hashes, Plan, Statement, TableSpec, TraceMut};

use super::{Batch, Run};
use crate::core::{MAX_TABLES, buffer};
use crate::reference::{ReferenceAir, ReferenceSuite};

/// A run as the core takes it.
struct Values<'r, A, S>(&'r Run<A, S>);

impl<A: ReferenceAir<S> + Debug, S: ReferenceSuite> tranche_core::retire::Run for Values<'_, A, S> {
    type Error = Infallible;

    fn statement(&self) -> Option<Statement> {
        self.0.statement
    }

    fn fill_preprocessed(&self, kind: usize, table: usize, trace: &mut TraceMut<'_>) {
        let batch = self.0.first_of(kind);
        let matrix = self.0.batches[batch].airs[table].preprocessed_trace();
        trace.copy_from_rows(&matrix.expect("preprocessed columns").values);
    }

    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), Infallible> {
        trace.copy_from_rows(&self.0.batches[batch].traces[table].values);
        Ok(())
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        let values = self.0.batches[batch].publics.iter();
        values.map(Vec::as_slice).collect::<Vec<_>>()
    }
}

impl<A: BaseAir<F>> Batch<A> {
    /// What the core's plan wants to know of each table.
    fn specs(&self) -> Vec<TableSpec> {
        let tables = self.airs.iter().zip(self.log_heights());
        let spec = |(air, log_height): (&A, usize)| TableSpec::of(air, log_height as u8);
        tables.map(spec).collect()
    }
}

impl<A: ReferenceAir<S>, S: ReferenceSuite> Run<A, S> {
    /// The plan of each batch, in a profile.
    ///
    /// # Panics
    /// When the core refuses a batch.
    pub fn plans<B: Hashes<S>>(&self, profile: Profile) -> Vec<Plan<MAX_TABLES, S>>
    where
        A: ProverAir<B>,
    {
        let plan = |batch: &Batch<A>| {
            Plan::of_suite::<B, A>(&batch.airs, &batch.specs(), self.params, profile)
        };
        let plans = self.batches.iter().map(plan);
        plans
            .collect::<Result<_, _>>()
            .expect("plans of test batches")
    }

    /// The kind of each batch: batches with the same tables are of one.
    pub fn sequence(&self) -> Vec<u8>
    where
        A: Debug,
    {
        let mut kinds = vec![];
        let kind = |batch: &Batch<A>| {
            let kind = (format!("{:?}", batch.airs), batch.log_heights());
            let known = kinds.iter().position(|known| *known == kind);
            known.unwrap_or_else(|| {
                kinds.push(kind);
                kinds.len() - 1
            }) as u8
        };
        self.batches.iter().map(kind).collect()
    }

    /// The first batch of a kind.
    fn first_of(&self, kind: usize) -> usize
    where
        A: Debug,
    {
        let mut kinds = self.sequence().into_iter();
        let first = kinds.position(|of| usize::from(of) == kind);
        first.expect("a kind of the run")
    }

    /// The bytes that the core proves in a workspace and a store of exactly the plan's lengths.
    ///
    /// # Panics
    /// When the core refuses the run.
    pub fn core_prove<B: Hashes<S>>(&self, order: Order, keep: Keep, profile: Profile) -> Vec<u8>
    where
        A: ProverAir<B> + Debug,
    {
        self.core_prove_with::<B, _>((order, keep), profile, (&Alone, 1))
    }

    /// The same by some workers of a crew, each in such a workspace.
    ///
    /// # Panics
    /// When the core refuses the run.
    pub fn core_prove_with<B: Hashes<S>, C: Crew>(
        &self,
        plan: (Order, Keep),
        profile: Profile,
        (crew, workers): (&C, usize),
    ) -> Vec<u8>
    where
        A: ProverAir<B> + Debug,
    {
        let values = (0..workers).map(|_| Values(self)).collect();
        self.core_prove_as::<B, _, _>(plan, profile, crew, values)
            .expect("a vector never fails")
    }

    /// The same with other values, of each worker.
    ///
    /// # Errors
    /// What the core refuses when the run is planned.
    ///
    /// # Panics
    /// When the core refuses the plan.
    pub fn core_prove_as<B: Hashes<S>, R: tranche_core::retire::Run, C: Crew>(
        &self,
        plan: (Order, Keep),
        profile: Profile,
        crew: &C,
        values: Vec<R>,
    ) -> Result<Vec<u8>, RetireError<R::Error, Infallible>>
    where
        A: ProverAir<B> + Debug,
    {
        let mut bytes = Vec::new();
        let mut seen = vec![];
        let written = self.with_core::<B, R, _>(plan, profile, values, |retire, workers| {
            retire.prove(crew, workers, &mut bytes, |made| {
                seen.push((made.walk, made.batch));
            })
        })?;
        assert_eq!(written, bytes.len() as u64);
        let batches = self.batches.len();
        let expected = (0..seen.len()).map(|i| (i / batches, i % batches));
        assert!(seen.iter().copied().eq(expected), "batches in order");
        Ok(bytes)
    }

    /// What a journal makes of the run, which gets all bytes of the proof.
    ///
    /// # Errors
    /// What the core refuses when the run is planned.
    ///
    /// # Panics
    /// When the core refuses the plan.
    pub fn core_resume<B: Hashes<S>, C: Crew>(
        &self,
        plan: (Order, Keep),
        profile: Profile,
        (crew, workers): (&C, usize),
        journal: &mut impl Journal,
        sink: impl Write<Error = Infallible>,
    ) -> Result<u64, RetireError<Infallible, Infallible>>
    where
        A: ProverAir<B> + Debug,
    {
        let values = (0..workers).map(|_| Values(self)).collect();
        self.with_core::<B, _, _>(plan, profile, values, |retire, workers| {
            retire.resume(crew, workers, sink, journal)
        })
    }

    /// A prover with a store of exactly the plan's length, and workers with such workspaces.
    fn with_core<B: Hashes<S>, R: tranche_core::retire::Run, T>(
        &self,
        (order, keep): (Order, Keep),
        profile: Profile,
        values: Vec<R>,
        then: impl for<'w> FnOnce(
            &mut Retire<'w, B, A, MAX_TABLES, S>,
            &mut [Worker<'w, B, A, R, S>],
        ) -> T,
    ) -> T
    where
        A: ProverAir<B> + Debug,
    {
        let plans = self.plans::<B>(profile);
        let sequence = self.sequence();
        let kinds = 0..=usize::from(*sequence.iter().max().expect("a batch"));
        let kind = |kind| {
            let batch = self.first_of(kind);
            BatchKind {
                plan: &plans[batch],
                airs: &self.batches[batch].airs,
            }
        };
        let kinds: Vec<_> = kinds.map(kind).collect();
        let plan =
            RunPlan::keeping::<B>(order, keep, &kinds, &sequence).expect("a plan of a test run");
        let mut workspaces: Vec<_> = values
            .iter()
            .map(|_| buffer(plan.workspace_len()))
            .collect();
        let mut store = buffer(plan.store_len());
        let mut retire = Retire::<B, _, _, S>::new(&plan, &self.suite, &mut store[..])
            .expect("a store of the plan's length");
        let mut workers: Vec<_> = values
            .into_iter()
            .zip(&mut workspaces)
            .map(|(values, workspace)| {
                Worker::new(&plan, &mut workspace[..], values)
                    .expect("a workspace of the plan's length")
            })
            .collect();
        then(&mut retire, &mut workers)
    }

    /// The verifying key of the run in shared order.
    ///
    /// # Panics
    /// When the run cannot be verified.
    pub fn shared_key(&self) -> VerifyingKey<A, CarvedConfig<S>> {
        let lengths: Vec<_> = self.batches.iter().map(|batch| batch.airs.len()).collect();
        VerifyingKey::of_run(
            self.all(|batch| batch.airs.clone()),
            &self.all(Batch::log_heights),
            self.params,
            self.suite.clone(),
            &lengths,
        )
        .expect("a run of test batches")
    }

    /// The postcard encoding of the proof that Plonky3's `prove_batch` makes of all tables of the run, each batch
    /// a group.
    ///
    /// # Panics
    /// When the tables cannot be proved.
    pub fn prove_batch(&self) -> Vec<u8> {
        let config = self.shared_key().config(self.statement.as_ref());
        let (airs, traces) = (
            self.all(|batch| batch.airs.clone()),
            self.all(|batch| batch.traces.clone()),
        );
        let publics = self.all(|batch| batch.publics.clone());
        let traces: Vec<_> = traces.iter().collect();
        let instances = StarkInstance::<CarvedConfig<S>, A>::new_multiple(&airs, &traces, &publics);
        let data = ProverData::from_instances(&config, &instances)
            .expect("preprocessed columns that can be committed");
        let proof = prove_batch(&config, &instances, &data).expect("tables that can be proved");
        postcard::to_allocvec(&proof).expect("a proof is always encodable")
    }

    /// Checks a proof of this run in shared order.
    ///
    /// # Errors
    /// When the proof is refused.
    pub fn verify_shared(&self, bytes: &[u8]) -> Result<(), VerifyError> {
        let publics = self.all(|batch| batch.publics.clone());
        let key = self.shared_key();
        key.verify(bytes, self.statement.as_ref(), &publics)?;
        Ok(())
    }

    /// What all tables of the run have, in order.
    fn all<T>(&self, of: impl Fn(&Batch<A>) -> Vec<T>) -> Vec<T> {
        self.batches.iter().flat_map(of).collect()
    }
}
