//! What a run's batches owe the tables that are asked: how often each of their rows was asked for.
//!
//! A body's debts are counted in its record while its traces are filled, once however often that is, and
//! added up here when it is left. Addition commutes, so batches may be filled anywhere and in any order. The
//! closing batch's tables take the sums.

use thiserror::Error;

use crate::exec::EpochRecord;
use crate::exec::record::Words;
use crate::merge::RangeCounts;
use crate::shape::{EpochShape, counters};
use crate::tables::counts::Counters;
use crate::tables::list::with_tables;

// The tables of the list, by name.
use crate::tables::*;

/// A buffer of debts with fewer words than [`Debts::words`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{got} words for debts of {needed}")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DebtsTooShort {
    /// Words that debts take.
    pub needed: usize,
    /// Words of the buffer.
    pub got: usize,
}

/// A batch was left before all of its tables were filled: what the others ask is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a batch was left before all of its tables were filled")]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Unfilled;

/// The sums, in the caller's words.
#[derive(Debug)]
pub struct Debts<'a>(Counters<'a>);

macro_rules! debts {
    (
        filled { $($filled:tt)* }
        asked { $($(#[$asked_doc:meta])* $asked:ident $Asked:ident $(<$lifetime:lifetime>)?,)* }
    ) => {
        impl<'a> Debts<'a> {
            /// Words of a run's debts, whose batches have this shape; [`usize::MAX`] where an address has fewer
            /// bits.
            pub const fn words(body: &EpochShape) -> usize {
                let words = 0_u64 $(.saturating_add(counters($asked::log_rows(body))))*;
                if words > usize::MAX as u64 {
                    usize::MAX
                } else {
                    words as usize
                }
            }

            fn cut(body: &EpochShape, mut words: Words<'a>) -> Option<Self> {
                Some(Self(Counters {
                    $($asked: words.words(counters($asked::log_rows(body)))?,)*
                }))
            }

            /// The multiplicities of a table that is asked; of no other table any.
            pub(crate) fn of(&self, table: &EpochTable<'_>) -> &[u32] {
                match table {
                    $(EpochTable::$Asked(_) => self.0.$asked,)*
                    _ => &[],
                }
            }
        }
    };
}
with_tables!(debts);

impl<'a> Debts<'a> {
    /// No debts, in the first [`Debts::words`] of `words`.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn new(body: &EpochShape, words: &'a mut [u32]) -> Result<Self, DebtsTooShort> {
        let (needed, got) = (Self::words(body), words.len());
        let mut debts = Self::cut(body, Words(words)).ok_or(DebtsTooShort { needed, got })?;
        debts.clear();
        Ok(debts)
    }

    /// Back to none.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds what a body batch owes, all of whose tables have been filled from its record.
    ///
    /// # Errors
    /// When one has not.
    pub fn add(&mut self, record: &EpochRecord<'_>) -> Result<(), Unfilled> {
        if !record.is_counted() {
            return Err(Unfilled);
        }
        self.0.add(record.counts.counters());
        Ok(())
    }

    /// Adds what another walk has counted.
    pub(super) fn add_all(&mut self, other: &Debts<'_>) {
        self.0.add(&other.0);
    }

    /// All of them, as many as [`Debts::words`].
    pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.all()
    }

    /// Adds [all](Self::all) that is owed elsewhere.
    pub fn add_words(&mut self, words: &[u32]) {
        self.0.add_words(words.iter().copied());
    }

    /// Adds what a table of the closing batch owes the range table.
    pub fn add_range(&mut self, counts: &RangeCounts) {
        for (sum, count) in self.0.range.iter_mut().zip(counts.rows()) {
            *sum = sum.saturating_add(*count);
        }
    }

    /// Overwrites all with zeros, in a way that no compiler drops.
    pub(crate) fn wipe(&mut self) {
        self.0.wipe();
    }
}
