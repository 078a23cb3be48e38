//! Tables that an execution fills: what is recorded of a row, how many rows there are, and which operations
//! of two words they serve on the exec bus.

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};
use zeroize::DefaultIsZeroes;

use super::list::with_tables;
use crate::bus::Clock;
use crate::decode::Alu;

/// A table that an execution fills.
pub(crate) trait Filled {
    /// What is recorded of a row.
    type Row: Row;
    /// The height.
    const HEIGHT: Height;
    /// The operations of two words that it serves on the exec bus, first and last; none unless it says so.
    const SERVED: (u32, u32) = (1, 0);

    /// The table of an epoch with this clock.
    fn new(clock: Clock) -> Self;

    /// The operation on the exec bus that an instruction asks it for.
    fn op(_alu: Alu) -> Option<u32> {
        None
    }

    /// What is recorded of an operation that it serves.
    fn row(_served: AluRow) -> Option<Self::Row> {
        None
    }

    /// What an operation that it serves comes to.
    fn value(_op: u32, _a: u32, _b: u32) -> u32 {
        0
    }
}

/// What is recorded of a row: words without gaps, for which zeros are a value.
pub(crate) trait Row: NoUninit + CheckedBitPattern + DefaultIsZeroes {}
impl<T: NoUninit + CheckedBitPattern + DefaultIsZeroes> Row for T {}

/// How many rows a table has in an epoch of 2^n cycles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Height {
    /// There are 2^(n − `below`),
    pub below: u32,
    /// and 2^`least` at least.
    pub least: u32,
}

impl Height {
    /// log2 of the rows in an epoch of 2^`log2_cycles` cycles.
    pub const fn log(&self, log2_cycles: u32) -> u32 {
        let log = log2_cycles.saturating_sub(self.below);
        if log < self.least { self.least } else { log }
    }
}

/// What is recorded of an operation of two words, by the tables that serve such.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct AluRow {
    /// Operation on the exec bus.
    pub op: u32,
    /// First operand.
    pub a: u32,
    /// Second operand.
    pub b: u32,
}

impl DefaultIsZeroes for AluRow {}

macro_rules! filled_tables {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident,)* }
        asked { $($asked:tt)* }
    ) => {
        /// A table that an execution fills, in batch order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FilledTable {
            $($(#[$doc])* $Table,)*
        }

        impl FilledTable {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($table)),*].len()] = [$(Self::$Table),*];

            /// The name of the table, as plans have it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Table => stringify!($table),)*
                }
            }

            /// Its place in the batch.
            pub const fn index(self) -> usize {
                self as usize
            }

            /// The table that serves an operation of two words on the exec bus, if one does.
            pub(crate) const fn serving(op: u32) -> Option<Self> {
                $(
                    let (first, last) = <super::$table::$Table as Filled>::SERVED;
                    if first <= op && op <= last {
                        return Some(Self::$Table);
                    }
                )*
                None
            }
        }

        /// The operation on the exec bus that an instruction asks a table for, if it does.
        pub(crate) fn op(alu: Alu) -> Option<u32> {
            None$(.or_else(|| super::$table::$Table::op(alu)))*
        }

        /// What an operation of two words on the exec bus comes to.
        pub(crate) fn value(op: u32, a: u32, b: u32) -> u32 {
            match FilledTable::serving(op) {
                $(Some(FilledTable::$Table) => super::$table::$Table::value(op, a, b),)*
                None => 0,
            }
        }

        // No operation of the exec bus has two tables.
        const _: () = {
            let mut op = 0;
            while op < super::rom::op::LIMIT {
                let mut tables = super::rom::op::is_timed(op) as u32;
                $(
                    let (first, last) = <super::$table::$Table as Filled>::SERVED;
                    assert!(last < super::rom::op::LIMIT);
                    tables += (first <= op && op <= last) as u32;
                )*
                assert!(tables <= 1);
                op += 1;
            }
        };
    };
}
with_tables!(filled_tables);
