//! How often each row of the tables that are asked is asked for: counted while those that ask are filled.

use tranche_core::F;
use zeroize::Zeroize;

use super::list::{ASKED, FilledTable, with_tables};
use super::table::Instance;
use crate::bus::Clock;

/// How often each row of the tables that are asked is asked for.
#[derive(Debug)]
pub(crate) struct Counts<'a> {
    counters: Counters<'a>,
    /// Instances that ask nothing, since the shape has them not, as bits.
    absent: u32,
    /// Instances that have been counted, so that filling one again counts nothing, and those that are absent.
    done: u32,
    /// Whether the table being filled counts.
    active: bool,
}

impl<'a> Counts<'a> {
    /// Nothing counted, in counters that are zero, for batches without the instances that are absent.
    pub fn new(
        absent: impl Iterator<Item = (FilledTable, Instance)>,
        counters: Counters<'a>,
    ) -> Self {
        let absent = bits(absent);
        Self {
            counters,
            absent,
            done: absent,
            active: false,
        }
    }

    /// The same for batches without other instances.
    pub fn leave_out(&mut self, absent: impl Iterator<Item = (FilledTable, Instance)>) {
        let absent = bits(absent);
        self.done = self.done & !self.absent | absent;
        self.absent = absent;
    }

    /// Overwrites the counters with zeros, in a way that no compiler drops.
    pub fn wipe(&mut self) {
        self.counters.wipe();
        self.clear();
    }

    /// Instances that ask, as bits.
    const ALL: u32 = ((1 << FilledTable::ALL.len()) - 1) * (1 | 1 << SECOND);

    /// Back to nothing counted.
    pub fn clear(&mut self) {
        self.counters.clear();
        (self.done, self.active) = (self.absent, false);
    }

    /// Starts counting for an instance of the table of this index, unless it was counted before.
    pub fn start(&mut self, table: usize, instance: Instance) {
        let bit = bit(table, instance);
        self.active = self.done & bit == 0;
        self.done |= bit;
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

    /// Whether all instances of a table have been counted, or are absent.
    pub const fn is_counted(&self, table: FilledTable) -> bool {
        let bits = bit(table.index(), Instance::First) | bit(table.index(), Instance::Second);
        self.done & bits == bits
    }

    /// The counters as they are.
    pub const fn counters(&self) -> &Counters<'a> {
        &self.counters
    }

    /// Counts the fetch of a row of ROM.
    pub fn fetch(&mut self, row: u32) {
        if self.active {
            count(self.counters.rom, row);
        }
    }

    /// Counts the check that `value` has `bits` bits.
    ///
    /// A value of more bits is no row of the table and counts nowhere: the bus will not balance.
    pub fn range(&mut self, value: u32, bits: u32) {
        if self.active && value >> bits == 0 {
            count(self.counters.range, (1 << bits) - 1 + value);
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
            count(self.counters.and4, x << 4 | y);
        }
    }
}

/// Counts a lookup of a row.
fn count(counters: &mut [u32], row: u32) {
    counters[row as usize] += 1;
}

/// The bits of second instances are so much higher than those of the first.
const SECOND: u32 = u32::BITS / 2;
const _: () = assert!(FilledTable::ALL.len() + ASKED <= SECOND as usize);

/// The bits of instances.
fn bits(instances: impl Iterator<Item = (FilledTable, Instance)>) -> u32 {
    instances.fold(0, |bits, (table, instance)| {
        bits | bit(table.index(), instance)
    })
}

/// The bit of an instance of the table of an index.
const fn bit(table: usize, instance: Instance) -> u32 {
    let first = 1 << table;
    match instance {
        Instance::First => first,
        Instance::Second => first << SECOND,
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

            /// All of them, table by table.
            pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
                [$(&*self.$asked),*].into_iter().flatten().copied()
            }

            /// Adds others, table by table, as far as there are any.
            pub fn add_words(&mut self, others: impl IntoIterator<Item = u32>) {
                let own = [$(&mut *self.$asked),*].into_iter().flatten();
                for (sum, count) in own.zip(others) {
                    *sum = sum.saturating_add(count);
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_is_counted_once() {
        let (mut rom, mut range, mut and4) = ([0; 2], [0; 8], [0; 256]);
        let counters = Counters {
            rom: &mut rom,
            range: &mut range,
            and4: &mut and4,
        };
        let second = (FilledTable::Cpu, Instance::Second);
        let mut counts = Counts::new([second].into_iter(), counters);
        let ask = |counts: &mut Counts<'_>, instance| {
            counts.start(FilledTable::Cpu.index(), instance);
            counts.fetch(1);
            counts.range(2, 2);
            counts.range(4, 2);
            counts.and4(15, 15);
            counts.counters().all().sum::<u32>()
        };
        assert!(!counts.is_counted(FilledTable::Cpu));
        // The second time, and for an instance that is absent, nothing is; 4 has three bits.
        let asked = [Instance::First, Instance::First, Instance::Second];
        assert_eq!(asked.map(|instance| ask(&mut counts, instance)), [3, 3, 3]);
        assert_eq!((counts.counters.rom[1], counts.counters.range[5]), (1, 1));
        assert!(counts.is_counted(FilledTable::Cpu));

        counts.leave_out([(FilledTable::Mem, Instance::Second)].into_iter());
        assert!(!counts.is_counted(FilledTable::Cpu));
        assert_eq!(ask(&mut counts, Instance::Second), 6);
        counts.wipe();
        assert!(counts.counters().all().all(|count| count == 0));
        assert_eq!(ask(&mut counts, Instance::First), 3);
    }
}
