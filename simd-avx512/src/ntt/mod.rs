//! Transforms of columns of at least [`BLOCK`] elements.
//!
//! *Products by roots* need no Montgomery reduction: with `w` an integer below `p`, known in advance,
//! and `w' = floor(2^32 w / p)`, `x w - floor(x w' / 2^32) p` lies in `[0, 2 p)` for every `x` below
//! `2^32` (Shoup's trick; D. Harvey, "Faster arithmetic for number-theoretic transforms", 2014). Only
//! its low word is needed: two 32-bit products of all 16 lanes, and two 64-bit ones of eight for the
//! quotient. `x` may be any word, so what is only going to be multiplied is not reduced.
//!
//! *Blocks* of 256 elements, 16 packed values, stay in registers for their eight layers: four between
//! the values, then, the square of 16 × 16 transposed, four more. There a packed value holds the same
//! place of 16 groups, so that its lanes have roots of their own, which [`fill_lanes`] tabulates.

use core::arch::asm;
use core::arch::x86_64::*;
use core::array;
use core::mem::transmute;

use p3_baby_bear::PackedBabyBearAVX512 as P;
use p3_field::{PackedValue, PrimeCharacteristicRing, PrimeField32, TwoAdicField};
use tranche_core::F;
use tranche_core::kernels::ntt::Twiddles;

use crate::vector::{packed, splat32, vector};

/// Elements of a block.
pub(crate) const BLOCK: usize = LANES * LANES;
const LANES: usize = 16;
const LOG_BLOCK: usize = 8;
/// Columns are transformed as a whole only above this height; below it, part by part in cache.
const LOG_PART: usize = 13;

const MODULUS: u32 = F::ORDER_U32;

/// Roots of four layers: one, two, four and eight.
const ROOTS: usize = 15;

/// The roots of a block, as the tables of the core have room for them.
#[repr(C)]
struct Table {
    /// Packed roots of the layers within groups of 16: integers, then their quotients.
    within: [[P; 2]; ROOTS],
    /// Roots of the layers between packed values, then a one.
    between: P,
}

type Square = [__m512i; LANES];

/// A root in each lane, as an integer `w`; its quotient `floor(2^32 w / p)`; and the quotients of odd
/// lanes in even ones.
#[derive(Clone, Copy)]
struct Root {
    integer: __m512i,
    quotient: __m512i,
    odd_quotient: __m512i,
}

/// The integer that a field element stands for, and its quotient.
fn integer_and_quotient(x: F) -> [u32; 2] {
    let integer = x.as_canonical_u32();
    let quotient = (u64::from(integer) << 32) / u64::from(MODULUS);
    [
        integer,
        u32::try_from(quotient).expect("the integer is below p"),
    ]
}

/// Fills the tables of all blocks: words of [`Root`] where the layers are within groups of 16, field
/// elements where they are between packed values.
pub(crate) fn fill_lanes(lanes: &mut [F], roots: &[F]) {
    for (block, table) in lanes.chunks_exact_mut(TABLE_STRIDE).enumerate() {
        let (within, rest) = table.split_at_mut(2 * LANES * ROOTS);
        let mut packed = within.as_chunks_mut::<{ 2 * LANES }>().0.iter_mut();
        let mut between = rest[..LANES].iter_mut();
        for log_roots in 0..4 {
            for j in 0..1 << log_roots {
                let words = packed.next().expect("fifteen packed roots");
                let (integers, quotients) = words.split_at_mut(LANES);
                for lane in 0..LANES {
                    let root = roots[((block * LANES + lane) << log_roots) + j];
                    [integers[lane], quotients[lane]] = integer_and_quotient(root).map(from_word);
                }
                let root = between.next().expect("fifteen roots");
                *root = roots[(block << log_roots) + j];
            }
        }
        between.for_each(|unused| *unused = F::ONE);
    }
}

/// Elements that the core's tables have for each block: more than needed.
const TABLE_STRIDE: usize = 2 * BLOCK;
const _: () = assert!(size_of::<Table>() <= TABLE_STRIDE * size_of::<F>());

#[inline]
fn from_word(word: u32) -> F {
    // SAFETY: a field element is a transparent wrapper of a word; it is never used as one.
    #[allow(unsafe_code)]
    unsafe {
        transmute::<u32, F>(word)
    }
}

/// Coefficients in natural order to evaluations over `shift * H` in bit-reversed order.
pub(crate) fn coset_ntt(twiddles: &Twiddles<'_>, column: &mut [F], shift: F) {
    let log_n = column.len().trailing_zeros() as usize;
    // SAFETY: this crate does not build without the instructions.
    #[allow(unsafe_code)]
    unsafe {
        forward(twiddles, P::pack_slice_mut(column), log_n, shift);
    }
}

/// Evaluations over `H` in bit-reversed order to coefficients in natural order.
pub(crate) fn intt(twiddles: &Twiddles<'_>, column: &mut [F]) {
    let log_n = column.len().trailing_zeros() as usize;
    // SAFETY: as above.
    #[allow(unsafe_code)]
    unsafe {
        inverse(twiddles, P::pack_slice_mut(column), log_n);
    }
}

#[target_feature(enable = "avx512f")]
fn forward(twiddles: &Twiddles<'_>, column: &mut [P], log_n: usize, shift: F) {
    // powers[k] = shift^(2^k): the factor of the layer whose halves have 2^k elements.
    let mut powers = [F::ONE; F::TWO_ADICITY + 1];
    let mut power = shift;
    for slot in powers.iter_mut().take(log_n) {
        *slot = power;
        power = power.square();
    }
    let scales = Roots::new(P::from_fn(|l| shift.exp_u64(l as u64)));
    let between_powers = P::from_fn(|i| powers[LOG_BLOCK - 1 - (i + 1).ilog2() as usize]);
    let log_part = log_n.min(LOG_PART);
    forward_layers(column, twiddles.forward, 0, log_n, log_part, &powers);
    let part_len = (1 << log_part) / LANES;
    let blocks = part_len / LANES;
    for (j, part) in column.chunks_exact_mut(part_len).enumerate() {
        forward_layers(part, twiddles.forward, j, log_part, LOG_BLOCK, &powers);
        for (i, block) in part.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let number = j * blocks + i;
            let Table { within, between } = table(twiddles.forward_lanes, number);
            let roots = Roots::new(*between * between_powers);
            let mut x = block.map(vector);
            forward_between::<8>(&mut x, |i| roots.get(i));
            forward_between::<4>(&mut x, |i| roots.get(1 + i));
            forward_between::<2>(&mut x, |i| roots.get(3 + i));
            forward_between::<1>(&mut x, |i| roots.get(7 + i));
            let mut y = transpose(&x);
            y[0] = reduce(y[0]);
            for (l, y) in y.iter_mut().enumerate().skip(1) {
                *y = reduce(times(*y, &scales.get(l)));
            }
            forward_between::<8>(&mut y, |i| load(&within[i]));
            forward_between::<4>(&mut y, |i| load(&within[1 + i]));
            forward_between::<2>(&mut y, |i| load(&within[3 + i]));
            forward_between::<1>(&mut y, |i| load(&within[7 + i]));
            *block = transpose(&y.map(|y| reduce(y))).map(packed);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn inverse(twiddles: &Twiddles<'_>, column: &mut [P], log_n: usize) {
    let scale = F::ONE.div_2exp_u64(log_n as u64);
    let packed_scale = broadcast(scale);
    // The last root is scaled as well.
    let factors = P::from_fn(|i| if i == 0 { scale } else { F::ONE });
    let log_part = log_n.min(LOG_PART);
    let part_len = (1 << log_part) / LANES;
    let blocks = part_len / LANES;
    for (j, part) in column.chunks_exact_mut(part_len).enumerate() {
        for (i, block) in part.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let number = j * blocks + i;
            let Table { within, between } = table(twiddles.inverse_lanes, number);
            let roots = Roots::new(*between * factors);
            let mut y = transpose(&block.map(vector));
            inverse_between::<1>(&mut y, |i| load(&within[7 + i]));
            inverse_between::<2>(&mut y, |i| load(&within[3 + i]));
            inverse_between::<4>(&mut y, |i| load(&within[1 + i]));
            inverse_between::<8>(&mut y, |i| load(&within[i]));
            let mut x = transpose(&y);
            inverse_between::<1>(&mut x, |i| roots.get(7 + i));
            inverse_between::<2>(&mut x, |i| roots.get(3 + i));
            inverse_between::<4>(&mut x, |i| roots.get(1 + i));
            let last = roots.get(0);
            for i in 0..LANES / 2 {
                let (a, b) = (x[i], x[i + LANES / 2]);
                x[i] = reduce(times(_mm512_add_epi32(a, b), &packed_scale));
                x[i + LANES / 2] = reduce(times(difference(a, b), &last));
            }
            *block = x.map(packed);
        }
        inverse_layers(part, twiddles.inverse, j, LOG_BLOCK, log_part);
    }
    inverse_layers(column, twiddles.inverse, 0, log_part, log_n);
}

/// The layers from blocks of `2^from` elements to blocks of `2^to`; block `first` is the first.
#[inline]
#[target_feature(enable = "avx512f")]
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
            let root = broadcast(*root * powers[log_len]);
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let [low, high] = butterfly(vector(*a), vector(*b), &root);
                (*a, *b) = (packed(reduce(low)), packed(reduce(high)));
            }
        }
    }
    while log_len > to {
        let (outer, inner) = (powers[log_len - 1], powers[log_len - 2]);
        let first = first << (from - log_len);
        for (i, block) in values.chunks_exact_mut((1 << log_len) / LANES).enumerate() {
            let j = first + i;
            let root = broadcast(roots[j] * outer);
            let [low, high] = [roots[2 * j], roots[2 * j + 1]].map(|r| broadcast(r * inner));
            for [a, b, c, d] in quarters(block) {
                let [a1, c1] = butterfly(vector(*a), vector(*c), &root);
                let [b1, d1] = butterfly(vector(*b), vector(*d), &root);
                let [a2, b2] = butterfly(reduce(a1), b1, &low);
                let [c2, d2] = butterfly(reduce(c1), d1, &high);
                (*a, *b) = (packed(reduce(a2)), packed(reduce(b2)));
                (*c, *d) = (packed(reduce(c2)), packed(reduce(d2)));
            }
        }
        log_len -= 2;
    }
}

/// The layers from blocks of `2^from` elements to blocks of `2^to`, which has number `first`.
#[inline]
#[target_feature(enable = "avx512f")]
fn inverse_layers(values: &mut [P], roots: &[F], first: usize, from: usize, to: usize) {
    let mut log_len = from;
    while log_len + 1 < to {
        let first = first << (to - log_len - 2);
        let len = (4 << log_len) / LANES;
        for (i, block) in values.chunks_exact_mut(len).enumerate() {
            let j = first + i;
            let root = broadcast(roots[j]);
            let [low, high] = [roots[2 * j], roots[2 * j + 1]].map(|root| broadcast(root));
            for [a, b, c, d] in quarters(block) {
                let [a1, b1] = inverse_butterfly(vector(*a), vector(*b), &low);
                let [c1, d1] = inverse_butterfly(vector(*c), vector(*d), &high);
                let [a2, c2] = inverse_butterfly(a1, c1, &root);
                let [b2, d2] = inverse_butterfly(b1, d1, &root);
                (*a, *b) = (packed(a2), packed(b2));
                (*c, *d) = (packed(c2), packed(d2));
            }
        }
        log_len += 2;
    }
    if log_len < to {
        let half = (1 << log_len) / LANES;
        for (block, root) in values.chunks_exact_mut(2 * half).zip(&roots[first..]) {
            let root = broadcast(*root);
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                let [low, high] = inverse_butterfly(vector(*a), vector(*b), &root);
                (*a, *b) = (packed(low), packed(high));
            }
        }
    }
}

/// The same places of the four quarters of a block.
#[inline]
fn quarters(block: &mut [P]) -> impl Iterator<Item = [&mut P; 4]> {
    let (ab, cd) = block.split_at_mut(block.len() / 2);
    let (a, b) = ab.split_at_mut(ab.len() / 2);
    let (c, d) = cd.split_at_mut(cd.len() / 2);
    let pairs = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
    pairs.map(|((a, b), (c, d))| [a, b, c, d])
}

/// A layer between packed values `HALF` apart: `root` gives the root of each group of `2 HALF`.
///
/// Takes and leaves what will only be multiplied by roots, or reduced, below `2 p`; all of it after the
/// last of the four layers.
#[inline]
#[target_feature(enable = "avx512f")]
fn forward_between<const HALF: usize>(x: &mut Square, root: impl Fn(usize) -> Root) {
    for (group, x) in x.chunks_exact_mut(2 * HALF).enumerate() {
        let root = root(group);
        for i in 0..HALF {
            let outputs = butterfly(x[i], x[i + HALF], &root);
            let last = HALF == 1;
            let multiplied = last || i & (HALF / 2) != 0;
            [x[i], x[i + HALF]] = outputs.map(|x| if multiplied { x } else { reduce(x) });
        }
    }
}

/// The inverse of [`forward_between`] scaled by two; what it takes and leaves is reduced.
#[inline]
#[target_feature(enable = "avx512f")]
fn inverse_between<const HALF: usize>(x: &mut Square, root: impl Fn(usize) -> Root) {
    for (group, x) in x.chunks_exact_mut(2 * HALF).enumerate() {
        let root = root(group);
        for i in 0..HALF {
            [x[i], x[i + HALF]] = inverse_butterfly(x[i], x[i + HALF], &root);
        }
    }
}

/// `a + r b` and `a - r b`, in `[0, 2 p)`, of a reduced `a`.
#[inline]
#[target_feature(enable = "avx512f")]
fn butterfly(a: __m512i, b: __m512i, root: &Root) -> [__m512i; 2] {
    let t = reduce(times(b, root));
    [_mm512_add_epi32(a, t), difference(a, t)]
}

/// `a + b` and `r (a - b)`, all of them reduced.
#[inline]
#[target_feature(enable = "avx512f")]
fn inverse_butterfly(a: __m512i, b: __m512i, root: &Root) -> [__m512i; 2] {
    let sum = reduce(_mm512_add_epi32(a, b));
    [sum, reduce(times(difference(a, b), root))]
}

/// `a - b + p`, in `(0, 2 p)`, of reduced values.
#[inline]
#[target_feature(enable = "avx512f")]
fn difference(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi32(_mm512_sub_epi32(a, b), splat32(MODULUS))
}

/// A word below `2 p` modulo `p`.
#[inline]
#[target_feature(enable = "avx512f")]
fn reduce(x: __m512i) -> __m512i {
    _mm512_min_epu32(x, _mm512_sub_epi32(x, splat32(MODULUS)))
}

/// Any words times a root, in `[0, 2 p)`.
#[inline]
#[target_feature(enable = "avx512f")]
fn times(x: __m512i, root: &Root) -> __m512i {
    let even = _mm512_mul_epu32(x, root.quotient);
    let odd = _mm512_mul_epu32(to_even(x), root.odd_quotient);
    let quotient = high_words(even, odd);
    _mm512_sub_epi32(
        _mm512_mullo_epi32(x, root.integer),
        _mm512_mullo_epi32(quotient, splat32(MODULUS)),
    )
}

/// The high words of even and of odd products, in their lanes.
///
/// By intrinsics it becomes a permutation of two registers, which takes longer.
#[inline]
#[target_feature(enable = "avx512f")]
fn high_words(even: __m512i, mut odd: __m512i) -> __m512i {
    // SAFETY: one instruction, on registers alone.
    #[allow(unsafe_code)]
    unsafe {
        asm!(
            "vmovshdup {odd}{{{mask}}}, {even}",
            odd = inout(zmm_reg) odd,
            even = in(zmm_reg) even,
            mask = in(kreg) 0x5555_u16,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    odd
}

/// Odd lanes in even places.
#[inline]
#[target_feature(enable = "avx512f")]
fn to_even(x: __m512i) -> __m512i {
    _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(x)))
}

/// Element `i` of vector `j` becomes element `j` of vector `i`.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(x: &Square) -> Square {
    // Pairs of words, then of pairs: vector 4 j + k holds the words k + 4 m of vectors 4 j to 4 j + 3.
    let pairs: Square = array::from_fn(|i| {
        let (a, b) = (x[i & !1], x[i | 1]);
        if i % 2 == 0 {
            _mm512_unpacklo_epi32(a, b)
        } else {
            _mm512_unpackhi_epi32(a, b)
        }
    });
    let fours: Square = array::from_fn(|i| {
        let first = (i & !3) + (i & 2) / 2;
        let (a, b) = (pairs[first], pairs[first + 2]);
        if i % 2 == 0 {
            _mm512_unpacklo_epi64(a, b)
        } else {
            _mm512_unpackhi_epi64(a, b)
        }
    });
    // Their quarters, m even and m odd, of the first eight vectors and of the last.
    let halves: Square = array::from_fn(|i| {
        let (k, m) = (i % 4, i / 4);
        let (a, b) = (fours[8 * (m / 2) + k], fours[8 * (m / 2) + 4 + k]);
        if m % 2 == 0 {
            _mm512_shuffle_i32x4::<0x88>(a, b)
        } else {
            _mm512_shuffle_i32x4::<0xdd>(a, b)
        }
    });
    array::from_fn(|i| {
        let (k, m) = (i % 4, i / 4);
        let (a, b) = (halves[4 * (m % 2) + k], halves[8 + 4 * (m % 2) + k]);
        if m < 2 {
            _mm512_shuffle_i32x4::<0x88>(a, b)
        } else {
            _mm512_shuffle_i32x4::<0xdd>(a, b)
        }
    })
}

#[inline]
#[target_feature(enable = "avx512f")]
fn broadcast(root: F) -> Root {
    let [integer, quotient] = integer_and_quotient(root).map(|word| splat32(word));
    Root {
        integer,
        quotient,
        odd_quotient: quotient,
    }
}

/// The integers and quotients of 16 roots, to be broadcast.
struct Roots {
    integers: [u32; LANES],
    quotients: [u32; LANES],
}

impl Roots {
    /// Of roots in the field's own form: the word `2^32 w - floor(2^32 w / p) p`, which has `-p^-1` times
    /// itself for its quotient; `-p^-1 = p - 2`, since `(p - 1)^2` is a multiple of `2^32`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(roots: P) -> Self {
        // Times 2^-32 in that form: the word is the integer.
        let integers = vector(roots * P::from(F::ONE.div_2exp_u64(32)));
        let quotients = _mm512_mullo_epi32(vector(roots), splat32(MODULUS - 2));
        Self {
            integers: words(integers),
            quotients: words(quotients),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn get(&self, i: usize) -> Root {
        let quotient = splat32(self.quotients[i]);
        Root {
            integer: splat32(self.integers[i]),
            quotient,
            odd_quotient: quotient,
        }
    }
}

#[inline]
fn words(x: __m512i) -> [u32; LANES] {
    // SAFETY: 64 bytes that may hold anything.
    #[allow(unsafe_code)]
    unsafe {
        transmute::<__m512i, [u32; LANES]>(x)
    }
}

/// The roots of block `number`.
#[inline]
fn table(lanes: &[F], number: usize) -> &Table {
    let table = &lanes[number * TABLE_STRIDE..][..TABLE_STRIDE];
    // SAFETY: the slice is longer than a table, which is made of words as it is, and aligned like one.
    #[allow(unsafe_code)]
    unsafe {
        &*table.as_ptr().cast::<Table>()
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load([integers, quotients]: &[P; 2]) -> Root {
    let quotient = vector(*quotients);
    Root {
        integer: vector(*integers),
        quotient,
        odd_quotient: to_even(quotient),
    }
}

#[cfg(test)]
mod tests;
