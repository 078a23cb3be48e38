//! Proving a run: an executor that runs ahead, workers with one workspace each, merges as they
//! become due, and a bundle that is written as the proofs come.
//!
//! ```text
//! executor ──records──► workers ──proofs──► this thread: in order, merges, bundle
//!     ▲                                            │
//!     └──────────────── empty records ◄────────────┘
//! ```
//!
//! There is a fixed number of records, and an epoch's goes back only once the epoch is written, so
//! the executor is never further ahead than that. Memory does not grow with the run, but with the
//! cells that it touches.

mod budget;
mod collect;
mod emit;
mod error;
mod worker;

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tranche_core::plan::Profile;
use tranche_machine::settings::{SECURITY_FLOOR_BITS, bits};
use tranche_machine::setup::Setup;
use tranche_machine::{EpochEnd, EpochRecord, EpochTables, Machine, Pages, RecordStorage};

use crate::backend::Backend;
use crate::execute::{Execution, Io};

pub use budget::{Fit, fit};
pub use error::ProveError;

use emit::Emitter;
use worker::{Alarm, Job, Workspace, work};

/// Epochs that may be executed, or proved out of turn, besides those that workers have in hand.
const EPOCHS_AHEAD: usize = 2;

/// How a run is proved; the bundle depends on none of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Threads that prove epochs, each in a workspace of its own.
    pub workers: NonZeroUsize,
    /// Proven bits that every proof has at least; a plan with fewer is refused.
    pub floor: f64,
    /// How much of a proof's work stays in the workspaces.
    pub profile: Profile,
}

impl Default for Options {
    fn default() -> Self {
        let workers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            workers,
            floor: SECURITY_FLOOR_BITS,
            profile: Profile::Fast,
        }
    }
}

/// What was proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    /// Epochs.
    pub epochs: u32,
    /// Cycles of all epochs.
    pub cycles: u64,
    /// Merges, the root included.
    pub merges: u32,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
    /// Bytes of all workspaces: one for each worker, and that of the largest merge.
    pub workspace_bytes: usize,
}

/// Proves the execution of a setup's program on `input`, and writes the bundle to `out`.
///
/// `execution` is what [`execute`](crate::execute::execute) returned for the same program and
/// input. `progress` is called after each epoch and each merge.
///
/// # Errors
/// [`ProveError`]; what was written then is no bundle.
pub fn prove<W: Write>(
    setup: &Setup<'_>,
    input: &[u8],
    execution: &Execution,
    options: &Options,
    out: W,
    progress: impl FnMut(&Proved),
) -> Result<Proved, ProveError> {
    let tables = EpochTables::new(setup);
    let plan = tables.plan_in::<Backend>(options.profile)?;
    check_floor(bits(&plan).total(), options)?;
    let workers = options.workers.get();
    let mut storage: Vec<_> = (0..workers + EPOCHS_AHEAD)
        .map(|_| RecordStorage::new(setup.shape))
        .collect();
    let mut workspaces: Vec<_> = (0..workers).map(|_| Workspace::default()).collect();
    let mut emitter = Emitter::new(setup, execution, options, out, progress)?;
    emitter.count_workspaces(workers * plan.workspace_len());

    // No channel fills up: there are only so many records.
    let (free, records) = channel();
    let (ready, jobs) = channel();
    let (report, done) = channel();
    let jobs = Mutex::new(jobs);
    let proved = thread::scope(|scope| {
        for storage in &mut storage {
            let _ = free.send(storage.record());
        }
        for workspace in &mut workspaces {
            let (report, tables, plan, jobs) = (report.clone(), &tables, &plan, &jobs);
            scope.spawn(move || {
                let _alarm = Alarm::new(&report);
                if let Err(error) = work(tables, plan, workspace, jobs, &report) {
                    let _ = report.send(Err(error));
                }
            });
        }
        scope.spawn(move || {
            let _alarm = Alarm::new(&report);
            if let Err(error) = run_ahead(setup, input, execution, &records, &ready) {
                let _ = report.send(Err(error));
            }
        });

        let mut early = BTreeMap::new();
        for message in done {
            let proof = message?;
            early.insert(proof.number, proof);
            while let Some(proof) = early.remove(&(emitter.proved().epochs + 1)) {
                let record = emitter.epoch(proof)?;
                let _ = free.send(record);
            }
        }
        emitter.finish()
    })?;
    Ok(proved)
}

/// Refuses a plan that proves too few bits.
fn check_floor(bits: f64, options: &Options) -> Result<(), ProveError> {
    let floor = options.floor;
    if bits < floor {
        Err(ProveError::Security { bits, floor })
    } else {
        Ok(())
    }
}

/// Executes epoch after epoch into the records that come back, until the program exits or nobody
/// listens any more.
fn run_ahead<'r>(
    setup: &Setup<'_>,
    input: &[u8],
    execution: &Execution,
    records: &Receiver<EpochRecord<'r>>,
    ready: &Sender<Job<'r>>,
) -> Result<(), ProveError> {
    let pages = Pages::new(execution.memory);
    let mut machine = Machine::over(setup.program, pages, execution.cycles);
    let mut io = Io::new(input);
    while let Ok(mut record) = records.recv() {
        let end = machine.run_epoch(&mut io, &mut record)?;
        let last = matches!(end, EpochEnd::Exit(_));
        if ready.send(Job { record, last }).is_err() || last {
            break;
        }
    }
    Ok(())
}
