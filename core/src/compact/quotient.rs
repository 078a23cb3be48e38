//! The quotient of one table on one coset of the trace domain, a group of fraction columns at a time.
//!
//! The constraints that LogUp adds are linear in the fractions `f_c`, so each group adds its own:
//! `(U_c f_c - V_c) w_c - f_c (T w_step + L w_end)`, `T` and `L` the transition and last-row
//! selectors, `w` powers of the constraint challenge. The first group comes with the AIR's own
//! constraints and those of the accumulator.

use core::ops::Range;

use p3_air::RowWindow;
use p3_field::PackedValue;

use crate::air::{Fraction, PackedAir, RowBuilder, Rows};
use crate::backend::Backend;
use crate::ext::Ext;
use crate::logup::{self, row_buffers};
use crate::ntt::Twiddles;
use crate::plan::SELECTOR_GROUPS;
use crate::quotient::{Coset, SELECTOR_VALUES, chunk_shift, fill_powers, scratch_len};
use crate::rows::RowGroups;
use crate::{D, EF, F};

/// What one step reads: everything is on the coset of the chunk, rows bit-reversed.
#[derive(Clone, Debug)]
pub(crate) struct Inputs<'a> {
    /// The table with its main and preprocessed columns.
    pub table: logup::Inputs<'a>,
    /// Accumulator: four columns; empty without lookups.
    pub accumulator: &'a [F],
    /// Four columns for each fraction of the group.
    pub fractions: &'a [F],
    /// The fraction columns of the group; the first group begins with 0.
    pub group: Range<usize>,
    pub terminal: EF,
    /// The constraint challenge.
    pub alpha: EF,
    /// The quotient chunk whose coset it is.
    pub chunk: usize,
}

/// Adds a group's part of the quotient to `out`, four columns; the first group overwrites it.
pub(crate) fn add<B: Backend, A: PackedAir<B::P>>(
    air: &A,
    inputs: &Inputs<'_>,
    twiddles: &Twiddles<'_>,
    out: &mut [F],
    scratch: &mut [F],
) {
    let logup::Inputs {
        table,
        main,
        preprocessed,
        public_values,
        messages,
    } = inputs.table;
    let layout = &table.layout;
    let height = table.height();
    let groups = RowGroups::new::<B::P>(table.log_height());
    let width = B::P::WIDTH;

    let total = layout.total_constraints();
    let (powers, scratch) = scratch.split_at_mut(D * total);
    fill_powers(powers, inputs.alpha);
    let powers: [&[F]; D] = core::array::from_fn(|d| &powers[d * total..(d + 1) * total]);
    let packed = (scratch_len(table, width) - D * total) / width;
    let scratch = B::P::pack_slice_mut(&mut scratch[..packed * width]);
    let (selectors, rest) = scratch.split_at_mut(SELECTOR_VALUES);
    let (buffers, fractions) = rest.split_at_mut(row_buffers(table));
    let (main_rows, preprocessed_rows) = buffers.split_at_mut(2 * layout.main_width);
    let (main_now, main_next) = main_rows.split_at_mut(layout.main_width);
    let (pre_now, pre_next) = preprocessed_rows.split_at_mut(layout.preprocessed_width);
    let fractions: &mut [Fraction<B::P>] = fractions.as_chunks_mut::<D>().0.as_chunks_mut::<2>().0;

    let domain = Coset::new(table.log_height(), chunk_shift(table, inputs.chunk));
    let first = inputs.group.start == 0;
    for group in 0..groups.count() {
        if group.is_multiple_of(SELECTOR_GROUPS) {
            let count = SELECTOR_GROUPS.min(groups.count() - group);
            domain.fill_selectors(twiddles, selectors, group, count);
        }
        let slot = group % SELECTOR_GROUPS;
        groups.load(
            main,
            height,
            0,
            group,
            layout.next.main,
            main_now,
            main_next,
        );
        groups.load(
            preprocessed,
            height,
            0,
            group,
            layout.next.preprocessed,
            pre_now,
            pre_next,
        );
        let rows = Rows {
            main: RowWindow::from_two_rows(main_now, main_next),
            preprocessed: RowWindow::from_two_rows(pre_now, pre_next),
            public_values,
            is_first_row: selectors[slot],
            is_last_row: selectors[SELECTOR_GROUPS + slot],
            is_transition: selectors[2 * SELECTOR_GROUPS + slot],
        };
        let at = group * width;
        let mut folded = if first {
            let mut builder = RowBuilder::<_, true>::new(rows, messages, fractions, powers);
            air.eval(&mut builder);
            builder.finish()
        } else {
            let mut builder = RowBuilder::<_, false>::new(rows, messages, fractions, [&[]; D]);
            air.eval(&mut builder);
            Ext::ZERO
        };
        if layout.has_lookups() {
            folded += fold_fractions(inputs, &rows, at, fractions, powers);
            if first {
                folded += fold_accumulator(inputs, &groups, group, &rows, powers);
            }
        }
        let mut quotient = folded.scale(B::P::from(domain.inverse_vanishing));
        if !first {
            quotient += Ext::load(out, height, at);
        }
        quotient.store(out, height, at);
    }
}

#[inline]
fn weight<P: crate::backend::Packed>(powers: [&[F]; D], i: usize) -> Ext<P> {
    Ext(core::array::from_fn(|d| P::from(powers[d][i])))
}

/// `(U_c f_c - V_c) w_c - f_c (T w_step + L w_end)` over the columns of the group.
#[inline]
fn fold_fractions<P: crate::backend::Packed>(
    inputs: &Inputs<'_>,
    rows: &Rows<'_, P>,
    at: usize,
    fractions: &[Fraction<P>],
    powers: [&[F]; D],
) -> Ext<P> {
    let layout = &inputs.table.table.layout;
    let height = inputs.table.table.height();
    let first = layout.num_constraints;
    let (mut folded, mut sum) = (Ext::ZERO, Ext::ZERO);
    for (i, column) in inputs.group.clone().enumerate() {
        let [numerator, denominator] = fractions[column].map(Ext);
        let f = Ext::load(&inputs.fractions[i * D * height..], height, at);
        let weight = powers.map(|powers| powers[first + column]);
        folded += (denominator.times(f) - numerator).times_challenge(weight);
        sum += f;
    }
    let after = first + layout.num_columns;
    let step = weight(powers, after + 1).scale(rows.is_transition);
    folded - sum * (step + weight(powers, after + 2).scale(rows.is_last_row))
}

/// The constraints of the accumulator, without the fractions in them.
#[inline]
fn fold_accumulator<P: crate::backend::Packed>(
    inputs: &Inputs<'_>,
    groups: &RowGroups,
    group: usize,
    rows: &Rows<'_, P>,
    powers: [&[F]; D],
) -> Ext<P> {
    let layout = &inputs.table.table.layout;
    let height = inputs.table.table.height();
    let now = Ext::load(inputs.accumulator, height, group * P::WIDTH);
    let columns = |d: usize| &inputs.accumulator[d * height..(d + 1) * height];
    let next = Ext(core::array::from_fn(|d| groups.next(columns(d), group)));
    let after = layout.num_constraints + layout.num_columns;
    let end = Ext::broadcast(inputs.terminal) - now;
    now.scale(rows.is_first_row) * weight(powers, after)
        + (next - now).scale(rows.is_transition) * weight(powers, after + 1)
        + end.scale(rows.is_last_row) * weight(powers, after + 2)
}
