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
//!
//! [`Retire`] makes all batches of a run. In forked order they may also be made in places that share no memory, by
//! [`Apart`], and brought together by [`Join`]: the bytes are the same.

mod accumulators;
mod apart;
mod buses;
mod crew;
mod error;
mod fork;
mod forked;
mod join;
mod journal;
mod line;
mod plan;
mod run;
mod shared;
mod store;
mod transcript;
mod walk;
mod worker;

use embedded_io::Write;

use self::journal::Watch;
use self::walk::Proving;
use crate::F;
use crate::air::ProverAir;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite};
use crate::sink::Sink;
use crate::workspace::{self, Buffer};

pub use apart::Apart;
pub use crew::{Alone, Crew};
pub use error::{Misfit, RetireError, RetireSetupError, RunPlanError};
pub use join::Join;
pub use journal::{Journal, Made, Stopped};
pub use plan::{BatchKind, MAX_BATCHES, RunPlan};
pub use run::Run;
pub use store::{Keep, MAX_KINDS, Order};
pub use worker::{Worker, fingerprint};

pub use crate::engine::Kept;

/// Proves runs of one plan, in one store.
#[derive(Debug)]
pub struct Retire<'a, B: Hashes<S>, A, const N: usize, S: Suite = Poseidon2> {
    plan: &'a RunPlan<'a, A, N, S>,
    suite: &'a S,
    hasher: B::Hasher<'a>,
    /// What is kept between batches.
    store: &'a mut [F],
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, const N: usize, S: Suite> Retire<'a, B, A, N, S> {
    /// Takes a store.
    ///
    /// # Errors
    /// When it is too short (nothing is written then).
    pub fn new(
        plan: &'a RunPlan<'a, A, N, S>,
        suite: &'a S,
        store: impl Into<Buffer<'a>>,
    ) -> Result<Self, RetireSetupError> {
        let store =
            workspace::carve(store, plan.store_elements()).map_err(RetireSetupError::Store)?;
        Ok(Self {
            plan,
            suite,
            hasher: B::hasher(suite),
            store,
        })
    }

    /// Proves a run in the order of the plan. Returns the number of proof bytes written, which are the same
    /// whatever crew and number of workers.
    ///
    /// Each worker has a run of its own, all with the same values. `watch` is told of each batch that a
    /// walk is done with, in order.
    ///
    /// # Errors
    /// Traces that cannot be written or that change between walks, public values that do not fit, no worker or one
    /// with a shorter workspace, and what the sink returns; of several batches the first one's. What was written then is no proof.
    pub fn prove<R: Run, C: Crew, W: Write>(
        &mut self,
        crew: &C,
        workers: &mut [Worker<'a, B, A, R, S>],
        sink: W,
        watch: impl FnMut(Made<'_>),
    ) -> Result<u64, RetireError<R::Error, W::Error>> {
        self.resume(crew, workers, sink, &mut Watch(watch))
    }

    /// As [`Self::prove`], with a journal that is given what each batch leaves: batches whose records it has are not made
    /// again. The sink gets all bytes of the proof, which are the same; one that was resumed has to be verified.
    ///
    /// # Errors
    /// As [`Self::prove`], when the journal fails, and for a record that does not fit the run.
    pub fn resume<R: Run, C: Crew, W: Write>(
        &mut self,
        crew: &C,
        workers: &mut [Worker<'a, B, A, R, S>],
        sink: W,
        journal: &mut impl Journal,
    ) -> Result<u64, RetireError<R::Error, W::Error>> {
        if workers.is_empty() {
            return Err(RetireError::NoWorker);
        }
        let needed = self.plan.workspace_elements();
        if let Some(worker) = workers.iter().position(|w| w.elements() < needed) {
            return Err(RetireError::OtherPlan { worker });
        }
        let proving = Proving {
            plan: self.plan,
            suite: self.suite,
            hasher: self.hasher.clone(),
            store: self.store,
            layout: self.plan.layout().expect("planned"),
            crew,
            workers,
            sink: Sink::new(sink),
            journal,
            walks: 0,
        };
        match self.plan.order() {
            Order::Forked => proving.forked(),
            Order::Shared => proving.shared(),
        }
    }

    /// Overwrites the store with zeros, in a way that no compiler drops; workspaces are their
    /// [workers'](Worker::wipe).
    pub fn wipe(&mut self) {
        workspace::wipe(self.store);
    }
}
