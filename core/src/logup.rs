//! The argue phase of one table: its permutation trace and its terminal.
//!
//! Column 0 is the accumulator, column `c + 1` the fraction of lookup column `c`:
//! `f_c = V_c / U_c`, `acc[0] = 0`, `acc[r + 1] = acc[r] + sum_c f_c[r]`, and the terminal is the sum
//! over all rows (Plonky3's single-terminal LogUp layout). Rows are walked in bit-reversed order,
//! which is the order that the extension starts from; only the accumulator is summed in row order.

use p3_air::RowWindow;
use p3_field::{PackedValue, PrimeCharacteristicRing};

use crate::air::{Fraction, Messages, PackedAir, RowBuilder, Rows};
use crate::backend::Backend;
use crate::bit_reverse::reverse_bits;
use crate::ext::{Ext, challenge, coordinates};
use crate::plan::{MIN_BATCH, TablePlan};
use crate::rows::RowGroups;
use crate::{D, EF, F};

/// What the phase reads of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    pub table: &'a TablePlan,
    /// Main trace, column by column, rows bit-reversed.
    pub main: &'a [F],
    /// Preprocessed trace, likewise.
    pub preprocessed: &'a [F],
    pub public_values: &'a [F],
    pub messages: Messages<'a>,
}

/// Lookup columns between the one that is written and the one that is asked for.
const AHEAD: usize = 8;

/// Row groups whose fractions one inversion serves.
const fn batch_groups(num_columns: usize) -> usize {
    MIN_BATCH.div_ceil(num_columns)
}

/// Lanes that a table of this height is walked with.
pub(crate) const fn lanes_for(table: &TablePlan, lanes: usize) -> usize {
    if table.height() >= lanes { lanes } else { 1 }
}

/// Packed elements of the buffers of two rows.
pub(crate) const fn row_buffers(table: &TablePlan) -> usize {
    2 * (table.layout.main_width + table.layout.preprocessed_width)
}

/// Field elements of scratch that [`generate`] needs.
pub(crate) const fn scratch_len(table: &TablePlan, lanes: usize) -> usize {
    let columns = table.layout.num_columns;
    let fractions = batch_groups(columns) * columns * 4 * D;
    (row_buffers(table) + fractions) * lanes_for(table, lanes)
}

/// Writes the permutation trace into the first `height` elements of each slot of `out`.
///
/// `out` has `4 * permutation_width` columns of `stride` elements. Returns the terminal.
pub(crate) fn generate<B: Backend, A: PackedAir<B::P>>(
    air: &A,
    inputs: &Inputs<'_>,
    out: &mut [F],
    stride: usize,
    scratch: &mut [F],
) -> EF {
    let Inputs {
        table,
        main,
        preprocessed,
        public_values,
        messages,
    } = *inputs;
    let layout = &table.layout;
    let (height, columns) = (table.height(), layout.num_columns);
    let groups = RowGroups::new::<B::P>(table.log_height());
    let width = B::P::WIDTH;
    let one = |lane| B::P::from_fn(|l| F::from_bool(l == lane));

    let scratch = B::P::pack_slice_mut(&mut scratch[..scratch_len(table, width)]);
    let (buffers, rest) = scratch.split_at_mut(row_buffers(table));
    let (main_rows, preprocessed_rows) = buffers.split_at_mut(2 * layout.main_width);
    let (main_now, main_next) = main_rows.split_at_mut(layout.main_width);
    let (pre_now, pre_next) = preprocessed_rows.split_at_mut(layout.preprocessed_width);
    let per_batch = batch_groups(columns) * columns;
    let (fractions, inverses) = rest.split_at_mut(per_batch * 2 * D);
    let fractions: &mut [Fraction<B::P>] = fractions.as_chunks_mut::<D>().0.as_chunks_mut::<2>().0;
    let (denominators, prefix) = inverses.as_chunks_mut::<D>().0.split_at_mut(per_batch);

    for first in (0..groups.count()).step_by(batch_groups(columns)) {
        let batch = first..(first + batch_groups(columns)).min(groups.count());
        let used = batch.len() * columns;
        for (group, fractions) in batch.clone().zip(fractions.chunks_exact_mut(columns)) {
            groups.load(
                main,
                height,
                0,
                group,
                layout.messages_next.main,
                main_now,
                main_next,
            );
            groups.load(
                preprocessed,
                height,
                0,
                group,
                layout.messages_next.preprocessed,
                pre_now,
                pre_next,
            );
            let is_first_row = if group == 0 { one(0) } else { B::P::ZERO };
            let is_last_row = if group + 1 == groups.count() {
                one(width - 1)
            } else {
                B::P::ZERO
            };
            let rows = Rows {
                main: RowWindow::from_two_rows(main_now, main_next),
                preprocessed: RowWindow::from_two_rows(pre_now, pre_next),
                public_values,
                is_first_row,
                is_last_row,
                is_transition: B::P::ONE - is_last_row,
            };
            air.eval(&mut RowBuilder::<_, false>::new(
                rows,
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
            let mut total = Ext::ZERO;
            for column in 0..columns {
                // Columns are far apart: their lines are asked for some products ahead.
                for ahead in (column + 1 + AHEAD) * D..(column + 2 + AHEAD) * D {
                    let at = ahead * stride + group * width;
                    if let Some(values) = out.get_mut(at..at + width) {
                        B::prefetch_mut(values);
                    }
                }
                let at = i * columns + column;
                let fraction = Ext(fractions[at][0]).times(Ext(denominators[at]));
                fraction.store(&mut out[(column + 1) * D * stride..], stride, group * width);
                total += fraction;
            }
            total.store(out, stride, group * width);
        }
    }
    accumulate(&mut out[..D * stride], stride, table.log_height())
}

/// Turns row totals into their exclusive prefix sums, in row order; returns the sum of all.
pub(crate) fn accumulate(columns: &mut [F], stride: usize, log_height: usize) -> EF {
    let mut sum = EF::ZERO;
    for row in 0..1 << log_height {
        let at = reverse_bits(row, log_height);
        let total = challenge(core::array::from_fn(|d| columns[d * stride + at]));
        for (d, coordinate) in coordinates(sum).into_iter().enumerate() {
            columns[d * stride + at] = coordinate;
        }
        sum += total;
    }
    sum
}
