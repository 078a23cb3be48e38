//! What a run is proved with: a few integers that head every bundle, and the bits they are worth.
//!
//! A verifier rebuilds every plan from [`Settings`] and the program alone, so each integer has a
//! hard cap. Security is counted per proof, in unique decoding (`docs/security.md`).

use thiserror::Error;
use tranche_core::hash::paths::MAX_QUERIES;
use tranche_core::plan::Plan;
use tranche_core::security::{Bits, SecurityShape};
use tranche_core::{Params, Suite};

use crate::hash::Hash;
use crate::shape::{
    ABSENT, EpochShape, Heights, InstanceHeights, MAX_LOG2_CYCLES, MAX_OTHERS, MAX_SECONDS,
    MIN_LOG2_CYCLES, OtherHeights,
};
use crate::tables::FilledTable;

/// Bits that every proof of a bundle has at least, unless a verifier asks for more.
pub const SECURITY_FLOOR_BITS: f64 = 100.0;
/// Tables that a merge takes at most.
pub const MAX_ARITY: u8 = 32;
/// Tables that a merge takes by default.
pub const DEFAULT_ARITY: u8 = 16;
/// log2 of the cycles of an epoch by default.
pub const DEFAULT_LOG2_CYCLES: u8 = 14;

/// Parameters of small proofs: blowup 4, for which fewer queries prove as much; 30 % fewer bytes than [`Params::DEFAULT`]
/// in 1.5 times the time and twice the memory (`docs/performance.md`). Queries are raised until they reach a floor.
pub const SMALL: Params = Params {
    log_blowup: 2,
    max_log_arity: 3,
    cap_height: 4,
    num_queries: 1,
    query_pow_bits: 20,
    ..Params::DEFAULT
};

/// The integers that decide every plan of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Settings {
    /// log2 of the cycles of an epoch.
    pub log2_cycles: u8,
    /// Heights of an epoch's tables.
    pub heights: Heights,
    /// Others, which an epoch may have in their place: the first that have room for its rows are those that it is proved
    /// at. A verifier takes an epoch at any.
    pub others: OtherHeights,
    /// Tables that a merge takes.
    pub arity: u8,
    /// Parameters of every proof.
    pub params: Params,
    /// What every proof hashes with.
    pub hash: Hash,
}

/// A setting outside of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{name} is {got}, it must be from {min} to {max}")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OutOfRange {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub got: u32,
    /// Smallest value.
    pub min: u32,
    /// Largest value.
    pub max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log2_cycles: DEFAULT_LOG2_CYCLES,
            heights: Heights::Common,
            others: [None; MAX_OTHERS],
            arity: DEFAULT_ARITY,
            params: Params::DEFAULT,
            hash: Hash::default(),
        }
    }
}

impl Settings {
    /// Compares every integer with its cap.
    ///
    /// # Errors
    /// [`OutOfRange`] names the first that is not within.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let own = [
            (
                "log2_cycles",
                self.log2_cycles.into(),
                MIN_LOG2_CYCLES,
                MAX_LOG2_CYCLES,
            ),
            ("arity", self.arity.into(), 2, MAX_ARITY.into()),
        ];
        for (name, got, min, max) in own {
            if !(min..=max).contains(&got) {
                return Err(OutOfRange {
                    name,
                    got,
                    min,
                    max,
                });
            }
        }
        if let Heights::Given(first, second) = self.heights {
            self.check_heights(&[first, second], Place::First)?;
        }
        for other in self.others.iter().flatten() {
            self.check_heights(&other.heights, Place::Other)?;
        }
        let given = self.others.iter().flatten().count();
        if let Some(gap) = self.others.iter().take(given).position(Option::is_none) {
            return Err(OutOfRange {
                name: "other heights",
                got: given as u32,
                min: 0,
                max: gap as u32,
            });
        }
        match self.params.out_of_range(|param| param.max_untrusted) {
            None => Ok(()),
            Some((param, got)) => Err(OutOfRange {
                name: param.name,
                got: got.into(),
                min: param.min.into(),
                max: param.max_untrusted.into(),
            }),
        }
    }

    /// Compares the heights of an epoch's tables with their caps.
    fn check_heights(
        &self,
        [first, second]: &InstanceHeights,
        place: Place,
    ) -> Result<(), OutOfRange> {
        for (table, &got) in FilledTable::ALL.into_iter().zip(first) {
            self.check_height(table, got, place)?;
        }
        for (table, &got) in FilledTable::ALL.into_iter().zip(second) {
            check_second(table, first[table.index()], got)?;
        }
        let seconds = second.iter().filter(|&&log| log != ABSENT).count() as u32;
        if seconds > MAX_SECONDS as u32 {
            return Err(OutOfRange {
                name: "second heights",
                got: seconds,
                min: 0,
                max: MAX_SECONDS as u32,
            });
        }
        Ok(())
    }

    /// Compares log2 of a table's rows with its caps: what has a row in a cycle has none in as many as are more. Merges
    /// take L2G tables of one height.
    fn check_height(&self, table: FilledTable, got: u8, place: Place) -> Result<(), OutOfRange> {
        if table.is_extension() && got == ABSENT {
            return Ok(());
        }
        let least = EpochShape::least_log(table);
        let longest = least.max(self.log2_cycles.into());
        let (min, max) = match (table, place) {
            (FilledTable::Cpu, Place::First) => (longest, longest),
            (FilledTable::Cpu, Place::Other) => (MIN_LOG2_CYCLES, longest),
            (FilledTable::L2g, Place::Other) => (self.l2g(), self.l2g()),
            _ => (least, longest),
        };
        if (min..=max).contains(&got.into()) {
            return Ok(());
        }
        Err(OutOfRange {
            name: table.height_name(),
            got: got.into(),
            min,
            max,
        })
    }

    /// log2 of the rows of an epoch's L2G table.
    fn l2g(&self) -> u32 {
        match self.heights {
            Heights::Common => EpochShape::common(self.log2_cycles.into(), 0).l2g,
            Heights::Given(first, _) => first[FilledTable::L2g.index()].into(),
        }
    }
}

/// Which heights of a run are checked.
#[derive(Clone, Copy)]
enum Place {
    First,
    Other,
}

/// Compares log2 of the rows of a table's second instance with its caps: it is lower than the first, of a table that has
/// one and [may be split](EpochShape::may_split).
fn check_second(table: FilledTable, first: u8, got: u8) -> Result<(), OutOfRange> {
    let least = EpochShape::least_log(table) as u8;
    let splits = EpochShape::may_split(table) && first != ABSENT && first > least;
    let (min, max) = if splits {
        (least, first - 1)
    } else {
        (ABSENT, ABSENT)
    };
    if got == ABSENT || (min..=max).contains(&got) {
        return Ok(());
    }
    Err(OutOfRange {
        name: table.second_height_name(),
        got: got.into(),
        min: min.into(),
        max: max.into(),
    })
}

/// The proven bits of one proof of `plan`, term by term.
pub fn bits<const N: usize, S: Suite>(plan: &Plan<N, S>) -> Bits {
    Bits::unique(&plan.security_shape(), plan.params())
}

/// Most bits that [`raised`] grinds at a site: some seconds on one core.
pub const MAX_RAISED_POW_BITS: u8 = 22;

/// The term that keeps a plan below the bits asked for; of [`raised`], whatever is raised.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shortfall {
    /// The term's name, as in [`Bits::terms`].
    pub term: &'static str,
    /// Bits of the plan.
    pub bits: f64,
}

/// Refuses a plan that proves fewer bits than `floor`; a floor that is no number is never reached.
///
/// # Errors
/// [`Shortfall`] names the term that binds.
pub fn check_floor(bits: &Bits, floor: f64) -> Result<(), Shortfall> {
    let (term, least) = bits.binding();
    let bits = least.total();
    // In this order, since nothing is at least what is no number.
    if bits >= floor {
        Ok(())
    } else {
        Err(Shortfall { term, bits })
    }
}

/// The parameters with as many more queries, and as much more grinding at each site, as it takes for
/// a proof of `shape` to reach `floor` proven bits. None is lowered.
///
/// # Errors
/// [`Shortfall`] where queries are at their most, a site at [`MAX_RAISED_POW_BITS`], or the term is
/// one that neither helps.
pub fn raised(params: Params, shape: &SecurityShape, floor: f64) -> Result<Params, Shortfall> {
    raised_with(params, floor, |params| Bits::unique(shape, params))
}

/// [`raised`] for a proof whose terms `bits` knows.
///
/// # Errors
/// As [`raised`].
pub fn raised_with(
    mut params: Params,
    floor: f64,
    bits: impl Fn(&Params) -> Bits,
) -> Result<Params, Shortfall> {
    loop {
        let Err(shortfall) = check_floor(&bits(&params), floor) else {
            return Ok(params);
        };
        let site = match shortfall.term {
            "query" if usize::from(params.num_queries) < MAX_QUERIES => {
                params.num_queries += 1;
                continue;
            }
            "batching" => &mut params.batch_pow_bits,
            "logup" => &mut params.lookup_pow_bits,
            "folding" => &mut params.commit_pow_bits,
            "deep" => &mut params.ood_pow_bits,
            _ => return Err(shortfall),
        };
        if *site >= MAX_RAISED_POW_BITS {
            return Err(shortfall);
        }
        *site += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::MIN_LOG_ROWS;

    /// No table of a bundle is lower than the largest cap, so that the cap of its own root is a layer.
    #[test]
    fn caps_are_layers() {
        let cap = Params::TABLE
            .iter()
            .find(|param| param.name == "cap_height")
            .unwrap();
        assert!(cap.max_untrusted <= MIN_LOG_ROWS.into());
    }
}
