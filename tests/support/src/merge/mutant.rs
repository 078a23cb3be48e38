//! The tables of the tests: real ones and toys.

use crate::omit::{InteractionAir, Omitting};
use p3_air::{Air, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_machine::bus::MEMORY;
use tranche_machine::merge::{GMEM, MergeTable};
use tranche_machine::tables::EpochTable;
use tranche_machine::tables::l2g::L2g;
use tranche_machine::tables::l2g::columns as l2g;

/// A table of a test.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A table of the merge.
    Merge(MergeTable<'static>),
    /// The epoch's side of an L2G table.
    EpochL2g,
    /// The same with a column more, [`GLOBAL_GATE`], which it does not look at.
    WideEpochL2g,
    /// The machine of a toy epoch. Columns: cell, value found, value left, timestamp, real.
    Cpu,
    /// The forgeable L2G table: its global messages have a gate of their own, [`GLOBAL_GATE`].
    TwoGates,
    /// The forgeable result table: final values are main columns, after the epoch.
    LooseResult(MergeTable<'static>),
}

/// The column that [`Kind::TwoGates`] gates its global messages with.
pub const GLOBAL_GATE: usize = l2g::WIDTH;

/// A table of a test, perhaps without some of its checks.
pub type TestAir = Omitting<Kind>;

impl Kind {
    /// The table that fixes preprocessed columns and public values.
    fn merge(&self) -> Option<&MergeTable<'static>> {
        match self {
            Kind::Merge(table) | Kind::LooseResult(table) => Some(table),
            Kind::TwoGates => Some(&MergeTable::L2g),
            Kind::EpochL2g | Kind::WideEpochL2g | Kind::Cpu => None,
        }
    }
}

impl BaseAir<F> for Kind {
    fn width(&self) -> usize {
        match *self {
            Kind::Merge(table) => table.main_width(),
            Kind::EpochL2g => l2g::WIDTH,
            Kind::WideEpochL2g | Kind::TwoGates => l2g::WIDTH + 1,
            Kind::Cpu => 5,
            Kind::LooseResult(_) => 3,
        }
    }

    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<F>> {
        self.merge()?.preprocessed_trace()
    }

    fn preprocessed_width(&self) -> usize {
        self.merge().map_or(0, |table| table.preprocessed_width())
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        self.merge()
            .map_or(vec![], |table| table.main_next_row_columns())
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        vec![]
    }

    fn max_constraint_degree(&self) -> Option<usize> {
        Some(3)
    }

    fn num_public_values(&self) -> usize {
        match *self {
            Kind::EpochL2g | Kind::WideEpochL2g => 1,
            _ => self.merge().map_or(0, |table| table.num_public_values()),
        }
    }
}

impl InteractionAir for Kind {
    fn eval_with<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        let main = builder.main();
        let at = |c: usize| -> AB::Expr { main.current_slice()[c].into() };
        let one = |gate: AB::Expr| Count::bounded(gate, 1);
        match *self {
            Kind::Merge(table) => table.eval(builder),
            Kind::EpochL2g | Kind::WideEpochL2g => EpochTable::from(L2g).eval(builder),
            Kind::Cpu => {
                let (real, zero) = (at(4), AB::Expr::ZERO);
                builder.assert_bool(real.clone());
                let found = [at(0), zero.clone(), at(1), zero.clone()];
                builder.push_interaction(MEMORY, found, one(-real.clone()));
                builder.push_interaction(MEMORY, [at(0), at(3), at(2), zero], one(real));
            }
            Kind::TwoGates => {
                let gate = at(GLOBAL_GATE);
                let epoch: AB::Expr = builder.public_values()[0].into();
                builder.assert_bool(gate.clone());
                let found = [l2g::CELL, l2g::INIT_EPOCH, l2g::INIT_LO, l2g::INIT_HI].map(at);
                let left = [at(l2g::CELL), epoch, at(l2g::FINI_LO), at(l2g::FINI_HI)];
                builder.push_interaction(GMEM, found, one(-gate.clone()));
                builder.push_interaction(GMEM, left, one(gate));
            }
            Kind::LooseResult(_) => {
                let fixed = builder.preprocessed().clone();
                let fixed = |c: usize| -> AB::Expr { fixed.current_slice()[c].into() };
                let (real, zero) = (fixed(3), AB::Expr::ZERO);
                let first = [fixed(0), zero.clone(), zero.clone(), zero];
                builder.push_interaction(GMEM, first, one(real.clone()));
                builder.push_interaction(GMEM, [fixed(0), at(0), at(1), at(2)], one(-real));
            }
        }
    }
}
