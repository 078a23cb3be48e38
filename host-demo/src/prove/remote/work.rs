//! Tasks into proofs, one after another, in workspaces that are kept.

use std::collections::TryReserveError;

use tranche_backend::Chosen;
use tranche_core::Hashes;
use tranche_core::shape::Profile;
use tranche_machine::setup::Setup;
use tranche_machine::{Cell, Checkpoint, EpochRecord, EpochTables, RecordProver, RecordStorage};

use super::super::emit::prove_merge;
use super::super::epoch_plans;
use super::super::error::ProveError;
use super::super::options::Options;
use super::super::worker::{workspace_bytes, workspace_len};
use super::error::{TaskError, WorkError};
use super::task::MergeTask;
use crate::epoch::PerShape;
use crate::suite::{HostSuite, with_suite};
use crate::workspace::Workspace;

/// A task of a run.
#[derive(Debug)]
pub enum Work {
    /// The checkpoint of an epoch.
    Epoch(Vec<u8>),
    /// A merge.
    Merge(Vec<u8>),
}

/// Bytes that proving an epoch of a run takes: workspace, record and cells.
///
/// # Errors
/// When the plan is refused.
pub fn task_bytes(setup: &Setup<'_>, profile: Profile) -> Result<u64, ProveError> {
    let workspace = workspace_bytes(setup, profile)?;
    let cells = Cell::slots_for(1 << setup.shape.l2g) * size_of::<Cell>();
    Ok((workspace + cells) as u64 + setup.shape.record_bytes())
}

/// Proves what `next` gives, until it gives nothing more, and hands each proof to `done`.
///
/// # Errors
/// When no task of the run can be proved; what is wrong with one is handed to `done`.
pub fn work(
    setup: &Setup<'_>,
    options: &Options,
    next: &mut dyn FnMut() -> Option<Work>,
    done: &mut dyn FnMut(Result<Vec<u8>, WorkError>),
) -> Result<(), WorkError> {
    with_suite!(setup.settings.hash, S => work_with::<S>(setup, options, next, done))
}

fn work_with<S: HostSuite>(
    setup: &Setup<'_>,
    options: &Options,
    next: &mut dyn FnMut() -> Option<Work>,
    done: &mut dyn FnMut(Result<Vec<u8>, WorkError>),
) -> Result<(), WorkError>
where
    Chosen: Hashes<S>,
{
    let tables = PerShape::of(setup);
    let plans = epoch_plans::<S>(&tables, options)?;
    let (mut epochs, mut merges) = (Workspace::default(), Workspace::default());
    let mut storage = RecordStorage::try_new(setup.shape)?;
    let mut cells = cells(setup)?;
    // An epoch that wants another prover than there is: its heights are known when it has been executed.
    let mut waiting = None;
    let mut shape = 0;
    loop {
        let buffer = epochs.reserve(workspace_len(&plans))?;
        let mut prover = RecordProver::new(tables.at(shape), plans.at(shape), buffer)?;
        shape = loop {
            let Some(work) = waiting.take().map(Work::Epoch).or_else(&mut *next) else {
                return Ok(());
            };
            let bytes = match work {
                Work::Epoch(bytes) => bytes,
                Work::Merge(bytes) => {
                    let tables = &tables.first;
                    done(merge::<S>(
                        tables,
                        options,
                        &mut storage,
                        &mut merges,
                        &bytes,
                    ));
                    continue;
                }
            };
            let mut record = storage.record();
            if let Err(error) = execute(setup, &mut record, &mut cells, &bytes) {
                done(Err(error));
                continue;
            }
            let holding = tables.holding(&record);
            if holding != shape {
                waiting = Some(bytes);
                break holding;
            }
            done(prove::<S>(&mut prover, &mut record));
        };
    }
}

/// Slots for what an epoch touches.
fn cells(setup: &Setup<'_>) -> Result<Vec<Cell>, TryReserveError> {
    let (mut cells, slots) = (Vec::new(), Cell::slots_for(1 << setup.shape.l2g));
    cells.try_reserve_exact(slots)?;
    cells.resize(slots, Cell::FREE);
    Ok(cells)
}

/// Executes an epoch from its checkpoint.
fn execute(
    setup: &Setup<'_>,
    record: &mut EpochRecord<'_>,
    cells: &mut [Cell],
    bytes: &[u8],
) -> Result<(), WorkError> {
    let checkpoint = Checkpoint::decode(bytes).map_err(TaskError::from)?;
    checkpoint.check(setup).map_err(TaskError::from)?;
    let machine = checkpoint.machine(setup.program, cells, u64::MAX);
    let mut machine = machine.map_err(TaskError::from)?;
    machine.run_epoch(&mut checkpoint.io(), record)?;
    Ok(())
}

/// Proves an executed epoch.
fn prove<S: HostSuite>(
    prover: &mut RecordProver<'_, Chosen, S>,
    record: &mut EpochRecord<'_>,
) -> Result<Vec<u8>, WorkError>
where
    Chosen: Hashes<S>,
{
    let mut proof = Vec::new();
    prover.prove(record, &mut proof)?;
    Ok(proof)
}

/// Proves a merge from the rows of its children.
fn merge<S: HostSuite>(
    tables: &EpochTables<'_>,
    options: &Options,
    storage: &mut RecordStorage,
    workspace: &mut Workspace,
    bytes: &[u8],
) -> Result<Vec<u8>, WorkError>
where
    Chosen: Hashes<S>,
{
    let setup = tables.setup();
    let task = MergeTask::decode(setup, bytes)?;
    let merge = task.merge(tables, storage)?;
    let result = task.result()?;
    let (proof, _) = prove_merge::<S>(setup, &merge, &result, options, workspace)?;
    Ok(proof)
}
