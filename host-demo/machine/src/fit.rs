//! Which epoch a budget of bytes buys: the order of preference, and all that a session takes.
//!
//! Every size is exact before anything is executed:
//! `workspace + record + cells`, where the workspace is [`EpochPlan::workspace_len`], the record
//! [`EpochShape::record_bytes`](crate::EpochShape::record_bytes) and the cells [`Cell::slots_for`] as many as the run may touch.

use core::ops::RangeInclusive;

use tranche_core::air::ProverAir;
use tranche_core::shape::Profile;
use tranche_core::{Backend, PlanError, Suite};

use crate::epoch::{EpochPlan, EpochTables};
use crate::exec::Cell;
use crate::hash::MachineSuite;
use crate::program::Program;
use crate::settings::{OutOfRange, Settings};
use crate::setup::{Setup, SetupError};
use crate::shape::{Heights, MAX_LOG2_CYCLES, MIN_LOG2_CYCLES};
use crate::tables::EpochTable;

/// log2 of how many times longer a compact epoch has to be than a fast one to be preferred to it: it
/// takes less than twice the time a cycle, and an epoch has costs that do not grow with it.
const COMPACT_LOG2_COST: u32 = 3;

/// log2 of the cycles of an epoch, and a profile: the best first, which is the longest epoch, a
/// compact one counted as eight times shorter.
pub fn by_preference(logs: RangeInclusive<u32>) -> impl Iterator<Item = (u8, Profile)> {
    let (min, max) = logs.into_inner();
    let scores = (min..=max + COMPACT_LOG2_COST).rev();
    scores
        .flat_map(|score| {
            let fast = score.saturating_sub(COMPACT_LOG2_COST);
            [(fast, Profile::Fast), (score, Profile::Compact)]
        })
        .filter(move |(log2_cycles, _)| (min..=max).contains(log2_cycles))
        .map(|(log2_cycles, profile)| (log2_cycles as u8, profile))
}

/// Bytes of the buffers of a session, without padding between them.
///
/// In 64 bits, since the longest epochs are larger than the memory that a small device can address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SessionBytes {
    /// The core's workspace.
    pub workspace: u64,
    /// Rows of one epoch.
    pub record: u64,
    /// Touched cells.
    pub cells: u64,
    /// The longest proof of an epoch: it leaves as it is made, and is no part of the total.
    pub max_proof: u64,
}

impl SessionBytes {
    /// Those of epochs of a setup in a profile, for runs that touch at most `max_cells` cells.
    ///
    /// A plan is large: on a device, its stack is gone before the next function needs some.
    ///
    /// # Errors
    /// When the core refuses the plan.
    #[inline(never)]
    pub fn of<'a, B: Backend, S: Suite>(
        setup: &Setup<'a>,
        profile: Profile,
        max_cells: u32,
    ) -> Result<Self, PlanError>
    where
        EpochTable<'a>: ProverAir<B>,
    {
        let plan: Result<EpochPlan<S>, _> = EpochTables::new(setup).plan_in::<B, S>(profile);
        // Looked at where it is: moved out, it would be on the stack twice.
        let plan = plan.as_ref().map_err(|&error| error)?;
        let slots = Cell::slots_for_64(max_cells.into());
        Ok(Self {
            workspace: plan.workspace_bytes(),
            record: setup.shape.record_bytes(),
            cells: slots * size_of::<Cell>() as u64,
            max_proof: plan.max_proof_len(),
        })
    }

    /// All that a session keeps.
    pub const fn total(&self) -> u64 {
        self.workspace
            .saturating_add(self.record)
            .saturating_add(self.cells)
    }
}

/// What is asked of [`fit`].
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What epochs are proved with.
    pub settings: Settings,
    /// Proven bits that every proof has at least; 0 leaves the queries as they are.
    pub floor: f64,
    /// How long the epochs are.
    pub length: Length,
    /// The profile; the best that fits without one.
    pub profile: Option<Profile>,
    /// Cells that the run may touch.
    pub max_cells: u32,
}

/// How long epochs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As long as the settings say.
    Given,
    /// The best that fits, by [preference](by_preference), at common heights, whatever the settings say.
    Best,
}

/// A setup and a profile, with what a session of them takes.
#[derive(Clone, Copy, Debug)]
pub struct Fitted<'a> {
    /// The setup.
    pub setup: Setup<'a>,
    /// The profile.
    pub profile: Profile,
    /// Its bytes.
    pub bytes: SessionBytes,
    /// Whether they are at most the budget; if not, no other takes fewer.
    pub fits: bool,
}

/// The best epoch whose session takes at most `budget` bytes, or else the one that takes the fewest. It hashes
/// with `S`, whatever the settings say.
///
/// # Errors
/// When no candidate can be planned at the settings, or made secure; the last one's reason.
pub fn fit<'a, B: Backend, S: MachineSuite>(
    program: &'a Program<'a>,
    request: &Request,
    budget: u64,
) -> Result<Fitted<'a>, SetupError>
where
    EpochTable<'a>: ProverAir<B>,
{
    let logs = match request.length {
        Length::Given => {
            let given = u32::from(request.settings.log2_cycles);
            given..=given
        }
        Length::Best => MIN_LOG2_CYCLES..=MAX_LOG2_CYCLES,
    };
    let mut least: Option<Fitted<'a>> = None;
    let mut refused = None;
    for (log2_cycles, profile) in by_preference(logs) {
        if request.profile.is_some_and(|wanted| wanted != profile) {
            continue;
        }
        let settings = Settings {
            log2_cycles,
            heights: match request.length {
                Length::Given => request.settings.heights,
                Length::Best => Heights::Common,
            },
            hash: S::HASH,
            ..request.settings
        };
        let setup = match Setup::secure(program, settings, request.floor) {
            Ok(setup) => setup,
            // The longest epochs may have too few bits, whatever the queries.
            Err(error @ SetupError::Security { .. }) => {
                refused = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        let bytes = match SessionBytes::of::<B, S>(&setup, profile, request.max_cells) {
            Ok(bytes) => bytes,
            // Out of a small device's reach, as budgets are.
            Err(error @ PlanError::TooLarge { .. }) => {
                refused = Some(error.into());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let fitted = Fitted {
            setup,
            profile,
            bytes,
            fits: bytes.total() <= budget,
        };
        if fitted.fits {
            return Ok(fitted);
        }
        if least.is_none_or(|least| bytes.total() < least.bytes.total()) {
            least = Some(fitted);
        }
    }
    match (least, refused) {
        (Some(least), _) => Ok(least),
        (None, Some(refused)) => Err(refused),
        // Settings out of range are refused above, so that every range has a candidate.
        (None, None) => Err(SetupError::Range(OutOfRange {
            name: "log2_cycles",
            got: request.settings.log2_cycles.into(),
            min: MIN_LOG2_CYCLES,
            max: MAX_LOG2_CYCLES,
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_first_and_compact_eight_times_shorter() {
        let order = [
            (7, Profile::Fast),
            (6, Profile::Fast),
            (7, Profile::Compact),
            (6, Profile::Compact),
        ];
        assert!(by_preference(6..=7).eq(order));
        let order: [_; 4] = core::array::from_fn({
            let mut all = by_preference(6..=16);
            move |_| all.next().unwrap()
        });
        let best = [(16, Profile::Fast), (15, Profile::Fast)];
        assert_eq!(order[..2], best);
        assert_eq!(order[3], (13, Profile::Fast), "before a compact 2^16");
        assert_eq!(by_preference(6..=16).count(), 22);
    }
}
