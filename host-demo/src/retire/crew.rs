//! Threads that make the batches of a walk.

use std::cell::RefCell;
use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, Builder};

use tranche_backend::Team;
use tranche_core::retire::Crew;

/// A thread for each batch of a round, and the caller's own, which works in the team, for the first. What is idle then
/// helps.
#[derive(Debug)]
pub(super) struct Threads {
    team: Arc<Team>,
    /// Why a thread could not be started.
    failed: RefCell<Option<io::Error>>,
}

impl Threads {
    /// Threads of a team.
    pub fn new(team: Arc<Team>) -> Self {
        let failed = RefCell::default();
        Self { team, failed }
    }

    /// Why a thread could not be started, if there was one.
    pub fn failed(self) -> Option<io::Error> {
        self.failed.into_inner()
    }
}

impl Crew for Threads {
    /// A task whose thread cannot be started is not worked on. A call that panics does so in the caller's thread,
    /// when all others have returned.
    fn each<T: Send>(&self, mut tasks: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        let Some(own) = tasks.next() else {
            return;
        };
        thread::scope(|scope| {
            let (work, team) = (&work, &self.team);
            let task = |task| move || team.work(|| work(task));
            let start = |task| Builder::new().spawn_scoped(scope, task);
            let started: Vec<_> = tasks.map(task).map(start).collect();
            work(own);
            for thread in started {
                match thread.map(|thread| team.wait(|| thread.join())) {
                    Ok(Ok(())) => {}
                    Ok(Err(panic)) => resume_unwind(panic),
                    Err(error) => *self.failed.borrow_mut() = Some(error),
                }
            }
        });
    }
}
