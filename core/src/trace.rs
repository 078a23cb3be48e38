//! A table's trace inside the workspace, as its writer sees it.

use p3_field::Field;

use crate::F;
use crate::kernels::transpose::rows_to_columns;

/// A trace of `width` columns and `height` rows, stored column by column, rows in natural order.
///
/// The element of row `r` and column `c` is at `c * height + r`. A trace holds whatever the
/// workspace held before: its writer writes every element.
#[derive(Debug)]
pub struct TraceMut<'a> {
    values: &'a mut [F],
    width: usize,
    height: usize,
}

impl<'a> TraceMut<'a> {
    /// Views `values` as columns of `height` rows.
    ///
    /// # Panics
    /// When `height` is zero or does not divide the number of values.
    pub fn new(values: &'a mut [F], height: usize) -> Self {
        assert!(
            height > 0 && values.len().is_multiple_of(height),
            "not a whole number of columns"
        );
        let width = values.len() / height;
        Self {
            values,
            width,
            height,
        }
    }

    /// Number of rows.
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Number of columns.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Column `c`, rows in natural order.
    ///
    /// # Panics
    /// When the trace has no column `c`.
    pub fn column_mut(&mut self, c: usize) -> &mut [F] {
        assert!(c < self.width, "no such column");
        &mut self.values[c * self.height..][..self.height]
    }

    /// Sets the element of row `r` and column `c`.
    ///
    /// # Panics
    /// When the trace has no row `r` or no column `c`.
    #[inline]
    pub fn set(&mut self, r: usize, c: usize, value: F) {
        self.column_mut(c)[r] = value;
    }

    /// The element of row `r` and column `c`.
    ///
    /// # Panics
    /// When the trace has no row `r` or no column `c`.
    #[inline]
    pub fn get(&self, r: usize, c: usize) -> F {
        assert!(c < self.width, "no such column");
        self.values[c * self.height..][..self.height][r]
    }

    /// Writes row `r`, one value per column.
    ///
    /// # Panics
    /// When the trace has no row `r`, or `row` has not exactly one value per column.
    pub fn set_row(&mut self, r: usize, row: &[F]) {
        assert!(r < self.height, "no such row");
        assert_eq!(row.len(), self.width);
        for (column, &value) in self.values.chunks_exact_mut(self.height).zip(row) {
            column[r] = value;
        }
    }

    /// Writes all rows from a row-major matrix of the same shape.
    ///
    /// # Panics
    /// When `rows` has another number of elements.
    pub fn copy_from_rows(&mut self, rows: &[F]) {
        assert_eq!(rows.len(), self.values.len());
        let (width, height) = (self.width, self.height);
        if width > 0 {
            rows_to_columns::<<F as Field>::Packing>(rows, width, self.values, height);
        }
    }

    /// All columns, one after another.
    pub fn values_mut(&mut self) -> &mut [F] {
        self.values
    }
}
