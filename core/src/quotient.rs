//! The quotient phase of one table.
//!
//! `q(x) = (sum_i alpha^(total - 1 - i) C_i(x)) / (x^n - 1)` on the cosets that hold its chunks.
//! Evaluations are bit-reversed, so chunk `c` is block `rev(c)` of the extension: one coset of the
//! trace domain, on which `x^n - 1` is a constant, and a matrix of its own.

use core::ops::Range;

use p3_air::RowWindow;
use p3_field::{Field, PackedFieldPow2, PackedValue, PrimeCharacteristicRing, TwoAdicField};

use crate::air::{Fraction, Messages, PackedAir, RowBuilder, Rows};
use crate::backend::Backend;
use crate::bit_reverse::reverse_bits;
use crate::ext::{Ext, coordinates, invert_base};
use crate::logup::{lanes_for, row_buffers};
use crate::ntt::Twiddles;
use crate::plan::{SELECTOR_GROUPS, TablePlan};
use crate::rows::RowGroups;
use crate::{D, EF, F};

/// What the phase reads of one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inputs<'a> {
    pub table: &'a TablePlan,
    /// Extensions, column by column.
    pub main: &'a [F],
    pub preprocessed: &'a [F],
    pub permutation: &'a [F],
    pub public_values: &'a [F],
    pub messages: Messages<'a>,
    pub terminal: EF,
    /// The constraint challenge.
    pub alpha: EF,
    /// log2 of the height of the extensions.
    pub log_lde: usize,
}

/// Packed values of selectors: two inverses and their prefix products for each group.
pub(crate) const SELECTOR_VALUES: usize = 5 * SELECTOR_GROUPS;

/// Field elements of scratch that [`evaluate`] needs.
pub(crate) const fn scratch_len(table: &TablePlan, lanes: usize) -> usize {
    let packed = row_buffers(table) + table.layout.num_columns * 2 * D + SELECTOR_VALUES;
    packed * lanes_for(table, lanes) + D * table.layout.total_constraints()
}

/// The point that generates chunk `chunk`'s coset: `g * w^chunk`, `w` of the quotient domain's order.
pub(crate) fn chunk_shift(table: &TablePlan, chunk: usize) -> F {
    let log_domain = table.log_height() + table.layout.log_chunks;
    F::GENERATOR * F::two_adic_generator(log_domain).exp_u64(chunk as u64)
}

/// Writes the chunks' evaluations into the first `height` elements of each slot of `out`.
///
/// `out` has four columns of `2^log_lde` elements for each chunk.
pub(crate) fn evaluate<B: Backend, A: PackedAir<B::P>>(
    air: &A,
    inputs: &Inputs<'_>,
    twiddles: &Twiddles<'_>,
    out: &mut [F],
    scratch: &mut [F],
) {
    let Inputs {
        table,
        public_values,
        messages,
        ..
    } = *inputs;
    let layout = &table.layout;
    let (height, stride) = (table.height(), 1 << inputs.log_lde);
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

    for chunk in 0..table.num_chunks() {
        let start = reverse_bits(chunk, layout.log_chunks) * height;
        let out = &mut out[chunk * D * stride..(chunk + 1) * D * stride];
        let domain = Coset::new(table.log_height(), chunk_shift(table, chunk));
        for group in 0..groups.count() {
            if group.is_multiple_of(SELECTOR_GROUPS) {
                let count = SELECTOR_GROUPS.min(groups.count() - group);
                domain.fill_selectors(twiddles, selectors, group, count);
            }
            let row = start + group * width;
            prefetch_lookups::<B>(inputs, row, 0..AHEAD);
            let slot = group % SELECTOR_GROUPS;
            groups.load(
                inputs.main,
                stride,
                start,
                group,
                layout.next.main,
                main_now,
                main_next,
            );
            groups.load(
                inputs.preprocessed,
                stride,
                start,
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
            let mut builder = RowBuilder::<_, true>::new(rows, messages, fractions, powers);
            air.eval(&mut builder);
            let mut folded = builder.finish();
            if layout.has_lookups() {
                let next = Ext(core::array::from_fn(|d| {
                    let column = &inputs.permutation[d * stride + start..(d + 1) * stride];
                    groups.next(&column[..height], group)
                }));
                folded += fold_lookups::<B>(inputs, row, next, &rows, fractions, powers);
            }
            let quotient = folded.scale(B::P::from(domain.inverse_vanishing));
            quotient.store(out, stride, group * width);
        }
    }
}

/// `powers[d][i]` is coordinate `d` of `alpha^(total - 1 - i)`.
pub(crate) fn fill_powers(powers: &mut [F], alpha: EF) {
    let total = powers.len() / D;
    let mut power = EF::ONE;
    for i in (0..total).rev() {
        for (d, coordinate) in coordinates(power).into_iter().enumerate() {
            powers[d * total + i] = coordinate;
        }
        power *= alpha;
    }
}

/// Lookup columns between the one that is folded and the one that is asked for.
const AHEAD: usize = 8;

/// Asks for the permutation trace's lookup columns `columns` at row group `row`: they are far apart.
#[inline]
fn prefetch_lookups<B: Backend>(inputs: &Inputs<'_>, row: usize, columns: Range<usize>) {
    for column in (1 + columns.start) * D..(1 + columns.end) * D {
        let at = (column << inputs.log_lde) + row;
        if let Some(values) = inputs.permutation.get(at..at + B::P::WIDTH) {
            B::prefetch(values);
        }
    }
}

/// Folds the constraints that LogUp adds after the AIR's own, at the row group that starts at place
/// `row`; `next` is the accumulator at the rows after it.
#[inline]
fn fold_lookups<B: Backend>(
    inputs: &Inputs<'_>,
    row: usize,
    next: Ext<B::P>,
    rows: &Rows<'_, B::P>,
    fractions: &[Fraction<B::P>],
    powers: [&[F]; D],
) -> Ext<B::P> {
    let first = inputs.table.layout.num_constraints;
    let weight = |i: usize| powers.map(|powers| powers[i]);
    let stride = 1 << inputs.log_lde;
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

/// A coset `shift * H` of the trace domain `H`, and the selectors on it.
pub(crate) struct Coset {
    shift: F,
    /// `x^n - 1` on the coset.
    vanishing: F,
    pub(crate) inverse_vanishing: F,
    /// The last point of the trace domain.
    last: F,
}

impl Coset {
    pub(crate) fn new(log_height: usize, shift: F) -> Self {
        let vanishing = shift.exp_power_of_2(log_height) - F::ONE;
        Self {
            shift,
            vanishing,
            inverse_vanishing: vanishing.inverse(),
            last: F::two_adic_generator(log_height).inverse(),
        }
    }

    /// Fills the selectors of `count` groups from group `first` on.
    ///
    /// `values` holds first-row, last-row and transition selectors of [`SELECTOR_GROUPS`] groups
    /// each, then scratch.
    pub(crate) fn fill_selectors<P: PackedFieldPow2<Scalar = F>>(
        &self,
        twiddles: &Twiddles<'_>,
        values: &mut [P],
        first: usize,
        count: usize,
    ) {
        let (selectors, prefix) = values.split_at_mut(3 * SELECTOR_GROUPS);
        for i in 0..count {
            let x: P = points(twiddles, self.shift, (first + i) * P::WIDTH);
            selectors[i] = x - P::ONE;
            selectors[SELECTOR_GROUPS + i] = x - P::from(self.last);
            selectors[2 * SELECTOR_GROUPS + i] = x - P::from(self.last);
        }
        // Montgomery's trick over both kinds of denominators.
        let place = |i: usize| {
            if i < count {
                i
            } else {
                SELECTOR_GROUPS + i - count
            }
        };
        let mut product = P::ONE;
        for i in 0..2 * count {
            prefix[i] = product;
            product *= selectors[place(i)];
        }
        let mut inverse = invert_base(product);
        for i in (0..2 * count).rev() {
            let denominator = selectors[place(i)];
            selectors[place(i)] = inverse * prefix[i] * self.vanishing;
            inverse *= denominator;
        }
    }
}

/// Points `at..at + WIDTH` of the bit-reversed coset `shift * H`.
///
/// Points `2j` and `2j + 1` of a bit-reversed group are a root and its negative.
#[inline]
pub(crate) fn points<P: PackedFieldPow2<Scalar = F>>(
    twiddles: &Twiddles<'_>,
    shift: F,
    at: usize,
) -> P {
    let roots = P::from_fn(|lane| {
        let root = twiddles.forward[(at + lane) / 2];
        if (at + lane).is_multiple_of(2) {
            root
        } else {
            -root
        }
    });
    roots * shift
}
