//! A run's proofs made elsewhere: whoever executes the run [plans](Planner) it into tasks, others [work](work()) them off,
//! and each proof is [checked](Judge) before it is taken, by whoever has what it [has to say](Claim).
//!
//! A task is a few kilobytes: an epoch's [checkpoint](tranche_machine::checkpoint), or the rows of the tables that a
//! merge takes. A proof's bytes follow from its task, so it does not matter who proves it, or how often.

mod check;
mod error;
mod place;
mod plan;
mod task;
mod work;

pub use check::{Claim, Judge, judge};
pub use error::{TaskError, WorkError};
pub use place::Place;
pub(crate) use plan::Counted;
pub use plan::{Planned, Planner};
pub use work::{Work, task_bytes, work};
