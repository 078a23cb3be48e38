//! Transforms of columns of at least [`BLOCK`] elements.
//!
//! *Products by roots* need no Montgomery reduction: with `w` an integer of at most `2^30`, known in advance, and
//! `w' = 2^31 w / p` rounded, `x w - [x w' / 2^31] p`, `[..]` the nearest integer, has the absolute value `p` and a
//! little at most for every `x` of 32 bits, signed (Barrett's reduction as in H. Becker, V. Hwang, M. Kannwischer,
//! B. Yang, S. Yang, "Neon NTT", 2021). Only its low word is needed: `sqrdmulh`, `mul` and `mls`.
//!
//! *Sums* fit words if both terms are brought into `[-2^30, 2^30)`, by `srshr` and `mls`, since the modulus is
//! nearly `2^31`. What is only going to be multiplied is left as it is, in memory too, until a transform ends:
//! [`residue`](crate::residue) has a type for each range.
//!
//! *Blocks* of 64 elements, 16 vectors, stay in registers for their six layers: four between the vectors, then,
//! squares of 4 × 4 transposed, two more. There a vector holds the same place of 4 groups, so that its lanes
//! have roots of their own, which [`roots`] tabulates. A coset of a block is made the group itself, as the table
//! has it, by a product of each element with a power of the shift.

mod roots;

use core::array;

use p3_baby_bear::PackedBabyBearNeon as P;
use p3_field::{PackedValue, PrimeCharacteristicRing, TwoAdicField};
use tranche_core::F;
use tranche_core::kernels::ntt::Twiddles;

use crate::intrinsics::{LANES, vectors_mut};
use crate::residue::{Lazy, Reduced};
pub(crate) use roots::{BLOCK, fill_table, table_len};
use roots::{BLOCK_VECTORS, BlockRoots, LOG_BLOCK, PassRoots, Root};

/// Columns are transformed as a whole only above this height; below it, part by part in cache.
const LOG_PART: usize = 13;

type Vectors = [[u32; LANES]];
type Block = [[u32; LANES]; BLOCK_VECTORS];

/// Coefficients in natural order to evaluations over `shift * H` in bit-reversed order.
pub(crate) fn coset_ntt(twiddles: &Twiddles<'_>, column: &mut [F], shift: F) {
    let log_n = column.len().trailing_zeros() as usize;
    let column = vectors_mut(column);
    // powers[k] = shift^(2^k): the factor of the layer whose halves have 2^k elements.
    let mut powers = [F::ONE; F::TWO_ADICITY + 1];
    let mut power = shift;
    for slot in powers.iter_mut().take(log_n) {
        *slot = power;
        power = power.square();
    }
    let scales = scales(&powers);
    let log_part = log_n.min(LOG_PART);
    forward_layers(column, twiddles.forward, 0, log_n, log_part, &powers);
    let part_len = (1 << log_part) / LANES;
    let blocks = part_len / BLOCK_VECTORS;
    for (j, part) in column.chunks_exact_mut(part_len).enumerate() {
        forward_layers(part, twiddles.forward, j, log_part, LOG_BLOCK, &powers);
        for (i, block) in part.as_chunks_mut().0.iter_mut().enumerate() {
            let roots = BlockRoots::new(twiddles.forward_lanes, j * blocks + i);
            forward_block(block, roots, &scales);
        }
    }
}

/// The powers of the shift up to [`BLOCK`], from those of `2^k`.
fn scales(powers: &[F]) -> [Root; BLOCK_VECTORS] {
    let mut elements = [F::ONE; BLOCK];
    for (k, &power) in powers[..LOG_BLOCK].iter().enumerate() {
        let (low, high) = elements.split_at_mut(1 << k);
        for (high, &mut low) in high.iter_mut().zip(low) {
            *high = low * power;
        }
    }
    array::from_fn(|i| Root::new(*P::from_slice(&elements[LANES * i..LANES * (i + 1)])))
}

/// Evaluations over `H` in bit-reversed order to coefficients in natural order.
pub(crate) fn intt(twiddles: &Twiddles<'_>, column: &mut [F]) {
    let log_n = column.len().trailing_zeros() as usize;
    let column = vectors_mut(column);
    let scale = F::ONE.div_2exp_u64(log_n as u64);
    let packed_scale = Root::broadcast(scale);
    let log_part = log_n.min(LOG_PART);
    let part_len = (1 << log_part) / LANES;
    let blocks = part_len / BLOCK_VECTORS;
    for (j, part) in column.chunks_exact_mut(part_len).enumerate() {
        for (i, block) in part.as_chunks_mut().0.iter_mut().enumerate() {
            let number = j * blocks + i;
            let roots = BlockRoots::new(twiddles.inverse_lanes, number);
            // The last root is scaled as well.
            let last = Root::broadcast(twiddles.inverse[number] * scale);
            inverse_block(block, roots, last, packed_scale);
        }
        inverse_layers(part, twiddles.inverse, j, LOG_BLOCK, log_part, log_n);
    }
    inverse_layers(column, twiddles.inverse, 0, log_part, log_n, log_n);
    if log_n == LOG_BLOCK {
        reduce(column);
    }
}

/// Leaves field elements where passes have left any words.
fn reduce(column: &mut Vectors) {
    for words in column {
        Lazy::load(words).reduce().store(words);
    }
}

/// The last six layers, on one block.
#[inline(always)]
fn forward_block(block: &mut Block, roots: BlockRoots<'_>, scales: &[Root; BLOCK_VECTORS]) {
    let mut x: [Lazy; BLOCK_VECTORS] = array::from_fn(|i| Lazy::load(&block[i]).times(scales[i]));
    let between = roots.between();
    forward_butterflies(&mut x, |i| between.get(i));
    let [a, b, c, d, ..] = block.as_chunks_mut::<LANES>().0 else {
        unreachable!("four squares")
    };
    // One after the other, so that every vector has a register.
    forward_square(a, [x[0], x[1], x[2], x[3]], |i| roots.within(0, i));
    forward_square(b, [x[4], x[5], x[6], x[7]], |i| roots.within(1, i));
    forward_square(c, [x[8], x[9], x[10], x[11]], |i| roots.within(2, i));
    forward_square(d, [x[12], x[13], x[14], x[15]], |i| roots.within(3, i));
}

/// The layers within the vectors of a square.
#[inline(always)]
fn forward_square(
    places: &mut [[u32; LANES]; LANES],
    square: [Lazy; LANES],
    root: impl Fn(usize) -> Root,
) {
    let mut x = Lazy::transpose(square);
    forward_butterflies(&mut x, root);
    let x = Reduced::transpose(x.map(Lazy::reduce));
    for (place, x) in places.iter_mut().zip(x) {
        x.store(place);
    }
}

/// The first six layers, on one block, with the scale of the whole transform: `last` is the root of the
/// sixth times this `scale`.
#[inline(always)]
fn inverse_block(block: &mut Block, roots: BlockRoots<'_>, last: Root, scale: Root) {
    let square = |i: usize| {
        let words = |k: usize| Lazy::load(&block[LANES * i + k]);
        let mut x = Lazy::transpose([words(0), words(1), words(2), words(3)]);
        inverse_butterflies::<LANES, 0>(&mut x, |root| roots.within(i, root));
        Lazy::transpose(x)
    };
    let squares = [square(0), square(1), square(2), square(3)];
    let mut x: [Lazy; BLOCK_VECTORS] = array::from_fn(|i| squares[i / LANES][i % LANES]);
    let between = roots.between();
    inverse_butterflies::<BLOCK_VECTORS, 1>(&mut x, |i| between.get(i));
    let (low, high) = block.split_at_mut(BLOCK_VECTORS / 2);
    for (i, (low, high)) in low.iter_mut().zip(high).enumerate() {
        let (a, b) = (x[i].center(), x[i + BLOCK_VECTORS / 2].center());
        a.plus(b).times(scale).store(low);
        a.minus(b).times(last).store(high);
    }
}

/// The layers from blocks of `2^from` elements to blocks of `2^to`; block `first` is the first.
fn forward_layers(
    values: &mut Vectors,
    roots: &[F],
    first: usize,
    from: usize,
    to: usize,
    powers: &[F],
) {
    let mut log_len = from;
    while log_len > to {
        let first = first << (from - log_len);
        let layers = layers_of_pass(log_len - to);
        match layers {
            1 => forward_pass::<2>(values, roots, first, log_len, powers),
            2 => forward_pass::<4>(values, roots, first, log_len, powers),
            3 => forward_pass::<8>(values, roots, first, log_len, powers),
            _ => forward_pass::<16>(values, roots, first, log_len, powers),
        }
        log_len -= layers;
    }
}

/// The layers from blocks of `2^from` elements to blocks of `2^to`, which has number `first`, of a column of
/// `2^last` elements.
fn inverse_layers(
    values: &mut Vectors,
    roots: &[F],
    first: usize,
    from: usize,
    to: usize,
    last: usize,
) {
    let mut log_len = from;
    while log_len < to {
        let layers = layers_of_pass(to - log_len);
        log_len += layers;
        let first = first << (to - log_len);
        match (layers, log_len == last) {
            (1, false) => inverse_pass::<2, false>(values, roots, first, log_len),
            (1, true) => inverse_pass::<2, true>(values, roots, first, log_len),
            (2, false) => inverse_pass::<4, false>(values, roots, first, log_len),
            (2, true) => inverse_pass::<4, true>(values, roots, first, log_len),
            (3, false) => inverse_pass::<8, false>(values, roots, first, log_len),
            (3, true) => inverse_pass::<8, true>(values, roots, first, log_len),
            (_, false) => inverse_pass::<16, false>(values, roots, first, log_len),
            (_, true) => inverse_pass::<16, true>(values, roots, first, log_len),
        }
    }
}

/// How many of these layers go over memory together: four at most, and never one where there are others.
const fn layers_of_pass(layers: usize) -> usize {
    match layers {
        0..=4 => layers,
        5 | 6 | 9 => 3,
        _ => 4,
    }
}

/// The layers of `WAYS` vectors in one pass over blocks of `2^log_len` elements, the first of which has number
/// `first`.
#[inline(never)]
fn forward_pass<const WAYS: usize>(
    values: &mut Vectors,
    roots: &[F],
    first: usize,
    log_len: usize,
    powers: &[F],
) {
    let factors = PassRoots::in_lanes(|layer| match log_len.checked_sub(1 + layer) {
        Some(log_half) => powers[log_half],
        None => F::ONE,
    });
    for (i, block) in values.chunks_exact_mut((1 << log_len) / LANES).enumerate() {
        let roots = PassRoots::new::<WAYS>(roots, first + i, factors);
        let butterflies = |x: &mut _| forward_butterflies::<WAYS>(x, |root| roots.get(root));
        for_each_way(block, butterflies, Lazy::store);
    }
}

/// The inverse of [`forward_pass`] with shift 1, scaled by `WAYS`; the last one of a column leaves field elements.
#[inline(never)]
fn inverse_pass<const WAYS: usize, const LAST: bool>(
    values: &mut Vectors,
    roots: &[F],
    first: usize,
    log_len: usize,
) {
    let factors = [P::ONE; PassRoots::VECTORS];
    for (i, block) in values.chunks_exact_mut((1 << log_len) / LANES).enumerate() {
        let roots = PassRoots::new::<WAYS>(roots, first + i, factors);
        let butterflies = |x: &mut _| inverse_butterflies::<WAYS, 0>(x, |root| roots.get(root));
        for_each_way(block, butterflies, |x, place| {
            if LAST {
                x.reduce().store(place);
            } else {
                x.store(place);
            }
        });
    }
}

/// Computes with the vectors at each place of the `WAYS` parts of a block, and stores what comes of them.
#[inline(always)]
fn for_each_way<const WAYS: usize>(
    block: &mut Vectors,
    call: impl Fn(&mut [Lazy; WAYS]),
    store: impl Fn(Lazy, &mut [u32; LANES]),
) {
    let len = block.len() / WAYS;
    let mut parts = block.chunks_exact_mut(len);
    let mut parts: [&mut Vectors; WAYS] =
        array::from_fn(|_| &mut parts.next().expect("as many parts")[..len]);
    for i in 0..len {
        let mut x = array::from_fn(|way| Lazy::load(&parts[way][i]));
        call(&mut x);
        for (part, x) in parts.iter_mut().zip(x) {
            store(x, &mut part[i]);
        }
    }
}

/// The layers between `WAYS` vectors, from halves to neighbours: of each layer a root for every group.
#[inline(always)]
fn forward_butterflies<const WAYS: usize>(x: &mut [Lazy; WAYS], root: impl Fn(usize) -> Root) {
    for layer in 0..WAYS.ilog2() {
        let half = WAYS >> (layer + 1);
        for (group, x) in x.chunks_exact_mut(2 * half).enumerate() {
            let root = root((1 << layer) - 1 + group);
            let (low, high) = x.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let (sum, product) = (a.center(), b.times(root).center());
                (*a, *b) = (sum.plus(product), sum.minus(product));
            }
        }
    }
}

/// The inverse of [`forward_butterflies`] but for its first `LEFT` layers, scaled by two for each of the others.
#[inline(always)]
fn inverse_butterflies<const WAYS: usize, const LEFT: u32>(
    x: &mut [Lazy; WAYS],
    root: impl Fn(usize) -> Root,
) {
    for layer in (LEFT..WAYS.ilog2()).rev() {
        let half = WAYS >> (layer + 1);
        for (group, x) in x.chunks_exact_mut(2 * half).enumerate() {
            let root = root((1 << layer) - 1 + group);
            let (low, high) = x.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let (low, high) = (a.center(), b.center());
                (*a, *b) = (low.plus(high), low.minus(high).times(root));
            }
        }
    }
}

#[cfg(test)]
mod tests;
