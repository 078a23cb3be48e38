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
    let threads = B::threads();
    if threads == 1 {
        return each(work, scratch);
    }
    // Some more than threads: one that is late, or comes late, leaves the others less to wait for.
    let most = threads.saturating_mul(4);
    let piece = work.units().div_ceil(most).next_multiple_of(grain);
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

#[cfg(test)]
mod tests {
    extern crate std;

    use std::sync::Mutex;
    use std::vec::Vec;

    use super::*;

    #[derive(Clone, Copy, Debug, Default)]
    struct Many<const THREADS: usize>;

    impl<const THREADS: usize> Backend for Many<THREADS> {
        type P = F;

        const NAME: &'static str = "many";

        fn threads() -> usize {
            THREADS
        }
    }

    /// The pieces of so many units.
    fn pieces_of<const THREADS: usize>(units: usize, grain: usize) -> Vec<Range<usize>> {
        let pieces = Mutex::new(Vec::new());
        divide::<Many<THREADS>, _>(0..units, grain, &mut [], &|piece, _| {
            pieces.lock().unwrap().push(piece);
        });
        pieces.into_inner().unwrap()
    }

    /// One after another, all units.
    fn assert_whole(pieces: &[Range<usize>], units: usize, grain: usize) {
        let mut end = 0;
        for piece in pieces {
            assert_eq!(piece.start, end);
            end = piece.end;
            assert!(end == units || piece.len().is_multiple_of(grain));
        }
        assert_eq!(end, units);
    }

    #[test]
    fn pieces_are_all_of_the_work() {
        for units in [0, 1, 2, 7, 64, 1000, 1 << 20] {
            for grain in [1, 16, ROWS] {
                let one = pieces_of::<1>(units, grain);
                assert!(one.len() == 1 && one[0] == (0..units));
                let two = pieces_of::<2>(units, grain);
                assert_whole(&two, units, grain);
                assert!(two.len() <= 8 && (units <= grain || two.len() > 1));
                let all = pieces_of::<{ usize::MAX }>(units, grain);
                assert_whole(&all, units, grain);
                assert_eq!(all.len(), units.div_ceil(grain).max(1));
            }
        }
    }
}
