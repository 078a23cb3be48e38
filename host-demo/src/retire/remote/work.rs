//! Tasks into records, one after another, in a workspace that is kept.

use std::convert::Infallible;

use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField32};
use thiserror::Error;
use tranche_backend::Chosen;
use tranche_core::retire::{Apart, RetireError};
use tranche_core::shape::Profile;
use tranche_core::{EF, F, Hashes};
use tranche_machine::batches::{
    DetachError, Detached, DetachedStorage, MAX_TABLES, RunTable, Unfilled, WalkError,
};
use tranche_machine::{Checkpoint, Program};

use super::super::error::RetireProveError;
use super::super::header::Header;
use super::task::{Source, Step, Task, chain};
use super::with_plan;
use crate::suite::{HostSuite, with_suite};
use crate::workspace::Workspace;

/// Why a task has no record.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkError {
    /// There is nothing to fill the batch's traces from.
    #[error(transparent)]
    Detached(#[from] DetachError),
    /// The core refuses the batch.
    #[error(transparent)]
    Refused(#[from] RetireError<WalkError, Infallible>),
    /// Not all tables of a body were filled.
    #[error(transparent)]
    Unfilled(#[from] Unfilled),
    /// A coordinate of the constraint challenge is no element of the field.
    #[error("the constraint challenge of the batch is none")]
    Challenge,
    /// No batch of the run can be made.
    #[error(transparent)]
    Run(#[from] RetireProveError),
}

/// What is made of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// What the batch leaves.
    pub record: Vec<u8>,
    /// What a body that was committed owes the tables that are asked.
    pub owed: Vec<u32>,
}

/// Bytes that making a batch of a run takes: workspace, and what is kept of the batch meanwhile.
///
/// # Errors
/// When no batch of the run can be made.
pub fn task_bytes(
    program: &Program<'_>,
    header: &Header,
    profile: Profile,
) -> Result<u64, RetireProveError> {
    with_suite!(header.hash, S => {
        with_plan::<S, _, _>(program, header, profile, |_, plan| {
            Ok((plan.workspace_len() + plan.slot_len()) as u64)
        })
    })
}

/// Makes of a run what `next` gives, until it gives nothing more, and hands each to `done`.
///
/// # Errors
/// When no batch of the run can be made; what is wrong with one is handed to `done`.
pub fn work(
    program: &Program<'_>,
    header: &Header,
    profile: Profile,
    next: &mut dyn FnMut() -> Option<Task>,
    done: &mut dyn FnMut(Result<Made, WorkError>),
) -> Result<(), WorkError> {
    with_suite!(header.hash, S => work_with::<S>(program, header, profile, next, done))
}

fn work_with<S: HostSuite>(
    program: &Program<'_>,
    header: &Header,
    profile: Profile,
    next: &mut dyn FnMut() -> Option<Task>,
    done: &mut dyn FnMut(Result<Made, WorkError>),
) -> Result<(), WorkError>
where
    Chosen: Hashes<S>,
{
    with_plan::<S, _, _>(program, header, profile, |tables, plan| {
        let mut storage = DetachedStorage::new(&tables.shape().body);
        let run = Detached::new(tables, &header.spans, &mut storage)?;
        let (mut workspace, mut slot) = (Workspace::default(), Workspace::default());
        let workspace = workspace
            .reserve(plan.workspace_len())
            .map_err(RetireProveError::from)?;
        let slot = slot
            .reserve(plan.slot_len())
            .map_err(RetireProveError::from)?;
        let apart =
            Apart::<Chosen, _, _, MAX_TABLES, S>::new(plan, S::instance(), workspace, slot, run);
        let mut apart = apart.map_err(RetireProveError::from)?;
        while let Some(task) = next() {
            done(make(&mut apart, task));
        }
        Ok(())
    })
}

/// Makes one step of one batch.
fn make<'a, S: HostSuite>(
    apart: &mut Apart<'_, 'a, Chosen, RunTable<'a>, Detached<'a>, MAX_TABLES, S>,
    task: Task,
) -> Result<Made, WorkError>
where
    Chosen: Hashes<S>,
{
    let batch = task.batch as usize;
    let body = match task.source {
        Source::Body(bytes) => {
            let checkpoint = Checkpoint::decode(&bytes).map_err(DetachError::from)?;
            apart.run().execute(batch, &checkpoint)?;
            true
        }
        Source::Closing { owed, memory } => {
            let memory = memory.into_iter().map(chain).collect();
            apart.run().close(&owed, memory)?;
            false
        }
    };
    let mut made = Made::default();
    match task.step {
        Step::Commit => {
            apart.commit(batch, &mut made.record)?;
            if body {
                made.owed = apart.run().owed()?;
            }
        }
        Step::Argue(commitments) => {
            apart.argue(batch, &commitments, &mut made.record)?;
        }
        Step::Open(commitments, queries) => {
            if queries.alpha.iter().any(|&word| word >= F::ORDER_U32) {
                return Err(WorkError::Challenge);
            }
            let alpha = EF::from_basis_coefficients_fn(|i| F::from_u32(queries.alpha[i]));
            apart.open(
                batch,
                &commitments,
                alpha,
                &queries.indices,
                &mut made.record,
            )?;
        }
    }
    Ok(made)
}
