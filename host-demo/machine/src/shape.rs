//! Heights of an epoch's tables.

use crate::blocks::{RomBlocks, RomPart};
use crate::bus::Clock;
use crate::program::Program;
use crate::tables::filled::{Extends, Filled};
use crate::tables::list::FilledTable;
use crate::tables::list::with_tables;
use crate::tables::table::{Instance, Table};

// The tables of the list, by name.
use crate::tables::*;

/// Smallest epoch, as log2 of its cycles.
pub const MIN_LOG2_CYCLES: u32 = 6;
/// Largest epoch, as log2 of its cycles.
pub const MAX_LOG2_CYCLES: u32 = 20;

/// Rows of each table that an execution fills, in batch order.
pub type RowCounts = [u64; FilledTable::ALL.len()];

/// log2 of the rows of each table that an execution fills, in batch order; [`ABSENT`] of one that a batch has not.
pub type TableHeights = [u8; FilledTable::ALL.len()];
/// In the place of the height of a table that a batch has not: one of an extension, or a second instance.
pub const ABSENT: u8 = u8::MAX;
/// Second instances of an epoch at most. A few have most of what is saved, and every table takes room on a device's stack.
pub const MAX_SECONDS: usize = 4;
/// Heights of the first instances of an epoch's tables, and those of the second ones.
pub type InstanceHeights = [TableHeights; 2];
/// Heights that an epoch may have in place of a run's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Other {
    /// Of the tables that an execution fills.
    pub heights: InstanceHeights,
    /// What its ROM table has.
    pub rom_part: RomPart,
}

impl From<InstanceHeights> for Other {
    /// With the run's ROM.
    fn from(heights: InstanceHeights) -> Self {
        Self {
            heights,
            rom_part: RomPart::Run,
        }
    }
}

/// What an epoch may have in place of a run's first heights: those that there are come first.
pub type OtherHeights = [Option<Other>; MAX_OTHERS];
/// Other heights of a run's epochs at most: a few have most of what is saved.
pub const MAX_OTHERS: usize = 4;
/// No second instance of any table.
pub const NO_SECOND: TableHeights = [ABSENT; FilledTable::ALL.len()];

/// Where the heights of an epoch's tables come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Heights {
    /// From the length of the epoch, for a common mix of instructions: [`EpochShape::of`].
    #[default]
    Common,
    /// Given, as a run's own mix has it: those of each table, of which the cycles' is the length of the epoch, and
    /// those of the second instances.
    Given(TableHeights, TableHeights),
}

impl Heights {
    /// Bytes of the heights in a header.
    pub const BYTES: usize = 2 * size_of::<TableHeights>();

    /// The bytes of a header.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let (first, second) = match self {
            Self::Common => (NO_SECOND, NO_SECOND),
            Self::Given(first, second) => (*first, *second),
        };
        let mut bytes = [ABSENT; Self::BYTES];
        for (byte, height) in bytes.iter_mut().zip(first.into_iter().chain(second)) {
            *byte = height;
        }
        bytes
    }

    /// The heights of a header, whatever they are: [`Settings::check`](crate::Settings::check) compares them with
    /// their caps.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        if *bytes == Self::Common.to_bytes() {
            return Self::Common;
        }
        let mut bytes = bytes.iter().copied();
        let mut heights = || FilledTable::ALL.map(|_| bytes.next().unwrap_or(ABSENT));
        Self::Given(heights(), heights())
    }
}

/// What stands for a height, by the mark of its table in the list: those that extend may be absent.
macro_rules! height {
    (of extends) => { Option<u32> };
    (of $($mark:ident)?) => { u32 };
    (absent extends, $log:expr) => { None };
    (absent $($mark:ident)?, $log:expr) => { $log };
    (held extends, $log:expr, $held:expr) => { $held.then(|| $log) };
    (held $($mark:ident)?, $log:expr, $held:expr) => { $log };
    (some extends, $height:expr) => { $height };
    (some $($mark:ident)?, $height:expr) => { Some($height) };
}

/// Leaves what follows for a table that may be absent.
macro_rules! if_extends {
    (extends; $($then:tt)*) => { $($then)* };
    ($($mark:ident)?; $($then:tt)*) => {};
}

/// What heights of extensions stand behind in a plan's digest is this plus the table's index: no height.
const EXTENSION_TAG: u32 = 1 << 8;
/// What heights of second instances stand behind in a plan's digest: no height.
const SECOND_TAG: u32 = 1 << 9;
/// What other heights of epochs stand behind in a plan's digest is this plus their place: no height.
const OTHER_TAG: u32 = 1 << 10;
/// The same of those with a ROM of the frequent blocks, which stand behind their heights.
const FREQUENT_TAG: u32 = 1 << 11;

macro_rules! shape {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident $($mark:ident)?,)* }
        asked { $($asked:tt)* }
    ) => {
        /// log2 of the height of every table of an epoch, but for those that always have the same; none for a
        /// table that it has not.
        ///
        /// [`EpochShape::of`] sizes the tables for a common mix of instructions; an epoch ends when the
        /// first of them is full, so other heights are as sound. A table that is absent serves nothing: no
        /// epoch that asks it for something can be proved.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct EpochShape {
            $($(#[$doc])* pub $table: height!(of $($mark)?),)*
            /// Second instances, in batch order, each with the rows that the first has no room for; [`ABSENT`] of
            /// a table that has one instance, as all but [`MAX_SECONDS`] have.
            pub second: TableHeights,
            /// Words of the program.
            pub rom: u32,
            /// Which they are.
            pub rom_part: RomPart,
            /// Bits of the clock: of an epoch those that its cycles take. The range table has as many rows as
            /// they need.
            pub clock: Clock,
        }

        impl EpochShape {
            /// The shape of an epoch of at most 2^`log2_cycles` cycles of a program whose ROM table has
            /// 2^`rom_log2` rows and that uses no extension; `None` outside of [`MIN_LOG2_CYCLES`] to
            /// [`MAX_LOG2_CYCLES`].
            pub const fn new(log2_cycles: u32, rom_log2: u32) -> Option<Self> {
                if log2_cycles < MIN_LOG2_CYCLES || log2_cycles > MAX_LOG2_CYCLES {
                    return None;
                }
                Some(Self::common(log2_cycles, rom_log2))
            }

            /// [`EpochShape::new`] of any length.
            pub(crate) const fn common(log2_cycles: u32, rom_log2: u32) -> Self {
                Self {
                    $($table: height!(
                        absent $($mark)?, <$table::$Table as Filled>::HEIGHT.log(log2_cycles)
                    ),)*
                    second: NO_SECOND,
                    rom: rom_log2,
                    rom_part: RomPart::Run,
                    clock: Clock::for_cycles(log2_cycles),
                }
            }

            /// log2 of the least rows that a table has.
            pub const fn least_log(table: FilledTable) -> u32 {
                match table {
                    $(FilledTable::$Table => <$table::$Table as Filled>::HEIGHT.least,)*
                }
            }

            /// The shape with these heights and no second instance: a table that every batch has and that is
            /// [`ABSENT`] has that height all the same, which is no shape's.
            pub fn of_heights(heights: &TableHeights, rom_log2: u32) -> Self {
                let [$($table,)*] = *heights;
                Self {
                    $($table: height!(held $($mark)?, u32::from($table), $table != ABSENT),)*
                    second: NO_SECOND,
                    rom: rom_log2,
                    rom_part: RomPart::Run,
                    clock: Clock::for_cycles(heights[FilledTable::Cpu.index()].into()),
                }
            }

            /// The shape of an epoch of at most 2^`log2_cycles` cycles of a program: it has the tables of the
            /// extensions that the program [uses](Program::uses). `None` as [`EpochShape::new`].
            pub fn of(log2_cycles: u32, program: &Program<'_>) -> Option<Self> {
                let lengths = MIN_LOG2_CYCLES..=MAX_LOG2_CYCLES;
                let shape = || Self::common_of(log2_cycles, program);
                lengths.contains(&log2_cycles).then(shape)
            }

            /// [`EpochShape::of`] of any length.
            pub(crate) fn common_of(log2_cycles: u32, program: &Program<'_>) -> Self {
                let mut shape = Self::common(log2_cycles, program.rom_log2());
                $(if_extends!($($mark)?; {
                    if program.uses(<$table::$Table as Extends>::EXTENSION) {
                        shape.$table = Some(<$table::$Table as Filled>::HEIGHT.log(log2_cycles));
                    }
                });)*
                shape
            }

            /// Whether a table may have a second instance: no row of it knows another, and no proof but the epoch's
            /// knows its root.
            pub const fn may_split(table: FilledTable) -> bool {
                match table {
                    $(FilledTable::$Table => {
                        <$table::$Table as Table>::NEXT.is_empty() && !<$table::$Table as Table>::CARVED
                    })*
                }
            }

            /// log2 of the rows of the first instance of a table, unless it is absent.
            pub const fn log_rows(&self, table: FilledTable) -> Option<u32> {
                match table {
                    $(FilledTable::$Table => height!(some $($mark)?, self.$table),)*
                }
            }
        }
    };
}
with_tables!(shape);

impl EpochShape {
    /// log2 of the rows of the second instance of a table, if it has one.
    pub const fn second_log_rows(&self, table: FilledTable) -> Option<u32> {
        match self.second[table.index()] {
            ABSENT => None,
            log => Some(log as u32),
        }
    }

    /// log2 of the rows of an instance of a table, if it has it.
    pub(crate) const fn instance_log_rows(
        &self,
        table: FilledTable,
        instance: Instance,
    ) -> Option<u32> {
        match instance {
            Instance::First => self.log_rows(table),
            Instance::Second => self.second_log_rows(table),
        }
    }

    /// Rows of all instances of a table; saturated where that is no shape's.
    pub const fn capacity(&self, table: FilledTable) -> u64 {
        let (first, second) = (self.log_rows(table), self.second_log_rows(table));
        rows_of(first).saturating_add(rows_of(second))
    }

    /// log2 of the rows of the first instance of each table, in batch order.
    pub fn heights(&self) -> TableHeights {
        FilledTable::ALL.map(|table| self.log_rows(table).map_or(ABSENT, |log| log as u8))
    }

    /// The shape of an epoch of `program` at other heights, with the same clock.
    pub fn with_other(&self, other: &Other, program: &Program<'_>) -> Self {
        let [first, second] = other.heights;
        Self {
            second,
            rom_part: other.rom_part,
            clock: self.clock,
            ..Self::of_heights(&first, program.part_log2(other.rom_part))
        }
    }

    /// The least heights that hold so many rows of each table; none of an extension that has none.
    pub(crate) fn holding(rows: &RowCounts, rom_log2: u32) -> Self {
        let heights = FilledTable::ALL.map(|table| {
            let rows = rows[table.index()];
            if table.is_extension() && rows == 0 {
                return ABSENT;
            }
            let log = rows.max(1).next_power_of_two().ilog2();
            log.max(Self::least_log(table)) as u8
        });
        Self::of_heights(&heights, rom_log2)
    }

    /// Most integers of the shape in a plan's digest.
    pub(crate) const MAX_LEN: usize = 3 * FilledTable::ALL.len() + 2;

    /// The heights that every shape has, in batch order, as a plan's digest has them first.
    pub(crate) fn integers(&self) -> impl Iterator<Item = u32> {
        let tables = FilledTable::ALL.into_iter();
        let all = tables.filter(|table| !table.is_extension());
        all.filter_map(|table| self.log_rows(table))
            .chain([self.rom])
    }

    /// The tables that it has, in batch order, with log2 of their rows.
    pub fn tables(&self) -> impl Iterator<Item = (FilledTable, u32)> {
        let tables = FilledTable::ALL.into_iter();
        tables.filter_map(|table| Some((table, self.log_rows(table)?)))
    }

    /// The instances that it has not.
    pub(crate) fn absent(&self) -> impl Iterator<Item = (FilledTable, Instance)> {
        let tables = FilledTable::ALL.into_iter();
        let all = tables.flat_map(|table| Instance::ALL.map(|instance| (table, instance)));
        all.filter(|&(table, instance)| self.instance_log_rows(table, instance).is_none())
    }

    /// Tag and height of each table of an extension, as a plan's digest has them last: nothing, when there is
    /// none.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = u32> {
        let tables = FilledTable::ALL.into_iter();
        let all = tables.filter(|table| table.is_extension());
        let tagged = |table: FilledTable| {
            let height = self.log_rows(table)?;
            Some([EXTENSION_TAG + table.index() as u32, height])
        };
        all.filter_map(tagged).flatten()
    }

    /// A tag and the heights of the second instances, as a plan's digest has them behind the ROM's blocks: nothing, when
    /// there is none. No height is as large as a tag, so no other heights have these integers.
    pub(crate) fn seconds(&self) -> impl Iterator<Item = u32> {
        let any = self.second != NO_SECOND;
        let all = [SECOND_TAG].into_iter().chain(self.second.map(u32::from));
        any.then_some(all).into_iter().flatten()
    }
}

/// Most integers of other heights in a plan's digest.
pub(crate) const MAX_OTHER_LEN: usize =
    MAX_OTHERS * (1 + 2 * FilledTable::ALL.len() + RomBlocks::WORDS);

/// Tags and heights that epochs may have besides the first, as a plan's digest has them behind these, with the blocks of
/// a ROM that is not the run's: nothing, when there are none.
pub(crate) fn other_integers<'p>(
    others: OtherHeights,
    program: &'p Program<'_>,
) -> impl Iterator<Item = u32> + 'p {
    let tagged = (0..).zip(others.into_iter().flatten());
    tagged.flat_map(|(place, other)| {
        let [first, second] = other.heights;
        let heights = first.into_iter().chain(second).map(u32::from);
        let (tag, blocks) = match other.rom_part {
            RomPart::Run => (OTHER_TAG, None),
            RomPart::Frequent => (FREQUENT_TAG, Some(program.part(RomPart::Frequent).words())),
        };
        [tag + place]
            .into_iter()
            .chain(heights)
            .chain(blocks.into_iter().flatten())
    })
}

/// 2^`log` rows of an instance that is there; saturated where that is no shape's.
pub(crate) const fn rows_of(log: Option<u32>) -> u64 {
    match log {
        Some(log) => counters(log),
        None => 0,
    }
}

/// 2^`log`, the counters of a table that is asked; saturated where that is no shape's.
pub(crate) const fn counters(log: u32) -> u64 {
    match 1_u64.checked_shl(log) {
        Some(counters) => counters,
        None => u64::MAX,
    }
}
