//! The tables that serve operations of two words on the exec bus.

use super::filled::Filled;
use super::list::{FilledTable, if_serves, with_tables};
use crate::decode::Alu;

// The tables of the list, by name.
use super::*;

/// The operations of the exec bus are below this.
const LIMIT: u32 = 64;

/// The table of each operation.
const SERVING: [Option<FilledTable>; LIMIT as usize] = {
    let mut tables = [None; LIMIT as usize];
    let mut op = 0;
    while op < LIMIT {
        tables[op as usize] = find(op);
        op += 1;
    }
    tables
};

/// The table that serves an operation, if one does.
#[inline]
pub(crate) const fn serving(op: u32) -> Option<FilledTable> {
    if op < LIMIT {
        SERVING[op as usize]
    } else {
        None
    }
}

macro_rules! served_tables {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident $($mark:ident)?,)* }
        asked { $($asked:tt)* }
    ) => {
        /// [`serving`] by the tables' own words.
        const fn find(op: u32) -> Option<FilledTable> {
            $($(if_serves!($mark; {
                let (first, last) = <$table::$Table as Filled>::SERVED;
                if first <= op && op <= last {
                    return Some(FilledTable::$Table);
                }
            });)?)*
            None
        }

        /// The operation that an instruction asks a table for, if it does.
        pub(crate) fn op(alu: Alu) -> Option<u32> {
            $($(if_serves!($mark; if let Some(op) = $table::$Table::op(alu) {
                return Some(op);
            });)?)*
            None
        }

        /// What an operation comes to.
        #[inline]
        pub(crate) fn value(op: u32, a: u32, b: u32) -> u32 {
            let table = serving(op);
            $($(if_serves!($mark; if table == Some(FilledTable::$Table) {
                return $table::$Table::value(op, a, b);
            });)?)*
            0
        }

        // No operation has two tables.
        const _: () = {
            let mut op = 0;
            while op < LIMIT {
                let mut tables = 0;
                $($(if_serves!($mark; {
                    let (first, last) = <$table::$Table as Filled>::SERVED;
                    assert!(last < LIMIT);
                    tables += (first <= op && op <= last) as u32;
                });)?)*
                assert!(tables <= 1);
                op += 1;
            }
        };
    };
}
with_tables!(served_tables);
