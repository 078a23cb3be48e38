//! How the batches of a walk are made at the same time, without a thread in this crate.

/// Makes several batches, one after the other or at the same time.
///
/// A walk is cut into rounds, of as many batches as there are workers. In a round each worker makes a batch, in
/// memory that is its own: its workspace, and the batch's part of the store. What is ordered happens between
/// rounds, on the caller's thread: roots, claims and digests are absorbed, bytes are written, and codewords are added up,
/// batch by batch. So nothing waits for its turn, and the bytes do not depend on the crew.
pub trait Crew {
    /// Calls `work` once for each task, on threads of its own if it has any, and returns when all calls have returned.
    ///
    /// A task that is never worked on is found ([`RetireError::NotMade`](super::RetireError::NotMade)); a
    /// call that panics may do so in the caller's thread.
    fn each<T: Send>(&self, tasks: impl Iterator<Item = T>, work: impl Fn(T) + Sync);
}

/// Makes one batch after the other, on the caller's thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Crew for Alone {
    fn each<T: Send>(&self, tasks: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        tasks.for_each(work);
    }
}
