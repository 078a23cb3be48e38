//! `BaseAir` for the tables of the machine and of its merges, derived from what they say without a
//! heap.

use tranche_core::TraceMut;

/// The first `N` values of a row, or of public values.
///
/// # Panics
/// When there are fewer.
#[inline]
pub(crate) fn first<T, const N: usize>(values: &[T]) -> &[T; N] {
    values.first_chunk().unwrap_or_else(|| row_too_short(N))
}

#[cold]
#[inline(never)]
fn row_too_short(columns: usize) -> ! {
    panic!("a row of fewer than {columns} values")
}

/// Asserts that `trace` has the shape of a table's preprocessed trace.
///
/// # Panics
/// When it has another. A table without such a trace has width 0 and no height.
pub(crate) fn assert_fixed_shape(trace: &TraceMut<'_>, width: usize, log_height: Option<u8>) {
    assert_eq!(trace.width(), width);
    if let Some(log_height) = log_height {
        assert_eq!(trace.height(), 1 << log_height);
    }
}

/// Implements `BaseAir<F>` for a table that has the functions `main_width`, `fixed_width`,
/// `fixed_log_height`, `fill_preprocessed`, `main_next`, `preprocessed_next` and `public_values`.
macro_rules! base_air {
    ($table:ty) => {
        impl p3_air::BaseAir<tranche_core::F> for $table {
            fn width(&self) -> usize {
                self.main_width()
            }

            #[cfg(feature = "alloc")]
            fn preprocessed_trace(
                &self,
            ) -> Option<p3_matrix::dense::RowMajorMatrix<tranche_core::F>> {
                let height = 1 << self.fixed_log_height()?;
                let mut values = alloc::vec![Default::default(); self.fixed_width() * height];
                self.fill_preprocessed(&mut tranche_core::TraceMut::new(&mut values, height));
                Some(p3_matrix::dense::RowMajorMatrix::new(values, height).transpose())
            }

            fn preprocessed_width(&self) -> usize {
                self.fixed_width()
            }

            #[cfg(feature = "alloc")]
            fn main_next_row_columns(&self) -> alloc::vec::Vec<usize> {
                self.main_next().into()
            }

            #[cfg(feature = "alloc")]
            fn preprocessed_next_row_columns(&self) -> alloc::vec::Vec<usize> {
                self.preprocessed_next().into()
            }

            /// Two messages of a bus share a column only below a table degree of 3.
            fn max_constraint_degree(&self) -> Option<usize> {
                Some(3)
            }

            fn num_public_values(&self) -> usize {
                self.public_values()
            }
        }
    };
}

pub(crate) use base_air;
