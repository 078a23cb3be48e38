//! Transforms of columns of at least [`BLOCK`] elements.
//!
//! *Products by roots* need no Montgomery reduction: with `w` an integer below `p`, known in advance,
//! and `w' = floor(2^32 w / p)`, `x w - floor(x w' / 2^32) p` lies in `[0, 2 p)` for every `x` below
//! `2^32` (Shoup's trick; D. Harvey, "Faster arithmetic for number-theoretic transforms", 2014). Only
//! its low word is needed: two 32-bit products of all 16 lanes, and two 64-bit ones of eight for the
//! quotient. `x` may be any word, so what is only going to be multiplied is not reduced:
//! [`residue`] has a type for what is and one for what is not.
//!
//! *Blocks* of 256 elements, 16 packed values, stay in registers for their eight layers: four between
//! the values, then, the square of 16 × 16 transposed, four more. There a packed value holds the same
//! place of 16 groups, so that its lanes have roots of their own, which [`roots`] tabulates.

mod residue;
mod roots;

use p3_baby_bear::PackedBabyBearAVX512 as P;
use p3_field::{PackedValue, PrimeCharacteristicRing, TwoAdicField};
use tranche_core::F;
use tranche_core::kernels::ntt::Twiddles;

use crate::intrinsics::LANES;
use residue::{Lazy, Reduced, Residue};
pub(crate) use roots::{BLOCK, fill_table, table_len};
use roots::{BlockRoots, LOG_BLOCK, Root, Roots};

/// Columns are transformed as a whole only above this height; below it, part by part in cache.
const LOG_PART: usize = 13;

/// Coefficients in natural order to evaluations over `shift * H` in bit-reversed order.
pub(crate) fn coset_ntt(twiddles: &Twiddles<'_>, column: &mut [F], shift: F) {
    let log_n = column.len().trailing_zeros() as usize;
    let column = P::pack_slice_mut(column);
    // powers[k] = shift^(2^k): the factor of the layer whose halves have 2^k elements.
    let mut powers = [F::ONE; F::TWO_ADICITY + 1];
    let mut power = shift;
    for slot in powers.iter_mut().take(log_n) {
        *slot = power;
        power = power.square();
    }
    let mut shift_powers = [F::ONE; LANES];
    for l in 1..LANES {
        shift_powers[l] = shift_powers[l - 1] * shift;
    }
    let scales = Roots::new(*P::from_slice(&shift_powers));
    let factors = P::from_fn(|i| powers[LOG_BLOCK - 1 - (i + 1).ilog2() as usize])
        * P::from(F::from_u64(1 << 32));
    let log_part = log_n.min(LOG_PART);
    forward_layers(column, twiddles.forward, 0, log_n, log_part, &powers);
    let part_len = (1 << log_part) / LANES;
    let blocks = part_len / LANES;
    for (j, part) in column.chunks_exact_mut(part_len).enumerate() {
        forward_layers(part, twiddles.forward, j, log_part, LOG_BLOCK, &powers);
        for (i, block) in part.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let roots = BlockRoots::new(twiddles.forward_lanes, j * blocks + i);
            forward_block(block, &roots, factors, &scales);
        }
    }
}

/// Evaluations over `H` in bit-reversed order to coefficients in natural order.
pub(crate) fn intt(twiddles: &Twiddles<'_>, column: &mut [F]) {
    let log_n = column.len().trailing_zeros() as usize;
    let column = P::pack_slice_mut(column);
    let scale = F::ONE.div_2exp_u64(log_n as u64);
    let packed_scale = Root::broadcast(scale);
    let log_part = log_n.min(LOG_PART);
    let part_len = (1 << log_part) / LANES;
    let blocks = part_len / LANES;
    for (j, part) in column.chunks_exact_mut(part_len).enumerate() {
        for (i, block) in part.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let number = j * blocks + i;
            let roots = BlockRoots::new(twiddles.inverse_lanes, number);
            // The last root is scaled as well.
            let last = Root::broadcast(twiddles.inverse[number] * scale);
            inverse_block(block, &roots, &last, &packed_scale);
        }
        inverse_layers(part, twiddles.inverse, j, LOG_BLOCK, log_part);
    }
    inverse_layers(column, twiddles.inverse, 0, log_part, log_n);
}

type Block = [P; LANES];

/// The last eight layers, on one block: `scales` are the powers of the shift that make the cosets of 16
/// the group itself, as the table has it.
#[inline(always)]
fn forward_block(block: &mut Block, roots: &BlockRoots<'_>, factors: P, scales: &Roots) {
    let between = roots.between_times(factors);
    let x = forward_layer::<8, _>(&block.map(Reduced::stored), |i| between.get(i));
    let x = forward_layer::<4, _>(&x, |i| between.get(1 + i));
    let x = forward_layer::<2, _>(&x, |i| between.get(3 + i));
    let x = forward_layer::<1, _>(&x, |i| between.get(7 + i));
    let mut y = Lazy::transpose(&x);
    for (l, y) in y.iter_mut().enumerate().skip(1) {
        *y = y.times(&scales.get(l));
    }
    let y = forward_layer::<8, _>(&y, |i| roots.within(i));
    let y = forward_layer::<4, _>(&y, |i| roots.within(1 + i));
    let y = forward_layer::<2, _>(&y, |i| roots.within(3 + i));
    let y = forward_layer::<1, _>(&y, |i| roots.within(7 + i));
    let y = Reduced::transpose(&y.map(Residue::reduce));
    for (out, y) in block.iter_mut().zip(y) {
        *out = y.to_elements();
    }
}

/// The first eight layers, on one block, with the scale of the whole transform: `last` is the root of the
/// eighth times this `scale`.
#[inline(always)]
fn inverse_block(block: &mut Block, roots: &BlockRoots<'_>, last: &Root, scale: &Root) {
    let y = Reduced::transpose(&block.map(Reduced::stored));
    let y = inverse_layer::<1>(&y, |i| roots.within(7 + i));
    let y = inverse_layer::<2>(&y, |i| roots.within(3 + i));
    let y = inverse_layer::<4>(&y, |i| roots.within(1 + i));
    let y = inverse_layer::<8>(&y, |i| roots.within(i));
    let x = Reduced::transpose(&y);
    let x = inverse_layer::<1>(&x, |i| roots.between(7 + i));
    let x = inverse_layer::<2>(&x, |i| roots.between(3 + i));
    let x = inverse_layer::<4>(&x, |i| roots.between(1 + i));
    let (low, high) = block.split_at_mut(LANES / 2);
    for (i, out) in low.iter_mut().enumerate() {
        let sum = x[i].plus(x[i + LANES / 2]);
        *out = sum.times(scale).reduce().to_elements();
    }
    for (i, out) in high.iter_mut().enumerate() {
        let difference = x[i].minus(x[i + LANES / 2]);
        *out = difference.times(last).reduce().to_elements();
    }
}

/// The layers from blocks of `2^from` elements to blocks of `2^to`; block `first` is the first.
#[inline]
fn forward_layers(
    values: &mut [P],
    roots: &[F],
    first: usize,
    from: usize,
    to: usize,
    powers: &[F],
) {
    let mut log_len = from;
    if (from - to) % 2 == 1 {
        log_len -= 1;
        let half = (1 << log_len) / LANES;
        for (block, root) in values.chunks_exact_mut(2 * half).zip(&roots[first..]) {
            let root = Root::broadcast(*root * powers[log_len]);
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let [low, high] = [*a, *b].map(Reduced::stored);
                let outputs = butterfly(low, high.lazy(), &root);
                [*a, *b] = outputs.map(|x| x.reduce().to_elements());
            }
        }
    }
    while log_len > to {
        let (outer, inner) = (powers[log_len - 1], powers[log_len - 2]);
        let first = first << (from - log_len);
        for (i, block) in values.chunks_exact_mut((1 << log_len) / LANES).enumerate() {
            let j = first + i;
            let root = Root::broadcast(roots[j] * outer);
            let [low, high] = [roots[2 * j], roots[2 * j + 1]].map(|r| Root::broadcast(r * inner));
            for places in quarters(block) {
                let [a, b, c, d] = places.each_ref().map(|x| Reduced::stored(**x));
                let [a, c] = butterfly(a, c.lazy(), &root);
                let [b, d] = butterfly(b, d.lazy(), &root);
                let [a, b] = butterfly(a.reduce(), b, &low);
                let [c, d] = butterfly(c.reduce(), d, &high);
                store(places, [a, b, c, d].map(Residue::reduce));
            }
        }
        log_len -= 2;
    }
}

/// The layers from blocks of `2^from` elements to blocks of `2^to`, which has number `first`.
#[inline]
fn inverse_layers(values: &mut [P], roots: &[F], first: usize, from: usize, to: usize) {
    let mut log_len = from;
    while log_len + 1 < to {
        let first = first << (to - log_len - 2);
        let len = (4 << log_len) / LANES;
        for (i, block) in values.chunks_exact_mut(len).enumerate() {
            let j = first + i;
            let root = Root::broadcast(roots[j]);
            let [low, high] = [roots[2 * j], roots[2 * j + 1]].map(Root::broadcast);
            for places in quarters(block) {
                let [a, b, c, d] = places.each_ref().map(|x| Reduced::stored(**x));
                let [a, b] = inverse_butterfly(a, b, &low);
                let [c, d] = inverse_butterfly(c, d, &high);
                let [a, c] = inverse_butterfly(a, c, &root);
                let [b, d] = inverse_butterfly(b, d, &root);
                store(places, [a, b, c, d]);
            }
        }
        log_len += 2;
    }
    if log_len < to {
        let half = (1 << log_len) / LANES;
        for (block, root) in values.chunks_exact_mut(2 * half).zip(&roots[first..]) {
            let root = Root::broadcast(*root);
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let [low, high] = [*a, *b].map(Reduced::stored);
                [*a, *b] = inverse_butterfly(low, high, &root).map(Reduced::to_elements);
            }
        }
    }
}

/// The same places of the four quarters of a block.
#[inline(always)]
fn quarters(block: &mut [P]) -> impl Iterator<Item = [&mut P; 4]> {
    let (ab, cd) = block.split_at_mut(block.len() / 2);
    let (a, b) = ab.split_at_mut(ab.len() / 2);
    let (c, d) = cd.split_at_mut(cd.len() / 2);
    let pairs = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
    pairs.map(|((a, b), (c, d))| [a, b, c, d])
}

#[inline(always)]
fn store(places: [&mut P; 4], values: [Reduced; 4]) {
    for (place, value) in places.into_iter().zip(values) {
        *place = value.to_elements();
    }
}

/// A layer between vectors `HALF` apart: `root` gives the root of each group of `2 HALF`.
///
/// Only what is added to products is reduced.
#[inline(always)]
fn forward_layer<const HALF: usize, R: Residue>(
    x: &[R; LANES],
    root: impl Fn(usize) -> Root,
) -> [Lazy; LANES] {
    let mut y = x.map(Residue::lazy);
    for (group, (y, x)) in y
        .chunks_exact_mut(2 * HALF)
        .zip(x.chunks_exact(2 * HALF))
        .enumerate()
    {
        let root = root(group);
        for i in 0..HALF {
            [y[i], y[i + HALF]] = butterfly(x[i].reduce(), x[i + HALF].lazy(), &root);
        }
    }
    y
}

/// The inverse of [`forward_layer`] scaled by two.
#[inline(always)]
fn inverse_layer<const HALF: usize>(
    x: &[Reduced; LANES],
    root: impl Fn(usize) -> Root,
) -> [Reduced; LANES] {
    let mut y = *x;
    for (group, x) in y.chunks_exact_mut(2 * HALF).enumerate() {
        let root = root(group);
        for i in 0..HALF {
            [x[i], x[i + HALF]] = inverse_butterfly(x[i], x[i + HALF], &root);
        }
    }
    y
}

/// `a + r b` and `a - r b`.
#[inline(always)]
fn butterfly(a: Reduced, b: Lazy, root: &Root) -> [Lazy; 2] {
    let t = b.times(root).reduce();
    [a.plus(t), a.minus(t)]
}

/// `a + b` and `r (a - b)`.
#[inline(always)]
fn inverse_butterfly(a: Reduced, b: Reduced, root: &Root) -> [Reduced; 2] {
    [a.plus(b), a.minus(b).times(root)].map(Residue::reduce)
}

#[cfg(test)]
mod tests;
