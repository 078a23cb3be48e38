//! Fractions of permutation traces, some columns and some rows at a time.
//!
//! The same values as [`super::fast`] writes: `f_c = V_c / U_c` at rows of the trace domain in
//! bit-reversed order. Of the fractions of a row group only those that are asked for are computed.

use core::ops::Range;

use p3_field::PackedValue;

use super::MIN_BATCH;
use crate::air::{Fraction, PackedAir, RowBuilder};
use crate::backend::Backend;
use crate::kernels::ext::Ext;
use crate::shape::{BatchShape, TablePlan};
use crate::steps::rows::{RowWalk, TableColumns, lanes_for, row_buffers};
use crate::{D, F};

/// Field elements of scratch that [`generate`] needs.
pub(crate) const fn scratch_len(table: &TablePlan, lanes: usize) -> usize {
    let columns = table.layout.num_columns;
    let fractions = 2 * D * columns + 3 * D * (MIN_BATCH + columns);
    (row_buffers(table, lanes) + fractions) * lanes_for(table, lanes)
}

/// The most of [`scratch_len`] that a table of a batch needs.
pub(crate) fn generator_len(shape: BatchShape<'_>) -> usize {
    let lookups = shape.tables().iter().filter(|t| t.layout.has_lookups());
    let scratch = lookups.map(|t| scratch_len(t, shape.lanes()));
    scratch.max().unwrap_or(0)
}

/// Which fractions to write, and where.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    /// Rows, from a multiple of the lanes to another.
    pub rows: Range<usize>,
    /// Fraction columns.
    pub columns: Range<usize>,
    /// Four base columns of `stride` elements for each of them, beginning with the first of `rows`.
    pub values: &'a mut [F],
    /// Elements of a column.
    pub stride: usize,
    /// The sums of all fractions of each row, four base columns of `stride` elements.
    pub totals: Option<&'a mut [F]>,
}

/// Writes fractions; `traces` are on the trace domain, bit-reversed.
pub(crate) fn generate<B: Backend, A: PackedAir<B::P>>(
    air: &A,
    traces: &TableColumns<'_>,
    output: Output<'_>,
    scratch: &mut [F],
) {
    let TableColumns {
        table, messages, ..
    } = *traces;
    let Output {
        rows,
        columns: stored,
        values,
        stride,
        mut totals,
    } = output;
    let layout = &table.layout;
    let width = B::P::WIDTH;

    let scratch = B::P::pack_slice_mut(&mut scratch[..scratch_len(table, width)]);
    let (mut walk, rest) = RowWalk::new(*traces, layout.messages_next, scratch);
    let (fractions, rest) = rest.split_at_mut(2 * D * layout.num_columns);
    let fractions: &mut [Fraction<B::P>] = fractions.as_chunks_mut::<D>().0.as_chunks_mut::<2>().0;
    let (numerators, rest) = rest.split_at_mut(D * (MIN_BATCH + layout.num_columns));
    let (inverses, prefix) = rest.split_at_mut(D * (MIN_BATCH + layout.num_columns));
    let numerators = numerators.as_chunks_mut::<D>().0;
    let inverses = inverses.as_chunks_mut::<D>().0;
    let prefix = prefix.as_chunks_mut::<D>().0;

    let computed = match totals {
        Some(_) => 0..layout.num_columns,
        None => stored.clone(),
    };
    let per_batch = MIN_BATCH.div_ceil(computed.len().max(1));
    let (first, last) = (rows.start / width, rows.end / width);
    for start in (first..last).step_by(per_batch) {
        let batch = start..(start + per_batch).min(last);
        for (i, group) in batch.clone().enumerate() {
            let selectors = walk.domain_selectors(group);
            let rows = walk.load(0, group, selectors);
            let builder = RowBuilder::<_, false>::new(rows, messages, fractions, [&[]; D]);
            air.eval(&mut builder.only(computed.clone()));
            let at = i * computed.len();
            let slots = numerators[at..].iter_mut().zip(&mut inverses[at..]);
            for ([numerator, denominator], (n, d)) in fractions[computed.clone()].iter().zip(slots)
            {
                (*n, *d) = (*numerator, *denominator);
            }
        }
        let used = batch.len() * computed.len();
        B::batch_invert(&mut inverses[..used], &mut prefix[..used]);
        for (i, group) in batch.enumerate() {
            let row = group * width - rows.start;
            let mut total = Ext::ZERO;
            for column in computed.clone() {
                let at = i * computed.len() + column - computed.start;
                let fraction = Ext(numerators[at]) * Ext(inverses[at]);
                if stored.contains(&column) {
                    let first = (column - stored.start) * D * stride;
                    fraction.store(&mut values[first..], stride, row);
                }
                total += fraction;
            }
            if let Some(totals) = &mut totals {
                total.store(totals, stride, row);
            }
        }
    }
}
