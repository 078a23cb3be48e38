//! The tables of a run's batches, in one type.

use p3_air::Air;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TableSpec, TraceMut};

use super::ends::{ImageEnds, RestEnds, ResultEnds};
use crate::air::{assert_fixed_shape, base_air};
use crate::columns::{ColumnName, width};
use crate::exec::EpochRecord;
use crate::program::Program;
use crate::tables::cpu::{Cpu, RunCpu};
use crate::tables::table::Table;
use crate::tables::{EpochTable, Facts, facts};

/// A table of a run's batch, of either kind.
#[derive(Clone, Copy, Debug)]
pub enum RunTable<'a> {
    /// Cycles. Public values: a [`BatchSpan`](crate::span::BatchSpan)'s.
    Cpu(RunCpu),
    /// A table as epochs have it.
    Epoch(EpochTable<'a>),
    /// Genesis and final memory of the program image and the registers.
    Image(ImageEnds<'a>),
    /// Genesis and final memory of the claimed result.
    Result(ResultEnds<'a>),
    /// Genesis and final memory of the touched cells of one hole.
    Rest(RestEnds),
}

/// Evaluates an expression on the table that the enumeration holds, under the name `$it`.
macro_rules! on_table {
    ($this:expr, $it:ident => $then:expr) => {
        match $this {
            RunTable::Cpu($it) => $then,
            RunTable::Epoch($it) => $then,
            RunTable::Image($it) => $then,
            RunTable::Result($it) => $then,
            RunTable::Rest($it) => $then,
        }
    };
}

impl RunTable<'_> {
    /// A short name, for messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cpu(_) => "cpu",
            Self::Epoch(table) => table.name(),
            Self::Image(_) => "image",
            Self::Result(_) => "result",
            Self::Rest(_) => "rest",
        }
    }

    const fn facts(&self) -> Facts {
        match self {
            Self::Cpu(table) => facts(table),
            Self::Epoch(table) => table.facts(),
            Self::Image(table) => facts(table),
            Self::Result(table) => facts(table),
            Self::Rest(table) => facts(table),
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

    /// What a plan wants to know of the table at a height of 2^`log_height` rows. No table is carved by
    /// itself: a batch is.
    pub const fn spec(&self, log_height: u8) -> TableSpec {
        TableSpec {
            main_next: !self.main_next().is_empty(),
            preprocessed_next: !self.preprocessed_next().is_empty(),
            ..TableSpec::new(log_height)
        }
    }

    /// Number of public values.
    pub const fn public_values(&self) -> usize {
        self.facts().public_values
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

    /// Writes every element of the main trace of a table of a body batch, and counts once what it asks, in
    /// the record. Of the closing batch's tables it writes nothing: their rows are of the run.
    ///
    /// # Panics
    /// When `trace` has another shape.
    pub fn fill_body(
        &self,
        program: &Program<'_>,
        record: &mut EpochRecord<'_>,
        trace: &mut TraceMut<'_>,
    ) {
        match self {
            // The rows are the same; what the clock starts at is the record's.
            Self::Cpu(RunCpu(clock)) => {
                EpochTable::from(Cpu(*clock)).fill(program, record, trace);
            }
            Self::Epoch(table) if table.fixed_width() == 0 => table.fill(program, record, trace),
            _ => {}
        }
    }
}

base_air!(RunTable<'_>);

impl<AB: InteractionBuilder<F = F>> Air<AB> for RunTable<'_> {
    fn eval(&self, builder: &mut AB) {
        on_table!(self, table => table.eval(builder));
    }
}
