//! Proving a run as one: survey, plan, walks.

use std::cell::RefCell;
use std::io::{BufWriter, Write};

use embedded_io_adapters::std::FromStd;
use tranche_backend::Chosen;
use tranche_core::Hashes;
use tranche_core::retire::{Retire, RetireError, Worker};
use tranche_core::verifier::MAX_PROOF_BYTES;
use tranche_machine::batches::{BODY, RunTables, Walk, WalkStorage};
use tranche_machine::settings::check_floor;
use tranche_machine::shape::RowCounts;
use tranche_machine::{FilledTable, Program};

use super::crew::Threads;
use super::error::RetireProveError;
use super::journal::{OnDisk, Tee};
use super::options::Options;
use super::survey::Surveyed;
use super::{kinds, plans, run_plan, sequence};
use crate::execute::Execution;
use crate::files::Partial;
use crate::padding::Cells;
use crate::prove::team;
use crate::suite::{HostSuite, with_suite};
use crate::workspace::Workspace;

/// What was proved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retired {
    /// Cycles of the run.
    pub cycles: u64,
    /// Batches, the closing one included; one for a run in a [single batch](super::prove_whole).
    pub batches: usize,
    /// Those of them that were not made again, over all walks, since a partial file had what they leave.
    pub resumed_batches: usize,
    /// Walks over the run.
    pub walks: usize,
    /// Bytes of the bundle.
    pub bundle_bytes: u64,
    /// Threads that made batches.
    pub workers: usize,
    /// Bytes of all workspaces.
    pub workspace_bytes: usize,
    /// Bytes of what is kept between batches.
    pub store_bytes: usize,
    /// Proven bits of the proof.
    pub security_bits: f64,
    /// Cells of the tables that the execution fills.
    pub cells: Cells,
    /// Hashes of trees that a verifier of the proof is expected to compute.
    pub expected_hashes: f64,
}

/// Proves the execution of `program` on `input` as one proof, and writes the bundle to `out`.
///
/// `execution` is what [`execute`](crate::execute::execute) returned for the same program and input.
/// `progress` is told the walk and the batch that was made, both from 0. What would refuse the proof is found
/// before it is begun.
///
/// # Errors
/// [`RetireProveError`]; what was written then is no bundle.
pub fn prove<W: Write>(
    program: &Program<'_>,
    input: &[u8],
    execution: &Execution,
    options: &Options,
    out: W,
    progress: impl FnMut(usize, usize),
) -> Result<Retired, RetireProveError> {
    let surveyed = Surveyed::cut(program, input, execution, options)?;
    let options = surveyed.secure(options)?;
    surveyed.prove(&options, out, progress)
}

impl Surveyed<'_> {
    /// As [`prove()`], without another execution to learn its batches; the options' parameters are taken as
    /// they are, their length is the survey's.
    ///
    /// # Errors
    /// [`RetireProveError`]; what was written then is no bundle.
    pub fn prove<W: Write>(
        &self,
        options: &Options,
        mut out: W,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Retired, RetireProveError> {
        self.prove_into(options, None, &mut out, &mut progress)
    }

    /// As [`Self::prove`], with what each batch leaves in each walk in a partial file, which is
    /// [bound](Self::binding) to this run: what it has is not made again. A bundle of which it had a part has
    /// to be verified.
    ///
    /// # Errors
    /// [`RetireProveError`]; the partial file has then what was finished.
    pub fn resume<W: Write>(
        &self,
        options: &Options,
        partial: &mut Partial,
        mut out: W,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Retired, RetireProveError> {
        self.prove_into(options, Some(partial), &mut out, &mut progress)
    }

    fn prove_into(
        &self,
        options: &Options,
        partial: Option<&mut Partial>,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Retired, RetireProveError> {
        with_suite!(options.hash, S => self.prove_with::<S>(options, partial, out, progress))
    }

    // One prover of each suite is compiled, whatever it writes to.
    fn prove_with<S: HostSuite>(
        &self,
        options: &Options,
        partial: Option<&mut Partial>,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Retired, RetireProveError>
    where
        Chosen: Hashes<S>,
    {
        let Self {
            input,
            found,
            shape,
            ..
        } = self;
        let tables = self.tables(options.params, S::HASH)?;
        let plans = plans::<S>(&tables, options.profile)?;
        let sequence = sequence(&tables);
        let kinds = kinds(&tables, &plans);
        let plan = run_plan(options.order, options.keep, &kinds, &sequence)?;
        let bits = plan.bits();
        check_floor(&bits, options.floor).map_err(RetireProveError::below(options.floor))?;

        let (workspace_bytes, store_bytes) = (plan.workspace_len(), plan.store_len());
        let mut store = Workspace::default();
        let store = store.reserve(store_bytes)?;
        let mut rooms: Vec<_> = (0..options.workers_for(&plan))
            .map(|_| {
                let storage = WalkStorage::new(&shape.body, found.memory.len());
                (Workspace::default(), storage)
            })
            .collect();
        let mut retire = Retire::<Chosen, _, _, S>::new(&plan, S::instance(), store)?;
        let workers = rooms.iter_mut().map(|(workspace, storage)| {
            let (spans, memory) = (&found.spans, &found.memory);
            let walk = Walk::new(&tables, spans, memory, input, storage.buffers())?;
            let workspace = workspace.reserve(workspace_bytes)?;
            Ok(Worker::<Chosen, _, _, S>::new(&plan, workspace, walk)?)
        });
        let mut workers: Vec<_> = workers.collect::<Result<_, RetireProveError>>()?;

        let mut out = BufWriter::new(out);
        let header_bytes = self
            .header(Some(options.order), options.params, S::HASH)
            .write(&mut out)?;
        let team = team(options.workers);
        let crew = Threads::new(team.clone());
        // A run without a journal has nothing to take from what was written.
        let recent = RefCell::default();
        let lens = plans.iter().map(|plan| plan.max_proof_len() as usize);
        let most = lens.fold(0, usize::max).min(MAX_PROOF_BYTES);
        let most = if partial.is_some() { most } else { 0 };
        let mut journal = OnDisk::new(partial, &recent, progress);
        let sink = FromStd::new(Tee::new(&mut out, &recent, most));
        let proof_bytes = team.work(|| retire.resume(&crew, &mut workers, sink, &mut journal));
        let failed = crew.failed();
        let proof_bytes = proof_bytes.map_err(|error| match error {
            RetireError::NotMade { batch } => match failed {
                Some(error) => RetireProveError::Thread(error),
                None => RetireProveError::NotMade { batch },
            },
            RetireError::Trace { error, .. } => error.into(),
            RetireError::Batch { batch, error } => RetireProveError::Batch { batch, error },
            RetireError::Changed { batch } => RetireProveError::Changed { batch },
            RetireError::Sink(error) => RetireProveError::Write(error),
            RetireError::Record { walk, batch } => RetireProveError::Record { walk, batch },
            RetireError::Stopped { .. } => match journal.failed() {
                Some(error) => RetireProveError::Partial(error),
                None => RetireProveError::Refused,
            },
            _ => RetireProveError::Refused,
        })?;
        out.flush()?;
        Ok(Retired {
            cycles: found.cycles,
            batches: plan.batches(),
            resumed_batches: journal.passed(),
            walks: journal.walks(),
            bundle_bytes: header_bytes + proof_bytes,
            workers: workers.len(),
            workspace_bytes: workers.len() * workspace_bytes,
            store_bytes,
            security_bits: bits.total(),
            cells: cells(&tables, &found.rows),
            expected_hashes: plan.expected_hashes(),
        })
    }
}

/// The cells of the bodies of a run with so many rows.
pub(super) fn cells(tables: &RunTables<'_>, rows: &RowCounts) -> Cells {
    let mut cells = Cells::default();
    let (shape, airs) = (tables.shape(), tables.airs(BODY).iter());
    let of_body = shape.body.tables();
    let of_body = of_body.filter(|(table, _)| *table != FilledTable::L2g);
    for ((table, log_rows), air) in of_body.zip(airs) {
        let real = rows[table.index()];
        let all = u64::from(shape.batches) << log_rows;
        cells.add(air.main_width(), real, all);
    }
    cells
}
