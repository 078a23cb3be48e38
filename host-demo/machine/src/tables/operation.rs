//! Tables whose rows are operations of two words on the exec bus.

use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::counts::Counts;
use super::filled::{AluRow, Epoch, Filled, Height};
use super::table::Table;
use crate::bus::Clock;
use crate::columns::Column;
use crate::decode::Alu;
use crate::program::Program;

/// Such a table.
pub(crate) trait Operation: Default {
    /// Main columns, in order.
    const COLUMNS: &'static [Column];
    /// The height.
    const HEIGHT: Height;
    /// The operations that it serves, first and last.
    const SERVED: (u32, u32);

    /// The operation that an instruction asks it for.
    fn op(alu: Alu) -> Option<u32>;

    /// What an operation that it serves comes to.
    fn value(op: u32, a: u32, b: u32) -> u32;

    /// Asserts the constraints and sends the messages.
    fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB);

    /// Writes every element of the main trace, and counts what the rows ask.
    fn fill(rows: &[AluRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>);
}

impl<T: Operation> Table for T {
    const COLUMNS: &'static [Column] = T::COLUMNS;

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        T::eval(builder);
    }
}

impl<T: Operation> Filled for T {
    type Row = AluRow;
    const HEIGHT: Height = T::HEIGHT;
    const SERVED: (u32, u32) = T::SERVED;

    fn new(_: Clock) -> Self {
        Self::default()
    }

    fn fill(
        &self,
        _: &Program<'_>,
        rows: &[AluRow],
        _: Epoch,
        counts: &mut Counts<'_>,
        trace: &mut TraceMut<'_>,
    ) {
        T::fill(rows, counts, trace);
    }

    fn op(alu: Alu) -> Option<u32> {
        T::op(alu)
    }

    fn row(served: AluRow) -> Option<AluRow> {
        Some(served)
    }

    fn value(op: u32, a: u32, b: u32) -> u32 {
        T::value(op, a, b)
    }
}
