//! What the merges of a run need, known before its first proof.
//!
//! How tall a merge's tables are depends on the image, on the output, and on the cells that each
//! range of epochs touches, which an execution without proofs tells. A merge that would not reach
//! the bits asked for, or that no plan admits, is found here, before anything is proved.

use std::collections::BTreeSet;

use tranche_backend::Chosen;
use tranche_core::shape::Profile;
use tranche_core::{Params, PlanError};
use tranche_machine::merge::{Chain, Outcome};
use tranche_machine::settings::{Settings, bits, check_floor};
use tranche_machine::setup::{Setup, SetupError};
use tranche_machine::shape::Heights;
use tranche_machine::{
    EpochEnd, EpochTables, EpochUse, ExecError, Machine, Pages, Program, RecordStorage,
};

use super::collect::Collector;
use super::error::ProveError;
use super::options::Options;
use crate::execute::{Execution, Io};
use crate::merge::{MAX_LOG_ROWS, MergePlan, MergeTables, outcome};
use crate::mix::{FrequentRom, Mix, Widths, other_heights};
use crate::suite::{HostSuite, with_suite};

/// A run that every proof of is known: its setup, and what its merges need. [`Surveyed::prove`] proves it.
#[derive(Debug)]
pub struct Surveyed<'a> {
    /// What all proofs are made with.
    pub setup: Setup<'a>,
    pub(super) input: &'a [u8],
    pub(super) execution: &'a Execution,
    pub(super) survey: Survey<'a>,
}

impl<'a> Surveyed<'a> {
    /// Executes the program of `setup` once more; `execution` is what it came to before.
    ///
    /// # Errors
    /// When the execution cannot go on, a merge cannot be built, or a table is too tall.
    pub fn new(
        setup: Setup<'a>,
        input: &'a [u8],
        execution: &'a Execution,
    ) -> Result<Self, ProveError> {
        Ok(Self {
            setup,
            input,
            execution,
            survey: Survey::of(&setup, input, execution)?,
        })
    }

    /// The same run with as many more queries, and as much more grinding, as it takes for every merge to
    /// reach `floor` proven bits. Neither changes how tall a table is.
    ///
    /// # Errors
    /// When neither helps, or the core refuses a merge.
    pub(super) fn secure(mut self, floor: f64) -> Result<Self, ProveError> {
        for tables in &self.survey.merges {
            let Settings { params, hash, .. } = self.setup.settings;
            let shape = with_suite!(hash, S => tables.plan::<S>(&params)?.security_shape());
            self.setup = self.setup.raised(&shape, floor)?;
        }
        Ok(self)
    }
}

/// The merges of a run, each shape once.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    epochs: u32,
    merges: Vec<MergeTables<'a>>,
}

impl<'a> Survey<'a> {
    /// As [`Surveyed::new`].
    fn of(setup: &Setup<'a>, input: &[u8], execution: &'a Execution) -> Result<Self, ProveError> {
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

    /// Refuses a run with a merge that no plan admits, or that proves too few bits.
    ///
    /// # Errors
    /// When the core refuses a merge; [`ProveError::Security`].
    pub fn check<S: HostSuite>(
        &self,
        params: &Params,
        options: &Options,
    ) -> Result<(), ProveError> {
        self.merges.iter().try_for_each(|tables| {
            let bits = bits(&tables.plan::<S>(params)?);
            check_floor(&bits, options.floor).map_err(ProveError::below(options.floor))
        })
    }

    /// Bytes of the workspace of the largest merge.
    ///
    /// # Errors
    /// When the core refuses a merge.
    pub fn workspace_len<S: HostSuite>(
        &self,
        params: &Params,
        options: &Options,
    ) -> Result<usize, PlanError> {
        self.merges.iter().try_fold(0, |largest, tables| {
            Ok(merge_plan::<S>(tables, params, options)?
                .workspace_len()
                .max(largest))
        })
    }
}

/// The run at settings with which every proof, merges included, has `floor` proven bits at least: more
/// queries than `settings` have, or more grinding, where it takes them.
///
/// # Errors
/// When neither helps, or a proof of the run could not be made: nothing is proved to find out.
pub fn secure<'a>(
    program: &'a Program<'a>,
    input: &'a [u8],
    execution: &'a Execution,
    settings: Settings,
    floor: f64,
) -> Result<Surveyed<'a>, ProveError> {
    let setup = Setup::secure(program, settings, floor)?;
    Surveyed::new(setup, input, execution)?.secure(floor)
}

/// The settings with the heights of the run's own [mix](Mix), and with others for those of its epochs that they
/// suit better; `execution` is what it came to before.
///
/// # Errors
/// When a setting is out of range, the execution cannot go on, or the core refuses the plan at common heights.
pub fn metered(
    program: &Program<'_>,
    input: &[u8],
    execution: &Execution,
    settings: Settings,
) -> Result<Settings, ProveError> {
    let common = Settings {
        heights: Heights::Common,
        others: Default::default(),
        ..settings
    };
    let setup = Setup::new(program, common).map_err(SetupError::from)?;
    let filled = setup.shape.tables().map(|(table, _)| table);
    let tables = EpochTables::new(&setup);
    let widths = with_suite!(settings.hash, S => {
        Widths::of(filled, tables.plan_in::<Chosen, S>(Profile::Fast)?.tables())
    });
    let mix = Mix::of(program, input, execution, settings.log2_cycles)?;
    let settings = Settings {
        heights: mix.split_heights(&widths),
        ..common
    };
    let setup = Setup::new(program, settings).map_err(SetupError::from)?;
    let epochs = epochs(&setup, input, execution)?;
    let frequent = FrequentRom::of(program, &widths);
    Ok(Settings {
        others: other_heights(&setup.shape, &epochs, &widths, frequent),
        ..settings
    })
}

/// What each epoch of a run takes.
fn epochs(
    setup: &Setup<'_>,
    input: &[u8],
    execution: &Execution,
) -> Result<Vec<EpochUse>, ExecError> {
    let pages = Pages::new(execution.memory);
    let mut machine = Machine::over(setup.program, pages, execution.cycles);
    let (mut io, mut all) = (Io::new(input), Vec::new());
    loop {
        let (taken, end) = machine.count_epoch(&mut io, &setup.shape)?;
        all.push(taken);
        if matches!(end, EpochEnd::Exit(_)) {
            return Ok(all);
        }
    }
}

/// The plan of a merge, in the profile that the options give it.
pub(super) fn merge_plan<S: HostSuite>(
    tables: &MergeTables<'_>,
    params: &Params,
    options: &Options,
) -> Result<MergePlan<S>, PlanError> {
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
