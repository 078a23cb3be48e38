//! Columns in bit-reversed order.
//!
//! The lowest bits of an index trade places with the highest. So a square of `W` runs of `W` elements,
//! which lie `n / W` apart, is transposed, and changes places with another square: every cache line
//! is read once and written once (Carter and Gatlin, *Towards an optimal bit-reversal permutation
//! program*, 1998). Nothing here panics for columns whose height is a power of two.

use core::array;

use p3_field::PackedFieldPow2;

use super::transpose::transposed;
use crate::F;

/// Permutes `values` so that the element at `i` goes to the bit reversal of `i`.
pub fn bit_reverse<P: PackedFieldPow2<Scalar = F>>(values: &mut [F]) {
    match P::WIDTH {
        16 => bit_reverse_squares::<P, 16>(values),
        8 => bit_reverse_squares::<P, 8>(values),
        4 => bit_reverse_squares::<P, 4>(values),
        _ => bit_reverse_elements(values),
    }
}

fn bit_reverse_elements(values: &mut [F]) {
    let bits = values.len().trailing_zeros() as usize;
    for i in 0..values.len() {
        let j = reverse_bits(i, bits);
        if i < j {
            values.swap(i, j);
        }
    }
}

fn bit_reverse_squares<P: PackedFieldPow2<Scalar = F>, const W: usize>(values: &mut [F]) {
    if values.len() < W * W {
        return bit_reverse_elements(values);
    }
    let side_bits = W.trailing_zeros() as usize;
    let runs = P::pack_slice_mut(values);
    let squares = runs.len() / W;
    let bits = squares.trailing_zeros() as usize;
    for i in 0..squares {
        let j = reverse_bits(i, bits);
        if i <= j {
            let at_i = square::<P, W>(runs, squares, i);
            let at_j = square::<P, W>(runs, squares, j);
            for (square, rows) in [(j, at_i), (i, at_j)] {
                for (row, run) in rows.into_iter().enumerate() {
                    runs[reverse_bits(row, side_bits) * squares + square] = run;
                }
            }
        }
    }
}

/// The square of every `stride`th run from `first` on, rows in bit-reversed order, transposed.
#[inline(always)]
fn square<P: PackedFieldPow2<Scalar = F>, const W: usize>(
    runs: &[P],
    stride: usize,
    first: usize,
) -> [P; W] {
    let bits = W.trailing_zeros() as usize;
    let runs = &runs[first..first + (W - 1) * stride + 1];
    transposed(array::from_fn(|row| runs[reverse_bits(row, bits) * stride]))
}

/// The bit reversal of `i` over `bits` bits.
#[inline]
pub const fn reverse_bits(i: usize, bits: usize) -> usize {
    if bits == 0 {
        0
    } else {
        i.reverse_bits() >> (usize::BITS as usize - bits)
    }
}

#[cfg(test)]
mod tests {
    use p3_field::PrimeCharacteristicRing;

    use super::*;
    use crate::backend::{Backend, DefaultBackend, ScalarBackend};
    use crate::portable::PortableBackend;

    fn every_element_changes_places<P: PackedFieldPow2<Scalar = F>>() {
        for bits in 0..=11 {
            let mut column = [F::ZERO; 1 << 11];
            let column = &mut column[..1 << bits];
            for (i, value) in column.iter_mut().enumerate() {
                *value = F::from_usize(i);
            }
            bit_reverse::<P>(column);
            for (i, &value) in column.iter().enumerate() {
                assert_eq!(
                    value,
                    F::from_usize(reverse_bits(i, bits)),
                    "{i} of 2^{bits}"
                );
            }
        }
    }

    #[test]
    fn columns_of_every_height() {
        every_element_changes_places::<<ScalarBackend as Backend>::P>();
        every_element_changes_places::<<PortableBackend as Backend>::P>();
        every_element_changes_places::<<DefaultBackend as Backend>::P>();
    }
}
