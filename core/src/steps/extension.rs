//! Columns moved to where they are needed: extended, or from coset to coset.

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};

use crate::F;
use crate::backend::Backend;
use crate::divide::{Columns, divide};
use crate::kernels::bit_reverse::{bit_reverse, reverse_bits};
use crate::kernels::ntt::Twiddles;
use crate::parts::{part_mut, split_mut, take_mut};
use crate::shape::{BatchShape, Round};

/// The point that generates block `block` of an extension: the coset that its rows lie on.
pub(crate) fn coset(log_height: usize, log_blowup: usize, block: usize) -> F {
    let root = F::two_adic_generator(log_height + log_blowup);
    F::GENERATOR * root.exp_u64(reverse_bits(block, log_blowup) as u64)
}

/// Moves columns of `height` rows, bit-reversed, from the coset `from * H` to `to * H`.
pub(crate) fn shift<B: Backend>(
    twiddles: &Twiddles<'_>,
    columns: &mut [F],
    height: usize,
    from: F,
    to: F,
) {
    if from == to {
        return;
    }
    // What is interpolated as if on H has the coefficients c_i from^i.
    let ratio = to / from;
    for column in columns.chunks_exact_mut(height) {
        B::intt(twiddles, column);
        B::coset_ntt(twiddles, column, ratio);
    }
}

/// Moves a column, bit-reversed, from `H` to each of some cosets, and shows it there to `visit` with the coset's number.
///
/// From its coefficients, where `spare` has room for a copy, and for another of the column itself if that is to be kept;
/// else from coset to coset, which takes two transforms each, and two more to come back.
pub(crate) fn through_cosets<B: Backend>(
    twiddles: &Twiddles<'_>,
    column: &mut [F],
    cosets: impl Iterator<Item = F>,
    (keep, spare): (bool, &mut [F]),
    mut visit: impl FnMut(usize, &[F]),
) {
    let height = column.len();
    let room = match (keep, spare.len() / height) {
        (true, 2..) => {
            let (coefficients, moved) = split_mut(spare, height);
            coefficients.copy_from_slice(column);
            Some((coefficients, moved))
        }
        (false, 1..) => Some((&mut *column, spare)),
        _ => None,
    };
    if let Some((coefficients, moved)) = room {
        let (moved, _) = split_mut(moved, height);
        B::intt(twiddles, coefficients);
        for (number, coset) in cosets.enumerate() {
            moved.copy_from_slice(coefficients);
            B::coset_ntt(twiddles, moved, coset);
            visit(number, moved);
        }
        return;
    }
    let mut from = F::ONE;
    for (number, coset) in cosets.enumerate() {
        shift::<B>(twiddles, column, height, from, coset);
        visit(number, column);
        from = coset;
    }
    if keep {
        shift::<B>(twiddles, column, height, from, F::ONE);
    }
}

/// Bit-reverses every trace in place.
pub(crate) fn reverse_traces<B: Backend>(shape: BatchShape<'_>, round: Round, traces: &mut [F]) {
    let mut rest = traces;
    for opened in shape.round(round) {
        let height = 1 << (opened.log_lde - shape.log_blowup());
        let trace = take_mut(&mut rest, opened.width * height);
        trace.chunks_exact_mut(height).for_each(bit_reverse::<B::P>);
    }
}

/// Bit-reverses every trace in place, and copies it to the head of its slot in the round's region, where it is
/// extended with `twiddles`, if there are any.
pub(crate) fn extend_traces<B: Backend>(
    shape: BatchShape<'_>,
    round: Round,
    twiddles: Option<&Twiddles<'_>>,
    traces: &mut [F],
    extensions: &mut [F],
) {
    let mut rest = traces;
    for opened in shape.round(round) {
        let height = 1 << (opened.log_lde - shape.log_blowup());
        let trace = take_mut(&mut rest, opened.width * height);
        let slots = part_mut(extensions, opened.extension());
        let columns = |values, stride| Columns { values, stride };
        let work = (columns(trace, height), columns(slots, 1 << opened.log_lde));
        divide::<B, _>(work, 1, &mut [], &|(trace, slots), _| {
            let slots = slots.values.chunks_exact_mut(slots.stride);
            for (column, slot) in trace.values.chunks_exact_mut(height).zip(slots) {
                bit_reverse::<B::P>(column);
                split_mut(slot, height).0.copy_from_slice(column);
                if let Some(twiddles) = twiddles {
                    B::extend(twiddles, slot, shape.log_blowup(), F::GENERATOR);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use core::array;

    use super::*;
    use crate::backend::ScalarBackend;
    use crate::kernels::ntt::lane_table_len;

    #[test]
    fn a_column_has_the_same_values_on_its_cosets_whatever_room_there_is() {
        const HEIGHT: usize = 8;
        let mut tables = [F::ZERO; Twiddles::len(4, lane_table_len(3, 1))];
        Twiddles::fill(&mut tables, 4, ScalarBackend::fill_lane_table);
        let twiddles = Twiddles::view(&tables, 4);
        let column: [F; HEIGHT] = array::from_fn(|i| F::from_usize(i * i * i + 5));
        let cosets = [0, 1].map(|block| coset(3, 1, block));
        let expected = cosets.map(|to| {
            let mut moved = column;
            shift::<ScalarBackend>(&twiddles, &mut moved, HEIGHT, F::ONE, to);
            moved
        });
        for keep in [false, true] {
            for room in 0..3 {
                let (mut moved, mut spare) = (column, [F::NEG_ONE; 2 * HEIGHT]);
                let room = (keep, &mut spare[..room * HEIGHT]);
                let mut seen = 0;
                let visit = |number: usize, values: &[F]| {
                    assert_eq!(values, expected[number], "coset {number}, {keep}");
                    seen += 1;
                };
                let to = cosets.into_iter();
                through_cosets::<ScalarBackend>(&twiddles, &mut moved, to, room, visit);
                assert_eq!(seen, cosets.len());
                assert!(!keep || moved == column);
            }
        }
    }
}
