//! The list of an epoch's tables, in batch order: whatever is said of all of them follows from it.
//!
//! A table is a module of its name here, with a type that is a `Table`. Those that an execution fills come
//! first and are `Filled`, and those of them that serve operations of two words on the exec bus say so; those
//! that are asked come last, so that all others have counted what they ask when these are filled.

/// Calls a macro with the list.
macro_rules! with_tables {
    ($then:ident) => {
        $then! {
            filled {
                /// Cycles. Public values: entry and exit program counter, clock at the end.
                cpu Cpu,
                /// Loads, stores and indirect jumps.
                mem Mem,
                /// Comparisons.
                cmp Cmp serves,
                /// Bitwise operations.
                bit Bit serves,
                /// Shifts.
                shift Shift serves,
                /// Steps of system calls.
                sys Sys,
                /// Touched cells; carved. Public value: the epoch's number.
                l2g L2g,
            }
            asked {
                /// Instructions of the program.
                rom Rom<'a>,
                /// Range checks.
                range Range,
                /// Bitwise and of nibbles.
                and4 And4,
            }
        }
    };
}
pub(crate) use with_tables;

macro_rules! filled_tables {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident $($serves:ident)?,)* }
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
        }
    };
}
with_tables!(filled_tables);
