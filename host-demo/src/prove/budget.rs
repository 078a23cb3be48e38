//! The fastest profile and epoch whose workspaces fit a budget of bytes.
//!
//! A workspace's bytes are exact before anything is proved. How tall a merge's tables are depends
//! on the cells that each range of epochs touches, which an execution without proofs tells.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::num::NonZeroUsize;

use tranche_core::shape::Profile;
use tranche_machine::fit::by_preference;
use tranche_machine::settings::Settings;
use tranche_machine::setup::{Setup, SetupError};
use tranche_machine::shape::{
    ABSENT, EpochShape, Heights, MAX_LOG2_CYCLES, MIN_LOG2_CYCLES, NO_SECOND,
};
use tranche_machine::{FilledTable, Program};

use super::Options;
use super::error::ProveError;
use super::survey::{Surveyed, metered};
use super::worker::workspace_bytes;
use crate::execute::Execution;
use crate::mix::Sizing;
use crate::suite::with_suite;

/// What became of a budget.
#[derive(Debug)]
pub enum Fit<'a> {
    /// The run at the setup that fits, and the options with the profiles that do.
    Fits(Box<Surveyed<'a>>, Options),
    /// None fits; this many bytes would do.
    TooSmall {
        /// Bytes of the setup that needs the fewest.
        needed: u64,
    },
}

/// What epochs may take, and which are tried.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'p> {
    /// Bytes of all workspaces together.
    pub bytes: u64,
    /// log2 of the cycles of the longest.
    pub longest: u32,
    /// Profiles.
    pub profiles: &'p [Profile],
}

/// log2 of the cycles of an epoch with which `workers` prove a run of so many cycles soonest: the longest of those
/// that take an eighth more time at most, since the bundle is the smaller for it.
pub fn soonest(cycles: u64, workers: NonZeroUsize) -> u32 {
    let workers = workers.get() as u64;
    let time = |log2: u32| {
        let epochs = cycles.max(1).div_ceil(1 << log2);
        epochs
            .div_ceil(workers)
            .saturating_mul((1 << log2) + EPOCH_OVERHEAD)
    };
    let lengths = MIN_LOG2_CYCLES..=LONGEST_BY_DEFAULT;
    let least = lengths.clone().map(time).min().unwrap_or_default();
    let mut longest_first = lengths.rev();
    let soon = longest_first.find(|&log2| time(log2) <= least.saturating_add(least / 8));
    soon.unwrap_or(MIN_LOG2_CYCLES)
}

/// log2 of the cycles of the longest epoch that is chosen without being asked for: longer ones are not faster.
const LONGEST_BY_DEFAULT: u32 = 16;
/// What an epoch takes besides its cycles, in cycles.
const EPOCH_OVERHEAD: u64 = 1 << 10;

/// Finds the profile and the epoch for which one workspace per worker, and that of the largest merge,
/// take at most the budget together: the first by [preference](by_preference). Merges that do not fit in
/// the fast profile are compact ones.
///
/// Epochs that are longer than the run are not tried, except the shortest of them. Tables have the heights of the
/// run's own mix, where `sizing` says so.
///
/// # Errors
/// When settings cannot be made secure, or a merge cannot be built.
pub fn fit<'a>(
    program: &'a Program<'a>,
    input: &'a [u8],
    execution: &'a Execution,
    settings: Settings,
    sizing: Sizing,
    options: &Options,
    budget: Budget<'_>,
) -> Result<Fit<'a>, ProveError> {
    let Budget {
        bytes,
        longest,
        profiles,
    } = budget;
    let whole = execution.cycles.next_power_of_two().ilog2();
    let longest = longest.min(whole).clamp(MIN_LOG2_CYCLES, MAX_LOG2_CYCLES);
    let candidates = by_preference(MIN_LOG2_CYCLES..=longest);
    let mut needed = u64::MAX;
    let mut mixes = BTreeMap::new();
    let mut insecure = None;
    for (log2_cycles, profile) in candidates.filter(|(_, profile)| profiles.contains(profile)) {
        let settings = Settings {
            log2_cycles,
            ..settings
        };
        // As many epochs at least as it takes to hold all cycles.
        let least = execution.cycles.div_ceil(1 << log2_cycles).max(1);
        let settings = match sizing {
            Sizing::Common => settings,
            Sizing::Metered => {
                let lowest = Setup::new(program, lowest(settings)).map_err(SetupError::from)?;
                if workspaces(&lowest, profile, options, least)? > bytes.max(needed - 1) {
                    continue;
                }
                match mixes.entry(log2_cycles) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(place) => {
                        *place.insert(metered(program, input, execution, settings)?)
                    }
                }
            }
        };
        let setup = match Setup::secure(program, settings, options.floor) {
            // The longest epochs may have too few bits, whatever is raised.
            Err(error @ SetupError::Security { .. }) => {
                insecure = Some(error.into());
                continue;
            }
            setup => setup?,
        };
        if workspaces(&setup, profile, options, least)? > bytes.max(needed - 1) {
            continue;
        }
        let run = Surveyed::new(setup, input, execution)?;
        let run = match run.secure(options.floor) {
            Err(error @ ProveError::Setup(SetupError::Security { .. })) => {
                insecure = Some(error);
                continue;
            }
            run => run?,
        };
        let (setup, survey) = (&run.setup, &run.survey);
        // More queries may take more memory.
        let workers = workspaces(setup, profile, options, survey.epochs().into())?;
        let options = Options {
            profile,
            fast_merge_bytes: bytes.saturating_sub(workers) as usize,
            ..*options
        };
        let Settings { params, hash, .. } = &setup.settings;
        let merge = with_suite!(hash, S => survey.workspace_len::<S>(params, &options)?);
        let total = workers.saturating_add(merge as u64);
        if total <= bytes {
            return Ok(Fit::Fits(Box::new(run), options));
        }
        needed = needed.min(total);
    }
    match insecure {
        // No budget would do.
        Some(error) if needed == u64::MAX => Err(error),
        _ => Ok(Fit::TooSmall { needed }),
    }
}

/// The settings with the least heights that tables may have: no mix takes lower ones.
fn lowest(settings: Settings) -> Settings {
    let heights = FilledTable::ALL.map(|table| match table {
        FilledTable::Cpu => settings.log2_cycles,
        table if table.is_extension() => ABSENT,
        table => EpochShape::least_log(table) as u8,
    });
    Settings {
        heights: Heights::Given(heights, NO_SECOND),
        others: Default::default(),
        ..settings
    }
}

/// Bytes of all workers' workspaces, of which there are no more than epochs.
fn workspaces(
    setup: &Setup<'_>,
    profile: Profile,
    options: &Options,
    epochs: u64,
) -> Result<u64, ProveError> {
    let each = workspace_bytes(setup, profile)?;
    let workers = (options.workers.get() as u64).min(epochs);
    Ok(workers.saturating_mul(each as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_are_busy() {
        let soonest = |cycles, workers| soonest(cycles, NonZeroUsize::new(workers).unwrap());
        assert_eq!(soonest(10_000_000, 2), 16);
        // 153 epochs of 2^16 are three rounds, the last of which has work for 25.
        assert_eq!(soonest(10_000_000, 64), 15);
        assert_eq!(soonest(1 << 16, 1), 16);
        assert_eq!(soonest(1 << 16, 2), 15);
        assert_eq!(soonest(1 << 16, 16), 12);
        // Three epochs of 2^15 would leave one of two workers idle for a quarter of the time.
        assert_eq!(soonest(3 << 15, 2), 14);
        assert_eq!(soonest(600, 2), 9);
        assert_eq!(soonest(0, 1), 7, "an eighth more than 2^6 at most");
    }
}
