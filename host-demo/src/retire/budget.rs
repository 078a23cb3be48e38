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

/// What is kept between walks, each less and slower than the one before.
const KEEPS: [Keep; 4] = [
    keep(Kept::Upper, true, true),
    keep(Kept::Upper, true, false),
    keep(Kept::Upper, false, false),
    keep(Kept::Root, false, false),
];

const fn keep(trees: Kept, quotients: bool, codewords: bool) -> Keep {
    Keep {
        trees,
        quotients,
        codewords,
    }
}

/// How many times longer, as log2, a compact batch has to be to be preferred; less of [`KEEPS`] counts as 1.
const COMPACT_LOG2_COST: usize = 3;

/// log2 of a batch's cycles, a profile, and what is kept: the best first, which is the longest batch, one
/// that costs more counted as so much shorter.
fn by_preference(longest: u32, profiles: &[Profile]) -> impl Iterator<Item = (u32, Profile, Keep)> {
    let kinds = profiles.iter().flat_map(|&profile| {
        let compact = match profile {
            Profile::Fast => 0,
            Profile::Compact => COMPACT_LOG2_COST,
        };
        let keeps = KEEPS.into_iter().enumerate();
        keeps.map(move |(less, keep)| (compact + less, profile, keep))
    });
    let lengths = MIN_LOG2_CYCLES..=longest;
    let candidates = kinds.flat_map(|kind| lengths.clone().map(move |log2| (log2, kind)));
    let mut candidates: Vec<_> = candidates.collect();
    // Of equals the one that costs less.
    candidates.sort_by_key(|&(log2, (cost, ..))| (Reverse(i64::from(log2) - cost as i64), cost));
    let candidates = candidates.into_iter();
    candidates.map(|(log2_cycles, (_, profile, keep))| (log2_cycles, profile, keep))
}

/// Finds batches whose workspace and store take at most `bytes` together: the longest, a compact one counted
/// as eight times shorter, and one of which less is kept as twice for each of codewords, quotients and trees. In
/// a profile of `profiles`; `options` give the rest.
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
                let run = Surveyed::cut(program, input, execution, &options)?;
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
