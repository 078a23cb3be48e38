//! What the phases of a compact proof share: the homes of all matrices, and their generators.

use core::ops::Range;

use crate::air::ProverAir;
use crate::backend::{Backend, ScalarBackend};
use crate::compact::{coset, fractions, shift};
use crate::logup;
use crate::ntt::Twiddles;
use crate::plan::{Opened, Plan, Round};
use crate::prover::Lookup;
use crate::{D, F};

/// The homes of the rounds, in [`Round::ALL`]'s order; of rounds that a phase does not know, empty.
pub(crate) type Homes<'a> = [&'a mut [F]; Round::ALL.len()];

/// Tables, and their columns at home.
#[derive(Debug)]
pub(crate) struct Work<'a, A, const N: usize> {
    pub plan: &'a Plan<N>,
    pub airs: &'a [A],
    pub lookup: &'a Lookup,
    pub twiddles: Twiddles<'a>,
    pub homes: Homes<'a>,
    /// Public values, table by table.
    pub public_values: &'a [F],
}

impl<A, const N: usize> Work<'_, A, N> {
    /// The columns of a matrix: of a permutation trace, its accumulator.
    pub fn home(&self, matrix: &Opened) -> &[F] {
        &self.homes[matrix.round as usize][matrix.home(self.plan.log_blowup())]
    }

    /// A table's columns of one round, or none.
    pub fn columns(&self, round: Round, table: usize) -> &[F] {
        let matrix = self.plan.round(round).find(|m| m.table == table);
        matrix.map_or(&[], |m| self.home(&m))
    }

    /// A table's traces as they stand.
    pub fn traces(&self, table: usize) -> logup::Inputs<'_> {
        let tables = self.plan.tables();
        let public = |t: usize| tables[t].layout.num_public_values;
        let start = (0..table).map(public).sum();
        logup::Inputs {
            table: &tables[table],
            main: self.columns(Round::Main, table),
            preprocessed: self.columns(Round::Preprocessed, table),
            public_values: &self.public_values[start..start + public(table)],
            messages: self.lookup.messages(self.plan, table),
        }
    }

    /// The coset of block `block` of a matrix's extension.
    pub fn coset(&self, matrix: &Opened, block: usize) -> F {
        let log_blowup = self.plan.log_blowup();
        coset(matrix.log_lde - log_blowup, log_blowup, block)
    }

    /// Moves a matrix's columns from coset to coset.
    pub fn shift<B: Backend>(&mut self, matrix: &Opened, from: F, to: F) {
        let log_blowup = self.plan.log_blowup();
        let columns = &mut self.homes[matrix.round as usize][matrix.home(log_blowup)];
        let height = 1 << (matrix.log_lde - log_blowup);
        shift::<B>(&self.twiddles, columns, height, from, to);
    }

    /// Generates fractions of a table whose traces are at home.
    pub fn generate<B: Backend>(
        &self,
        table: usize,
        output: fractions::Output<'_>,
        scratch: &mut [F],
    ) where
        A: ProverAir<B>,
    {
        let (air, inputs) = (&self.airs[table], self.traces(table));
        if inputs.table.height() >= self.plan.lanes() {
            fractions::generate::<B, A>(air, &inputs, output, scratch);
        } else {
            fractions::generate::<ScalarBackend, A>(air, &inputs, output, scratch);
        }
    }
}

/// The groups of a table's fraction columns that fit into `room` elements: as few as possible, and
/// evenly.
pub(crate) fn column_groups(
    columns: usize,
    height: usize,
    room: usize,
) -> impl Iterator<Item = Range<usize>> {
    let most = (room / (D * height)).max(1);
    let size = columns.div_ceil(columns.div_ceil(most).max(1)).max(1);
    (0..columns)
        .step_by(size)
        .map(move |start| start..(start + size).min(columns))
}
