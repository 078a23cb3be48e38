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
mod executor;
mod frames;
mod options;
mod proved;
pub mod remote;
mod survey;
mod worker;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use tranche_backend::Chosen;
use tranche_core::Hashes;
use tranche_machine::merge::Tree;
use tranche_machine::settings::{bits, check_floor};
use tranche_machine::setup::Setup;
use tranche_machine::{EpochPlan, EpochTables};

use crate::bundle::{Header, header};
use crate::epoch::PerShape;
use crate::execute::Execution;
use crate::files::Partial;
use crate::files::partial::Binding;
use crate::suite::{HostSuite, with_suite};

pub use budget::{Budget, Fit, fit, soonest};
pub use error::ProveError;
pub use options::{FAST_MERGE_BYTES, Options, default_workers};
pub use proved::{Ends, Proved};
pub use survey::{Surveyed, metered, secure};

pub(crate) use options::team;

use emit::Emitter;
use executor::Executor;
use frames::known_epochs;
use worker::{Crew, start, workspace_len};

/// Epochs that may be executed, or proved out of turn, besides those that workers have in hand.
const EPOCHS_AHEAD: usize = 2;

/// Proves the execution of a setup's program on `input`, and writes the bundle to `out`.
///
/// `execution` is what [`execute`](crate::execute::execute) returned for the same program and
/// input. `progress` is called after each epoch and each merge. What would refuse any proof of the run
/// is found before the first.
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
    // What an epoch is refused for needs no execution to be found.
    with_suite!(setup.settings.hash, S => {
        epoch_plans::<S>(&PerShape::of(setup), options)?;
    });
    Surveyed::new(*setup, input, execution)?.prove(options, out, progress)
}

/// The plans of the epochs, which prove the bits asked for.
fn epoch_plans<S: HostSuite>(
    tables: &PerShape<EpochTables<'_>>,
    options: &Options,
) -> Result<PerShape<EpochPlan<S>>, ProveError> {
    tables.try_map(|tables| {
        let plan = tables.plan_in::<Chosen, S>(options.profile)?;
        check_floor(&bits(&plan), options.floor).map_err(ProveError::below(options.floor))?;
        Ok(plan)
    })
}

impl Surveyed<'_> {
    /// As [`prove()`], without another execution to learn what the merges need.
    ///
    /// # Errors
    /// [`ProveError`]; what was written then is no bundle.
    pub fn prove<W: Write>(
        &self,
        options: &Options,
        mut out: W,
        mut progress: impl FnMut(&Proved),
    ) -> Result<Proved, ProveError> {
        self.prove_into(options, None, &mut out, &mut progress)
    }

    /// As [`Self::prove`], with each epoch and each merge in a partial file, which is [bound](Self::binding) to
    /// this run: those that it has are not proved again. The bundle is written to `out` in the end; what a
    /// partial file had of it has to be verified.
    ///
    /// # Errors
    /// [`ProveError`]; the partial file has then what was finished.
    pub fn resume<W: Write>(
        &self,
        options: &Options,
        partial: &mut Partial,
        mut out: W,
        mut progress: impl FnMut(&Proved),
    ) -> Result<Proved, ProveError> {
        self.prove_into(options, Some(partial), &mut out, &mut progress)
    }

    /// What the partial file of this run is bound to: all that decides the bundle's bytes.
    pub fn binding(&self) -> Binding {
        let Setup {
            program_digest: program,
            plan_digest,
            ..
        } = self.setup;
        let header = header(&Header::of(&self.setup));
        let options = [b"epochs", &header[..], &plan_digest].concat();
        Binding::new(program, self.input, &options)
    }

    fn prove_into(
        &self,
        options: &Options,
        partial: Option<&mut Partial>,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(&Proved),
    ) -> Result<Proved, ProveError> {
        with_suite!(self.setup.settings.hash, S => {
            self.prove_with::<S>(options, partial, out, progress)
        })
    }

    // One prover of each suite is compiled, whatever it writes to.
    fn prove_with<S: HostSuite>(
        &self,
        options: &Options,
        mut partial: Option<&mut Partial>,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(&Proved),
    ) -> Result<Proved, ProveError>
    where
        Chosen: Hashes<S>,
    {
        let Self {
            setup,
            input,
            execution,
            survey,
        } = self;
        let tables = PerShape::of(setup);
        let plans = epoch_plans::<S>(&tables, options)?;
        survey.check::<S>(&setup.settings.params, options)?;
        let workers = options.workers.get().min(survey.epochs() as usize);
        let mut storage = Vec::new();
        let records = workers.saturating_add(EPOCHS_AHEAD);
        storage.try_reserve_exact(records)?;
        storage.resize_with(records, || None);
        let known = match &mut partial {
            Some(partial) => {
                let tree = Tree::new(survey.epochs(), setup.settings.arity.into())?;
                known_epochs(partial, &tree)
            }
            None => 0,
        };
        let mut emitter = Emitter::new(
            setup,
            (&tables, &plans),
            execution,
            options,
            partial,
            out,
            progress,
        )?;

        // No channel fills up: there are only so many records.
        let (free, records) = channel();
        let (ready, jobs) = channel();
        let (report, done) = channel();
        let jobs = Mutex::new(jobs);
        let team = team(options.workers);
        let crew = Crew::new(&tables, &plans, &jobs, workers, &team);
        let executor = Executor {
            setup,
            input,
            execution,
            known,
            storage: storage.iter_mut(),
            records,
            ready,
            crew: &crew,
        };
        thread::scope(|scope| {
            // Gone when this thread has failed, so that nobody waits for a record.
            let free = free;
            start(scope, report, |report| executor.run(scope, report))?;
            let mut early = BTreeMap::new();
            for message in done {
                let proof = message?;
                early.insert(proof.number, proof);
                while let Some(proof) = early.remove(&(emitter.proved().epochs + 1)) {
                    let record = team.work(|| emitter.epoch::<S>(proof))?;
                    let _ = free.send(record);
                }
            }
            let proved = emitter.finish(crew.started(), workspace_len(&plans))?;
            let handed_over = team.handed_over();
            Ok(Proved {
                handed_over,
                ..proved
            })
        })
    }
}
