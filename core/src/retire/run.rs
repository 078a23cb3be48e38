//! The values of a run, as its prover asks for them.

use core::fmt::Debug;

use crate::{F, Statement, TraceMut};

/// The values of a run, batch by batch.
///
/// A walk asks for the traces of all batches in order, and there are several walks: the traces have to be
/// the same in each. Where several workers share a walk, each has a run of its own, which is asked for some of the
/// batches only, in order.
pub trait Run: Send {
    /// Why a main trace cannot be written; [`Infallible`](core::convert::Infallible) where it always can.
    type Error: Debug + Send;

    /// What seeds the transcript; nothing unless the run says so.
    fn statement(&self) -> Option<Statement> {
        None
    }

    /// Writes every element of the preprocessed trace of a table of a kind of batches that has one.
    fn fill_preprocessed(&self, _kind: usize, _table: usize, _trace: &mut TraceMut<'_>) {}

    /// Writes every element of the main trace of a table of a batch; the tables come in order, once each, and
    /// batches ascend. One that is not behind the batch before begins a walk.
    ///
    /// # Errors
    /// When there is no such trace; nothing more is proved then.
    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), Self::Error>;

    /// Takes over what the batches that `other` has filled in this walk leave for those of another kind; nothing
    /// unless the run says so.
    ///
    /// Batches that follow one another and are of one kind may be made at the same time. Before one of
    /// another kind is made, the first worker's run has taken over from all others, and the first batch of
    /// a kind is the first worker's.
    fn take_over(&mut self, _other: &mut Self) {}

    /// The public values of a batch, one slice per table: of one whose traces it has written, and behind the first
    /// walk of any.
    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]>;
}

/// A run that is somebody else's.
impl<R: Run> Run for &mut R {
    type Error = R::Error;

    fn statement(&self) -> Option<Statement> {
        R::statement(self)
    }

    fn fill_preprocessed(&self, kind: usize, table: usize, trace: &mut TraceMut<'_>) {
        R::fill_preprocessed(self, kind, table, trace);
    }

    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), R::Error> {
        R::fill(self, batch, table, trace)
    }

    fn take_over(&mut self, other: &mut Self) {
        R::take_over(self, other);
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        R::public_values(self, batch)
    }
}
