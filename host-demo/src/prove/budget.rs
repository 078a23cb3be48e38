//! The fastest profile and epoch whose workspaces fit a budget of bytes.
//!
//! A workspace's bytes are exact before anything is proved. How tall a merge's tables are depends
//! on the cells that each range of epochs touches, which an execution without proofs tells.

use tranche_backend::Chosen;
use tranche_core::shape::Profile;
use tranche_machine::fit::by_preference;
use tranche_machine::settings::Settings;
use tranche_machine::setup::{Setup, SetupError};
use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};
use tranche_machine::{EpochTables, Program};

use super::Options;
use super::error::ProveError;
use super::heights::{Sizing, metered};
use super::survey::Surveyed;
use crate::execute::Execution;
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

/// Finds the profile and the epoch for which one workspace per worker, and that of the largest merge,
/// take at most `bytes` together: the first by [preference](by_preference). Merges that do not fit in
/// the fast profile are compact ones.
///
/// Epochs that are longer than the run are not tried, except the shortest of them. Tables have the heights of the
/// run's own mix, where `sizing` says so and they fit.
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
    profiles: &[Profile],
    bytes: u64,
) -> Result<Fit<'a>, ProveError> {
    let longest = execution.cycles.next_power_of_two().ilog2();
    let longest = longest.clamp(MIN_LOG2_CYCLES, MAX_LOG2_CYCLES);
    let candidates = by_preference(MIN_LOG2_CYCLES..=longest);
    let mut needed = u64::MAX;
    let mut insecure = None;
    for (log2_cycles, profile) in candidates.filter(|(_, profile)| profiles.contains(profile)) {
        let settings = Settings {
            log2_cycles,
            ..settings
        };
        let setup = match Setup::secure(program, settings, options.floor) {
            // The longest epochs may have too few bits, whatever is raised.
            Err(error @ SetupError::Security { .. }) => {
                insecure = Some(error.into());
                continue;
            }
            setup => setup?,
        };
        // As many epochs at least as it takes to hold all cycles.
        let least = execution.cycles.div_ceil(1 << log2_cycles).max(1);
        if workspaces(&setup, profile, options, least)? > bytes.max(needed - 1) {
            continue;
        }
        let setup = match sizing {
            Sizing::Common => setup,
            Sizing::Metered => {
                let settings = metered(program, input, execution, settings)?;
                let metered = Setup::secure(program, settings, options.floor)?;
                if workspaces(&metered, profile, options, least)? > bytes {
                    setup
                } else {
                    metered
                }
            }
        };
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

/// Bytes of all workers' workspaces, of which there are no more than epochs.
fn workspaces(
    setup: &Setup<'_>,
    profile: Profile,
    options: &Options,
    epochs: u64,
) -> Result<u64, ProveError> {
    let tables = EpochTables::new(setup);
    let each = with_suite!(setup.settings.hash, S => {
        tables.plan_in::<Chosen, S>(profile)?.workspace_len()
    });
    let workers = (options.workers.get() as u64).min(epochs);
    Ok(workers.saturating_mul(each as u64))
}
