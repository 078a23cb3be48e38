//! The executor: epoch after epoch into records, ahead of the workers, of which it starts one more
//! for each of the first epochs. So there is never a worker, or a record, without an epoch.

use std::slice::IterMut;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::Scope;

use tranche_backend::Chosen;
use tranche_core::Hashes;
use tranche_machine::setup::Setup;
use tranche_machine::{EpochEnd, EpochRecord, Machine, Pages, RecordStorage};

use super::error::ProveError;
use super::worker::{Crew, Job, Report};
use crate::execute::{Execution, Io};
use crate::suite::HostSuite;

/// Executes a run for the workers.
pub(super) struct Executor<'c, 'r, S: HostSuite> {
    pub setup: &'c Setup<'c>,
    pub input: &'c [u8],
    pub execution: &'c Execution,
    /// Epochs that are proved already, the first of the run.
    pub known: u32,
    /// Records that may yet be made.
    pub storage: IterMut<'r, Option<RecordStorage>>,
    /// Records that come back.
    pub records: Receiver<EpochRecord<'r>>,
    /// Takes the executed epochs.
    pub ready: Sender<Job<'r>>,
    /// Proves them.
    pub crew: &'c Crew<'c, 'r, S>,
}

impl<'c, 'r, S: HostSuite> Executor<'c, 'r, S>
where
    Chosen: Hashes<S>,
{
    /// Executes until the program exits or nobody listens any more.
    pub fn run<'scope>(
        mut self,
        scope: &'scope Scope<'scope, 'c>,
        report: &Report<'r>,
    ) -> Result<(), ProveError>
    where
        'r: 'scope,
    {
        let pages = Pages::new(self.execution.memory);
        let mut machine = Machine::over(self.setup.program, pages, self.execution.cycles);
        let mut io = Io::new(self.input);
        while let Some(mut record) = self.record()? {
            let end = machine.run_epoch(&mut io, &mut record)?;
            let known = record.epoch() <= self.known;
            if self.ready.send(Job { record, end, known }).is_err() {
                break;
            }
            self.crew.add(scope, report)?;
            if matches!(end, EpochEnd::Exit(_)) {
                break;
            }
        }
        Ok(())
    }

    /// A record that is back, or else a new one, or else the next that comes back; nothing when
    /// none will.
    fn record(&mut self) -> Result<Option<EpochRecord<'r>>, ProveError> {
        if let Ok(record) = self.records.try_recv() {
            return Ok(Some(record));
        }
        match self.storage.next() {
            Some(slot) => {
                let storage = slot.insert(RecordStorage::try_new(self.setup.shape)?);
                Ok(Some(storage.record()))
            }
            None => Ok(self.records.recv().ok()),
        }
    }
}
