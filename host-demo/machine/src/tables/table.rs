//! What an epoch is told of a table.

use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use crate::columns::Column;
use crate::span::{PublicValues, Span};

/// Which of the instances of a table in a batch: rows fill the first, and those that it has no room for are the
/// second's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// The one that every table has.
    First,
    /// The shorter one, in place of padding.
    Second,
}

impl Instance {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];
}

/// A table: its columns, its constraints, its filler.
pub(crate) trait Table {
    /// Main columns, in order.
    const COLUMNS: &'static [Column];
    /// Main columns whose next row the constraints read.
    const NEXT: &'static [usize] = &[];
    /// Number of public values.
    const PUBLIC_VALUES: usize = 0;
    /// Number of preprocessed columns.
    const FIXED_WIDTH: usize = 0;
    /// Whether the main trace has a Merkle root of its own.
    const CARVED: bool = false;

    /// log2 of the number of rows of the preprocessed trace, of a table that has one.
    fn fixed_log_height(&self) -> Option<u8> {
        None
    }

    /// Writes the preprocessed trace, of a table that has one.
    fn fill_preprocessed(&self, _trace: &mut TraceMut<'_>) {}

    /// The public values of an epoch of this number and span.
    fn public_values(_number: u32, _span: &Span) -> PublicValues {
        PublicValues::new()
    }

    /// Asserts the constraints and sends the messages.
    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB);
}
