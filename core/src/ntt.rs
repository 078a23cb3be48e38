//! Number-theoretic transforms of single columns.
//!
//! A polynomial in natural coefficient order is reduced modulo `X^(n/2) - r` and `X^(n/2) + r`, and
//! so on down to degree zero: the butterfly is `(a, b) -> (a + r b, a - r b)`, and the root `r` is one
//! constant per block. Block `j` of `m` has `r = shift^(n / 2m) * w^rev(j)` with `w` of order `2m`, so
//! one table of roots in bit-reversed order serves every height and every coset, and the evaluations
//! come out in bit-reversed order, which is the order that commitments want.

use p3_field::{Field, PackedFieldPow2, PrimeCharacteristicRing, TwoAdicField};

use crate::F;

/// Columns are transformed as a whole only above this height; below it, block by block in cache.
const BLOCK_LOG2: usize = 12;

/// Roots of unity in bit-reversed order, for columns of up to `2 * forward.len()` elements.
#[derive(Clone, Copy, Debug)]
pub struct Twiddles<'a> {
    /// `forward[j]` is `w^rev(j)`, `w` of order `2m`, for any `m > j` a power of two.
    pub forward: &'a [F],
    /// The inverses of `forward`.
    pub inverse: &'a [F],
}

impl<'a> Twiddles<'a> {
    /// Field elements of a table for columns of up to `2^log_height` elements.
    pub const fn len(log_height: usize) -> usize {
        2 * Self::half(log_height)
    }

    const fn half(log_height: usize) -> usize {
        if log_height == 0 { 1 } else { 1 << (log_height - 1) }
    }

    /// Fills `table`, of [`Twiddles::len`] elements.
    pub fn fill(table: &mut [F], log_height: usize) {
        let (forward, inverse) = table.split_at_mut(Self::half(log_height));
        fill_roots(forward, |bits| F::two_adic_generator(bits));
        fill_roots(inverse, |bits| F::two_adic_generator(bits).inverse());
    }

    /// Views a table that [`Twiddles::fill`] filled.
    pub fn view(table: &'a [F]) -> Self {
        let (forward, inverse) = table.split_at(table.len() / 2);
        Self { forward, inverse }
    }
}

/// `roots[m + j] = roots[j] * w` with `w` of order `4m` doubles a bit-reversed table.
fn fill_roots(roots: &mut [F], generator: impl Fn(usize) -> F) {
    roots[0] = F::ONE;
    let (mut m, mut bits) = (1, 2);
    while m < roots.len() {
        let root = generator(bits);
        let (low, high) = roots.split_at_mut(m);
        for (high, &low) in high.iter_mut().zip(low.iter()) {
            *high = low * root;
        }
        m *= 2;
        bits += 1;
    }
}

/// Coefficients in natural order to evaluations over `shift * H` in bit-reversed order.
pub fn coset_ntt<P: PackedFieldPow2<Scalar = F>>(
    twiddles: &Twiddles<'_>,
    column: &mut [F],
    shift: F,
) {
    let log_n = column.len().trailing_zeros() as usize;
    // powers[k] = shift^(2^k): the factor of the layer whose halves have 2^k elements.
    let mut powers = [F::ONE; F::TWO_ADICITY + 1];
    let mut power = shift;
    for slot in powers.iter_mut().take(log_n) {
        *slot = power;
        power = power.square();
    }
    let mut log_half = log_n;
    while log_half > BLOCK_LOG2 {
        log_half -= 1;
        for (block, &root) in column.chunks_exact_mut(2 << log_half).zip(twiddles.forward) {
            forward_block::<P>(block, root * powers[log_half]);
        }
    }
    for (j, block) in column.chunks_exact_mut(1 << log_half).enumerate() {
        forward_in_cache::<P>(twiddles.forward, block, j, &powers);
    }
}

/// All remaining layers of block `j`.
fn forward_in_cache<P: PackedFieldPow2<Scalar = F>>(
    roots: &[F],
    block: &mut [F],
    j: usize,
    powers: &[F],
) {
    let log_len = block.len().trailing_zeros() as usize;
    for layer in 0..log_len {
        let log_half = log_len - 1 - layer;
        let half = 1 << log_half;
        let roots = &roots[j << layer..(j + 1) << layer];
        if half >= P::WIDTH {
            for (pair, &root) in block.chunks_exact_mut(2 * half).zip(roots) {
                forward_block::<P>(pair, root * powers[log_half]);
            }
        } else if block.len() >= 2 * P::WIDTH {
            forward_lanes::<P>(block, roots, powers[log_half], half);
        } else {
            for (pair, &root) in block.chunks_exact_mut(2 * half).zip(roots) {
                forward_block::<F>(pair, root * powers[log_half]);
            }
        }
    }
}

/// One butterfly layer over two halves.
#[inline]
fn forward_block<P: PackedFieldPow2<Scalar = F>>(pair: &mut [F], root: F) {
    let (low, high) = pair.split_at_mut(pair.len() / 2);
    let root = P::from(root);
    for (a, b) in P::pack_slice_mut(low).iter_mut().zip(P::pack_slice_mut(high)) {
        let t = *b * root;
        *b = *a - t;
        *a += t;
    }
}

/// A layer whose halves are shorter than a packed value: pairs are brought together by interleaving.
#[inline]
fn forward_lanes<P: PackedFieldPow2<Scalar = F>>(
    block: &mut [F],
    roots: &[F],
    power: F,
    half: usize,
) {
    let power = P::from(power);
    let per_pair = P::WIDTH / half;
    for (pair, roots) in
        P::pack_slice_mut(block).chunks_exact_mut(2).zip(roots.chunks_exact(per_pair))
    {
        let root = lane_roots::<P>(roots, half) * power;
        let (a, b) = pair[0].interleave(pair[1], half);
        let t = b * root;
        (pair[0], pair[1]) = (a + t).interleave(a - t, half);
    }
}

/// The roots of two packed values' blocks, in the lanes where interleaving puts the blocks.
///
/// Interleaving swaps the bit that tells the two values apart with the bit that tells the halves
/// apart, so lane `l` holds a block of the second value when bit `log2(half)` of `l` is set.
#[inline]
fn lane_roots<P: PackedFieldPow2<Scalar = F>>(roots: &[F], half: usize) -> P {
    let per_value = roots.len() / 2;
    P::from_fn(|lane| {
        let (value, block) = ((lane / half) & 1, lane / (2 * half));
        roots[value * per_value + block]
    })
}

/// Evaluations over `H` in bit-reversed order to coefficients in natural order.
pub fn intt<P: PackedFieldPow2<Scalar = F>>(twiddles: &Twiddles<'_>, column: &mut [F]) {
    let log_n = column.len().trailing_zeros() as usize;
    let log_block = log_n.min(BLOCK_LOG2);
    for (j, block) in column.chunks_exact_mut(1 << log_block).enumerate() {
        inverse_in_cache::<P>(twiddles.inverse, block, j);
    }
    for log_half in log_block..log_n {
        for (pair, &root) in column.chunks_exact_mut(2 << log_half).zip(twiddles.inverse) {
            inverse_block::<P>(pair, root);
        }
    }
    let scale = F::ONE.div_2exp_u64(log_n as u64);
    if column.len() >= P::WIDTH {
        P::pack_slice_mut(column).iter_mut().for_each(|x| *x *= scale);
    } else {
        column.iter_mut().for_each(|x| *x *= scale);
    }
}

fn inverse_in_cache<P: PackedFieldPow2<Scalar = F>>(roots: &[F], block: &mut [F], j: usize) {
    let log_len = block.len().trailing_zeros() as usize;
    for log_half in 0..log_len {
        let half = 1 << log_half;
        let layer = log_len - 1 - log_half;
        let roots = &roots[j << layer..(j + 1) << layer];
        if half >= P::WIDTH {
            for (pair, &root) in block.chunks_exact_mut(2 * half).zip(roots) {
                inverse_block::<P>(pair, root);
            }
        } else if block.len() >= 2 * P::WIDTH {
            inverse_lanes::<P>(block, roots, half);
        } else {
            for (pair, &root) in block.chunks_exact_mut(2 * half).zip(roots) {
                inverse_block::<F>(pair, root);
            }
        }
    }
}

#[inline]
fn inverse_block<P: PackedFieldPow2<Scalar = F>>(pair: &mut [F], root: F) {
    let (low, high) = pair.split_at_mut(pair.len() / 2);
    let root = P::from(root);
    for (a, b) in P::pack_slice_mut(low).iter_mut().zip(P::pack_slice_mut(high)) {
        let t = *a - *b;
        *a += *b;
        *b = t * root;
    }
}

#[inline]
fn inverse_lanes<P: PackedFieldPow2<Scalar = F>>(block: &mut [F], roots: &[F], half: usize) {
    let per_pair = P::WIDTH / half;
    for (pair, roots) in
        P::pack_slice_mut(block).chunks_exact_mut(2).zip(roots.chunks_exact(per_pair))
    {
        let root = lane_roots::<P>(roots, half);
        let (a, b) = pair[0].interleave(pair[1], half);
        (pair[0], pair[1]) = (a + b).interleave((a - b) * root, half);
    }
}

/// Permutes `values` so that the element at `i` goes to the bit reversal of `i`.
pub fn bit_reverse(values: &mut [F]) {
    let log_n = values.len().trailing_zeros();
    if log_n == 0 {
        return;
    }
    for i in 0..values.len() {
        let j = i.reverse_bits() >> (usize::BITS - log_n);
        if i < j {
            values.swap(i, j);
        }
    }
}

/// The bit reversal of `i` over `bits` bits.
#[inline]
pub const fn reverse_bits(i: usize, bits: usize) -> usize {
    if bits == 0 { 0 } else { i.reverse_bits() >> (usize::BITS as usize - bits) }
}

/// Extends a column in place.
///
/// On entry the first `n` elements of `slot` hold evaluations over `H` in bit-reversed order; on exit
/// all of `slot`, `n << log_blowup` elements, holds evaluations over `shift * K` in bit-reversed
/// order, `K` the group of that order. Block `c` of the extension is the coset
/// `shift * w^rev(c) * H`, so each block is one transform of the same coefficients.
pub(crate) fn extend<B: crate::backend::Backend>(
    twiddles: &Twiddles<'_>,
    slot: &mut [F],
    log_blowup: usize,
    shift: F,
) {
    let n = slot.len() >> log_blowup;
    let log_lde = slot.len().trailing_zeros() as usize;
    let root = F::two_adic_generator(log_lde);
    let (first, rest) = slot.split_at_mut(n);
    B::intt(twiddles, first);
    for (c, block) in rest.chunks_exact_mut(n).enumerate() {
        block.copy_from_slice(first);
        let coset = shift * root.exp_u64(reverse_bits(c + 1, log_blowup) as u64);
        B::coset_ntt(twiddles, block, coset);
    }
    B::coset_ntt(twiddles, first, shift);
}
