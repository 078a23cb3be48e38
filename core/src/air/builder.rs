//! The builder that evaluates an AIR over the ring of degrees.

use p3_air::AirBuilder;
use p3_lookup::{Count, InteractionBuilder};

use super::collector::{Collector, Tuple};
use super::degree::{
    Column, Columns, Degree, NEXT_MAIN, NEXT_PREPROCESSED, NextRows, PUBLIC, Public,
};
use super::interactions::ArrayInteractions;
use crate::F;

/// Evaluates an AIR over [`Degree`]: counts its constraints, collects its interactions.
#[derive(Debug)]
pub struct DegreeBuilder<'a> {
    main: Columns,
    preprocessed: Columns,
    num_public_values: usize,
    /// Base constraints so far.
    pub(super) num_constraints: usize,
    /// Largest degree of a constraint so far.
    pub(super) degree: u32,
    /// The next rows that a constraint so far reads.
    pub(super) next: NextRows,
    pub(super) collector: Collector<'a>,
}

impl<'a> DegreeBuilder<'a> {
    /// A builder for an AIR of the given widths, none above [`MAX_WIDTH`](super::degree::MAX_WIDTH).
    pub(super) fn new(
        main_width: usize,
        preprocessed_width: usize,
        num_public_values: usize,
        collector: Collector<'a>,
    ) -> Self {
        Self {
            main: Columns::new(main_width, &NEXT_MAIN),
            preprocessed: Columns::new(preprocessed_width, &NEXT_PREPROCESSED),
            num_public_values,
            num_constraints: 0,
            degree: 0,
            next: NextRows::NONE,
            collector,
        }
    }
}

impl AirBuilder for DegreeBuilder<'_> {
    type F = F;
    type Expr = Degree;
    type Var = Column;
    type PreprocessedWindow = Columns;
    type MainWindow = Columns;
    type PublicVar = Public;
    type PeriodicVar = F;

    fn main(&self) -> Columns {
        self.main
    }

    fn preprocessed(&self) -> &Columns {
        &self.preprocessed
    }

    fn is_first_row(&self) -> Degree {
        Degree::of(1)
    }

    fn is_last_row(&self) -> Degree {
        Degree::of(1)
    }

    fn is_transition(&self) -> Degree {
        Degree::of(0)
    }

    fn assert_zero<I: Into<Degree>>(&mut self, x: I) {
        self.num_constraints += 1;
        let x = x.into();
        self.degree = self.degree.max(x.degree);
        self.next = self.next.or(x.next);
    }

    fn public_values(&self) -> &[Public] {
        &PUBLIC[..self.num_public_values]
    }
}

impl InteractionBuilder for DegreeBuilder<'_> {
    fn push_interaction<E: Into<Degree>>(
        &mut self,
        bus_name: &str,
        fields: impl IntoIterator<Item = E>,
        count: impl Into<Count<Degree>>,
    ) {
        let tuple = Tuple::new(fields.into_iter().map(Into::into), count.into());
        self.collector.global(bus_name, tuple);
    }

    fn push_local_interaction(
        &mut self,
        tuples: impl IntoIterator<Item = (alloc::vec::Vec<Degree>, Count<Degree>)>,
    ) {
        self.collector.local(
            tuples
                .into_iter()
                .map(|(f, c)| Tuple::new(f.into_iter(), c)),
        );
    }

    fn push_exclusive_interaction(
        &mut self,
        bus_name: &str,
        branches: impl IntoIterator<Item = (Degree, Count<Degree>, alloc::vec::Vec<Degree>)>,
    ) {
        let branches = branches
            .into_iter()
            .map(|(g, c, f)| (g, Tuple::new(f.into_iter(), c)));
        self.collector.exclusive(bus_name, branches);
    }

    fn num_global_interactions(&self) -> usize {
        self.collector.num_globals()
    }

    fn num_local_interactions(&self) -> usize {
        self.collector.num_locals()
    }

    fn num_exclusive_interactions(&self) -> usize {
        self.collector.num_exclusives()
    }
}

impl ArrayInteractions for DegreeBuilder<'_> {
    fn push_local_array<const N: usize, const W: usize>(
        &mut self,
        tuples: [([Degree; W], Count<Degree>); N],
    ) {
        self.collector.local(
            tuples
                .into_iter()
                .map(|(f, c)| Tuple::new(f.into_iter(), c)),
        );
    }

    fn push_exclusive_array<const N: usize, const W: usize>(
        &mut self,
        bus_name: &str,
        branches: [(Degree, Count<Degree>, [Degree; W]); N],
    ) {
        let branches = branches
            .into_iter()
            .map(|(g, c, f)| (g, Tuple::new(f.into_iter(), c)));
        self.collector.exclusive(bus_name, branches);
    }
}
