//! Rows of columns that lie apart, to be written by one of several.

#![allow(unsafe_code)]

use core::marker::PhantomData;

use crate::parts::region_too_short;

/// Some rows of every column of a matrix, the same ones: others may write the other rows at the same time.
#[derive(Debug)]
pub(crate) struct ColumnsMut<'a, T> {
    /// The first of the rows in the first column.
    start: *mut T,
    columns: usize,
    /// Elements from a row of one column to the same of the next.
    stride: usize,
    rows: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: a view is the only way to its elements, as a `&mut [T]` is.
unsafe impl<T: Send> Send for ColumnsMut<'_, T> {}

impl<'a, T> ColumnsMut<'a, T> {
    /// The first `rows` elements of each column of `stride`.
    pub fn new(matrix: &'a mut [T], stride: usize, rows: usize) -> Self {
        if rows > stride {
            region_too_short(rows);
        }
        Self {
            start: matrix.as_mut_ptr(),
            columns: matrix.len() / stride,
            stride,
            rows,
            borrow: PhantomData,
        }
    }

    /// Number of rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The first `rows` rows, and the others.
    pub fn split(self, rows: usize) -> (Self, Self) {
        if rows > self.rows {
            region_too_short(rows);
        }
        // SAFETY: the first row of the second view is a row of the first column or the one after its last, and no
        // row belongs to both views.
        let start = unsafe { self.start.add(rows) };
        let first = Self { rows, ..self };
        let second = Self {
            start,
            rows: self.rows - rows,
            ..self
        };
        (first, second)
    }

    /// The rows of column `column`.
    #[inline]
    pub fn column(&mut self, column: usize) -> &mut [T] {
        // SAFETY: the column is one of the matrix, whose borrow lasts as long as the view; its rows are those of no
        // other view, and no other column is borrowed from this one meanwhile.
        unsafe { core::slice::from_raw_parts_mut(self.at(column), self.rows) }
    }

    /// The rows of column `column`, to be read.
    #[inline]
    pub fn read(&self, column: usize) -> &[T] {
        // SAFETY: as in `column`.
        unsafe { core::slice::from_raw_parts(self.at(column), self.rows) }
    }

    /// The first of the rows in column `column`.
    #[inline]
    fn at(&self, column: usize) -> *mut T {
        if column >= self.columns {
            region_too_short(column + 1);
        }
        // SAFETY: `new` found `columns` columns of `stride` elements in the matrix, and `start` is among the first
        // column's, or one behind them where there are no rows.
        unsafe { self.start.add(column * self.stride) }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::thread;

    use super::*;

    const COLUMNS: usize = 3;
    const STRIDE: usize = 10;
    const ROWS: usize = 8;

    fn fill(mut view: ColumnsMut<'_, u32>, first: u32) {
        for column in 0..COLUMNS {
            for (value, row) in view.column(column).iter_mut().zip(first..) {
                *value = 100 * column as u32 + row;
            }
        }
    }

    #[test]
    fn several_write_a_matrix_and_nothing_beside_their_rows() {
        for at in 0..=ROWS {
            let mut matrix = [u32::MAX; COLUMNS * STRIDE];
            let (first, second) = ColumnsMut::new(&mut matrix, STRIDE, ROWS).split(at);
            assert_eq!((first.rows(), second.rows()), (at, ROWS - at));
            thread::scope(|scope| {
                scope.spawn(|| fill(second, at as u32));
                fill(first, 0);
            });
            for (i, &value) in matrix.iter().enumerate() {
                let (column, row) = (i / STRIDE, i % STRIDE);
                let written = 100 * column as u32 + row as u32;
                assert_eq!(value, if row < ROWS { written } else { u32::MAX });
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut matrix = [0; COLUMNS * STRIDE];
        let mut view = ColumnsMut::new(&mut matrix, STRIDE, ROWS);
        view.column(2)[7] = 5;
        assert_eq!(view.read(2)[7], 5);
        assert_eq!(view.read(1), [0; ROWS]);
    }

    #[test]
    #[should_panic(expected = "a region has fewer than 9 elements")]
    fn there_are_no_more_rows() {
        ColumnsMut::new(&mut [0; COLUMNS * STRIDE], STRIDE, ROWS).split(9);
    }

    #[test]
    #[should_panic(expected = "a region has fewer than 4 elements")]
    fn there_are_no_more_columns() {
        ColumnsMut::new(&mut [0; COLUMNS * STRIDE], STRIDE, ROWS).column(3);
    }

    #[test]
    #[should_panic(expected = "a region has fewer than 11 elements")]
    fn a_column_is_not_longer_than_it_is() {
        ColumnsMut::new(&mut [0; COLUMNS * STRIDE], STRIDE, 11);
    }
}
