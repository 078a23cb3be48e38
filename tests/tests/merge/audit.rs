//! Names what is wrong with a batch: evaluates every constraint on every row and adds up every bus.

use std::collections::{BTreeMap, BTreeSet};

use p3_air::{Air, AirBuilder, BaseAir, RowWindow};
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::Matrix;
use tranche_core::F;

use crate::batch::Batch;

/// Something that a batch violates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// A constraint of a table, by the numbers of both.
    Constraint(usize, usize),
    /// A bus does not balance.
    Bus(String),
}

/// What remains of each message of each bus.
pub type Buses = BTreeMap<(String, Vec<u32>), F>;

/// Everything that is wrong with `batch`.
pub fn audit(batch: &Batch) -> BTreeSet<Flaw> {
    let (mut flaws, buses) = evaluate(batch);
    let open = buses.into_iter().filter(|&(_, sum)| sum != F::ZERO);
    flaws.extend(open.map(|((bus, _), _)| Flaw::Bus(bus)));
    flaws
}

/// The sum of the multiplicities of each message.
pub fn buses(batch: &Batch) -> Buses {
    evaluate(batch).1
}

fn evaluate(batch: &Batch) -> (BTreeSet<Flaw>, Buses) {
    let mut flaws = BTreeSet::new();
    let mut buses = Buses::new();
    for (t, table) in batch.tables.iter().enumerate() {
        let fixed = table.air.preprocessed_trace();
        let height = table.trace.height();
        for r in 0..height {
            let row = |r: usize| table.trace.row_slice(r % height).unwrap().to_vec();
            let fixed_row = |r: usize| {
                let row = fixed
                    .as_ref()
                    .map(|fixed| fixed.row_slice(r % height).unwrap());
                row.map_or(vec![], |row| row.to_vec())
            };
            let (now, next) = (row(r), row(r + 1));
            let (fixed_now, fixed_next) = (fixed_row(r), fixed_row(r + 1));
            let mut auditor = Auditor {
                main: RowWindow::from_two_rows(&now, &next),
                fixed: RowWindow::from_two_rows(&fixed_now, &fixed_next),
                public_values: &table.public_values,
                first: r == 0,
                last: r + 1 == height,
                asserted: 0,
                broken: vec![],
                buses: &mut buses,
            };
            table.air.eval(&mut auditor);
            flaws.extend(auditor.broken.into_iter().map(|c| Flaw::Constraint(t, c)));
        }
    }
    (flaws, buses)
}

struct Auditor<'a> {
    main: RowWindow<'a, F>,
    fixed: RowWindow<'a, F>,
    public_values: &'a [F],
    first: bool,
    last: bool,
    asserted: usize,
    broken: Vec<usize>,
    buses: &'a mut Buses,
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
        &self.fixed
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
        let message = fields
            .into_iter()
            .map(|x| x.into().as_canonical_u32())
            .collect();
        let (count, _) = count.into().into_parts();
        *self
            .buses
            .entry((bus_name.into(), message))
            .or_insert(F::ZERO) += count;
    }

    fn push_local_interaction(&mut self, _tuples: impl IntoIterator<Item = (Vec<F>, Count<F>)>) {
        unreachable!("no table here has a bus of its own");
    }
}
