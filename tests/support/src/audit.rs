//! Names what is wrong with a witness: evaluates every constraint of a table on every row, and adds
//! up the messages of every bus.
//!
//! It shares no code with the prover, the verifier and the core's own check.

use std::collections::{BTreeMap, BTreeSet};

use p3_air::{Air, AirBuilder, BaseAir, RowWindow};
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;

/// Something that a witness violates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw<T> {
    /// A constraint of a table, by its number.
    Constraint(T, usize),
    /// A bus that does not balance.
    Bus(String),
}

/// What remains of each message of each bus.
pub type Buses = BTreeMap<(String, Vec<u32>), F>;

/// A message that a row sends.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its bus.
    pub bus: String,
    /// Number of the interaction that sends it.
    pub interaction: usize,
    /// What it says.
    pub fields: Vec<u32>,
    /// How often.
    pub count: F,
}

/// The numbers of the constraints that some row of `trace` breaks; every row's messages go to
/// `visit`.
///
/// # Panics
/// When the AIR has local interactions.
pub fn evaluate<A>(
    air: &A,
    trace: &RowMajorMatrix<F>,
    public_values: &[F],
    mut visit: impl FnMut(Message),
) -> BTreeSet<usize>
where
    A: BaseAir<F> + for<'a> Air<Auditor<'a>>,
{
    let fixed = air.preprocessed_trace();
    let mut broken = BTreeSet::new();
    for r in 0..trace.height() {
        let row = Auditor::of(air, trace, fixed.as_ref(), public_values, r);
        broken.extend(&row.broken);
        row.into_messages().into_iter().for_each(&mut visit);
    }
    broken
}

/// Row `r` and the one after it; the first comes after the last.
fn window(matrix: &RowMajorMatrix<F>, r: usize) -> RowWindow<'_, F> {
    let row = |r: usize| &matrix.values[r % matrix.height() * matrix.width..][..matrix.width];
    RowWindow::from_two_rows(row(r), row(r + 1))
}

/// One row, as an AIR sees it.
#[derive(Debug)]
pub struct Auditor<'a> {
    main: RowWindow<'a, F>,
    preprocessed: RowWindow<'a, F>,
    public_values: &'a [F],
    first: bool,
    last: bool,
    asserted: usize,
    broken: Vec<usize>,
    messages: Vec<Message>,
}

impl<'a> Auditor<'a> {
    /// Row `r` of a table, evaluated.
    pub(crate) fn of<A: BaseAir<F> + Air<Self>>(
        air: &A,
        main: &'a RowMajorMatrix<F>,
        preprocessed: Option<&'a RowMajorMatrix<F>>,
        public_values: &'a [F],
        r: usize,
    ) -> Self {
        let mut auditor = Self {
            main: window(main, r),
            preprocessed: match preprocessed {
                Some(fixed) => window(fixed, r),
                None => RowWindow::from_two_rows(&[], &[]),
            },
            public_values,
            first: r == 0,
            last: r + 1 == main.height(),
            asserted: 0,
            broken: vec![],
            messages: vec![],
        };
        air.eval(&mut auditor);
        auditor
    }

    /// Number of assertions.
    pub(crate) const fn asserted(&self) -> usize {
        self.asserted
    }

    /// The messages of the row, one for each interaction.
    pub(crate) fn into_messages(self) -> Vec<Message> {
        self.messages
    }
}

impl<'a> AirBuilder for Auditor<'a> {
    type F = F;
    type Expr = F;
    type Var = F;
    type PreprocessedWindow = RowWindow<'a, F>;
    type MainWindow = RowWindow<'a, F>;
    type PublicVar = F;
    type PeriodicVar = F;

    fn main(&self) -> Self::MainWindow {
        self.main
    }

    fn preprocessed(&self) -> &Self::PreprocessedWindow {
        &self.preprocessed
    }

    fn is_first_row(&self) -> F {
        F::from_bool(self.first)
    }

    fn is_last_row(&self) -> F {
        F::from_bool(self.last)
    }

    fn is_transition(&self) -> F {
        F::from_bool(!self.last)
    }

    fn assert_zero<I: Into<F>>(&mut self, x: I) {
        if x.into() != F::ZERO {
            self.broken.push(self.asserted);
        }
        self.asserted += 1;
    }

    fn public_values(&self) -> &[F] {
        self.public_values
    }
}

impl InteractionBuilder for Auditor<'_> {
    fn push_interaction<E: Into<F>>(
        &mut self,
        bus_name: &str,
        fields: impl IntoIterator<Item = E>,
        count: impl Into<Count<F>>,
    ) {
        self.messages.push(Message {
            interaction: self.messages.len(),
            bus: bus_name.into(),
            fields: fields
                .into_iter()
                .map(|field| field.into().as_canonical_u32())
                .collect(),
            count: count.into().into_parts().0,
        });
    }

    fn push_local_interaction(&mut self, _: impl IntoIterator<Item = (Vec<F>, Count<F>)>) {
        panic!("a table here has no bus of its own");
    }
}
