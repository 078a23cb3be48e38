//! Evaluating an AIR on one row of its trace, to find what does not hold there.
//!
//! Each constraint is compared with zero on its own, and each message is added to the running
//! fraction of its bus, `V/U + m/d = (V d + m U) / (U d)`, so that no element is ever inverted.

use alloc::vec::Vec;

use p3_air::{AirBuilder, RowWindow};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};

use super::collector::BUS_NAME_BYTES;
use super::interactions::ArrayInteractions;
use super::layout::TableLayout;
use super::rows::Rows;
use crate::{EF, F};

/// The name of a bus, copied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BusName {
    bytes: [u8; BUS_NAME_BYTES],
    len: u8,
}

impl BusName {
    /// A name of [`BUS_NAME_BYTES`] bytes at most, as every bus of a plan has.
    fn new(name: &str) -> Self {
        let mut bytes = [0; BUS_NAME_BYTES];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Self {
            bytes,
            len: name.len() as u8,
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len as usize]).expect("copied from a str")
    }
}

impl core::fmt::Debug for BusName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for BusName {
    fn format(&self, f: defmt::Formatter<'_>) {
        self.as_str().format(f);
    }
}

/// Where messages meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BusId {
    /// All tables that use the name.
    Named(BusName),
    /// A local interaction, which is a bus of its own.
    Local {
        /// The table.
        table: usize,
        /// Its place among the table's local interactions.
        interaction: usize,
    },
}

impl core::fmt::Display for BusId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Named(name) => write!(f, "bus \"{}\"", name.as_str()),
            Self::Local { table, interaction } => {
                write!(f, "local interaction {interaction} of table {table}")
            }
        }
    }
}

/// The sum of a bus's messages as a fraction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balance {
    /// `None` while no row has named the bus.
    id: Option<BusId>,
    numerator: EF,
    denominator: EF,
}

impl Balance {
    /// Nothing yet.
    pub const EMPTY: Self = Self {
        id: None,
        numerator: EF::ZERO,
        denominator: EF::ONE,
    };

    /// The bus, when its messages do not sum to zero.
    pub fn unbalanced(&self) -> Option<BusId> {
        self.id.filter(|_| self.numerator != EF::ZERO)
    }

    fn add(&mut self, count: F, denominator: EF) {
        self.numerator = self.numerator * denominator + self.denominator * count;
        self.denominator *= denominator;
    }
}

/// What does not hold on a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Broken {
    /// The first constraint that is not zero.
    pub constraint: Option<usize>,
    /// The first exclusive interaction whose flags are not boolean, or not exclusive.
    pub flags: Option<usize>,
}

/// Evaluates one row; see [`crate::prover::Traces::check_constraints`].
#[derive(Debug)]
pub struct CheckBuilder<'a> {
    table: usize,
    rows: Rows<'a, F>,
    layout: &'a TableLayout,
    /// `alpha` and `beta` of the message `alpha - sum_i tuple_i beta^(k-1-i)`.
    challenges: [EF; 2],
    balances: &'a mut [Balance],
    broken: Broken,
    num_constraints: usize,
    num_globals: usize,
    num_locals: usize,
    num_exclusives: usize,
}

impl<'a> CheckBuilder<'a> {
    /// A builder over a row of `table`; `balances` has one element per bus of the plan.
    pub(crate) const fn new(
        table: usize,
        rows: Rows<'a, F>,
        layout: &'a TableLayout,
        challenges: [EF; 2],
        balances: &'a mut [Balance],
    ) -> Self {
        Self {
            table,
            rows,
            layout,
            challenges,
            balances,
            broken: Broken {
                constraint: None,
                flags: None,
            },
            num_constraints: 0,
            num_globals: 0,
            num_locals: 0,
            num_exclusives: 0,
        }
    }

    /// What was found.
    pub(crate) const fn finish(self) -> Broken {
        self.broken
    }

    /// The balance of the bus that `column` belongs to.
    fn balance(&mut self, column: usize, id: impl FnOnce() -> BusId) -> &mut Balance {
        let balance = &mut self.balances[self.layout.bus(column)];
        balance.id.get_or_insert_with(id);
        balance
    }

    fn denominator(&self, fields: impl Iterator<Item = F>) -> EF {
        let [alpha, beta] = self.challenges;
        alpha - fields.fold(EF::ZERO, |sum, field| sum * beta + field)
    }

    fn add_local(&mut self, tuples: impl Iterator<Item = (impl Iterator<Item = F>, F)>) {
        let (table, interaction) = (self.table, self.num_locals);
        self.num_locals += 1;
        for (fields, count) in tuples {
            let denominator = self.denominator(fields);
            let id = || BusId::Local { table, interaction };
            self.balance(interaction, id).add(count, denominator);
        }
    }

    fn add_exclusive(
        &mut self,
        bus_name: &str,
        branches: impl Iterator<Item = (F, impl Iterator<Item = F>, F)>,
    ) {
        let interaction = self.num_exclusives;
        self.num_exclusives += 1;
        let column = self.layout.num_locals + interaction;
        let mut taken = false;
        for (flag, fields, count) in branches {
            if flag == F::ZERO {
                continue;
            }
            if taken || flag != F::ONE {
                self.broken.flags.get_or_insert(interaction);
            }
            taken = true;
            let denominator = self.denominator(fields);
            let id = || BusId::Named(BusName::new(bus_name));
            self.balance(column, id).add(count, denominator);
        }
    }
}

impl<'a> AirBuilder for CheckBuilder<'a> {
    type F = F;
    type Expr = F;
    type Var = F;
    type PreprocessedWindow = RowWindow<'a, F>;
    type MainWindow = RowWindow<'a, F>;
    type PublicVar = F;
    type PeriodicVar = F;

    fn main(&self) -> RowWindow<'a, F> {
        self.rows.main
    }

    fn preprocessed(&self) -> &RowWindow<'a, F> {
        &self.rows.preprocessed
    }

    fn is_first_row(&self) -> F {
        self.rows.is_first_row
    }

    fn is_last_row(&self) -> F {
        self.rows.is_last_row
    }

    fn is_transition(&self) -> F {
        self.rows.is_transition
    }

    fn assert_zero<I: Into<F>>(&mut self, x: I) {
        if x.into() != F::ZERO {
            self.broken.constraint.get_or_insert(self.num_constraints);
        }
        self.num_constraints += 1;
    }

    fn public_values(&self) -> &[F] {
        self.rows.public_values
    }
}

impl InteractionBuilder for CheckBuilder<'_> {
    fn push_interaction<E: Into<F>>(
        &mut self,
        bus_name: &str,
        fields: impl IntoIterator<Item = E>,
        count: impl Into<Count<F>>,
    ) {
        let column = self.layout.global_column[self.num_globals] as usize;
        self.num_globals += 1;
        let (count, _) = count.into().into_parts();
        let denominator = self.denominator(fields.into_iter().map(Into::into));
        self.balance(column, || BusId::Named(BusName::new(bus_name)))
            .add(count, denominator);
    }

    fn push_local_interaction(&mut self, tuples: impl IntoIterator<Item = (Vec<F>, Count<F>)>) {
        self.add_local(
            tuples
                .into_iter()
                .map(|(f, c)| (f.into_iter(), c.into_parts().0)),
        );
    }

    fn push_exclusive_interaction(
        &mut self,
        bus_name: &str,
        branches: impl IntoIterator<Item = (F, Count<F>, Vec<F>)>,
    ) {
        let branches = branches.into_iter();
        let branches = branches.map(|(g, c, f)| (g, f.into_iter(), c.into_parts().0));
        self.add_exclusive(bus_name, branches);
    }

    fn num_global_interactions(&self) -> usize {
        self.num_globals
    }

    fn num_local_interactions(&self) -> usize {
        self.num_locals
    }

    fn num_exclusive_interactions(&self) -> usize {
        self.num_exclusives
    }
}

impl ArrayInteractions for CheckBuilder<'_> {
    fn push_local_array<const N: usize, const W: usize>(
        &mut self,
        tuples: [([F; W], Count<F>); N],
    ) {
        self.add_local(
            tuples
                .into_iter()
                .map(|(f, c)| (f.into_iter(), c.into_parts().0)),
        );
    }

    fn push_exclusive_array<const N: usize, const W: usize>(
        &mut self,
        bus_name: &str,
        branches: [(F, Count<F>, [F; W]); N],
    ) {
        let branches = branches.into_iter();
        let branches = branches.map(|(g, c, f)| (g, f.into_iter(), c.into_parts().0));
        self.add_exclusive(bus_name, branches);
    }
}
