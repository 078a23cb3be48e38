//! The tables of the tests: real ones, real ones with a check taken out, and toys.

use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_machine::bus::{MEMORY, RANGE};
use tranche_machine::merge::{GMEM, MergeTable};
use tranche_machine::tables::EpochTable;
use tranche_machine::tables::l2g::columns as l2g;

/// What is taken out of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The constraint of this number, in the order in which the table asserts them.
    Constraint(usize),
    /// Every message of the table on the bus `range`.
    Ranges,
    /// The message of this number is checked to 8 bits, whatever its table asks for.
    Widened(usize),
}

/// A table of a test.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
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

#[derive(Clone, Debug)]
pub struct TestAir {
    pub kind: Kind,
    pub without: Vec<Mutation>,
}

impl From<MergeTable<'static>> for TestAir {
    fn from(table: MergeTable<'static>) -> Self {
        Kind::Merge(table).into()
    }
}

impl From<Kind> for TestAir {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            without: vec![],
        }
    }
}

impl TestAir {
    /// The table that fixes preprocessed columns and public values.
    fn merge(&self) -> Option<&MergeTable<'static>> {
        match &self.kind {
            Kind::Merge(table) | Kind::LooseResult(table) => Some(table),
            Kind::TwoGates => Some(&MergeTable::L2g),
            Kind::EpochL2g | Kind::WideEpochL2g | Kind::Cpu => None,
        }
    }
}

impl BaseAir<F> for TestAir {
    fn width(&self) -> usize {
        match self.kind {
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
        match self.kind {
            Kind::EpochL2g | Kind::WideEpochL2g => 1,
            _ => self.merge().map_or(0, |table| table.num_public_values()),
        }
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for TestAir {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let at = |c: usize| -> AB::Expr { main.current_slice()[c].into() };
        let one = |gate: AB::Expr| Count::bounded(gate, 1);
        match self.kind {
            Kind::Merge(table) => table.eval(&mut Mutant {
                inner: builder,
                air: self,
                asserted: 0,
                sent: 0,
            }),
            Kind::EpochL2g | Kind::WideEpochL2g => EpochTable::L2g.eval(&mut Mutant {
                inner: builder,
                air: self,
                asserted: 0,
                sent: 0,
            }),
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

/// Passes on what a table asserts and sends, but for what is taken out.
struct Mutant<'a, AB> {
    inner: &'a mut AB,
    air: &'a TestAir,
    asserted: usize,
    sent: usize,
}

impl<AB: AirBuilder> AirBuilder for Mutant<'_, AB> {
    type F = AB::F;
    type Expr = AB::Expr;
    type Var = AB::Var;
    type PreprocessedWindow = AB::PreprocessedWindow;
    type MainWindow = AB::MainWindow;
    type PublicVar = AB::PublicVar;
    type PeriodicVar = AB::PeriodicVar;

    fn main(&self) -> Self::MainWindow {
        self.inner.main()
    }

    fn preprocessed(&self) -> &Self::PreprocessedWindow {
        self.inner.preprocessed()
    }

    fn is_first_row(&self) -> Self::Expr {
        self.inner.is_first_row()
    }

    fn is_last_row(&self) -> Self::Expr {
        self.inner.is_last_row()
    }

    fn is_transition(&self) -> Self::Expr {
        self.inner.is_transition()
    }

    fn assert_zero<I: Into<Self::Expr>>(&mut self, x: I) {
        if !self
            .air
            .without
            .contains(&Mutation::Constraint(self.asserted))
        {
            self.inner.assert_zero(x);
        }
        self.asserted += 1;
    }

    fn public_values(&self) -> &[Self::PublicVar] {
        self.inner.public_values()
    }
}

impl<AB: InteractionBuilder> InteractionBuilder for Mutant<'_, AB> {
    fn push_interaction<E: Into<Self::Expr>>(
        &mut self,
        bus_name: &str,
        fields: impl IntoIterator<Item = E>,
        count: impl Into<Count<Self::Expr>>,
    ) {
        let mut fields: Vec<Self::Expr> = fields.into_iter().map(Into::into).collect();
        if self.air.without.contains(&Mutation::Widened(self.sent)) {
            fields[1] = Self::Expr::from_u8(8);
        }
        self.sent += 1;
        if bus_name != RANGE || !self.air.without.contains(&Mutation::Ranges) {
            self.inner.push_interaction(bus_name, fields, count);
        }
    }

    fn push_local_interaction(
        &mut self,
        tuples: impl IntoIterator<Item = (Vec<Self::Expr>, Count<Self::Expr>)>,
    ) {
        self.inner.push_local_interaction(tuples);
    }
}
