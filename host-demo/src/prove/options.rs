//! How a run is proved.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use tranche_backend::Team;
use tranche_core::shape::Profile;
use tranche_machine::settings::SECURITY_FLOOR_BITS;

/// Bytes of a merge's workspace above which it is proved in the compact profile, unless a budget
/// allows for more: about what the workspaces of two workers take by default.
pub const FAST_MERGE_BYTES: usize = 64 << 20;

/// How a run is proved; the bundle depends on none of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Threads that prove epochs, each in a workspace of its own; never more than there are
    /// epochs.
    pub workers: NonZeroUsize,
    /// Proven bits that every proof has at least; a plan with fewer is refused.
    pub floor: f64,
    /// How much of a proof's work stays in the workspaces.
    pub profile: Profile,
    /// Bytes of a merge's workspace above which it is proved in the compact profile all the same.
    pub fast_merge_bytes: usize,
}

/// Threads that the machine runs at once.
pub fn default_workers() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The team of so many workers: no more of them help than the machine runs at once.
pub(crate) fn team(workers: NonZeroUsize) -> Arc<Team> {
    Team::new(workers.min(default_workers()).get())
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: default_workers(),
            floor: SECURITY_FLOOR_BITS,
            profile: Profile::Fast,
            fast_merge_bytes: FAST_MERGE_BYTES,
        }
    }
}
