//! A run of many batches as one proof: prove-and-retire.
//!
//! A batch is made, used and dropped, and made again in the next walk; what holds a run together is
//! kept in a buffer of its own, the store. So the memory of a run is that of one batch, and of the
//! store, whose length [`RunPlan::store_len`] gives.
//!
//! There are two orders of challenges, [`Order`]. In the forked one a batch draws its own constraint
//! challenge, point and batching challenge, and their codewords are added into one low-degree test under
//! coefficients that depend on all of them: three walks. `docs/retire.md` has its transcript, its bytes and
//! why it is sound. In the shared one all batches have the same challenges: six walks, and the bytes of
//! Plonky3's `prove_batch` for all tables of the run, each batch a carved group.

mod accumulators;
mod buses;
mod error;
mod forked;
mod plan;
mod shared;
mod store;
mod transcript;
mod walk;

use core::mem::MaybeUninit;

use embedded_io::Write;

use crate::air::ProverAir;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite};
use crate::{F, Statement, TraceMut, workspace};

pub use error::{RetireError, RetireSetupError, RunPlanError};
pub use plan::{BatchKind, MAX_BATCHES, MAX_KINDS, RunPlan};
pub use store::Order;

pub use crate::engine::Kept;

/// The values of a run, batch by batch.
///
/// A walk asks for the traces of all batches in order, and there are several walks: the traces have to be
/// the same in each.
pub trait Run {
    /// Why a main trace cannot be written; [`Infallible`](core::convert::Infallible) where it always can.
    type Error;

    /// What seeds the transcript; nothing unless the run says so.
    fn statement(&self) -> Option<Statement> {
        None
    }

    /// Writes every element of the preprocessed trace of a table of a kind of batches that has one.
    fn fill_preprocessed(&self, _kind: usize, _table: usize, _trace: &mut TraceMut<'_>) {}

    /// Writes every element of the main trace of a table of a batch; the tables come in order, once each, batch
    /// after batch. Table 0 of batch 0 begins a walk.
    ///
    /// # Errors
    /// When there is no such trace; nothing more is proved then.
    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), Self::Error>;

    /// The public values of a batch whose traces were written, one slice per table.
    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]>;
}

/// Proves runs of one plan, in one workspace and one store.
#[derive(Debug)]
pub struct Retire<'a, B: Hashes<S>, A, const N: usize, S: Suite = Poseidon2> {
    plan: &'a RunPlan<'a, A, N, S>,
    suite: &'a S,
    hasher: B::Hasher<'a>,
    /// What a batch is proved in.
    workspace: &'a mut [F],
    /// What is kept between batches.
    store: &'a mut [F],
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, const N: usize, S: Suite> Retire<'a, B, A, N, S> {
    /// Takes workspace and store.
    ///
    /// # Errors
    /// When one of them is too short (nothing is written then).
    pub fn new(
        plan: &'a RunPlan<'a, A, N, S>,
        suite: &'a S,
        workspace: &'a mut [MaybeUninit<u8>],
        store: &'a mut [MaybeUninit<u8>],
    ) -> Result<Self, RetireSetupError> {
        workspace::check(workspace, plan.workspace_elements())
            .map_err(RetireSetupError::Workspace)?;
        let store =
            workspace::carve(store, plan.store_elements()).map_err(RetireSetupError::Store)?;
        let workspace = workspace::carve(workspace, plan.workspace_elements())
            .map_err(RetireSetupError::Workspace)?;
        Ok(Self {
            plan,
            suite,
            hasher: B::hasher(suite),
            workspace,
            store,
        })
    }

    /// Proves a run in the order of the plan. Returns the number of proof bytes written.
    ///
    /// # Errors
    /// Traces that cannot be written or that change between walks, public values that do not fit, and what the
    /// sink returns; what was written then is no proof.
    pub fn prove<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        sink: W,
    ) -> Result<u64, RetireError<R::Error, W::Error>> {
        match self.plan.order() {
            Order::Forked => self.prove_forked(run, sink),
            Order::Shared => self.prove_shared(run, sink),
        }
    }

    /// Overwrites workspace and store with zeros, in a way that no compiler drops.
    pub fn wipe(&mut self) {
        workspace::wipe(self.workspace);
        workspace::wipe(self.store);
    }
}
