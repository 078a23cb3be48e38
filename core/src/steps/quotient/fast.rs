//! The quotient of one table from the extensions of its traces.

use core::ops::Range;

use p3_field::PackedValue;

use super::{Coset, Groups, SELECTOR_VALUES, chunk_shift, fill_powers, scratch_len};
use crate::air::{Fraction, PackedAir, RowBuilder, Rows};
use crate::backend::Backend;
use crate::kernels::bit_reverse::reverse_bits;
use crate::kernels::ext::Ext;
use crate::kernels::ntt::Twiddles;
use crate::parts::{part, split_mut};
use crate::steps::rows::{RowWalk, TableColumns};
use crate::workspace::ColumnsMut;
use crate::{D, EF, F};

/// What the phase reads of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExtendedTable<'a> {
    /// The table with the extensions of its main and preprocessed columns.
    pub columns: TableColumns<'a>,
    /// The extension of its permutation trace.
    pub permutation: &'a [F],
    pub terminal: EF,
    /// The constraint challenge.
    pub alpha: EF,
}

/// Writes the evaluations of chunk `chunk` at `rows`, from a multiple of the lanes to another, into `out`, which has
/// these rows of four columns.
pub(crate) fn evaluate<B: Backend, A: PackedAir<B::P>>(
    air: &A,
    inputs: &ExtendedTable<'_>,
    twiddles: &Twiddles<'_>,
    chunk: usize,
    rows: Range<usize>,
    out: &mut ColumnsMut<'_, F>,
    scratch: &mut [F],
) {
    let TableColumns {
        table,
        messages,
        stride,
        ..
    } = inputs.columns;
    let layout = &table.layout;
    let width = B::P::WIDTH;

    let total = layout.total_constraints();
    let (powers, scratch) = split_mut(scratch, D * total);
    fill_powers(powers, inputs.alpha);
    let powers: [&[F]; D] = core::array::from_fn(|d| part(powers, d * total..(d + 1) * total));

    let packed = (scratch_len(table, width) - D * total) / width;
    let (scratch, _) = split_mut(scratch, packed * width);
    let (selectors, rest) = split_mut(B::P::pack_slice_mut(scratch), SELECTOR_VALUES);
    let (mut walk, fractions) = RowWalk::new(inputs.columns, layout.next, rest);
    let fractions: &mut [Fraction<B::P>] = fractions.as_chunks_mut::<D>().0.as_chunks_mut::<2>().0;

    let start = reverse_bits(chunk, layout.log_chunks) * table.height();
    let domain = Coset::new(table.log_height(), chunk_shift(table, chunk));
    let (first, last) = (rows.start / width, rows.end / width);
    let (mut order, mut together) = (walk.in_order(first..last), Groups::new());
    while let Some(groups) = together.take(&mut order) {
        domain.fill_selectors(twiddles, selectors, groups);
        for (slot, &group) in groups.iter().enumerate() {
            let row = start + group * width;
            prefetch_lookups::<B>(inputs, row, 0..AHEAD);
            let next = match layout.has_lookups() {
                true => walk.next_challenges(inputs.permutation, stride, start, group),
                false => Ext::ZERO,
            };
            let loaded = walk.load(start, group, Coset::selectors(selectors, slot));
            let mut builder = RowBuilder::<_, true>::new(loaded, messages, fractions, powers);
            air.eval(&mut builder);
            let mut folded = builder.finish();
            if layout.has_lookups() {
                folded += fold_lookups::<B>(inputs, row, next, &loaded, fractions, powers);
            }
            let quotient = folded.scale(B::P::from(domain.inverse_vanishing));
            quotient.store_in(out, 0, group * width - rows.start);
        }
    }
}

/// Lookup columns between the one that is folded and the one that is asked for.
const AHEAD: usize = 8;

/// Asks for the permutation trace's lookup columns `columns` at row group `row`: they are far apart.
#[inline]
fn prefetch_lookups<B: Backend>(inputs: &ExtendedTable<'_>, row: usize, columns: Range<usize>) {
    for column in (1 + columns.start) * D..(1 + columns.end) * D {
        let at = column * inputs.columns.stride + row;
        if let Some(values) = inputs.permutation.get(at..at + B::P::WIDTH) {
            B::prefetch(values);
        }
    }
}

/// Folds the constraints that LogUp adds after the AIR's own, at the row group that starts at place
/// `row`; `next` is the accumulator at the rows after it.
#[inline]
fn fold_lookups<B: Backend>(
    inputs: &ExtendedTable<'_>,
    row: usize,
    next: Ext<B::P>,
    rows: &Rows<'_, B::P>,
    fractions: &[Fraction<B::P>],
    powers: [&[F]; D],
) -> Ext<B::P> {
    let first = inputs.columns.table.layout.num_constraints;
    let weight = |i: usize| powers.map(|powers| powers[i]);
    let stride = inputs.columns.stride;
    let load = |column| Ext::load(&inputs.permutation[column * D * stride..], stride, row);
    let mut folded = Ext::ZERO;
    let mut sum = Ext::ZERO;
    for (column, fraction) in fractions.iter().enumerate() {
        let ahead = column + AHEAD;
        prefetch_lookups::<B>(inputs, row, ahead..ahead + 1);
        let [numerator, denominator] = fraction.map(Ext);
        let f = load(column + 1);
        folded += (denominator.times(f) - numerator).times_challenge(weight(first + column));
        sum += f;
    }
    let accumulator = load(0);
    let after = first + fractions.len();
    folded += accumulator
        .scale(rows.is_first_row)
        .times_challenge(weight(after));
    let after_row = accumulator + sum;
    folded += (next - after_row)
        .scale(rows.is_transition)
        .times_challenge(weight(after + 1));
    let end = (Ext::broadcast(inputs.terminal) - after_row).scale(rows.is_last_row);
    folded + end.times_challenge(weight(after + 2))
}
