//! What is hashed: rows of matrices that lie column by column.

use core::array;

use p3_field::PackedFieldPow2;

use crate::backend::Backend;
use crate::{D, F};

/// Something whose rows are leaves.
pub trait Leaves: Copy + Send + Sync {
    /// log2 of the number of rows.
    fn log_height(&self) -> usize;
    /// Elements of a row.
    fn width(&self) -> usize;
    /// Elements `row..row + WIDTH` of column `column`.
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P;
    /// `T` packed values of column `column`, one after the other from row `row` on.
    #[inline]
    fn load_groups<P: PackedFieldPow2<Scalar = F>, const T: usize>(
        &self,
        column: usize,
        row: usize,
    ) -> [P; T] {
        array::from_fn(|t| self.load(column, row + t * P::WIDTH))
    }
    /// Hints that the next elements to be read are `rows` rows of column `column` from row `row` on.
    fn prefetch<B: Backend>(&self, _column: usize, _row: usize, _rows: usize) {}
}

/// A matrix stored column by column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    /// `width << log_height` elements.
    pub values: &'a [F],
    /// log2 of its rows.
    pub log_height: usize,
}

impl Matrix<'_> {
    /// The element of row `row` and column `column`.
    pub fn get(&self, row: usize, column: usize) -> F {
        self.values[(column << self.log_height) + row]
    }
}

impl Leaves for Matrix<'_> {
    fn log_height(&self) -> usize {
        self.log_height
    }

    fn width(&self) -> usize {
        self.values.len() >> self.log_height
    }

    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        let at = (column << self.log_height) + row;
        *P::from_slice(&self.values[at..at + P::WIDTH])
    }

    #[inline]
    fn load_groups<P: PackedFieldPow2<Scalar = F>, const T: usize>(
        &self,
        column: usize,
        row: usize,
    ) -> [P; T] {
        let at = (column << self.log_height) + row;
        let groups = P::pack_slice(&self.values[at..at + T * P::WIDTH]);
        *groups.first_chunk().expect("as many as were taken")
    }

    #[inline]
    fn prefetch<B: Backend>(&self, column: usize, row: usize, rows: usize) {
        let at = (column << self.log_height) + row;
        if let Some(values) = self.values.get(at..at + rows) {
            B::prefetch(values);
        }
    }
}

/// The rows of other leaves from `first` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<L> {
    pub leaves: L,
    pub first: usize,
}

impl<L: Leaves> Leaves for Window<L> {
    fn log_height(&self) -> usize {
        self.leaves.log_height()
    }

    fn width(&self) -> usize {
        self.leaves.width()
    }

    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        self.leaves.load(column, self.first + row)
    }

    #[inline]
    fn load_groups<P: PackedFieldPow2<Scalar = F>, const T: usize>(
        &self,
        column: usize,
        row: usize,
    ) -> [P; T] {
        self.leaves.load_groups(column, self.first + row)
    }

    #[inline]
    fn prefetch<B: Backend>(&self, column: usize, row: usize, rows: usize) {
        self.leaves.prefetch::<B>(column, self.first + row, rows);
    }
}

/// The rows of other leaves below some nodes, one node after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Below<'a, L> {
    pub leaves: L,
    /// Numbers of the nodes in their layer.
    pub nodes: &'a [u32],
    /// log2 of the rows below each.
    pub log_rows: usize,
}

impl<L: Leaves> Below<'_, L> {
    #[inline]
    fn place(&self, row: usize) -> usize {
        let node = self.nodes[row >> self.log_rows] as usize;
        (node << self.log_rows) + (row & ((1 << self.log_rows) - 1))
    }
}

impl<L: Leaves> Leaves for Below<'_, L> {
    fn log_height(&self) -> usize {
        self.leaves.log_height()
    }

    fn width(&self) -> usize {
        self.leaves.width()
    }

    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        if P::WIDTH <= 1 << self.log_rows {
            self.leaves.load(column, self.place(row))
        } else {
            P::from_fn(|lane| self.leaves.load::<F>(column, self.place(row + lane)))
        }
    }

    #[inline]
    fn prefetch<B: Backend>(&self, column: usize, row: usize, rows: usize) {
        let below = 1 << self.log_rows;
        for row in (row..row + rows).step_by(below) {
            // There is none for the rows after the last.
            if row >> self.log_rows < self.nodes.len() {
                self.leaves.prefetch::<B>(column, self.place(row), below);
            }
        }
    }
}

/// A codeword of challenges, four coordinate columns, with `2^log_arity` elements a leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codeword<'a> {
    /// `4 << (log_height + log_arity)` elements.
    pub values: &'a [F],
    /// log2 of the challenges of a leaf.
    pub log_arity: usize,
}

impl Codeword<'_> {
    const fn log_len(&self) -> usize {
        (self.values.len() / D).trailing_zeros() as usize
    }
}

impl Leaves for Codeword<'_> {
    fn log_height(&self) -> usize {
        self.log_len() - self.log_arity
    }

    fn width(&self) -> usize {
        D << self.log_arity
    }

    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        let at = ((column % D) << self.log_len()) + (row << self.log_arity) + column / D;
        P::from_fn(|lane| self.values[at + (lane << self.log_arity)])
    }
}
