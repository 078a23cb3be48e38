//! Workers: one workspace each, epoch after epoch.

use std::collections::TryReserveError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};

use p3_field::PrimeCharacteristicRing;
use tranche_backend::{Chosen, Team};
use tranche_core::shape::Profile;
use tranche_core::{F, Hashes, PlanError, TraceMut};
use tranche_machine::merge::Chain;
use tranche_machine::setup::Setup;
use tranche_machine::{
    EpochEnd, EpochPlan, EpochRecord, EpochTables, FilledTable, RecordProver, RecordedEpoch, Span,
};

use super::error::ProveError;
use crate::epoch::{PerShape, ShapeIndex};
use crate::suite::{HostSuite, with_suite};
use crate::workspace::Workspace;

/// An executed epoch.
#[derive(Debug)]
pub(super) struct Job<'r> {
    /// What its traces are filled from.
    pub record: EpochRecord<'r>,
    /// What ended it.
    pub end: EpochEnd,
    /// Whether it is proved already.
    pub known: bool,
}

/// A proved epoch.
#[derive(Debug)]
pub(super) struct Done<'r> {
    pub number: u32,
    /// The heights of its tables.
    pub shape: ShapeIndex,
    pub span: Span,
    pub end: EpochEnd,
    /// Its proof; `None` when it was known.
    pub proof: Option<Vec<u8>>,
    /// What it did to each cell it touched.
    pub rows: Vec<Chain>,
    /// Its L2G trace, column by column.
    pub trace: Vec<F>,
    /// Its record, to be used again.
    pub record: EpochRecord<'r>,
}

/// What workers and the executor tell the thread that writes.
pub(super) type Report<'r> = Sender<Result<Done<'r>, ProveError>>;

/// The workers of a run.
pub(super) struct Crew<'c, 'r, S: HostSuite> {
    tables: &'c PerShape<EpochTables<'c>>,
    plans: &'c PerShape<EpochPlan<S>>,
    jobs: &'c Mutex<Receiver<Job<'r>>>,
    most: usize,
    started: AtomicUsize,
    /// Helps where there are fewer epochs than workers.
    team: &'c Arc<Team>,
}

impl<'c, 'r, S: HostSuite> Crew<'c, 'r, S>
where
    Chosen: Hashes<S>,
{
    /// No workers yet, and at most so many.
    pub const fn new(
        tables: &'c PerShape<EpochTables<'c>>,
        plans: &'c PerShape<EpochPlan<S>>,
        jobs: &'c Mutex<Receiver<Job<'r>>>,
        most: usize,
        team: &'c Arc<Team>,
    ) -> Self {
        let started = AtomicUsize::new(0);
        Self {
            tables,
            plans,
            jobs,
            most,
            started,
            team,
        }
    }

    /// Workers so far.
    pub fn started(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }

    /// Starts one more, if there may be one.
    pub fn add<'scope>(
        &'c self,
        scope: &'scope Scope<'scope, 'c>,
        report: &Report<'r>,
    ) -> Result<(), ProveError>
    where
        'r: 'scope,
    {
        if self.started() == self.most {
            return Ok(());
        }
        self.started.fetch_add(1, Ordering::Relaxed);
        start(scope, report.clone(), |report| {
            let (tables, plans) = (self.tables, self.plans);
            let next = || self.team.wait(|| self.jobs.lock().ok()?.recv().ok());
            self.team.work(|| work(tables, plans, next, report))
        })
    }
}

/// Starts a thread whose failure is reported.
pub(super) fn start<'scope, 'c, 'r: 'scope>(
    scope: &'scope Scope<'scope, 'c>,
    report: Report<'r>,
    work: impl FnOnce(&Report<'r>) -> Result<(), ProveError> + Send + 'scope,
) -> Result<(), ProveError> {
    let thread = move || {
        let alarm = Alarm(&report);
        if let Err(error) = work(alarm.0) {
            let _ = report.send(Err(error));
        }
    };
    thread::Builder::new()
        .spawn_scoped(scope, thread)
        .map_err(ProveError::Thread)?;
    Ok(())
}

/// Bytes of a workspace in which any epoch of a setup can be proved.
pub(super) fn workspace_bytes(setup: &Setup<'_>, profile: Profile) -> Result<usize, PlanError> {
    let tables = PerShape::of(setup);
    with_suite!(setup.settings.hash, S => {
        let plans = tables.try_map(|tables| tables.plan_in::<Chosen, S>(profile))?;
        Ok(workspace_len(&plans))
    })
}

/// Bytes of a workspace in which an epoch of any of these plans can be proved.
pub(super) fn workspace_len<S: HostSuite>(plans: &PerShape<EpochPlan<S>>) -> usize {
    let lens = plans.iter().map(EpochPlan::workspace_len);
    lens.max().unwrap_or_default()
}

/// Proves the epochs that come until there are no more, or nobody listens.
fn work<'r, S: HostSuite>(
    tables: &PerShape<EpochTables<'_>>,
    plans: &PerShape<EpochPlan<S>>,
    next: impl Fn() -> Option<Job<'r>>,
    report: &Report<'r>,
) -> Result<(), ProveError>
where
    Chosen: Hashes<S>,
{
    let mut workspace = Workspace::default();
    let mut job = next();
    // One prover after another, each of the heights of some epochs that follow one another.
    while let Some(first) = &job {
        let shape = tables.holding(&first.record);
        let buffer = workspace.reserve(workspace_len(plans))?;
        let mut prover = RecordProver::new(tables.at(shape), plans.at(shape), buffer)?;
        while let Some(now) = job.take_if(|job| tables.holding(&job.record) == shape) {
            let done = prove::<S>(tables.at(shape), shape, &mut prover, now)?;
            if report.send(Ok(done)).is_err() {
                return Ok(());
            }
            job = next();
        }
    }
    Ok(())
}

/// Proves an executed epoch, unless it is proved already.
fn prove<'t, 'r, S: HostSuite>(
    tables: &'t EpochTables<'t>,
    shape: ShapeIndex,
    prover: &mut RecordProver<'t, Chosen, S>,
    job: Job<'r>,
) -> Result<Done<'r>, ProveError>
where
    Chosen: Hashes<S>,
{
    let Job {
        mut record,
        end,
        known,
    } = job;
    let (number, span) = (record.epoch(), Span::of(&record));
    let (trace, proof) = if known {
        (l2g_trace(tables, &mut record)?, None)
    } else {
        let mut epoch = RecordedEpoch::new(tables, &mut record);
        let mut traces = prover.fill(&mut epoch)?;
        let mut l2g = traces.trace_mut(FilledTable::L2g.index());
        let mut trace = Vec::new();
        trace.try_reserve_exact(l2g.values_mut().len())?;
        trace.extend_from_slice(l2g.values_mut());
        let mut proof = Vec::new();
        traces.finish_batch(&epoch, &mut proof)?;
        (trace, Some(proof))
    };
    let rows = record.l2g().iter();
    let rows = rows.map(|row| Chain::of_epoch(row, number)).collect();
    Ok(Done {
        number,
        shape,
        span,
        end,
        proof,
        rows,
        trace,
        record,
    })
}

/// The L2G trace of a recorded epoch, column by column.
pub(super) fn l2g_trace(
    tables: &EpochTables<'_>,
    record: &mut EpochRecord<'_>,
) -> Result<Vec<F>, TryReserveError> {
    let table = FilledTable::L2g.index();
    let (air, height) = (&tables.airs[table], 1 << tables.specs[table].log_height);
    let mut trace = Vec::new();
    trace.try_reserve_exact(air.main_width() * height)?;
    trace.resize(air.main_width() * height, F::ZERO);
    let program = tables.setup().program;
    air.fill(program, record, &mut TraceMut::new(&mut trace, height));
    Ok(trace)
}

/// Reports when its thread panics, so that nobody waits for it.
struct Alarm<'a, 'r>(&'a Report<'r>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let _ = self.0.send(Err(ProveError::Panicked));
        }
    }
}
