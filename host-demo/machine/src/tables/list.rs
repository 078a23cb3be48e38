//! The list of an epoch's tables, in batch order: whatever is said of all of them follows from it.
//!
//! A table is a module of its name here, with a type that implements [`Table`](super::Table). Those that
//! an execution fills come first and implement [`Filled`](super::Filled); those that are asked come last,
//! so that all others have counted what they ask when these are filled.

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
                cmp Cmp,
                /// Bitwise operations.
                bit Bit,
                /// Shifts.
                shift Shift,
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
