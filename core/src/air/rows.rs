//! Evaluating an AIR on packed rows: constraints folded, messages combined, nothing stored.
//!
//! A message `(bus, tuple, m)` is the fraction `m / (prefix_bus - sum_i tuple_i beta^(k-1-i))`
//! (LogUp, Haboeck 2022/1530, with one challenge pair for all buses: `prefix_bus` is
//! `alpha + (bus + 1) beta^W`). The builder adds it to its column's numerator and denominator as the
//! AIR pushes it, so a column costs a few products whatever the AIR's expressions look like.

use alloc::vec::Vec;
use core::ops::Range;

use p3_air::{AirBuilder, RowWindow};
use p3_lookup::{Count, InteractionBuilder};

use super::interactions::ArrayInteractions;
use super::layout::TableLayout;
use crate::kernels::Packed;
use crate::kernels::ext::{Ext, coordinates};
use crate::{D, EF, F};

/// Packed rows of one table, and the selectors there.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, P> {
    /// Main columns, this row and the next.
    pub main: RowWindow<'a, P>,
    /// Preprocessed columns, this row and the next.
    pub preprocessed: RowWindow<'a, P>,
    /// Public values of the table.
    pub public_values: &'a [F],
    /// Selector of the first row.
    pub is_first_row: P,
    /// Selector of the last row.
    pub is_last_row: P,
    /// Selector of every row but the last.
    pub is_transition: P,
}

/// The LogUp challenges of a batch, ready for use.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    /// Columns and buses of the table.
    pub layout: &'a TableLayout,
    /// `prefix[bus] = alpha + (bus + 1) beta^W`.
    pub prefixes: &'a [EF],
    /// `beta^0, beta^1, ...`, one for each element of the widest tuple.
    pub beta_powers: &'a [EF],
}

/// Numerator V and denominator U of one column on packed rows, four coordinates each.
pub type Fraction<P> = [[P; D]; 2];

/// What the layout, or a challenge's powers, have for something that the AIR pushes.
///
/// # Panics
/// When the AIR pushes more than when it was laid out.
#[inline]
fn planned<T: Copy>(values: &[T], i: usize) -> T {
    *values.get(i).unwrap_or_else(|| not_laid_out())
}

#[cold]
#[inline(never)]
fn not_laid_out() -> ! {
    panic!("an AIR pushes more than when it was laid out")
}

/// Evaluates one packed row group; `FOLD` also folds the AIR's constraints.
#[derive(Debug)]
pub struct RowBuilder<'a, P, const FOLD: bool> {
    rows: Rows<'a, P>,
    messages: Messages<'a>,
    fractions: &'a mut [Fraction<P>],
    /// `alpha^(total - 1 - i)` of constraint `i`, coordinate by coordinate.
    powers: [&'a [F]; 4],
    pending: [P; 8],
    num_constraints: usize,
    folded: Ext<P>,
    num_globals: usize,
    num_locals: usize,
    num_exclusives: usize,
    /// Bit `c` is set once column `c` has a message.
    filled: u64,
    /// Bit `c` is set when the fraction of column `c` is wanted.
    wanted: u64,
}

impl<'a, P: Packed, const FOLD: bool> RowBuilder<'a, P, FOLD> {
    /// A builder over `rows`; `fractions` has one element per column of the layout.
    ///
    /// `powers` are the powers of the constraint challenge, empty unless `FOLD`.
    pub fn new(
        rows: Rows<'a, P>,
        messages: Messages<'a>,
        fractions: &'a mut [Fraction<P>],
        powers: [&'a [F]; 4],
    ) -> Self {
        Self {
            rows,
            messages,
            fractions,
            powers,
            pending: [P::ZERO; 8],
            num_constraints: 0,
            folded: Ext::ZERO,
            num_globals: 0,
            num_locals: 0,
            num_exclusives: 0,
            filled: 0,
            wanted: u64::MAX,
        }
    }

    /// Computes the fractions of these columns alone.
    pub fn only(mut self, columns: Range<usize>) -> Self {
        self.wanted = columns.fold(0, |wanted, column| wanted | 1 << column);
        self
    }

    #[inline]
    const fn is_wanted(&self, column: usize) -> bool {
        self.wanted >> column & 1 == 1
    }

    /// The folded base constraints.
    pub fn finish(mut self) -> Ext<P> {
        let rest = self.num_constraints % 8;
        if FOLD && rest != 0 {
            let first = self.num_constraints - rest;
            for d in 0..4 {
                let powers = self.powers[d].get(first..first + rest);
                let powers = powers.unwrap_or_else(|| not_laid_out());
                for (&pending, &power) in self.pending.iter().zip(powers) {
                    self.folded.0[d] += pending * power;
                }
            }
        }
        self.folded
    }

    /// `prefix_bus - sum_i fields_i beta^(k-1-i)`.
    #[inline]
    fn denominator(&self, column: usize, fields: impl Iterator<Item = P>) -> Ext<P> {
        let mut result = self.prefix(column);
        self.subtract_fields(&mut result, column, fields);
        result
    }

    #[inline]
    fn prefix(&self, column: usize) -> Ext<P> {
        let bus = planned(&self.messages.layout.column_bus, column);
        Ext::broadcast(planned(self.messages.prefixes, bus.into()))
    }

    /// Subtracts `sum_i fields_i beta^(k-1-i)`.
    #[inline]
    fn subtract_fields(&self, result: &mut Ext<P>, column: usize, fields: impl Iterator<Item = P>) {
        let width = usize::from(planned(&self.messages.layout.column_width, column));
        for (i, field) in fields.enumerate() {
            let power = width - 1 - i;
            if power == 0 {
                result.0[0] -= field;
            } else {
                let power = coordinates(planned(self.messages.beta_powers, power));
                for d in 0..4 {
                    result.0[d] -= field * power[d];
                }
            }
        }
    }

    /// `V/U + m/d = (V d + m U) / (U d)`.
    #[inline]
    fn add(&mut self, column: usize, count: P, denominator: Ext<P>) {
        let fraction = self.fractions.get_mut(column);
        let fraction = fraction.unwrap_or_else(|| not_laid_out());
        let bit = 1 << column;
        if self.filled & bit == 0 {
            self.filled |= bit;
            *fraction = [Ext::from_base(count).0, denominator.0];
        } else {
            let [v, u] = fraction.map(Ext);
            *fraction = [(v * denominator + u.scale(count)).0, (u * denominator).0];
        }
    }

    fn add_local(&mut self, tuples: impl Iterator<Item = (impl Iterator<Item = P>, P)>) {
        let column = self.num_locals;
        self.num_locals += 1;
        if !self.is_wanted(column) {
            return;
        }
        // An interaction without tuples is the fraction 0/1.
        self.fractions[column] = [Ext::ZERO.0, Ext::from_base(P::ONE).0];
        for (fields, count) in tuples {
            let denominator = self.denominator(column, fields);
            self.add(column, count, denominator);
        }
    }

    fn add_exclusive(&mut self, branches: impl Iterator<Item = (P, impl Iterator<Item = P>, P)>) {
        // At most one flag is set, so V/U is the one selected fraction, or 0/1. What all branches have in
        // common, the prefix, is scaled once.
        let column = self.messages.layout.num_locals + self.num_exclusives;
        self.num_exclusives += 1;
        if !self.is_wanted(column) {
            return;
        }
        let (mut numerator, mut denominator, mut flags) = (P::ZERO, Ext::ZERO, P::ZERO);
        for (flag, fields, count) in branches {
            self.subtract_fields(&mut denominator, column, fields.map(|field| field * flag));
            numerator += flag * count;
            flags += flag;
        }
        denominator += self.prefix(column).scale(flags);
        denominator.0[0] += P::ONE - flags;
        self.add(column, numerator, denominator);
    }
}

impl<'a, P: Packed, const FOLD: bool> AirBuilder for RowBuilder<'a, P, FOLD> {
    type F = F;
    type Expr = P;
    type Var = P;
    type PreprocessedWindow = RowWindow<'a, P>;
    type MainWindow = RowWindow<'a, P>;
    type PublicVar = F;
    type PeriodicVar = P;

    #[inline]
    fn main(&self) -> RowWindow<'a, P> {
        self.rows.main
    }

    #[inline]
    fn preprocessed(&self) -> &RowWindow<'a, P> {
        &self.rows.preprocessed
    }

    #[inline]
    fn is_first_row(&self) -> P {
        self.rows.is_first_row
    }

    #[inline]
    fn is_last_row(&self) -> P {
        self.rows.is_last_row
    }

    #[inline]
    fn is_transition(&self) -> P {
        self.rows.is_transition
    }

    #[inline]
    fn assert_zero<I: Into<P>>(&mut self, x: I) {
        if FOLD {
            self.pending[self.num_constraints % 8] = x.into();
            self.num_constraints += 1;
            if self.num_constraints.is_multiple_of(8) {
                let first = self.num_constraints - 8;
                for d in 0..4 {
                    let powers = self.powers[d].get(first..).and_then(<[F]>::first_chunk);
                    let powers = powers.unwrap_or_else(|| not_laid_out());
                    self.folded.0[d] += P::mixed_dot_product(&self.pending, powers);
                }
            }
        }
    }

    #[inline]
    fn public_values(&self) -> &[F] {
        self.rows.public_values
    }
}

impl<P: Packed, const FOLD: bool> InteractionBuilder for RowBuilder<'_, P, FOLD> {
    #[inline]
    fn push_interaction<E: Into<P>>(
        &mut self,
        _bus_name: &str,
        fields: impl IntoIterator<Item = E>,
        count: impl Into<Count<P>>,
    ) {
        let layout = self.messages.layout;
        let column = planned(&layout.global_column, self.num_globals).into();
        self.num_globals += 1;
        if !self.is_wanted(column) {
            return;
        }
        let (count, _) = count.into().into_parts();
        let denominator = self.denominator(column, fields.into_iter().map(Into::into));
        self.add(column, count, denominator);
    }

    fn push_local_interaction(&mut self, tuples: impl IntoIterator<Item = (Vec<P>, Count<P>)>) {
        self.add_local(
            tuples
                .into_iter()
                .map(|(f, c)| (f.into_iter(), c.into_parts().0)),
        );
    }

    fn push_exclusive_interaction(
        &mut self,
        _bus_name: &str,
        branches: impl IntoIterator<Item = (P, Count<P>, Vec<P>)>,
    ) {
        let branches = branches.into_iter();
        self.add_exclusive(branches.map(|(g, c, f)| (g, f.into_iter(), c.into_parts().0)));
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

impl<P: Packed, const FOLD: bool> ArrayInteractions for RowBuilder<'_, P, FOLD> {
    #[inline]
    fn push_local_array<const N: usize, const W: usize>(
        &mut self,
        tuples: [([P; W], Count<P>); N],
    ) {
        self.add_local(
            tuples
                .into_iter()
                .map(|(f, c)| (f.into_iter(), c.into_parts().0)),
        );
    }

    #[inline]
    fn push_exclusive_array<const N: usize, const W: usize>(
        &mut self,
        _bus_name: &str,
        branches: [(P, Count<P>, [P; W]); N],
    ) {
        let branches = branches.into_iter();
        self.add_exclusive(branches.map(|(g, c, f)| (g, f.into_iter(), c.into_parts().0)));
    }
}
