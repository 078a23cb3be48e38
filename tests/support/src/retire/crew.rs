//! Crews that make the batches of a walk.

use std::thread;

use tranche_core::retire::Crew;

/// A thread for each batch of a round.
#[derive(Clone, Copy, Debug)]
pub struct Threads;

impl Crew for Threads {
    fn each<T: Send>(&self, tasks: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        let work = &work;
        thread::scope(|scope| {
            for task in tasks {
                scope.spawn(move || work(task));
            }
        });
    }
}

/// Makes the last batch of a round first.
#[derive(Clone, Copy, Debug)]
pub struct Backwards;

impl Crew for Backwards {
    fn each<T: Send>(&self, tasks: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        let tasks: Vec<_> = tasks.collect();
        tasks.into_iter().rev().for_each(work);
    }
}

/// Makes all batches of a round but the last.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl Crew for Forgetful {
    fn each<T: Send>(&self, tasks: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        let mut tasks: Vec<_> = tasks.collect();
        tasks.pop();
        tasks.into_iter().for_each(work);
    }
}
