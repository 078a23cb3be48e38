//! The fastest profile and epoch whose workspaces fit a budget of bytes.
//!
//! A workspace's bytes are exact before anything is proved. How tall a merge's tables are depends
//! on the cells that each range of epochs touches, which an execution without proofs tells.

use tranche_core::plan::Profile;
use tranche_machine::fit::by_preference;
use tranche_machine::merge::Chain;
use tranche_machine::settings::Settings;
use tranche_machine::setup::{Setup, SetupError};
use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};
use tranche_machine::{EpochEnd, EpochTables, Machine, Pages, Program, RecordStorage};

use super::Options;
use super::collect::Collector;
use super::error::ProveError;
use crate::backend::Backend;
use crate::execute::{Execution, Io};
use crate::merge::outcome;

/// What became of a budget.
#[derive(Clone, Copy, Debug)]
pub enum Fit<'a> {
    /// The setup and the profile that fit.
    Fits(Setup<'a>, Profile),
    /// None fits; this many bytes would do.
    TooSmall {
        /// Bytes of the setup that needs the fewest.
        needed: u64,
    },
}

/// Finds the profile and the epoch for which one workspace per worker, and that of the largest merge,
/// take at most `bytes` together: the first by [preference](by_preference).
///
/// Epochs that are longer than the run are not tried, except the shortest of them.
///
/// # Errors
/// When settings cannot be made secure, or a merge cannot be built.
pub fn fit<'a>(
    program: &'a Program<'a>,
    input: &[u8],
    execution: &Execution,
    settings: Settings,
    options: &Options,
    profiles: &[Profile],
    bytes: u64,
) -> Result<Fit<'a>, ProveError> {
    let longest = execution.cycles.next_power_of_two().ilog2();
    let longest = longest.clamp(MIN_LOG2_CYCLES, MAX_LOG2_CYCLES);
    let candidates = by_preference(MIN_LOG2_CYCLES..=longest);
    let mut needed = u64::MAX;
    for (log2_cycles, profile) in candidates.filter(|(_, profile)| profiles.contains(profile)) {
        let settings = Settings {
            log2_cycles,
            ..settings
        };
        let setup = match Setup::secure(program, settings, options.floor) {
            // The longest epochs may have too few bits, whatever the queries.
            Err(SetupError::Security { .. }) => continue,
            setup => setup?,
        };
        let epoch = EpochTables::new(&setup)
            .plan_in::<Backend>(profile)?
            .workspace_len();
        // As many epochs at least as it takes to hold all cycles.
        let least = execution.cycles.div_ceil(1 << log2_cycles).max(1);
        if workspaces(epoch, options, least) > bytes.max(needed - 1) {
            continue;
        }
        let (epochs, merge) = largest_merge(&setup, profile, input, execution)?;
        let total = workspaces(epoch, options, epochs.into()).saturating_add(merge as u64);
        if total <= bytes {
            return Ok(Fit::Fits(setup, profile));
        }
        needed = needed.min(total);
    }
    Ok(Fit::TooSmall { needed })
}

/// Bytes of all workers' workspaces, of which there are no more than epochs.
fn workspaces(bytes: usize, options: &Options, epochs: u64) -> u64 {
    let workers = (options.workers.get() as u64).min(epochs);
    workers.saturating_mul(bytes as u64)
}

/// Number of epochs of a run, and bytes of the workspace of its largest merge.
fn largest_merge(
    setup: &Setup<'_>,
    profile: Profile,
    input: &[u8],
    execution: &Execution,
) -> Result<(u32, usize), ProveError> {
    let bytes = execution.output.len();
    let result = outcome(execution.exit_code, &execution.output);
    let result = result.ok_or(ProveError::Output { bytes })?;
    let pages = Pages::new(execution.memory);
    let mut machine = Machine::over(setup.program, pages, execution.cycles);
    let mut storage = RecordStorage::try_new(setup.shape)?;
    let mut record = storage.record();
    let mut io = Io::new(input);
    let mut collector = Collector::new(setup);
    let mut largest = 0;
    loop {
        let last = matches!(machine.run_epoch(&mut io, &mut record)?, EpochEnd::Exit(_));
        let rows = record
            .l2g()
            .iter()
            .map(|row| Chain::of_epoch(row, record.epoch()));
        collector.epoch(rows.collect(), Vec::new(), last)?;
        while let Some(merge) = collector.merge(&result)? {
            let tables = merge.tables(setup, result);
            let plan = tables.plan_in(&setup.settings.params, profile)?;
            largest = largest.max(plan.workspace_len());
        }
        if last {
            return Ok((record.epoch(), largest));
        }
    }
}
