//! The tables of an epoch, each with its columns, its constraints and its filler.
//!
//! A new table is a module with a `Table`, or an `Operation`, and a line in the list (`list.rs`). Constraints have degree 3 at most,
//! messages that share a column degree 1; no evaluation allocates. The fillers assert the shape of their
//! trace.

pub mod and4;
pub mod bit;
pub mod cmp;
pub(crate) mod counts;
pub mod cpu;
pub mod div;
pub(crate) mod filled;
pub mod l2g;
pub(crate) mod list;
pub(crate) mod lookup;
pub mod mem;
pub mod mul;
mod operation;
mod product;
pub mod public;
pub mod range;
pub mod rom;
pub(crate) mod served;
pub mod shift;
pub mod sys;
pub(crate) mod table;

use p3_air::Air;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TableSpec, TraceMut};

use crate::air::{assert_fixed_shape, base_air};
use crate::columns::{Column, ColumnName, width};
use crate::exec::record::EpochRecord;
use crate::program::Program;
use crate::shape::{EpochShape, MAX_SECONDS};
use crate::span::{PublicValues, Span};
use filled::{Epoch, Filled};
use list::with_tables;
use table::Table;

pub use list::FilledTable;
pub use table::Instance;

macro_rules! epoch_table {
    (
        filled { $($(#[$doc:meta])* $table:ident $Table:ident $($mark:ident)?,)* }
        asked { $($(#[$asked_doc:meta])* $asked:ident $Asked:ident $(<$lifetime:lifetime>)?,)* }
    ) => {
        /// A table of an epoch's batch, or one instance of a table that has two.
        #[derive(Clone, Copy, Debug)]
        pub enum EpochTable<'a> {
            $($(#[$doc])* $Table($table::$Table, Instance),)*
            $($(#[$asked_doc])* $Asked($asked::$Asked $(<$lifetime>)?),)*
        }

        $(impl From<$table::$Table> for EpochTable<'_> {
            fn from(table: $table::$Table) -> Self {
                Self::$Table(table, Instance::First)
            }
        })*
        $(impl<'a> From<$asked::$Asked $(<$lifetime>)?> for EpochTable<'a> {
            fn from(table: $asked::$Asked $(<$lifetime>)?) -> Self {
                Self::$Asked(table)
            }
        })*

        /// The places of all tables in their batch.
        enum Place {
            $($Table,)*
            $($Asked,)*
        }

        /// The names of all tables, in batch order.
        const NAMES: &[&str] = &[$(stringify!($table),)* $(stringify!($asked),)*];

        impl<'a> EpochTable<'a> {
            /// All tables of an epoch of `shape`, in batch order: first instances, second ones, and those that are
            /// asked.
            ///
            /// # Panics
            /// When `shape` has more than [`MAX_SECONDS`] second instances.
            pub fn all(shape: EpochShape, program: &'a Program<'a>) -> PerTable<Self> {
                let filled = Instance::ALL.map(|instance| [$(
                    shape
                        .instance_log_rows(FilledTable::$Table, instance)
                        .map(|_| Self::$Table($table::$Table::new(shape.clock), instance)),
                )*]);
                let asked = [$(Self::$Asked($asked::$Asked::new(&shape, program)),)*];
                filled.into_iter().flatten().flatten().chain(asked).collect()
            }

            /// Place of the table in a batch that has all.
            const fn index(&self) -> usize {
                match self {
                    $(Self::$Table(..) => Place::$Table as usize,)*
                    $(Self::$Asked(_) => Place::$Asked as usize,)*
                }
            }

            /// Which instance of its table it is.
            pub const fn instance(&self) -> Instance {
                match self {
                    $(Self::$Table(_, instance) => *instance,)*
                    $(Self::$Asked(_) => Instance::First,)*
                }
            }

            /// log2 of the number of rows; 0 of a table that the shape has not.
            pub fn log_height(&self, shape: EpochShape) -> u32 {
                match self {
                    $(Self::$Table(_, instance) => shape
                        .instance_log_rows(FilledTable::$Table, *instance)
                        .unwrap_or_default(),)*
                    $(Self::$Asked(table) => table.fixed_log_height().unwrap_or_default().into(),)*
                }
            }
        }

        impl EpochTable<'_> {
            /// Writes every element of the main trace: [`main_width`](Self::main_width) columns of
            /// 2^[`log_height`](Self::log_height) rows.
            ///
            /// Filling a table counts what it looks up in those that are asked, so these are filled after the
            /// others. Filling a table again writes the same trace and counts nothing.
            ///
            /// # Panics
            /// When `trace` has another shape, or one that is asked is filled before the others.
            pub fn fill(
                &self,
                program: &Program<'_>,
                record: &mut EpochRecord<'_>,
                trace: &mut TraceMut<'_>,
            ) {
                assert_eq!(trace.width(), self.main_width());
                record.counts.start(self.index(), self.instance());
                let epoch = Epoch {
                    number: record.epoch,
                    exit_pc: record.exit_pc,
                    clock: record.clock,
                    rom_part: record.rom_part,
                };
                match self {
                    $(Self::$Table(table, instance) => {
                        let rows = record.$table.of(*instance);
                        table.fill(program, rows, epoch, &mut record.counts, trace);
                    })*
                    $(Self::$Asked(_) => lookup::fill(record.counts.complete().$asked, trace),)*
                }
            }
        }

        /// Evaluates an expression on the table that the enumeration holds, under the name `$it`.
        macro_rules! on_table {
            ($this:expr, $it:ident => $then:expr) => {
                match $this {
                    $(EpochTable::$Table($it, _) => $then,)*
                    $(EpochTable::$Asked($it) => $then,)*
                }
            };
        }
    };
}
with_tables!(epoch_table);

/// Number of tables of an epoch at most: of a program that uses all extensions, with as many second instances as there
/// may be.
pub const MAX_TABLES: usize = NAMES.len() + MAX_SECONDS;

/// Something for each table of an epoch.
pub type PerTable<T> = heapless::Vec<T, MAX_TABLES>;

/// What a table's type says, for any table.
pub(crate) struct Facts {
    pub columns: &'static [Column],
    pub next: &'static [usize],
    pub public_values: usize,
    pub fixed_width: usize,
    carved: bool,
}

pub(crate) const fn facts<T: Table>(_: &T) -> Facts {
    Facts {
        columns: T::COLUMNS,
        next: T::NEXT,
        public_values: T::PUBLIC_VALUES,
        fixed_width: T::FIXED_WIDTH,
        carved: T::CARVED,
    }
}

impl EpochTable<'_> {
    pub(crate) const fn facts(&self) -> Facts {
        on_table!(self, table => facts(table))
    }

    /// A short name, for plans and messages.
    pub const fn name(&self) -> &'static str {
        match self.instance() {
            Instance::First => NAMES[self.index()],
            Instance::Second => FilledTable::ALL[self.index()].second_name(),
        }
    }

    /// Number of main columns.
    pub const fn main_width(&self) -> usize {
        width(self.facts().columns)
    }

    /// The name of a main column; `None` when there is no such column.
    pub fn column(&self, place: usize) -> Option<ColumnName> {
        ColumnName::of(self.facts().columns, place)
    }

    /// Number of preprocessed columns, zero for a table without any.
    pub const fn fixed_width(&self) -> usize {
        self.facts().fixed_width
    }

    /// log2 of the number of rows of the preprocessed trace, of a table that has one.
    pub fn fixed_log_height(&self) -> Option<u8> {
        on_table!(self, table => table.fixed_log_height())
    }

    /// Main columns whose next row the constraints read.
    pub const fn main_next(&self) -> &'static [usize] {
        self.facts().next
    }

    /// Preprocessed columns whose next row the constraints read.
    pub const fn preprocessed_next(&self) -> &'static [usize] {
        &[]
    }

    /// What a plan wants to know of the table in an epoch of `shape`. Only L2G is carved.
    pub fn spec(&self, shape: EpochShape) -> TableSpec {
        TableSpec {
            main_next: !self.main_next().is_empty(),
            preprocessed_next: !self.preprocessed_next().is_empty(),
            carved: self.facts().carved,
            ..TableSpec::new(self.log_height(shape) as u8)
        }
    }

    /// Number of public values.
    pub const fn public_values(&self) -> usize {
        self.facts().public_values
    }

    /// The public values of an epoch of this number and span.
    pub fn public_values_of(&self, number: u32, span: &Span) -> PublicValues {
        fn of<T: Table>(_: &T, number: u32, span: &Span) -> PublicValues {
            T::public_values(number, span)
        }
        on_table!(self, table => of(table, number, span))
    }

    /// Writes the preprocessed trace, [`fixed_width`](Self::fixed_width) columns of
    /// 2^[`fixed_log_height`](Self::fixed_log_height) rows.
    ///
    /// # Panics
    /// When `trace` has another shape.
    pub fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        assert_fixed_shape(trace, self.fixed_width(), self.fixed_log_height());
        on_table!(self, table => table.fill_preprocessed(trace));
    }
}

base_air!(EpochTable<'_>);

impl<AB: InteractionBuilder<F = F>> Air<AB> for EpochTable<'_> {
    fn eval(&self, builder: &mut AB) {
        on_table!(self, table => table.eval(builder));
    }
}
