//! How a run is proved as one.

use std::num::NonZeroUsize;

use tranche_core::retire::{Keep, Order, RunPlan};
use tranche_core::shape::Profile;
use tranche_core::{Params, Suite};
use tranche_machine::hash::Hash;
use tranche_machine::settings::SECURITY_FLOOR_BITS;

use crate::mix::Sizing;

/// log2 of a batch's cycles, unless the command line says otherwise.
pub const DEFAULT_LOG2_CYCLES: u8 = 16;

/// How a run is proved as one; the bundle depends on order, length, heights, hash and parameters alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Which challenges the batches have.
    pub order: Order,
    /// log2 of a batch's cycles.
    pub log2_cycles: u8,
    /// Heights of a batch's tables.
    pub sizing: Sizing,
    /// Threads that make batches, each in a workspace of its own; never more than there are batches.
    pub workers: NonZeroUsize,
    /// How much of a batch's work stays in the workspace.
    pub profile: Profile,
    /// What is kept of a batch between walks.
    pub keep: Keep,
    /// What the proof hashes with.
    pub hash: Hash,
    /// Parameters to start from; queries and grinding are raised where bits fall short.
    pub params: Params,
    /// Proven bits that the proof has at least.
    pub floor: f64,
}

impl Options {
    /// A run in an order, in batches of 2^`log2_cycles` cycles.
    pub fn new(order: Order, log2_cycles: u8) -> Self {
        Self {
            order,
            log2_cycles,
            sizing: Sizing::Common,
            workers: NonZeroUsize::MIN,
            profile: Profile::Fast,
            keep: Keep::default(),
            hash: Hash::default(),
            params: Params::DEFAULT,
            floor: SECURITY_FLOOR_BITS,
        }
    }

    /// Workers for the batches of a plan.
    pub(super) fn workers_for<A, const N: usize, S: Suite>(
        &self,
        plan: &RunPlan<'_, A, N, S>,
    ) -> usize {
        self.workers.get().min(plan.batches())
    }
}
