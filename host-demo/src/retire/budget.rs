//! The fastest batches whose workspace and store fit a budget of bytes.
//!
//! The cycles of the run and its memory are known, so that both are exact for each candidate before anything
//! is proved.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tranche_core::retire::{Keep, Kept};
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::shape::{MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};

use super::error::RetireProveError;
use super::options::Options;
use super::survey::Surveyed;
use crate::execute::Execution;

/// What became of a budget.
#[derive(Debug)]
pub enum Fit<'a> {
    /// The run in batches that fit, and the options that make it so.
    Fits(Box<Surveyed<'a>>, Options),
    /// None fits; this many bytes would do.
    TooSmall {
        /// Bytes of the candidate that needs the fewest.
        needed: u64,
    },
}

/// The least that can be kept between walks.
const LEAST: Keep = Keep {
    trees: Kept::Root,
    quotients: false,
    codewords: false,
};

/// How many times longer, as log2, a batch has to be to be preferred although it is compact, or although
/// what is not kept of it is made and hashed again.
fn log2_cost(profile: Profile, keep: Keep) -> i64 {
    let compact = match profile {
        Profile::Fast => 0,
        Profile::Compact => 3,
    };
    compact + if keep == LEAST { 2 } else { 0 }
}

/// log2 of a batch's cycles, a profile, and what is kept: the best first, which is the longest batch, one
/// that costs more counted as so much shorter.
fn by_preference(longest: u32, profiles: &[Profile]) -> impl Iterator<Item = (u32, Profile, Keep)> {
    let kinds = profiles
        .iter()
        .flat_map(|&profile| [Keep::default(), LEAST].map(|keep| (profile, keep)));
    let lengths = MIN_LOG2_CYCLES..=longest;
    let candidates = kinds.flat_map(|(profile, keep)| {
        let lengths = lengths.clone();
        lengths.map(move |log2_cycles| (log2_cycles, profile, keep))
    });
    let mut candidates: Vec<_> = candidates.collect();
    candidates.sort_by_key(|&(log2_cycles, profile, keep)| {
        let cost = log2_cost(profile, keep);
        // Of equals the one that costs less.
        (Reverse(i64::from(log2_cycles) - cost), cost)
    });
    candidates.into_iter()
}

/// Finds batches whose workspace and store take at most `bytes` together: the longest, a compact one counted
/// as eight times shorter, and one of which the least is kept as four times. In a profile
/// of `profiles`; `options` give the rest.
///
/// Batches that are longer than the run are not tried, except the shortest of them.
///
/// # Errors
/// When the execution cannot go on, or no candidate is a run that reaches the floor: the last one's reason.
pub fn fit<'a>(
    program: &'a Program<'a>,
    input: &'a [u8],
    execution: &'a Execution,
    options: &Options,
    profiles: &[Profile],
    bytes: u64,
) -> Result<Fit<'a>, RetireProveError> {
    let longest = execution.cycles.next_power_of_two().ilog2();
    let longest = longest.clamp(MIN_LOG2_CYCLES, MAX_LOG2_CYCLES);
    let mut surveys = BTreeMap::new();
    let (mut needed, mut refused) = (u64::MAX, None);
    for (log2_cycles, profile, keep) in by_preference(longest, profiles) {
        let options = Options {
            log2_cycles: log2_cycles as u8,
            profile,
            keep,
            ..*options
        };
        // Neither profile nor what is kept changes what a run proves, so one survey serves all of a length.
        let surveyed = match surveys.entry(log2_cycles) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let run = Surveyed::new(program, input, execution, options.log2_cycles)?;
                let secured = run.secure(&options);
                place.insert(match secured {
                    Ok(options) => Some((run, options.params)),
                    // Batches of another length may do.
                    Err(error) => {
                        refused = Some(error);
                        None
                    }
                })
            }
        };
        let Some((run, params)) = surveyed else {
            continue;
        };
        let params = *params;
        let options = Options { params, ..options };
        let found = run.bytes(&options)?;
        needed = needed.min(found.total());
        if found.total() <= bytes
            && let Some((run, _)) = surveys.remove(&log2_cycles).flatten()
        {
            return Ok(Fit::Fits(Box::new(run), options));
        }
    }
    match refused {
        // No budget would do.
        Some(error) if needed == u64::MAX => Err(error),
        _ => Ok(Fit::TooSmall { needed }),
    }
}
