//! A whole run as one proof: prove-and-retire.
//!
//! | module | role |
//! |---|---|
//! | [`header`] | what stands before the proof in a bundle of this kind |
//! | [`prove()`] | an execution into a bundle, batch by batch |
//! | [`prove_whole()`] | an execution into a bundle, as a single batch |
//! | [`remote`] | the same with batches that are made elsewhere |
//! | [`fit()`] | the length, profile and trees that a budget of bytes buys |
//! | [`verify()`] | a program and a bundle into the statement that it proves |
//!
//! The execution is cut into batches of planned heights, and walked several times; memory is that of one
//! batch, and of what is kept between walks. [`tranche_core::retire`] has the two orders of challenges.

mod budget;
mod crew;
mod error;
pub mod header;
mod journal;
mod options;
mod prove;
pub mod remote;
mod survey;
mod verify;
mod whole;

use tranche_backend::Chosen;
use tranche_core::retire::{BatchKind, Keep, Order, RunPlan, RunPlanError};
use tranche_core::shape::Profile;
use tranche_core::{PlanError, Suite};
use tranche_machine::batches::{BODY, CLOSING, KindPlan, MAX_TABLES, RunTable, RunTables};

pub use budget::{Fit, fit};
pub use error::{RetireCheck, RetireProveError};
pub use header::Header;
pub use options::{DEFAULT_LOG2_CYCLES, Options};
pub use prove::{Retired, prove};
pub use survey::{RunBytes, Surveyed};
pub use verify::{ProvenExecution, verify};
pub use whole::{WholeOptions, prove_whole};

/// The kinds of a run's batches.
type Kinds<'a, S> = [BatchKind<'a, RunTable<'a>, MAX_TABLES, S>; 2];

/// The plans of both kinds of batch.
fn plans<S: Suite>(
    tables: &RunTables<'_>,
    profile: Profile,
) -> Result<[KindPlan<S>; 2], PlanError> {
    let plan = |kind| tables.plan_in::<Chosen, S>(kind, profile);
    Ok([plan(BODY)?, plan(CLOSING)?])
}

/// Those plans with their tables.
fn kinds<'a, S: Suite>(tables: &'a RunTables<'a>, plans: &'a [KindPlan<S>; 2]) -> Kinds<'a, S> {
    [BODY, CLOSING].map(|kind| BatchKind {
        plan: &plans[kind],
        airs: tables.airs(kind),
    })
}

/// The kind of each batch.
fn sequence(tables: &RunTables<'_>) -> Vec<u8> {
    let kind = |batch| tables.kind(batch) as u8;
    (0..tables.batches()).map(kind).collect()
}

/// The plan of a run.
fn run_plan<'a, S: Suite>(
    order: Order,
    keep: Keep,
    kinds: &'a Kinds<'a, S>,
    sequence: &'a [u8],
) -> Result<RunPlan<'a, RunTable<'a>, MAX_TABLES, S>, RunPlanError> {
    RunPlan::keeping::<Chosen>(order, keep, kinds, sequence)
}
