//! Heights of an epoch's tables.

use crate::tables::filled::{Filled, Height};
use crate::tables::list::FilledTable;
use crate::tables::list::with_tables;

// The tables of the list, by name.
use crate::tables::*;

/// Smallest epoch, as log2 of its cycles.
pub const MIN_LOG2_CYCLES: u32 = 6;
/// Largest epoch, as log2 of its cycles.
pub const MAX_LOG2_CYCLES: u32 = 20;

/// Rows of each table that an execution fills, in batch order.
pub type RowCounts = [u64; FilledTable::ALL.len()];

macro_rules! shape {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident $($serves:ident)?,)* }
        asked { $($asked:tt)* }
    ) => {
        /// log2 of the height of every table of an epoch, but for those that always have the same.
        ///
        /// [`EpochShape::new`] sizes the tables for a common mix of instructions; an epoch ends when the
        /// first of them is full, so other heights are as sound.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct EpochShape {
            $($(#[$doc])* pub $table: u32,)*
            /// Words of the program.
            pub rom: u32,
        }

        impl EpochShape {
            /// The shape of an epoch of at most 2^`log2_cycles` cycles of a program whose ROM table has
            /// 2^`rom_log2` rows; `None` outside of [`MIN_LOG2_CYCLES`] to [`MAX_LOG2_CYCLES`].
            pub const fn new(log2_cycles: u32, rom_log2: u32) -> Option<Self> {
                if log2_cycles < MIN_LOG2_CYCLES || log2_cycles > MAX_LOG2_CYCLES {
                    return None;
                }
                Some(Self::common(log2_cycles, rom_log2))
            }

            /// [`EpochShape::new`] of any length.
            pub(crate) const fn common(log2_cycles: u32, rom_log2: u32) -> Self {
                Self {
                    $($table: <$table::$Table as Filled>::HEIGHT.log(log2_cycles),)*
                    rom: rom_log2,
                }
            }

            /// The least heights that hold so many rows of each table.
            pub(crate) fn holding(rows: &RowCounts, rom_log2: u32) -> Self {
                let log = |table: FilledTable, height: Height| {
                    let rows = rows[table.index()].max(1);
                    rows.next_power_of_two().ilog2().max(height.least)
                };
                Self {
                    $($table: log(FilledTable::$Table, <$table::$Table as Filled>::HEIGHT),)*
                    rom: rom_log2,
                }
            }

            /// The shape with these heights, in batch order.
            pub(crate) const fn from_heights(heights: [u32; FilledTable::ALL.len()], rom_log2: u32) -> Self {
                let [$($table,)*] = heights;
                Self { $($table,)* rom: rom_log2 }
            }

            /// log2 of the rows of a table.
            pub const fn log_rows(&self, table: FilledTable) -> u32 {
                match table {
                    $(FilledTable::$Table => self.$table,)*
                }
            }

            /// Number of its [integers](Self::integers).
            pub(crate) const LEN: usize = FilledTable::ALL.len() + 1;

            /// All heights, in batch order, as a plan's digest has them.
            pub(crate) const fn integers(&self) -> [u32; Self::LEN] {
                [$(self.$table,)* self.rom]
            }
        }
    };
}
with_tables!(shape);
