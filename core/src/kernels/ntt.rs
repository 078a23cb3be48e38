//! Number-theoretic transforms of single columns.
//!
//! A polynomial in natural coefficient order is reduced modulo `X^(n/2) - r` and `X^(n/2) + r`, and
//! so on down to degree zero: the butterfly is `(a, b) -> (a + r b, a - r b)`, and the root `r` is one
//! constant per block. Block `j` of `m` has `r = shift^(n / 2m) * w^rev(j)` with `w` of order `2m`, so
//! one table of roots in bit-reversed order serves every height and every coset, and the evaluations
//! come out in bit-reversed order, which is the order that commitments want.

use core::array;

use p3_field::{Field, PackedFieldPow2, PrimeCharacteristicRing, PrimeField32, TwoAdicField};

use crate::{F, workspace};

/// Columns are transformed as a whole only above this height; below it, block by block in cache.
const BLOCK_LOG2: usize = 13;
/// Pairs of packed values that go through their layers in step.
const PAIRS: usize = 4;

/// Roots of unity in bit-reversed order.
#[derive(Clone, Copy, Debug)]
pub struct Twiddles<'a> {
    /// `forward[j]` is `w^rev(j)`, `w` of order `2m`, for any `m > j` a power of two.
    pub forward: &'a [F],
    /// The inverses of `forward`.
    pub inverse: &'a [F],
    /// Words that a backend makes of `forward` for the layers within packed values: [`fill_lane_table`]
    /// for the transforms of this module.
    pub forward_lanes: &'a [u32],
    /// Those of `inverse`.
    pub inverse_lanes: &'a [u32],
}

impl<'a> Twiddles<'a> {
    /// Words of the tables for codewords of `2^log_codeword` elements and transforms for which the
    /// backend's table has `lane_table_len` words ([`Backend::lane_table_len`](crate::Backend::lane_table_len)).
    pub const fn len(log_codeword: usize, lane_table_len: usize) -> usize {
        2 * (half(log_codeword) + lane_table_len)
    }

    /// Fills `tables`, of [`Twiddles::len`] words.
    ///
    /// `fill_lane_table` fills a table for the layers within packed values from the bit-reversed roots, as
    /// [`fill_lane_table`] does for the transforms of this module.
    pub fn fill(tables: &mut [F], log_codeword: usize, fill_lane_table: impl Fn(&mut [u32], &[F])) {
        let (roots, lanes) = tables.split_at_mut(2 * half(log_codeword));
        let (forward, inverse) = roots.split_at_mut(half(log_codeword));
        fill_roots(forward, F::two_adic_generator);
        fill_roots(inverse, |bits| F::two_adic_generator(bits).inverse());
        let lanes = workspace::words_mut(lanes);
        let (forward_lanes, inverse_lanes) = lanes.split_at_mut(lanes.len() / 2);
        fill_lane_table(forward_lanes, forward);
        fill_lane_table(inverse_lanes, inverse);
    }

    /// Views tables that [`Twiddles::fill`] filled.
    pub fn view(tables: &'a [F], log_codeword: usize) -> Self {
        let (roots, lanes) = tables.split_at(2 * half(log_codeword));
        let (forward, inverse) = roots.split_at(half(log_codeword));
        let lanes = workspace::words(lanes);
        let (forward_lanes, inverse_lanes) = lanes.split_at(lanes.len() / 2);
        Self {
            forward,
            inverse,
            forward_lanes,
            inverse_lanes,
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

const fn half(log_height: usize) -> usize {
    if log_height == 0 {
        1
    } else {
        1 << (log_height - 1)
    }
}

/// One packed root for each layer within packed values of `lanes` lanes, for each pair of packed values.
pub const fn lane_table_len(log_column: usize, lanes: usize) -> usize {
    let pairs = (1 << log_column) / (2 * lanes);
    pairs * lanes.trailing_zeros() as usize * lanes
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

/// The roots of two packed values' blocks, in the lanes where interleaving puts the blocks: words of
/// field elements.
///
/// Interleaving swaps the bit that tells the two values apart with the bit that tells the halves
/// apart, so lane `l` holds a block of the second value when bit `log2(half)` of `l` is set.
pub fn fill_lane_table<P: PackedFieldPow2<Scalar = F>>(table: &mut [u32], roots: &[F]) {
    let layers = P::WIDTH.trailing_zeros() as usize;
    if layers == 0 {
        return;
    }
    for (pair, lanes) in table.chunks_exact_mut(layers * P::WIDTH).enumerate() {
        for (layer, lanes) in lanes.chunks_exact_mut(P::WIDTH).enumerate() {
            let half = P::WIDTH >> (layer + 1);
            for (lane, slot) in lanes.iter_mut().enumerate() {
                let (value, block) = ((lane / half) & 1, lane / (2 * half));
                *slot = roots[((2 * pair + value) << layer) + block].to_unique_u32();
            }
        }
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
    if column.len() < 2 * P::WIDTH {
        for log_half in (0..log_n).rev() {
            forward_layer::<F>(column, twiddles.forward, 0, log_half, powers[log_half]);
        }
        return;
    }
    let mut log_len = log_n;
    while log_len > BLOCK_LOG2 + 1 {
        forward_two_layers::<P>(column, twiddles.forward, 0, log_len, &powers);
        log_len -= 2;
    }
    if log_len > BLOCK_LOG2 {
        log_len -= 1;
        forward_layer::<P>(column, twiddles.forward, 0, log_len, powers[log_len]);
    }
    let log_pair = P::WIDTH.trailing_zeros() as usize + 1;
    let pairs = (1 << log_len) / (2 * P::WIDTH);
    let scales = pair_of_powers::<P>(&powers);
    for (j, block) in column.chunks_exact_mut(1 << log_len).enumerate() {
        let mut log_part = log_len;
        while log_part > log_pair + 1 {
            let first = j << (log_len - log_part);
            forward_two_layers::<P>(block, twiddles.forward, first, log_part, &powers);
            log_part -= 2;
        }
        if log_part > log_pair {
            let first = j << (log_len - log_part);
            log_part -= 1;
            forward_layer::<P>(block, twiddles.forward, first, log_part, powers[log_part]);
        }
        forward_pairs::<P>(twiddles, block, j * pairs, &scales);
    }
}

/// The layer whose halves have `2^log_half` elements; `first` is the number of its first block.
#[inline]
fn forward_layer<P: PackedFieldPow2<Scalar = F>>(
    values: &mut [F],
    roots: &[F],
    first: usize,
    log_half: usize,
    power: F,
) {
    for (block, &root) in values.chunks_exact_mut(2 << log_half).zip(&roots[first..]) {
        let (low, high) = block.split_at_mut(1 << log_half);
        let root = P::from(root * power);
        for (a, b) in P::pack_slice_mut(low)
            .iter_mut()
            .zip(P::pack_slice_mut(high))
        {
            (*a, *b) = forward(*a, *b, root);
        }
    }
}

#[inline(always)]
fn forward<P: PackedFieldPow2<Scalar = F>>(a: P, b: P, root: P) -> (P, P) {
    let t = b * root;
    (a + t, a - t)
}

/// Two layers in one pass, from blocks of `2^log_len` elements to blocks of a quarter of that.
#[inline]
fn forward_two_layers<P: PackedFieldPow2<Scalar = F>>(
    values: &mut [F],
    roots: &[F],
    first: usize,
    log_len: usize,
    powers: &[F],
) {
    let (outer, inner) = (powers[log_len - 1], powers[log_len - 2]);
    let quarter = 1 << (log_len - 2);
    for (i, block) in values.chunks_exact_mut(1 << log_len).enumerate() {
        let j = first + i;
        let root = P::from(roots[j] * outer);
        let (low, high) = (
            P::from(roots[2 * j] * inner),
            P::from(roots[2 * j + 1] * inner),
        );
        let (ab, cd) = block.split_at_mut(2 * quarter);
        let (a, b) = ab.split_at_mut(quarter);
        let (c, d) = cd.split_at_mut(quarter);
        let first_half = P::pack_slice_mut(a).iter_mut().zip(P::pack_slice_mut(b));
        let second_half = P::pack_slice_mut(c).iter_mut().zip(P::pack_slice_mut(d));
        for ((a, b), (c, d)) in first_half.zip(second_half) {
            let (a1, c1) = forward(*a, *c, root);
            let (b1, d1) = forward(*b, *d, root);
            (*a, *b) = forward(a1, b1, low);
            (*c, *d) = forward(c1, d1, high);
        }
    }
}

/// `shift^0, shift^1, ...`, as many as two packed values hold, from the powers `shift^(2^k)`.
fn pair_of_powers<P: PackedFieldPow2<Scalar = F>>(powers: &[F]) -> [P; 2] {
    let mut pair = [P::ONE; 2];
    let lanes = pair[0].as_slice_mut();
    for (k, &power) in powers[..P::WIDTH.trailing_zeros() as usize]
        .iter()
        .enumerate()
    {
        let (low, high) = lanes.split_at_mut(1 << k);
        high.iter_mut()
            .zip(low)
            .for_each(|(high, low)| *high = *low * power);
    }
    pair[1] = pair[0] * powers[P::WIDTH.trailing_zeros() as usize];
    pair
}

/// The layer between two packed values, then those within them, a few pairs at a time in registers.
#[inline]
fn forward_pairs<P: PackedFieldPow2<Scalar = F>>(
    twiddles: &Twiddles<'_>,
    block: &mut [F],
    first: usize,
    scales: &[P; 2],
) {
    let (groups, rest) = P::pack_slice_mut(block).as_chunks_mut::<{ 2 * PAIRS }>();
    let pairs = first..first + PAIRS * groups.len();
    for (group, first) in groups.iter_mut().zip(pairs.clone().step_by(PAIRS)) {
        forward_few_pairs::<P, PAIRS>(twiddles, group, first, scales);
    }
    for (pair, first) in rest.chunks_exact_mut(2).zip(pairs.end..) {
        forward_few_pairs::<P, 1>(twiddles, pair, first, scales);
    }
}

/// [`forward_pairs`] of `K` pairs, in step: the layers of one pair wait for each other.
///
/// Scaled coefficients make the coset the group itself, so that the tabulated roots serve as they are.
#[inline(always)]
fn forward_few_pairs<P: PackedFieldPow2<Scalar = F>, const K: usize>(
    twiddles: &Twiddles<'_>,
    pairs: &mut [P],
    first: usize,
    scales: &[P; 2],
) {
    let layers = P::WIDTH.trailing_zeros() as usize;
    let lanes = P::pack_slice(workspace::elements(twiddles.forward_lanes));
    let lanes = &lanes[first * layers..(first + K) * layers];
    let roots = &twiddles.forward[first..first + K];
    let mut values: [[P; 2]; K] = array::from_fn(|k| {
        let root = P::from(roots[k]);
        forward(pairs[2 * k] * scales[0], pairs[2 * k + 1] * scales[1], root).into()
    });
    for layer in 0..layers {
        let half = P::WIDTH >> (layer + 1);
        let halves = values.map(|[x, y]| x.interleave(y, half));
        let halves: [(P, P); K] =
            array::from_fn(|k| forward(halves[k].0, halves[k].1, lanes[k * layers + layer]));
        values = halves.map(|(a, b)| a.interleave(b, half).into());
    }
    pairs.copy_from_slice(values.as_flattened());
}

/// Evaluations over `H` in bit-reversed order to coefficients in natural order.
pub fn intt<P: PackedFieldPow2<Scalar = F>>(twiddles: &Twiddles<'_>, column: &mut [F]) {
    let log_n = column.len().trailing_zeros() as usize;
    let scale = F::ONE.div_2exp_u64(log_n as u64);
    if column.len() < 2 * P::WIDTH {
        for log_half in 0..log_n {
            inverse_layer::<F>(column, twiddles.inverse, 0, log_half);
        }
        column.iter_mut().for_each(|x| *x *= scale);
        return;
    }
    let log_pair = P::WIDTH.trailing_zeros() as usize + 1;
    let log_block = log_n.min(BLOCK_LOG2);
    let pairs = (1 << log_block) / (2 * P::WIDTH);
    for (j, block) in column.chunks_exact_mut(1 << log_block).enumerate() {
        inverse_pairs::<P>(twiddles, block, j * pairs, scale);
        let mut log_half = log_pair;
        if (log_block - log_half) % 2 == 1 {
            inverse_layer::<P>(
                block,
                twiddles.inverse,
                j << (log_block - 1 - log_half),
                log_half,
            );
            log_half += 1;
        }
        while log_half < log_block {
            let first = j << (log_block - 2 - log_half);
            inverse_two_layers::<P>(block, twiddles.inverse, first, log_half);
            log_half += 2;
        }
    }
    let mut log_half = log_block;
    if (log_n - log_half) % 2 == 1 {
        inverse_layer::<P>(column, twiddles.inverse, 0, log_half);
        log_half += 1;
    }
    while log_half < log_n {
        inverse_two_layers::<P>(column, twiddles.inverse, 0, log_half);
        log_half += 2;
    }
}

/// The inverse of [`forward_layer`] with power 1, scaled by two.
#[inline]
fn inverse_layer<P: PackedFieldPow2<Scalar = F>>(
    values: &mut [F],
    roots: &[F],
    first: usize,
    log_half: usize,
) {
    for (block, &root) in values.chunks_exact_mut(2 << log_half).zip(&roots[first..]) {
        let (low, high) = block.split_at_mut(1 << log_half);
        let root = P::from(root);
        for (a, b) in P::pack_slice_mut(low)
            .iter_mut()
            .zip(P::pack_slice_mut(high))
        {
            (*a, *b) = inverse(*a, *b, root);
        }
    }
}

#[inline(always)]
fn inverse<P: PackedFieldPow2<Scalar = F>>(a: P, b: P, root: P) -> (P, P) {
    (a + b, (a - b) * root)
}

/// Two layers in one pass, from blocks of `2^log_quarter` elements to blocks of four times that.
#[inline]
fn inverse_two_layers<P: PackedFieldPow2<Scalar = F>>(
    values: &mut [F],
    roots: &[F],
    first: usize,
    log_quarter: usize,
) {
    let quarter = 1 << log_quarter;
    for (i, block) in values.chunks_exact_mut(4 * quarter).enumerate() {
        let j = first + i;
        let root = P::from(roots[j]);
        let (low, high) = (P::from(roots[2 * j]), P::from(roots[2 * j + 1]));
        let (ab, cd) = block.split_at_mut(2 * quarter);
        let (a, b) = ab.split_at_mut(quarter);
        let (c, d) = cd.split_at_mut(quarter);
        let first_half = P::pack_slice_mut(a).iter_mut().zip(P::pack_slice_mut(b));
        let second_half = P::pack_slice_mut(c).iter_mut().zip(P::pack_slice_mut(d));
        for ((a, b), (c, d)) in first_half.zip(second_half) {
            let (a1, b1) = inverse(*a, *b, low);
            let (c1, d1) = inverse(*c, *d, high);
            (*a, *c) = inverse(a1, c1, root);
            (*b, *d) = inverse(b1, d1, root);
        }
    }
}

/// The layers within packed values, then the one between two, and the scale of the whole transform.
#[inline]
fn inverse_pairs<P: PackedFieldPow2<Scalar = F>>(
    twiddles: &Twiddles<'_>,
    block: &mut [F],
    first: usize,
    scale: F,
) {
    let (groups, rest) = P::pack_slice_mut(block).as_chunks_mut::<{ 2 * PAIRS }>();
    let pairs = first..first + PAIRS * groups.len();
    for (group, first) in groups.iter_mut().zip(pairs.clone().step_by(PAIRS)) {
        inverse_few_pairs::<P, PAIRS>(twiddles, group, first, scale);
    }
    for (pair, first) in rest.chunks_exact_mut(2).zip(pairs.end..) {
        inverse_few_pairs::<P, 1>(twiddles, pair, first, scale);
    }
}

/// [`inverse_pairs`] of `K` pairs, in step.
#[inline(always)]
fn inverse_few_pairs<P: PackedFieldPow2<Scalar = F>, const K: usize>(
    twiddles: &Twiddles<'_>,
    pairs: &mut [P],
    first: usize,
    scale: F,
) {
    let layers = P::WIDTH.trailing_zeros() as usize;
    let lanes = P::pack_slice(workspace::elements(twiddles.inverse_lanes));
    let lanes = &lanes[first * layers..(first + K) * layers];
    let roots = &twiddles.inverse[first..first + K];
    let mut values: [[P; 2]; K] = array::from_fn(|k| [pairs[2 * k], pairs[2 * k + 1]]);
    for layer in (0..layers).rev() {
        let half = P::WIDTH >> (layer + 1);
        let halves = values.map(|[x, y]| x.interleave(y, half));
        let halves: [(P, P); K] =
            array::from_fn(|k| inverse(halves[k].0, halves[k].1, lanes[k * layers + layer]));
        values = halves.map(|(a, b)| a.interleave(b, half).into());
    }
    let scale_packed = P::from(scale);
    for ((pair, [x, y]), &root) in pairs.chunks_exact_mut(2).zip(values).zip(roots) {
        (pair[0], pair[1]) = ((x + y) * scale_packed, (x - y) * P::from(root * scale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::bit_reverse::reverse_bits;

    /// Coefficient vectors of every height, checked against evaluation by Horner's rule.
    fn transforms_agree<P: PackedFieldPow2<Scalar = F>>() {
        let mut table = [F::ZERO; Twiddles::len(10, lane_table_len(10, 16))];
        let tables = &mut table[..Twiddles::len(10, lane_table_len(10, P::WIDTH))];
        Twiddles::fill(tables, 10, fill_lane_table::<P>);
        let twiddles = Twiddles::view(tables, 10);
        for log_n in 0..=10 {
            let n = 1 << log_n;
            let mut column = [F::ZERO; 1 << 10];
            let column = &mut column[..n];
            for (i, value) in column.iter_mut().enumerate() {
                *value = F::from_usize(i * i + 7);
            }
            let mut coefficients = [F::ZERO; 1 << 10];
            coefficients[..n].copy_from_slice(column);
            let shift = F::GENERATOR;
            coset_ntt::<P>(&twiddles, column, shift);
            let root = F::two_adic_generator(log_n);
            for (q, &value) in column.iter().enumerate() {
                let x = shift * root.exp_u64(reverse_bits(q, log_n) as u64);
                let horner = |sum, &c: &F| sum * x + c;
                assert_eq!(value, coefficients[..n].iter().rev().fold(F::ZERO, horner));
            }
            column.copy_from_slice(&coefficients[..n]);
            coset_ntt::<P>(&twiddles, column, F::ONE);
            intt::<P>(&twiddles, column);
            assert_eq!(column, &coefficients[..n]);
        }
    }

    #[test]
    fn scalar_transforms_evaluate_and_interpolate() {
        transforms_agree::<F>();
    }

    #[test]
    fn packed_transforms_evaluate_and_interpolate() {
        transforms_agree::<<F as Field>::Packing>();
    }
}
