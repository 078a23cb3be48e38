//! Work cut into pieces for the threads that a backend may have.
//!
//! Pieces are disjoint rows, columns or subtrees, whose values do not depend on who computes them: proofs are the same
//! bytes with any number of threads. Where a backend has one, work is one piece, and nothing here costs anything.

use core::ops::Range;

use crate::F;
use crate::backend::Backend;
use crate::parts::split_mut;
use crate::workspace::ColumnsMut;

/// Rows of a piece are a multiple of this: whole vectors of any packing, and more work than it takes to hand it over.
pub(crate) const ROWS: usize = 1 << 10;

/// Work that can be cut in two.
pub(crate) trait Divide: Sized + Send {
    /// Units that it consists of.
    fn units(&self) -> usize;

    /// Where it can be cut, nearest to behind so many units: at its start or end if nowhere else.
    fn cut(&self, units: usize) -> usize {
        units
    }

    /// The first `units` units, and the others.
    fn divide(self, units: usize) -> (Self, Self);
}

/// Does work in pieces of a multiple of `grain` units, as many as serve the threads at hand; each piece has scratch as
/// long as the one given.
pub(crate) fn divide<B: Backend, W: Divide>(
    work: W,
    grain: usize,
    scratch: &mut [F],
    each: &(impl Fn(W, &mut [F]) + Sync),
) {
    // Some more than threads: one that is late, or comes late, leaves the others less to wait for.
    let piece = match B::threads() {
        0 | 1 => usize::MAX,
        threads => work.units().div_ceil(4 * threads).next_multiple_of(grain),
    };
    pieces::<B, W>(work, piece, scratch, each);
}

fn pieces<B: Backend, W: Divide>(
    work: W,
    piece: usize,
    scratch: &mut [F],
    each: &(impl Fn(W, &mut [F]) + Sync),
) {
    let units = work.units();
    if units <= piece {
        return each(work, scratch);
    }
    let cut = work.cut((units.div_ceil(piece) / 2) * piece);
    if cut == 0 || cut >= units {
        return each(work, scratch);
    }
    let (first, second) = work.divide(cut);
    B::join(
        scratch,
        |scratch| pieces::<B, W>(first, piece, scratch, each),
        |scratch| pieces::<B, W>(second, piece, scratch, each),
    );
}

/// Columns that lie one after another, each a unit.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    pub values: &'a mut [F],
    /// Elements of a column.
    pub stride: usize,
}

impl Divide for Columns<'_> {
    fn units(&self) -> usize {
        self.values.len() / self.stride
    }

    fn divide(self, units: usize) -> (Self, Self) {
        let stride = self.stride;
        let (first, second) = split_mut(self.values, units * stride);
        let columns = |values| Self { values, stride };
        (columns(first), columns(second))
    }
}

/// Works on each of some columns of `stride` elements.
pub(crate) fn each_column<B: Backend>(
    values: &mut [F],
    stride: usize,
    each: impl Fn(&mut [F]) + Sync,
) {
    divide::<B, _>(Columns { values, stride }, 1, &mut [], &|columns, _| {
        columns.values.chunks_exact_mut(stride).for_each(&each);
    });
}

/// Two kinds of work of as many units each.
impl<V: Divide, W: Divide> Divide for (V, W) {
    fn units(&self) -> usize {
        self.0.units()
    }

    fn divide(self, units: usize) -> (Self, Self) {
        let (v, w) = (self.0.divide(units), self.1.divide(units));
        ((v.0, w.0), (v.1, w.1))
    }
}

impl Divide for Range<usize> {
    fn units(&self) -> usize {
        self.len()
    }

    fn divide(self, units: usize) -> (Self, Self) {
        let middle = self.start + units;
        (self.start..middle, middle..self.end)
    }
}

/// Rows are units.
impl<T: Send> Divide for ColumnsMut<'_, T> {
    fn units(&self) -> usize {
        self.rows()
    }

    fn divide(self, units: usize) -> (Self, Self) {
        self.split(units)
    }
}
