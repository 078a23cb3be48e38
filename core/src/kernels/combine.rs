//! Sums of columns: many weighted and added up row by row, or one weighted and added up to a value.

use p3_field::PackedFieldPow2;

use super::interleave::sum_lanes;
use crate::{D, F};

/// `sum_i column_i * powers[i]` for `T` row groups: the portable kernel.
///
/// `prefetch` hints at elements that are read soon.
pub fn combine_columns<P: PackedFieldPow2<Scalar = F>, const T: usize>(
    columns: &[F],
    stride: usize,
    row: usize,
    powers: [&[F]; D],
    sums: &mut [[P; D]; T],
    prefetch: impl Fn(&[F]),
) {
    const BATCH: usize = 8;
    let rows = T * P::WIDTH;
    let batches = columns.chunks_exact(BATCH * stride);
    let first_rest = BATCH * batches.len();
    let rest = batches.remainder();
    for (i, batch) in batches.enumerate() {
        // The columns of the next batch: they are far apart.
        for column in BATCH * (i + 1)..BATCH * (i + 2) {
            let at = column * stride + row;
            if let Some(values) = columns.get(at..at + rows) {
                prefetch(values);
            }
        }
        let powers: [&[F; BATCH]; D] =
            powers.map(|p| p[BATCH * i..].first_chunk().expect("a batch of powers"));
        let batch: [&[P]; BATCH] = core::array::from_fn(|j| {
            let at = j * stride + row;
            P::pack_slice(&batch[at..at + rows])
        });
        for (t, sum) in sums.iter_mut().enumerate() {
            let values = batch.map(|column| column[t]);
            for d in 0..D {
                sum[d] += P::mixed_dot_product(&values, powers[d]);
            }
        }
    }
    for (i, column) in rest.chunks_exact(stride).enumerate() {
        let column = P::pack_slice(&column[row..row + rows]);
        for (sum, &value) in sums.iter_mut().zip(column) {
            for d in 0..D {
                sum[d] += value * powers[d][first_rest + i];
            }
        }
    }
}

/// `sum_i column_i * weights_i`, all lanes added up.
pub(crate) fn dot<P: PackedFieldPow2<Scalar = F>>(column: &[P], weights: &[[P; D]]) -> [F; D] {
    let mut total = [P::ZERO; D];
    let (fours, rest) = column.as_chunks::<4>();
    let (weight_fours, weight_rest) = weights.as_chunks::<4>();
    for (c, w) in fours.iter().zip(weight_fours) {
        for (d, total) in total.iter_mut().enumerate() {
            *total += P::dot_product(c, &[w[0][d], w[1][d], w[2][d], w[3][d]]);
        }
    }
    for (&c, w) in rest.iter().zip(weight_rest) {
        for (d, total) in total.iter_mut().enumerate() {
            *total += c * w[d];
        }
    }
    total.map(sum_lanes)
}
