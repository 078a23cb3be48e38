//! A run's proofs made elsewhere: whoever executes the run [plans](Planner) it into tasks, others [work](work()) them off,
//! and each proof is [checked](Judge) before it is taken.
//!
//! A task is a few kilobytes: an epoch's [checkpoint](tranche_machine::checkpoint), or the rows of the tables that a
//! merge takes. A proof's bytes follow from its task, so it does not matter who proves it, or how often.

mod check;
mod plan;
mod task;
mod work;

use tranche_machine::merge::Node;

pub use check::{Judge, judge};
pub use plan::{Expected, Planned, Planner};
pub use task::TaskError;
pub use work::{Work, WorkError, task_bytes, work};

/// Where the proof of a task stands in the tree: level 0 are the epochs, counted from 0 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Level of the tree.
    pub level: u32,
    /// Place within the level.
    pub index: u32,
}

impl Place {
    /// The place of an epoch, by its number from 1.
    pub const fn of_epoch(number: u32) -> Self {
        Self {
            level: 0,
            index: number - 1,
        }
    }

    /// The place of a merge.
    pub const fn of_merge(node: &Node) -> Self {
        Self {
            level: node.level,
            index: node.index,
        }
    }
}
