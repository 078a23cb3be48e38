//! An AIR with some of its checks left out, so that a forgery can be shown to be refused by one of
//! them alone.
//!
//! A left-out assertion asserts 0 and a left-out interaction sends nothing, so the numbers of the
//! others, the weights of the constraints and the message columns stay as they are: a proof under
//! the AIR with a check differs in what is claimed, not in its form.

use std::borrow::Cow;

use p3_air::{Air, AirBuilder, BaseAir, BoundaryPublic, ExtensionBuilder};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_machine::batches::RunTable;
use tranche_machine::merge::MergeTable;
use tranche_machine::tables::EpochTable;

use crate::audit::Auditor;

/// One check of an AIR, in the order in which it evaluates them. The default methods of a builder
/// count as the assertions that they are made of, `assert_bools` of three as three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Omit {
    /// The assertion of this number.
    Assertion(usize),
    /// The interaction of this number, whatever its bus.
    Interaction(usize),
}

/// An AIR over every builder that has interactions.
///
/// A supertrait bound `Air<AB>` would have to name the builder.
pub trait InteractionAir: BaseAir<F> {
    /// Evaluates all constraints and interactions.
    fn eval_with<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB);
}

impl InteractionAir for EpochTable<'_> {
    fn eval_with<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        self.eval(builder);
    }
}

impl InteractionAir for RunTable<'_> {
    fn eval_with<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        self.eval(builder);
    }
}

impl InteractionAir for MergeTable<'_> {
    fn eval_with<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        self.eval(builder);
    }
}

/// The AIR `air` without the checks of `omit`.
#[derive(Clone, Debug)]
pub struct Omitting<A> {
    /// The AIR.
    pub air: A,
    /// What it lacks.
    pub omit: Vec<Omit>,
}

impl<A> From<A> for Omitting<A> {
    fn from(air: A) -> Self {
        Self { air, omit: vec![] }
    }
}

impl<A: BaseAir<F>> BaseAir<F> for Omitting<A> {
    fn width(&self) -> usize {
        self.air.width()
    }

    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<F>> {
        self.air.preprocessed_trace()
    }

    fn preprocessed_width(&self) -> usize {
        self.air.preprocessed_width()
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        self.air.main_next_row_columns()
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        self.air.preprocessed_next_row_columns()
    }

    fn num_constraints(&self) -> Option<usize> {
        self.air.num_constraints()
    }

    fn max_constraint_degree(&self) -> Option<usize> {
        self.air.max_constraint_degree()
    }

    fn num_public_values(&self) -> usize {
        self.air.num_public_values()
    }

    fn num_periodic_columns(&self) -> usize {
        self.air.num_periodic_columns()
    }

    fn periodic_columns(&self) -> Cow<'_, [Vec<F>]> {
        self.air.periodic_columns()
    }

    fn public_boundary_io(&self) -> &[BoundaryPublic] {
        self.air.public_boundary_io()
    }

    fn assumes_boolean_trace(&self) -> bool {
        self.air.assumes_boolean_trace()
    }
}

impl<A: InteractionAir, AB: InteractionBuilder<F = F>> Air<AB> for Omitting<A> {
    fn eval(&self, builder: &mut AB) {
        self.air.eval_with(&mut Omitter {
            inner: builder,
            omit: &self.omit,
            asserted: 0,
            sent: 0,
        });
    }
}

/// Passes on what an AIR asserts and sends, but for what is left out.
struct Omitter<'a, AB> {
    inner: &'a mut AB,
    omit: &'a [Omit],
    asserted: usize,
    sent: usize,
}

impl<AB> Omitter<'_, AB> {
    /// Whether the assertion at hand is left out.
    fn omits_assertion(&mut self) -> bool {
        self.asserted += 1;
        self.omit.contains(&Omit::Assertion(self.asserted - 1))
    }

    /// Whether the interaction at hand is left out.
    fn omits_interaction(&mut self) -> bool {
        self.sent += 1;
        self.omit.contains(&Omit::Interaction(self.sent - 1))
    }
}

/// No message.
fn none<E: PrimeCharacteristicRing>(count: Count<E>) -> Count<E> {
    Count::bounded(E::ZERO, count.weight())
}

// Every default method of a builder ends in one of those below.
impl<AB: AirBuilder> AirBuilder for Omitter<'_, AB> {
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
        if self.omits_assertion() {
            self.inner.assert_zero(Self::Expr::ZERO);
        } else {
            self.inner.assert_zero(x);
        }
    }

    fn public_values(&self) -> &[Self::PublicVar] {
        self.inner.public_values()
    }

    fn periodic_values(&self) -> &[Self::PeriodicVar] {
        self.inner.periodic_values()
    }
}

impl<AB: ExtensionBuilder> ExtensionBuilder for Omitter<'_, AB> {
    type EF = AB::EF;
    type ExprEF = AB::ExprEF;
    type VarEF = AB::VarEF;

    fn assert_zero_ext<I: Into<Self::ExprEF>>(&mut self, x: I) {
        if self.omits_assertion() {
            self.inner.assert_zero_ext(Self::ExprEF::ZERO);
        } else {
            self.inner.assert_zero_ext(x);
        }
    }
}

impl<AB: InteractionBuilder> InteractionBuilder for Omitter<'_, AB> {
    fn push_interaction<E: Into<Self::Expr>>(
        &mut self,
        bus_name: &str,
        fields: impl IntoIterator<Item = E>,
        count: impl Into<Count<Self::Expr>>,
    ) {
        let mut count = count.into();
        if self.omits_interaction() {
            count = none(count);
        }
        self.inner.push_interaction(bus_name, fields, count);
    }

    fn push_local_interaction(
        &mut self,
        tuples: impl IntoIterator<Item = (Vec<Self::Expr>, Count<Self::Expr>)>,
    ) {
        let omitted = self.omits_interaction();
        let keep = |count| if omitted { none(count) } else { count };
        let tuples = tuples.into_iter();
        self.inner
            .push_local_interaction(tuples.map(|(fields, count)| (fields, keep(count))));
    }

    fn push_exclusive_interaction(
        &mut self,
        bus_name: &str,
        branches: impl IntoIterator<Item = (Self::Expr, Count<Self::Expr>, Vec<Self::Expr>)>,
    ) {
        let omitted = self.omits_interaction();
        let keep = |count| if omitted { none(count) } else { count };
        let branches = branches.into_iter();
        self.inner.push_exclusive_interaction(
            bus_name,
            branches.map(|(flag, count, fields)| (flag, keep(count), fields)),
        );
    }

    fn num_global_interactions(&self) -> usize {
        self.inner.num_global_interactions()
    }

    fn num_local_interactions(&self) -> usize {
        self.inner.num_local_interactions()
    }

    fn num_exclusive_interactions(&self) -> usize {
        self.inner.num_exclusive_interactions()
    }
}

/// What an AIR checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Number of assertions.
    pub assertions: usize,
    /// The bus of each interaction.
    pub interactions: Vec<String>,
}

impl Checks {
    /// The checks of `air`.
    pub fn of<A: BaseAir<F> + for<'a> Air<Auditor<'a>>>(air: &A) -> Self {
        let main = RowMajorMatrix::new(F::zero_vec(air.width()), air.width());
        let public_values = F::zero_vec(air.num_public_values());
        let fixed = air.preprocessed_trace();
        let row = Auditor::of(air, &main, fixed.as_ref(), &public_values, 0);
        Self {
            assertions: row.asserted(),
            interactions: row.into_messages().into_iter().map(|m| m.bus).collect(),
        }
    }

    /// The interactions on one bus.
    pub fn on(&self, bus: &str) -> Vec<Omit> {
        let on_bus = |(k, of): (usize, &String)| (of == bus).then_some(Omit::Interaction(k));
        self.interactions
            .iter()
            .enumerate()
            .filter_map(on_bus)
            .collect()
    }

    /// Every check.
    pub fn all(&self) -> impl Iterator<Item = Omit> {
        let assertions = (0..self.assertions).map(Omit::Assertion);
        assertions.chain((0..self.interactions.len()).map(Omit::Interaction))
    }
}

#[cfg(test)]
mod tests {
    use p3_air::symbolic::{AirLayout, SymbolicExpression, SymbolicExpressionExt};
    use p3_lookup::InteractionSymbolicBuilder;
    use tranche_core::EF;

    use super::*;

    /// Two constants that are not zero, and assertions about them by every method that a builder
    /// has.
    fn assert_all(builder: &mut Omitter<'_, InteractionSymbolicBuilder<F, EF>>) {
        let [two, three] = [F::TWO, F::from_u8(3)];
        builder.assert_zero(two);
        builder.assert_zeros([two, three]);
        builder.assert_one(two);
        builder.assert_eq(two, three);
        builder.assert_eq_arrays([two, two], [three, three]);
        builder.assert_bool(two);
        builder.assert_bools([two, three]);
        builder.when(two).assert_zero(three);
        builder.when_first_row().assert_bools([two, three]);
        builder.assert_zero_ext(EF::TWO);
        builder.assert_zeros_ext([EF::TWO, EF::TWO]);
        builder.assert_eq_ext(EF::TWO, EF::ONE);
        builder.assert_one_ext(EF::TWO);
    }

    /// Numbers of the assertions above that remain.
    fn remaining(omit: &[Omit]) -> Vec<usize> {
        let mut inner = InteractionSymbolicBuilder::<F, EF>::new(AirLayout::default());
        let mut omitter = Omitter {
            inner: &mut inner,
            omit,
            asserted: 0,
            sent: 0,
        };
        assert_all(&mut omitter);
        let (base, extension) = (inner.base_constraints(), inner.extension_constraints());
        let zeros = [
            format!("{:?}", SymbolicExpression::<F>::ZERO),
            format!("{:?}", SymbolicExpressionExt::<F, EF>::ZERO),
        ];
        let base = base.iter().map(|c| format!("{c:?}"));
        let extension = extension.iter().map(|c| format!("{c:?}"));
        let remains = |(k, c): (usize, String)| (!zeros.contains(&c)).then_some(k);
        base.chain(extension)
            .enumerate()
            .filter_map(remains)
            .collect()
    }

    #[test]
    fn one_assertion_of_any_form_is_left_out() {
        let all = remaining(&[]);
        assert_eq!(all.len(), 18);
        for k in 0..18 {
            let others: Vec<_> = all.iter().copied().filter(|&other| other != k).collect();
            assert_eq!(remaining(&[Omit::Assertion(k)]), others);
            assert_eq!(remaining(&[Omit::Interaction(k)]), all);
        }
    }
}
