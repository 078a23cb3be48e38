//! A batch as a prover takes it: its tables, what they are proved with, and how each trace is written.

use core::convert::Infallible;

use embedded_io::Write;
use heapless::Vec;
use thiserror::Error;

use super::{BatchError, Prover, Traces};
use crate::air::ProverAir;
use crate::backend::Backend;
use crate::hash::{Hashes, Suite};
use crate::plan::{Plan, PlanError};
use crate::shape::{BatchShape, Params, Profile, TableSpec};
use crate::{F, Statement, TraceMut};

/// Tables that are proved together, with everything that decides the bytes of their proof.
///
/// Traces go straight into the workspace; nothing here needs a heap.
pub trait Batch {
    /// What a table is.
    type Air;
    /// Why a main trace cannot be written; [`Infallible`] where it always can.
    type Error;

    /// The AIR of each table.
    fn airs(&self) -> &[Self::Air];

    /// What a plan wants to know of each table.
    fn specs(&self) -> impl Iterator<Item = TableSpec>;

    /// FRI parameters and grinding.
    fn params(&self) -> Params;

    /// What seeds the transcript; nothing unless the batch says so.
    fn statement(&self) -> Option<Statement> {
        None
    }

    /// The public values, one slice per table: an array of slices, where there is no heap.
    fn public_values(&self) -> impl AsRef<[&[F]]>;

    /// Writes every element of the preprocessed trace of a table that has one. It is asked for again
    /// when the workspace has lost it.
    fn fill_preprocessed(&self, _table: usize, _trace: &mut TraceMut<'_>) {}

    /// Writes every element of the main trace of a table; the tables come in order, once each.
    ///
    /// # Errors
    /// When there is no such trace; nothing is proved then.
    fn fill(&mut self, table: usize, trace: &mut TraceMut<'_>) -> Result<(), Self::Error>;
}

impl<const N: usize> Plan<N> {
    /// Plans a batch in a profile.
    ///
    /// # Errors
    /// What [`Plan::new`] refuses.
    pub fn of<B: Backend, T: Batch<Air: ProverAir<B>>>(
        batch: &T,
        profile: Profile,
    ) -> Result<Self, PlanError> {
        let mut specs = Vec::<TableSpec, N>::new();
        for spec in batch.specs() {
            let full = PlanError::TooManyTables { capacity: N };
            specs.push(spec).map_err(|_| full)?;
        }
        Self::with_profile::<B, _>(batch.airs(), &specs, batch.params(), profile)
    }
}

/// Whether a plan's shape is that of a batch's tables at the batch's parameters.
fn is_of<T: Batch>(shape: BatchShape<'_>, batch: &T) -> bool {
    let planned = shape.tables().iter().map(|table| table.spec);
    planned.eq(batch.specs()) && *shape.params() == batch.params()
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Prover<'a, B, A, S> {
    /// Commits the preprocessed traces, each as `fill` writes it, unless the workspace holds them already.
    pub fn prepare_with(&mut self, mut fill: impl FnMut(usize, &mut TraceMut<'_>)) {
        if self.prepared {
            return;
        }
        for table in 0..self.engine.shape.tables().len() {
            if let Some(mut trace) = self.preprocessed_mut(table) {
                fill(table, &mut trace);
            }
        }
        self.prepare();
    }

    /// Starts the proof of a batch: all its traces are written. [`Traces::finish_batch`] is the rest.
    ///
    /// # Errors
    /// When the plan is of other tables, or a trace cannot be written.
    pub fn fill<T: Batch<Air = A>>(
        &mut self,
        batch: &mut T,
    ) -> Result<Traces<'_, 'a, B, A, S>, FillError<T::Error>> {
        let mut traces = self.begin_batch(batch).map_err(FillError::Batch)?;
        traces.write(batch).map_err(FillError::Trace)?;
        Ok(traces)
    }

    /// Proves a batch: preprocessed traces unless the workspace holds them, main traces, all seven steps.
    /// Returns the number of proof bytes written.
    ///
    /// # Errors
    /// As [`Prover::fill`], and what the sink returns.
    pub fn prove<T: Batch<Air = A>, W: Write>(
        &mut self,
        batch: &mut T,
        sink: W,
    ) -> Result<u64, FillError<T::Error, W::Error>> {
        let started = self.begin_batch(batch);
        let mut traces = started.map_err(|error| FillError::Batch(error.widen()))?;
        traces.write(batch).map_err(FillError::Trace)?;
        traces.finish_batch(batch, sink).map_err(FillError::Batch)
    }

    /// [`Prover::begin`], with the preprocessed traces of a batch.
    fn begin_batch<T: Batch<Air = A>>(
        &mut self,
        batch: &T,
    ) -> Result<Traces<'_, 'a, B, A, S>, BatchError> {
        if !is_of(self.engine.shape, batch) {
            return Err(BatchError::OtherTables);
        }
        self.prepare_with(|table, trace| batch.fill_preprocessed(table, trace));
        self.begin(batch.statement().as_ref())
    }
}

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite> Traces<'_, '_, B, A, S> {
    /// Writes all traces of a batch.
    fn write<T: Batch<Air = A>>(&mut self, batch: &mut T) -> Result<(), T::Error> {
        (0..self.len()).try_for_each(|table| batch.fill(table, &mut self.trace_mut(table)))
    }

    /// [`Traces::finish`] with the public values of the batch that the traces are of.
    ///
    /// # Errors
    /// As [`Traces::finish`].
    #[inline] // the traces need not move once more
    pub fn finish_batch<T: Batch<Air = A>, W: Write>(
        self,
        batch: &T,
        sink: W,
    ) -> Result<u64, BatchError<W::Error>> {
        self.finish(batch.public_values().as_ref(), sink)
    }
}

/// Why a batch cannot be proved; `F` is the error of its traces, `E` that of the proof sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FillError<F, E = Infallible> {
    /// A trace cannot be written.
    #[error("{0}")]
    Trace(F),
    /// The prover refused the batch, or the sink failed.
    #[error("{0}")]
    Batch(BatchError<E>),
}

impl<E> From<FillError<Infallible, E>> for BatchError<E> {
    fn from(error: FillError<Infallible, E>) -> Self {
        match error {
            FillError::Trace(never) => match never {},
            FillError::Batch(error) => error,
        }
    }
}
