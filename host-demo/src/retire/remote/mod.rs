//! The batches of a run in forked order, made elsewhere: whoever executes the run has a [checkpoint](Surveyed::checkpoints)
//! of each, others [work](work()) off three tasks of each batch, and what comes of those is [joined](join()).
//!
//! ```text
//! commit, each body ──► closing batch ──► argue, each batch ──join──► open, each batch ──► bundle
//! ```
//!
//! The three tasks of a batch share nothing but bytes. What is made of one follows from the task, so it does not matter
//! who makes it, or how often. Whoever executes the run [judges](judge) what comes back.

mod join;
pub mod judge;
mod plan;
mod task;
mod trace;
mod work;

pub use join::{JoinError, Joined, bundle, join};
pub use task::{Queries, Source, Step, Task, TaskError, decode, encode};
pub use trace::Fingerprint;
pub use work::{Made, WorkError, task_bytes, work};

use tranche_core::retire::{Keep, Order, RunPlan};
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::batches::{MAX_TABLES, RunTable, RunTables};

use super::error::RetireProveError;
use super::header::Header;
#[cfg(doc)]
use super::survey::Surveyed;
use super::{kinds, plans, run_plan, sequence};
use crate::suite::HostSuite;

/// Shows the tables and the plan of a run to `then`.
fn with_plan<S: HostSuite, T, E: From<RetireProveError>>(
    program: &Program<'_>,
    header: &Header,
    profile: Profile,
    then: impl for<'p> FnOnce(
        &'p RunTables<'p>,
        &'p RunPlan<'p, RunTable<'p>, MAX_TABLES, S>,
    ) -> Result<T, E>,
) -> Result<T, E> {
    let program = program.with_blocks(header.blocks).decoded();
    let shape = header.shape(&program);
    let tables = RunTables::new(
        &program,
        &shape,
        header.params,
        header.hash,
        header.exit_code,
        &header.output,
    )
    .map_err(RetireProveError::from)?;
    let plans = plans::<S>(&tables, profile).map_err(RetireProveError::from)?;
    let (sequence, kinds) = (sequence(&tables), kinds(&tables, &plans));
    let plan = run_plan(Order::Forked, Keep::APART, &kinds, &sequence);
    then(&tables, &plan.map_err(RetireProveError::from)?)
}
