//! How often each row of the tables that are asked is asked for: counted while those that ask are filled.

use tranche_core::F;
use zeroize::Zeroize;

use super::list::{FilledTable, with_tables};
use crate::bus::Clock;

/// How often each row of the tables that are asked is asked for.
#[derive(Debug)]
pub(crate) struct Counts<'a> {
    counters: Counters<'a>,
    /// Tables that ask nothing, since the shape has them not, as bits.
    absent: u32,
    /// Tables that have been counted, so that filling one again counts nothing, and those that are absent.
    done: u32,
    /// Whether the table being filled counts.
    active: bool,
}

impl<'a> Counts<'a> {
    /// Nothing counted, in counters that are zero, for batches without the tables that are absent.
    pub fn new(absent: impl Iterator<Item = FilledTable>, counters: Counters<'a>) -> Self {
        let absent = absent.fold(0, |bits, table| bits | 1 << table.index());
        Self {
            counters,
            absent,
            done: absent,
            active: false,
        }
    }

    /// Overwrites the counters with zeros, in a way that no compiler drops.
    pub fn wipe(&mut self) {
        self.counters.wipe();
        self.clear();
    }

    /// Tables that ask, as bits.
    const ALL: u32 = (1 << FilledTable::ALL.len()) - 1;

    /// Back to nothing counted.
    pub fn clear(&mut self) {
        self.counters.clear();
        (self.done, self.active) = (self.absent, false);
    }

    /// Starts counting for the table of this index, unless it was counted before.
    pub fn start(&mut self, table: usize) {
        self.active = self.done & 1 << table == 0;
        self.done |= 1 << table;
    }

    /// The counters, once all tables that ask have been counted.
    ///
    /// # Panics
    /// When one has not.
    pub fn complete(&self) -> &Counters<'_> {
        assert!(
            self.done & Self::ALL == Self::ALL,
            "tables that are asked are filled last"
        );
        &self.counters
    }

    /// Whether a table has been counted, or is absent.
    pub const fn is_counted(&self, table: FilledTable) -> bool {
        self.done & 1 << table.index() != 0
    }

    /// The counters as they are.
    pub const fn counters(&self) -> &Counters<'a> {
        &self.counters
    }

    /// Counts the fetch of a row of ROM.
    pub fn fetch(&mut self, row: u32) {
        if self.active {
            self.counters.rom[row as usize] += 1;
        }
    }

    /// Counts the check that `value` has `bits` bits.
    ///
    /// A value of more bits is no row of the table and counts nowhere: the bus will not balance.
    pub fn range(&mut self, value: u32, bits: u32) {
        if self.active && value >> bits == 0 {
            self.counters.range[((1 << bits) - 1 + value) as usize] += 1;
        }
    }

    /// Counts the check of a 16-bit value by bytes, and returns its low byte.
    pub fn range16(&mut self, value: u32) -> F {
        self.range(value & 0xff, 8);
        self.range(value >> 8, 8);
        F::new(value & 0xff)
    }

    /// Counts the checks of `previous < timestamp`, and returns the low part of the difference.
    pub fn elapsed(&mut self, clock: Clock, timestamp: u32, previous: u32) -> F {
        let difference = timestamp - previous - 1;
        let bits = clock.low_bits();
        let low = difference & ((1 << bits) - 1);
        self.range(low, bits);
        self.range(difference >> bits, clock.high_bits());
        F::new(low)
    }

    /// Counts the lookup of `x & y`.
    pub fn and4(&mut self, x: u32, y: u32) {
        if self.active {
            self.counters.and4[(x << 4 | y) as usize] += 1;
        }
    }
}

macro_rules! counters {
    (
        filled { $($filled:tt)* }
        asked { $($(#[$asked_doc:meta])* $asked:ident $Asked:ident $(<$lifetime:lifetime>)?,)* }
    ) => {
        /// A counter for each row of the tables that are asked.
        #[derive(Debug)]
        pub(crate) struct Counters<'a> {
            $(pub $asked: &'a mut [u32],)*
        }

        impl Counters<'_> {
            pub fn clear(&mut self) {
                $(self.$asked.fill(0);)*
            }

            pub fn wipe(&mut self) {
                $(self.$asked.zeroize();)*
            }

            /// Adds others, row by row.
            pub fn add(&mut self, others: &Counters<'_>) {
                $(for (sum, count) in self.$asked.iter_mut().zip(others.$asked.iter()) {
                    // A plan keeps sums below the field's order.
                    *sum = sum.saturating_add(*count);
                })*
            }
        }
    };
}
with_tables!(counters);
