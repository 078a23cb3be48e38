//! Rows to columns.
//!
//! By squares of `W` rows and as many columns, so that a line of a column is written at once: where lines are
//! written element by element, few of them are on their way to the cache at a time.

use core::array;

use p3_field::PackedFieldPow2;

use crate::F;

/// Rows that are read, column by column, while they are in the cache.
const BLOCK: usize = 128;

/// Writes `rows`, of `width` elements each, to columns of `height`; there is a row for every place of a column.
pub fn rows_to_columns<P: PackedFieldPow2<Scalar = F>>(
    rows: &[F],
    width: usize,
    columns: &mut [F],
    height: usize,
) {
    match P::WIDTH {
        16 => by_squares::<P, 16>(rows, width, columns, height),
        8 => by_squares::<P, 8>(rows, width, columns, height),
        4 => by_squares::<P, 4>(rows, width, columns, height),
        _ => {
            for (block, rows) in rows.chunks(BLOCK * width).enumerate() {
                one_by_one(rows, width, 0, columns, height, block * BLOCK);
            }
        }
    }
}

fn by_squares<P: PackedFieldPow2<Scalar = F>, const W: usize>(
    rows: &[F],
    width: usize,
    columns: &mut [F],
    height: usize,
) {
    for (block, rows) in rows.chunks(BLOCK * width).enumerate() {
        for (first, columns) in (0..width).step_by(W).zip(columns.chunks_mut(W * height)) {
            for (square, rows) in rows.chunks(W * width).enumerate() {
                let row = block * BLOCK + square * W;
                if rows.len() < W * width || columns.len() < W * height {
                    one_by_one(rows, width, first, columns, height, row);
                    continue;
                }
                let lines = array::from_fn(|r| *P::from_slice(&rows[r * width + first..][..W]));
                let columns = columns.chunks_exact_mut(height);
                for (column, line) in columns.zip(transposed::<P, W>(lines)) {
                    *P::from_slice_mut(&mut column[row..row + W]) = line;
                }
            }
        }
    }
}

/// Writes what `rows` have from column `first` on to as many columns, from place `row` on.
fn one_by_one(
    rows: &[F],
    width: usize,
    first: usize,
    columns: &mut [F],
    height: usize,
    row: usize,
) {
    for (c, column) in columns.chunks_exact_mut(height).enumerate() {
        for (slot, row) in column[row..].iter_mut().zip(rows.chunks_exact(width)) {
            *slot = row[first + c];
        }
    }
}

/// A square of rows, transposed: each step swaps one bit of the row with the same bit of the lane.
#[inline(always)]
pub(super) fn transposed<P: PackedFieldPow2<Scalar = F>, const W: usize>(
    mut rows: [P; W],
) -> [P; W] {
    for bit in 0..W.trailing_zeros() as usize {
        for pair in 0..W / 2 {
            let i = (pair >> bit << (bit + 1)) | (pair & ((1 << bit) - 1));
            let j = i | 1 << bit;
            (rows[i], rows[j]) = rows[i].interleave(rows[j], 1 << bit);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;

    use super::*;
    use crate::backend::{Backend, DefaultBackend, ScalarBackend};
    use crate::portable::PortableBackend;

    fn every_element_is_written<P: PackedFieldPow2<Scalar = F>>() {
        // Blocks, a square and some rows; a square and some columns.
        const HEIGHT: usize = 2 * BLOCK + 16 + 3;
        const WIDTH: usize = 16 + 5;
        let rows: [F; HEIGHT * WIDTH] = array::from_fn(F::from_usize);
        let mut columns = [F::ZERO; HEIGHT * WIDTH];
        rows_to_columns::<P>(&rows, WIDTH, &mut columns, HEIGHT);
        for (i, value) in rows.into_iter().enumerate() {
            assert_eq!(columns[i % WIDTH * HEIGHT + i / WIDTH], value);
        }
    }

    #[test]
    fn every_element_of_the_rows_is_written() {
        every_element_is_written::<<ScalarBackend as Backend>::P>();
        every_element_is_written::<<PortableBackend as Backend>::P>();
        every_element_is_written::<<DefaultBackend as Backend>::P>();
    }
}
