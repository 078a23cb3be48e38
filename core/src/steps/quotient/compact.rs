//! The quotient of one table on one coset of the trace domain, a group of fraction columns at a time.
//!
//! The constraints that LogUp adds are linear in the fractions `f_c`, so each group adds its own:
//! `(U_c f_c - V_c) w_c - f_c (T w_step + L w_end)`, `T` and `L` the transition and last-row
//! selectors, `w` powers of the constraint challenge. The first group comes with the AIR's own
//! constraints and those of the accumulator.

use core::ops::Range;

use p3_field::{PackedValue, PrimeCharacteristicRing};

use super::{Coset, Groups, SELECTOR_VALUES, chunk_shift, fill_powers, scratch_len};
use crate::air::{Fraction, PackedAir, ProverAir, RowBuilder, Rows};
use crate::backend::{Backend, by_width};
use crate::kernels::Packed;
use crate::kernels::ext::Ext;
use crate::kernels::ntt::Twiddles;
use crate::parts::{part, split_mut};
use crate::shape::{BatchShape, Round};
use crate::steps::argue::fractions::{self, Output};
use crate::steps::extension::shift;
use crate::steps::homes::{Homes, column_groups};
use crate::steps::rows::{RowWalk, TableColumns};
use crate::{D, EF, F};

/// What quotients take besides permutation columns; the generator's scratch is used before.
pub(crate) fn work_len(shape: BatchShape<'_>) -> usize {
    let tables = shape.tables().iter();
    let scratch = tables.map(|t| scratch_len(t, shape.lanes()));
    scratch
        .max()
        .unwrap_or(0)
        .max(fractions::generator_len(shape))
}

/// What one step reads: everything is on the coset of the chunk, rows bit-reversed.
#[derive(Clone, Debug)]
pub(crate) struct CosetTable<'a> {
    /// The table with its main and preprocessed columns.
    pub columns: TableColumns<'a>,
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
    inputs: &CosetTable<'_>,
    twiddles: &Twiddles<'_>,
    out: &mut [F],
    scratch: &mut [F],
) {
    let TableColumns {
        table,
        messages,
        stride: height,
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

    let domain = Coset::new(table.log_height(), chunk_shift(table, inputs.chunk));
    let first = inputs.group.start == 0;
    let (mut order, mut together) = (walk.in_order(0..walk.count()), Groups::new());
    while let Some(groups) = together.take(&mut order) {
        domain.fill_selectors(twiddles, selectors, groups);
        for (slot, &group) in groups.iter().enumerate() {
            let next = match first && layout.has_lookups() {
                true => walk.next_challenges(inputs.accumulator, height, 0, group),
                false => Ext::ZERO,
            };
            let rows = walk.load(0, group, Coset::selectors(selectors, slot));
            let at = group * width;
            let wanted = inputs.group.clone();
            let mut folded = if first {
                let mut builder =
                    RowBuilder::<_, true>::new(rows, messages, fractions, powers).only(wanted);
                air.eval(&mut builder);
                builder.finish()
            } else {
                let mut builder =
                    RowBuilder::<_, false>::new(rows, messages, fractions, [&[]; D]).only(wanted);
                air.eval(&mut builder);
                Ext::ZERO
            };
            if layout.has_lookups() {
                folded += fold_fractions(inputs, &rows, at, fractions, powers);
                if first {
                    folded += fold_accumulator(inputs, at, next, &rows, powers);
                }
            }
            let mut quotient = folded.scale(B::P::from(domain.inverse_vanishing));
            if !first {
                quotient += Ext::load(out, height, at);
            }
            quotient.store(out, height, at);
        }
    }
}

#[inline]
fn weight<P: Packed>(powers: [&[F]; D], i: usize) -> Ext<P> {
    Ext(core::array::from_fn(|d| P::from(powers[d][i])))
}

/// `(U_c f_c - V_c) w_c - f_c (T w_step + L w_end)` over the columns of the group.
#[inline]
fn fold_fractions<P: Packed>(
    inputs: &CosetTable<'_>,
    rows: &Rows<'_, P>,
    at: usize,
    fractions: &[Fraction<P>],
    powers: [&[F]; D],
) -> Ext<P> {
    let layout = &inputs.columns.table.layout;
    let height = inputs.columns.table.height();
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

/// The constraints of the accumulator at the row group at place `at`, without the fractions in them;
/// `next` is the accumulator at the rows after it.
#[inline]
fn fold_accumulator<P: Packed>(
    inputs: &CosetTable<'_>,
    at: usize,
    next: Ext<P>,
    rows: &Rows<'_, P>,
    powers: [&[F]; D],
) -> Ext<P> {
    let layout = &inputs.columns.table.layout;
    let height = inputs.columns.table.height();
    let now = Ext::load(inputs.accumulator, height, at);
    let after = layout.num_constraints + layout.num_columns;
    let end = Ext::broadcast(inputs.terminal) - now;
    now.scale(rows.is_first_row) * weight(powers, after)
        + (next - now).scale(rows.is_transition) * weight(powers, after + 1)
        + end.scale(rows.is_last_row) * weight(powers, after + 2)
}

/// Computes one table's quotient chunks at home.
pub(crate) fn evaluate<B: Backend, A: ProverAir<B>>(
    homes: &mut Homes<'_, A>,
    table: usize,
    (terminal, alpha): (EF, EF),
    out: &mut [F],
    columns: &mut [F],
    scratch: &mut [F],
) {
    let shape = homes.shape;
    let planned = &shape.tables()[table];
    let (height, num_columns) = (planned.height(), planned.layout.num_columns);
    let traces = |first: bool| {
        shape.opened().filter(move |m| {
            let round = match m.round {
                Round::Main | Round::Preprocessed => true,
                Round::Permutation => first,
                Round::Quotient => false,
            };
            m.table == table && round
        })
    };
    let whole = (num_columns == 0).then_some(0..0);
    for group in whole
        .into_iter()
        .chain(column_groups(planned, columns.len()))
    {
        let (values, _) = split_mut(columns, group.len() * D * height);
        let first = group.start == 0;
        if !group.is_empty() {
            let output = Output {
                rows: 0..height,
                columns: group.clone(),
                values,
                stride: height,
                totals: None,
            };
            homes.generate::<B>(table, output, scratch);
        }
        let mut from = F::ONE;
        for (chunk, out) in out.chunks_exact_mut(D * height).enumerate() {
            let to = chunk_shift(planned, chunk);
            traces(first).for_each(|matrix| homes.shift::<B>(&matrix, from, to));
            shift::<B>(&homes.twiddles, values, height, from, to);
            let inputs = CosetTable {
                columns: homes.traces(table),
                accumulator: homes.columns(Round::Permutation, table),
                fractions: values,
                group: group.clone(),
                terminal,
                alpha,
                chunk,
            };
            let (air, twiddles) = (&homes.airs[table], &homes.twiddles);
            by_width!(height, add, <B, A>(air, &inputs, twiddles, out, scratch));
            from = to;
        }
        traces(first).for_each(|matrix| homes.shift::<B>(&matrix, from, F::ONE));
    }
    for (chunk, out) in out.chunks_exact_mut(D * height).enumerate() {
        let from = chunk_shift(planned, chunk);
        shift::<B>(&homes.twiddles, out, height, from, F::ONE);
    }
}
