//! What the steps of a compact proof share: the homes of all matrices, and their generators.
//!
//! Every matrix has a home: its columns on the trace domain `H`, rows bit-reversed. It is moved in
//! place from there to the coset where it is needed and back; field arithmetic is exact, so it comes
//! back as it was. Of a permutation trace only the accumulator has a home; its fractions are computed
//! from main and preprocessed columns each time.

use core::ops::Range;

use super::argue::fractions::{self, Output};
use super::extension::{coset, shift};
use super::lookup::LookupChallenges;
use super::rows::TableColumns;
use crate::air::ProverAir;
use crate::backend::{Backend, by_width};
use crate::kernels::ntt::Twiddles;
use crate::parts::{part, part_mut, split_mut};
use crate::shape::{BatchShape, CommittedMatrix, Round, TablePlan};
use crate::{D, F};

/// Rows of one stretch.
pub(crate) const STRETCH: usize = 256;

/// The homes of the rounds, in [`Round::ALL`]'s order; of rounds that a phase does not know, empty.
pub(crate) type HomeColumns<'a> = [&'a mut [F]; Round::ALL.len()];

/// Tables, and their columns at home.
#[derive(Debug)]
pub(crate) struct Homes<'a, A> {
    pub shape: BatchShape<'a>,
    pub airs: &'a [A],
    pub lookup: &'a LookupChallenges,
    pub twiddles: Twiddles<'a>,
    pub columns: HomeColumns<'a>,
    /// Public values, table by table.
    pub public_values: &'a [F],
}

impl<A> Homes<'_, A> {
    /// The columns of a matrix: of a permutation trace, its accumulator.
    pub fn home(&self, matrix: &CommittedMatrix<'_>) -> &[F] {
        let columns = &self.columns[matrix.round as usize];
        part(columns, matrix.home(self.shape.log_blowup()))
    }

    /// A table's columns of one round, or none.
    pub fn columns(&self, round: Round, table: usize) -> &[F] {
        let matrix = self.shape.round(round).find(|m| m.table == table);
        matrix.map_or(&[], |m| self.home(&m))
    }

    /// A table's traces as they stand.
    pub fn traces(&self, table: usize) -> TableColumns<'_> {
        let tables = self.shape.tables();
        let before = tables.iter().take(table);
        let start = before.map(|t| t.layout.num_public_values).sum();
        let planned = &tables[table];
        TableColumns {
            table: planned,
            stride: planned.height(),
            main: self.columns(Round::Main, table),
            preprocessed: self.columns(Round::Preprocessed, table),
            public_values: part(
                self.public_values,
                start..start + planned.layout.num_public_values,
            ),
            messages: self.lookup.messages(&planned.layout),
        }
    }

    /// The coset of block `block` of a matrix's extension.
    pub fn coset(&self, matrix: &CommittedMatrix<'_>, block: usize) -> F {
        let log_blowup = self.shape.log_blowup();
        coset(matrix.log_lde - log_blowup, log_blowup, block)
    }

    /// Moves a matrix's columns from coset to coset.
    pub fn shift<B: Backend>(&mut self, matrix: &CommittedMatrix<'_>, from: F, to: F) {
        let log_blowup = self.shape.log_blowup();
        let columns = &mut self.columns[matrix.round as usize];
        let columns = part_mut(columns, matrix.home(log_blowup));
        let height = 1 << (matrix.log_lde - log_blowup);
        shift::<B>(&self.twiddles, columns, height, from, to);
    }

    /// Generates fractions of a table whose traces are at home.
    pub fn generate<B: Backend>(&self, table: usize, output: Output<'_>, scratch: &mut [F])
    where
        A: ProverAir<B>,
    {
        let (air, inputs) = (&self.airs[table], self.traces(table));
        by_width!(
            inputs.table.height(),
            fractions::generate,
            <B, A>(air, &inputs, output, scratch)
        );
    }

    /// Visits all columns of a matrix at rows `start..start + rows`.
    pub fn visit<B: Backend>(
        &self,
        matrix: &CommittedMatrix<'_>,
        start: usize,
        rows: usize,
        scratch: &mut [F],
        mut visit: impl FnMut(Stretch<'_>),
    ) where
        A: ProverAir<B>,
    {
        let (table, columns) = (matrix.planned, self.home(matrix));
        visit(Stretch {
            first: 0,
            columns,
            stride: table.height(),
            row: start,
        });
        if matrix.round == Round::Permutation {
            let columns = 0..table.layout.num_columns;
            let (values, scratch) = split_mut(scratch, columns.len() * D * rows);
            let output = Output {
                rows: start..start + rows,
                columns,
                values,
                stride: rows,
                totals: None,
            };
            self.generate::<B>(matrix.table, output, scratch);
            visit(Stretch {
                first: D,
                columns: values,
                stride: rows,
                row: 0,
            });
        }
    }
}

/// Columns of one stretch of rows.
pub(crate) struct Stretch<'c> {
    /// The number of the first column.
    pub first: usize,
    pub columns: &'c [F],
    /// Elements of a column.
    pub stride: usize,
    /// The first row of the stretch in each column.
    pub row: usize,
}

/// Scratch of [`Homes::visit`]: a stretch of a table's fractions, and what generating them takes.
pub(crate) fn generated_len(shape: BatchShape<'_>) -> usize {
    let tables = shape.tables().iter().filter(|t| t.layout.has_lookups());
    let stretches = tables.map(|t| {
        t.layout.num_columns * D * STRETCH.min(t.height())
            + fractions::scratch_len(t, shape.lanes())
    });
    stretches.max().unwrap_or(0)
}

/// The groups of a table's fraction columns that fit into `room` elements: as few as possible, and
/// evenly.
pub(crate) fn column_groups(
    table: &TablePlan,
    room: usize,
) -> impl Iterator<Item = Range<usize>> + use<> {
    let columns = table.layout.num_columns;
    let most = ((room / D) >> table.log_height()).max(1);
    let size = columns.div_ceil(columns.div_ceil(most).max(1)).max(1);
    (0..columns)
        .step_by(size)
        .map(move |start| start..(start + size).min(columns))
}
