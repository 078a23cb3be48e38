//! The list of an epoch's tables, in batch order: whatever is said of all of them follows from it.
//!
//! A table is a module of its name here, with a type that is a `Table`. Those that an execution fills come
//! first and are `Filled`, and those of them that serve operations of two words on the exec bus say so; those
//! that `extend` serve operations of an extension, or reads of public input, and are in no batch that has none of them. Those
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
                /// Products.
                mul Mul extends,
                /// Quotients and remainders.
                div Div extends,
                /// Steps of reads of public input.
                public Public extends,
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

/// Leaves what follows for a table that serves operations of two words.
macro_rules! if_serves {
    (serves; $($then:tt)*) => { $($then)* };
    (extends; $($then:tt)*) => { $($then)* };
}
pub(crate) use if_serves;

/// Whether a mark is that of a table of an extension.
macro_rules! is_extension {
    (extends) => {
        true
    };
    ($($mark:ident)?) => {
        false
    };
}

macro_rules! filled_tables {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident $($mark:ident)?,)* }
        asked { $($(#[$asked_doc:meta])* $asked:ident $Asked:ident $(<$lifetime:lifetime>)?,)* }
    ) => {
        /// Number of tables that are asked.
        pub(crate) const ASKED: usize = [$(stringify!($asked)),*].len();

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

            /// The name of its second instance, as plans have it.
            pub const fn second_name(self) -> &'static str {
                match self {
                    $(Self::$Table => concat!(stringify!($table), "2"),)*
                }
            }

            /// What log2 of its rows is called, where it is out of range.
            pub(crate) const fn height_name(self) -> &'static str {
                match self {
                    $(Self::$Table => concat!("height of ", stringify!($table)),)*
                }
            }

            /// The same of its second instance.
            pub(crate) const fn second_height_name(self) -> &'static str {
                match self {
                    $(Self::$Table => concat!("second height of ", stringify!($table)),)*
                }
            }

            /// Its place in a batch that has all tables. It is its place in any batch when it
            /// [is no extension's](Self::is_extension), since those come last.
            pub const fn index(self) -> usize {
                self as usize
            }

            /// Whether it is in the batches of those programs only that use an extension.
            pub const fn is_extension(self) -> bool {
                match self {
                    $(Self::$Table => is_extension!($($mark)?),)*
                }
            }
        }
    };
}
with_tables!(filled_tables);

impl FilledTable {
    /// Tables that every batch of an epoch has.
    pub(crate) const REQUIRED: usize = {
        let mut required = 0;
        while required < Self::ALL.len() && !Self::ALL[required].is_extension() {
            required += 1;
        }
        required
    };
}

// Those of extensions come last.
const _: () = {
    let mut table = FilledTable::REQUIRED;
    while table < FilledTable::ALL.len() {
        assert!(FilledTable::ALL[table].is_extension());
        table += 1;
    }
};
