//! Names what is wrong with a witness: evaluates every constraint on every row and adds up every
//! bus.
//!
//! It judges for the strongest prover: multiplicities of lookup tables are not read from the
//! witness, a message that such a table has is taken as provided. A mutated AIR is the real one
//! with one range check or constraint taken out.

use std::collections::{BTreeMap, BTreeSet};

use p3_air::{Air, AirBuilder, BaseAir, RowWindow};
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_lookup::{Count, InteractionBuilder};
use tranche_core::F;
use tranche_machine::bus::{AND4, RANGE, ROM};

use crate::oracle::Traces;

/// Something that a witness violates.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// A constraint of a table, by its number.
    Constraint(&'static str, usize),
    /// A bus that does not balance, or a message that a lookup table does not have.
    Bus(String),
}

/// What is taken out of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    Nothing,
    /// The range check of this number in the named table.
    Range(&'static str, usize),
    /// The constraint of this number in the named table.
    Constraint(&'static str, usize),
}

/// Everything that is wrong with a witness of the mutated AIRs.
pub fn audit(traces: &Traces<'_>, without: Without) -> BTreeSet<Flaw> {
    let mut flaws = BTreeSet::new();
    let mut buses: BTreeMap<(String, Vec<u32>), F> = BTreeMap::new();
    let mut provided = BTreeSet::new();
    for ((table, main), public) in traces.tables.iter().zip(&traces.main).zip(&traces.public) {
        let fixed = table.preprocessed_trace();
        let (name, width) = (table.name(), main.width);
        let height = main.values.len() / width;
        let fixed_width = table.preprocessed_width();
        for r in 0..height {
            let row = |r: usize| &main.values[r % height * width..][..width];
            let fixed_row = |r: usize| match &fixed {
                Some(fixed) => &fixed.values[r % height * fixed_width..][..fixed_width],
                None => &[],
            };
            let mut auditor = Auditor {
                main: RowWindow::from_two_rows(row(r), row(r + 1)),
                fixed: RowWindow::from_two_rows(fixed_row(r), fixed_row(r + 1)),
                public,
                first: r == 0,
                last: r + 1 == height,
                asserted: 0,
                ranges: 0,
                failed: vec![],
                messages: vec![],
            };
            table.eval(&mut auditor);
            for constraint in auditor.failed {
                if without != Without::Constraint(name, constraint) {
                    flaws.insert(Flaw::Constraint(name, constraint));
                }
            }
            for (bus, range, message, count) in auditor.messages {
                if fixed.is_some() {
                    provided.insert((bus, message));
                } else if without != Without::Range(name, range) || bus != RANGE {
                    *buses.entry((bus, message)).or_default() += count;
                }
            }
        }
    }
    for ((bus, message), sum) in buses {
        let lookup = [ROM, RANGE, AND4].contains(&bus.as_str());
        if sum != F::ZERO && !(lookup && provided.contains(&(bus.clone(), message))) {
            flaws.insert(Flaw::Bus(bus));
        }
    }
    flaws
}

struct Auditor<'a> {
    main: RowWindow<'a, F>,
    fixed: RowWindow<'a, F>,
    public: &'a [F],
    first: bool,
    last: bool,
    asserted: usize,
    ranges: usize,
    failed: Vec<usize>,
    /// Bus, number of the range check, message, multiplicity.
    messages: Vec<(String, usize, Vec<u32>, F)>,
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
            self.failed.push(self.asserted);
        }
        self.asserted += 1;
    }

    fn public_values(&self) -> &[F] {
        self.public
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
            .map(|field| field.into().as_canonical_u32())
            .collect();
        let (count, _) = count.into().into_parts();
        self.messages
            .push((bus_name.into(), self.ranges, message, count));
        self.ranges += usize::from(bus_name == RANGE);
    }

    fn push_local_interaction(&mut self, _: impl IntoIterator<Item = (Vec<F>, Count<F>)>) {
        panic!("the machine has no local interactions");
    }
}
