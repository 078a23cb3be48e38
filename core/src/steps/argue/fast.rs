//! All fractions of a table at once, into the slots that they are extended in.

use core::ops::Range;

use p3_field::PackedValue;

use super::MIN_BATCH;
use crate::air::{Fraction, PackedAir, RowBuilder};
use crate::backend::Backend;
use crate::kernels::ext::Ext;
use crate::shape::TablePlan;
use crate::steps::rows::{RowWalk, TableColumns, lanes_for, row_buffers};
use crate::workspace::ColumnsMut;
use crate::{D, F};

/// Lookup columns between the one that is written and the one that is asked for.
const AHEAD: usize = 8;

/// Row groups whose fractions one inversion serves.
const fn batch_groups(num_columns: usize) -> usize {
    MIN_BATCH.div_ceil(num_columns)
}

/// Field elements of scratch that [`generate`] needs.
pub(crate) const fn scratch_len(table: &TablePlan, lanes: usize) -> usize {
    let columns = table.layout.num_columns;
    let fractions = batch_groups(columns) * columns * 4 * D;
    (row_buffers(table, lanes) + fractions) * lanes_for(table, lanes)
}

/// Writes fractions, and the sums of those of each row in the accumulator's place, at `rows`,
/// from a multiple of the lanes to another.
///
/// `out` has these rows of `4 * permutation_width` columns. Once all rows are written, [`super::accumulate`] makes
/// the accumulator of the sums.
pub(crate) fn generate<B: Backend, A: PackedAir<B::P>>(
    air: &A,
    traces: &TableColumns<'_>,
    rows: Range<usize>,
    out: &mut ColumnsMut<'_, F>,
    scratch: &mut [F],
) {
    let TableColumns {
        table, messages, ..
    } = *traces;
    let layout = &table.layout;
    let columns = layout.num_columns;
    let width = B::P::WIDTH;

    let scratch = B::P::pack_slice_mut(&mut scratch[..scratch_len(table, width)]);
    let (mut walk, rest) = RowWalk::new(*traces, layout.messages_next, scratch);
    let per_batch = batch_groups(columns) * columns;
    let (fractions, inverses) = rest.split_at_mut(per_batch * 2 * D);
    let fractions: &mut [Fraction<B::P>] = fractions.as_chunks_mut::<D>().0.as_chunks_mut::<2>().0;
    let (denominators, prefix) = inverses.as_chunks_mut::<D>().0.split_at_mut(per_batch);

    let last = rows.end / width;
    for first in (rows.start / width..last).step_by(batch_groups(columns)) {
        let batch = first..(first + batch_groups(columns)).min(last);
        let used = batch.len() * columns;
        for (group, fractions) in batch.clone().zip(fractions.chunks_exact_mut(columns)) {
            let selectors = walk.domain_selectors(group);
            air.eval(&mut RowBuilder::<_, false>::new(
                walk.load(0, group, selectors),
                messages,
                fractions,
                [&[]; D],
            ));
        }
        for (denominator, fraction) in denominators.iter_mut().zip(&fractions[..used]) {
            *denominator = fraction[1];
        }
        B::batch_invert(&mut denominators[..used], &mut prefix[..used]);
        for (i, group) in batch.enumerate() {
            let row = group * width - rows.start;
            let mut total = Ext::ZERO;
            for column in 0..columns {
                // Columns are far apart: their lines are asked for some products ahead.
                if column + 1 + AHEAD <= columns {
                    for ahead in (column + 1 + AHEAD) * D..(column + 2 + AHEAD) * D {
                        B::prefetch_mut(&mut out.column(ahead)[row..row + width]);
                    }
                }
                let at = i * columns + column;
                let fraction = Ext(fractions[at][0]).times(Ext(denominators[at]));
                fraction.store_in(out, (column + 1) * D, row);
                total += fraction;
            }
            total.store_in(out, 0, row);
        }
    }
}
