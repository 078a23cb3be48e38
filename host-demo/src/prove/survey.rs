//! What the merges of a run need, known before its first proof.
//!
//! How tall a merge's tables are depends on the image, on the output, and on the cells that each
//! range of epochs touches, which an execution without proofs tells. A merge that would not reach
//! the bits asked for, or that no plan admits, is found here, before anything is proved.

use std::collections::BTreeSet;

use tranche_core::plan::Profile;
use tranche_core::{Params, PlanError};
use tranche_machine::merge::{Chain, Outcome};
use tranche_machine::settings::{Settings, bits};
use tranche_machine::setup::Setup;
use tranche_machine::{EpochEnd, Machine, Pages, Program, RecordStorage};

use super::collect::Collector;
use super::error::ProveError;
use super::{Options, check_floor};
use crate::execute::{Execution, Io};
use crate::merge::{MAX_LOG_ROWS, MergePlan, MergeTables, outcome};

/// The merges of a run, each shape once.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    epochs: u32,
    merges: Vec<MergeTables<'a>>,
}

impl<'a> Survey<'a> {
    /// Executes the program of `setup` once more; `execution` is what it comes to.
    ///
    /// # Errors
    /// When the execution cannot go on, a merge cannot be built, or a table is too tall.
    pub fn of(
        setup: &Setup<'a>,
        input: &[u8],
        execution: &'a Execution,
    ) -> Result<Self, ProveError> {
        let result = claimed(execution)?;
        let pages = Pages::new(execution.memory);
        let mut machine = Machine::over(setup.program, pages, execution.cycles);
        let mut storage = RecordStorage::try_new(setup.shape)?;
        let mut record = storage.record();
        let mut io = Io::new(input);
        let mut collector = Collector::new(setup);
        let (mut seen, mut merges) = (BTreeSet::new(), Vec::new());
        loop {
            let last = matches!(machine.run_epoch(&mut io, &mut record)?, EpochEnd::Exit(_));
            let rows = record
                .l2g()
                .iter()
                .map(|row| Chain::of_epoch(row, record.epoch()));
            collector.epoch(rows.collect(), Vec::new(), last)?;
            while let Some(merge) = collector.merge(&result)? {
                let tallest = merge.varying_logs(setup).into_iter().max();
                if let Some(got) = tallest.filter(|&got| got > MAX_LOG_ROWS) {
                    let limit = MAX_LOG_ROWS;
                    return Err(ProveError::TooManyRows { got, limit });
                }
                let tables = merge.tables(setup, result);
                let (leaves, root) = (merge.node.level == 1, merge.node.root);
                if seen.insert((leaves, root, tables.log_heights())) {
                    merges.push(tables);
                }
            }
            if last {
                let epochs = record.epoch();
                return Ok(Self { epochs, merges });
            }
        }
    }

    /// Number of epochs of the run.
    pub const fn epochs(&self) -> u32 {
        self.epochs
    }

    /// The setup with as many more queries, and as much more grinding, as it takes for every merge to
    /// reach `floor` proven bits.
    ///
    /// # Errors
    /// When neither helps, or the core refuses a merge.
    pub fn secure<'p>(&self, mut setup: Setup<'p>, floor: f64) -> Result<Setup<'p>, ProveError> {
        for tables in &self.merges {
            let plan = tables.plan(&setup.settings.params)?;
            setup = setup.raised(&plan.security_shape(), floor)?;
        }
        Ok(setup)
    }

    /// Refuses a run with a merge that no plan admits, or that proves too few bits.
    ///
    /// # Errors
    /// When the core refuses a merge; [`ProveError::Security`].
    pub fn check(&self, params: &Params, options: &Options) -> Result<(), ProveError> {
        self.merges
            .iter()
            .try_for_each(|tables| check_floor(&bits(&tables.plan(params)?), options))
    }

    /// Bytes of the workspace of the largest merge.
    ///
    /// # Errors
    /// When the core refuses a merge.
    pub fn workspace_len(&self, params: &Params, options: &Options) -> Result<usize, PlanError> {
        self.merges.iter().try_fold(0, |largest, tables| {
            Ok(merge_plan(tables, params, options)?
                .workspace_len()
                .max(largest))
        })
    }
}

/// The setup with which every proof of a run, merges included, has `floor` proven bits at least: more
/// queries than `settings` have, or more grinding, where it takes them.
///
/// # Errors
/// When neither helps, or a proof of the run could not be made: nothing is proved to find out.
pub fn secure<'a>(
    program: &'a Program<'a>,
    input: &[u8],
    execution: &Execution,
    settings: Settings,
    floor: f64,
) -> Result<Setup<'a>, ProveError> {
    let setup = Setup::secure(program, settings, floor)?;
    Survey::of(&setup, input, execution)?.secure(setup, floor)
}

/// The plan of a merge, in the profile that the options give it.
pub(super) fn merge_plan(
    tables: &MergeTables<'_>,
    params: &Params,
    options: &Options,
) -> Result<MergePlan, PlanError> {
    let plan = tables.plan_in(params, options.profile)?;
    if options.profile == Profile::Compact || plan.workspace_len() <= options.fast_merge_bytes {
        return Ok(plan);
    }
    tables.plan_in(params, Profile::Compact)
}

/// The result that an execution claims.
pub(super) fn claimed(execution: &Execution) -> Result<Outcome<'_>, ProveError> {
    let bytes = execution.output.len();
    outcome(execution.exit_code, &execution.output).ok_or(ProveError::Output { bytes })
}
