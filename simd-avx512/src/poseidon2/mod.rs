//! Poseidon2 of width 16 over 16 states, by 52-bit multiply-adds.
//!
//! A vector of eight 64-bit lanes holds one element of eight states; the states at even and at odd
//! lanes of the packing are permuted side by side. Two ideas carry it:
//!
//! - *Products without corrections.* With `q = p`, `c = a b q^-1 mod 2^64` and `2^43 <= a b < 2^64`,
//!   the integer `(c q - a b) / 2^64` is `floor(floor(c / 2^12) q / 2^52)`: it lies in `[0, q)` and is
//!   `-a b 2^-64` modulo `q`. So a product is one `vpmullq`, a shift and one `vpmadd52huq`, whose
//!   addend is free: it adds round constants, and whatever keeps operands above `2^22`. (Plantard,
//!   "Efficient word size modular arithmetic", IEEE TETC 2021, with the 52 bits that IFMA offers in
//!   place of half a word.)
//! - *Linear layers over the integers.* Nothing is reduced before it is an operand again. A reduction
//!   estimates the quotient in one `vpmadd52huq` and subtracts it in one `vpmadd52luq` of `2^52 - q`:
//!   what is reduced carries `-2^52`, which the constants before it brought along.
//!
//! Every product brings a factor of its own, so elements are kept as multiples `k x` of what they
//! stand for ([`constants`] says which); at `k = 2^64` the S-box keeps the factor, as the internal
//! rounds need.
//!
//! Ranges, which the constants ensure: what is reduced lies in `[2^46, 2^50)` and becomes
//! `[2^22, q + 2^26)`, since the estimate of the quotient is short by `2^-24` of the dividend; a product
//! of operands below `2^32` lies in `[0, q)`, and with another such, or with what was reduced, below
//! `2^32`.

mod constants;

use core::arch::x86_64::*;
use core::array;

use p3_baby_bear::PackedBabyBearAVX512;
use tranche_core::hash::poseidon2::{HALF_EXTERNAL_ROUNDS, Permute, WIDTH};

use crate::vector::{packed, splat32, vector};

pub use constants::Constants;
use constants::{INVERSE, OFFSET, Q};

/// `2^52 / q`, rounded down by a little more than an eighth.
const QUOTIENT: u64 = (1 << 52) / Q;
/// Subtracts multiples of `q`, and adds `2^52`.
const MINUS_Q: u64 = (1 << 52) - Q;

/// S-boxes that are computed in step.
const STEP: usize = 8;

type State = [__m512i; WIDTH];

impl Permute<PackedBabyBearAVX512> for Constants {
    #[inline]
    fn permute(&self, state: &mut [PackedBabyBearAVX512; WIDTH]) {
        // SAFETY: this crate does not build without the instructions.
        #[allow(unsafe_code)]
        unsafe {
            permute(self, state);
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn permute(constants: &Constants, state: &mut [PackedBabyBearAVX512; WIDTH]) {
    let mut halves = enter(constants, state);
    external_rounds(&mut halves, &constants.initial);
    for half in &mut halves {
        enter_internal(half, constants);
    }
    internal_rounds(&mut halves, constants);
    for half in &mut halves {
        leave_internal(half, constants);
    }
    external_rounds(&mut halves, &constants.terminal);
    leave(&halves, constants, state);
}

/// Adds the first constants, splits even lanes from odd ones and multiplies by `M_E`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn enter(constants: &Constants, state: &[PackedBabyBearAVX512; WIDTH]) -> [State; 2] {
    let mut even = [_mm512_setzero_si512(); WIDTH];
    let mut odd = even;
    for i in 0..WIDTH {
        // Below 2 q, so that it fits.
        let x = _mm512_add_epi32(vector(state[i]), splat32(constants.first[i]));
        even[i] = _mm512_and_si512(x, splat(u32::MAX.into()));
        odd[i] = _mm512_srli_epi64::<32>(x);
    }
    let mut halves = [even, odd];
    for half in &mut halves {
        (0..EXTERNAL_PIECES).for_each(|piece| external_linear(half, piece));
        for x in half {
            *x = _mm512_add_epi64(*x, splat(OFFSET));
        }
    }
    halves
}

/// Four external rounds. While one half's S-boxes keep the multipliers busy, the other half's `M_E`
/// goes where it is not in their way: between their stages.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn external_rounds([even, odd]: &mut [State; 2], constants: &[[u64; WIDTH]; HALF_EXTERNAL_ROUNDS]) {
    const MIDDLE: usize = EXTERNAL_PIECES / 2;
    for (round, constants) in constants.iter().enumerate() {
        let (first, second) = constants.split_at(STEP);
        if round == 0 {
            external_s_boxes::<0, 0>(&mut even[..STEP], first, odd);
            external_s_boxes::<0, 0>(&mut even[STEP..], second, odd);
        } else {
            external_s_boxes::<0, MIDDLE>(&mut even[..STEP], first, odd);
            external_s_boxes::<MIDDLE, EXTERNAL_PIECES>(&mut even[STEP..], second, odd);
        }
        external_s_boxes::<0, MIDDLE>(&mut odd[..STEP], first, even);
        external_s_boxes::<MIDDLE, EXTERNAL_PIECES>(&mut odd[STEP..], second, even);
    }
    (0..EXTERNAL_PIECES).for_each(|piece| external_linear(odd, piece));
}

/// The S-boxes of a part of one half, and pieces of the linear layer of the other.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn external_s_boxes<const FIRST: usize, const END: usize>(
    part: &mut [__m512i],
    constants: &[u64],
    other: &mut State,
) {
    let x: [__m512i; STEP] = array::from_fn(|i| part[i]);
    let addends = array::from_fn(|i| splat(constants[i]));
    let powers = s_boxes(x, addends, |stage| {
        if FIRST + stage < END {
            external_linear(other, FIRST + stage);
        }
    });
    part.copy_from_slice(&powers);
}

/// Pieces of `M_E` over the integers, to be computed in order; its rows add up to 35.
const EXTERNAL_PIECES: usize = 8;

/// A piece of `M_E`: the 4 × 4 matrix of a group of four, then the sums of a position in all groups.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn external_linear(state: &mut State, piece: usize) {
    if piece < 4 {
        let [a, b, c, d] = array::from_fn(|i| state[4 * piece + i]);
        let (ab, cd) = (_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
        let all = _mm512_add_epi64(ab, cd);
        let (all_b, all_d) = (_mm512_add_epi64(all, b), _mm512_add_epi64(all, d));
        state[4 * piece] = _mm512_add_epi64(all_b, ab);
        state[4 * piece + 1] = _mm512_add_epi64(all_b, _mm512_slli_epi64::<1>(c));
        state[4 * piece + 2] = _mm512_add_epi64(all_d, cd);
        state[4 * piece + 3] = _mm512_add_epi64(all_d, _mm512_slli_epi64::<1>(a));
    } else {
        let k = piece - 4;
        let sum = _mm512_add_epi64(
            _mm512_add_epi64(state[k], state[k + 4]),
            _mm512_add_epi64(state[k + 8], state[k + 12]),
        );
        for i in (k..WIDTH).step_by(4) {
            state[i] = _mm512_add_epi64(state[i], sum);
        }
    }
}

/// `M_I` and the S-boxes of the first elements.
///
/// The next S-box needs only the sum of the others, which is ready before this one: so it runs while
/// the others are multiplied. Element 1, whose factor is one, is never reduced and carries the
/// [`OFFSET`] of all sums. Elements whose factors are small integers grow instead of being multiplied:
/// at most by `4^7` from one reduction to the next, to `2^47` with what is added, or `2^46` by `2^13`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn internal_rounds(halves: &mut [State; 2], constants: &Constants) {
    let mut first = halves.map(|half| half[0]);
    let mut tails = [_mm512_setzero_si512(); 2];
    for (tail, half) in tails.iter_mut().zip(&*halves) {
        for &x in &half[1..] {
            *tail = _mm512_add_epi64(*tail, x);
        }
    }
    let mut sums = tails;
    let zero = [_mm512_setzero_si512(); 2];
    let (&constant, rest) = constants.internal.split_first().unwrap();
    let powers = s_boxes(first, zero, |_| ());
    mix(&mut first, &mut sums, &tails, powers, constant);
    for (round, &constant) in rest.iter().enumerate() {
        if round == UNREDUCED_ROUNDS {
            halves.iter_mut().for_each(|half| reduce_integers(half));
        }
        let powers = s_boxes(first, zero, |stage| {
            internal_linear(halves, &mut sums, &mut tails, constants, stage);
        });
        mix(&mut first, &mut sums, &tails, powers, constant);
    }
    (0..STAGES).for_each(|stage| internal_linear(halves, &mut sums, &mut tails, constants, stage));
    for (half, first) in halves.iter_mut().zip(first) {
        half[0] = first;
    }
}

/// The first elements and the sums, from what comes out of the S-boxes and the sums of the others.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn mix(
    first: &mut [__m512i; 2],
    sums: &mut [__m512i; 2],
    tails: &[__m512i; 2],
    powers: [__m512i; 2],
    constant: u64,
) {
    for i in 0..2 {
        let tail = _mm512_add_epi64(tails[i], splat(constant));
        first[i] = _mm512_sub_epi64(tail, powers[i]);
        sums[i] = _mm512_add_epi64(tails[i], powers[i]);
    }
}

/// A piece of `M_I`, for all elements but the first; it reduces their sums, and adds them up anew.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn internal_linear(
    halves: &mut [State; 2],
    sums: &mut [__m512i; 2],
    tails: &mut [__m512i; 2],
    constants: &Constants,
    stage: usize,
) {
    for ((half, sum), tail) in halves.iter_mut().zip(sums).zip(tails) {
        if stage == 0 {
            *sum = reduce(*sum);
            half[1] = _mm512_add_epi64(half[1], *sum);
            *tail = half[1];
        }
        for i in [2 * stage + 2, 2 * stage + 3] {
            half[i] = times_diagonal(half[i], i, constants, *sum);
            *tail = _mm512_add_epi64(*tail, half[i]);
        }
    }
}

/// Rounds after which [`INTEGERS`] are reduced.
const UNREDUCED_ROUNDS: usize = 7;
/// Elements of a state whose factors of `M_I - 1` are 3, 4, -3 and -4; element 2 has 2.
const INTEGERS: [usize; 4] = [4, 5, 7, 8];

/// Element `i` times its factor of `M_I - 1`, plus `addend`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn times_diagonal(x: __m512i, i: usize, constants: &Constants, addend: __m512i) -> __m512i {
    let double = _mm512_add_epi64(x, x);
    match i {
        2 => _mm512_add_epi64(double, addend),
        4 => _mm512_add_epi64(double, _mm512_add_epi64(x, addend)),
        5 => _mm512_add_epi64(_mm512_slli_epi64::<2>(x), addend),
        7 => _mm512_sub_epi64(_mm512_sub_epi64(addend, x), double),
        8 => _mm512_sub_epi64(addend, _mm512_slli_epi64::<2>(x)),
        _ => multiply(x, splat(constants.diagonal[i]), addend),
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn reduce_integers(state: &mut State) {
    for i in INTEGERS {
        state[i] = reduce(_mm512_add_epi64(state[i], splat(OFFSET)));
    }
}

/// Multiplies by a constant so small that what comes from `M_E` is not reduced before.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn enter_internal(state: &mut State, constants: &Constants) {
    for (x, &constant) in state.iter_mut().zip(&constants.enter_internal) {
        *x = multiply(*x, splat(constants.to_internal), splat(constant));
    }
}

/// Multiplies by a constant after internal rounds; what was not multiplied in them is reduced before.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn leave_internal(state: &mut State, constants: &Constants) {
    state[2] = _mm512_add_epi64(state[2], splat(OFFSET));
    for x in &mut state[..3] {
        *x = reduce(*x);
    }
    reduce_integers(state);
    for (x, &constant) in state.iter_mut().zip(&constants.enter_terminal) {
        *x = multiply(*x, splat(constants.to_terminal), splat(constant));
    }
}

/// Multiplies both halves into canonical form, as in [`enter_internal`], and interleaves them.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn leave(
    [even, odd]: &[State; 2],
    constants: &Constants,
    state: &mut [PackedBabyBearAVX512; WIDTH],
) {
    for (x, (&even, &odd)) in state.iter_mut().zip(even.iter().zip(odd)) {
        let [even, odd] = [even, odd].map(|x| {
            let product = multiply(x, splat(constants.leave), _mm512_setzero_si512());
            _mm512_castsi512_ps(product)
        });
        let words = _mm512_castps_si512(_mm512_mask_moveldup_ps(even, 0xaaaa, odd));
        // Products are canonical.
        *x = packed(words);
    }
}

/// Stages of [`s_boxes`].
const STAGES: usize = 7;

/// `x^7 2^-384 + addend` of what [`reduce`] takes, for some that do not depend on each other.
///
/// An S-box is a chain of products, and a processor that meets one chain after the other sees too few
/// of them at once; so they are computed stage by stage. After each, `meanwhile` may do something else
/// that needs few products.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn s_boxes<const K: usize>(
    x: [__m512i; K],
    addends: [__m512i; K],
    mut meanwhile: impl FnMut(usize),
) -> [__m512i; K] {
    let x = x.map(|x| reduce(x));
    meanwhile(0);
    let by_x = x.map(|x| _mm512_mullo_epi64(x, splat(INVERSE)));
    meanwhile(1);
    let x2: [__m512i; K] = array::from_fn(|i| multiply(x[i], by_x[i], splat(Q)));
    meanwhile(2);
    let x3: [__m512i; K] = array::from_fn(|i| multiply(x2[i], by_x[i], splat(Q)));
    meanwhile(3);
    let by_x3 = x3.map(|x| _mm512_mullo_epi64(x, splat(INVERSE)));
    meanwhile(4);
    let x6: [__m512i; K] = array::from_fn(|i| multiply(x3[i], by_x3[i], splat(Q)));
    meanwhile(5);
    let x7 = array::from_fn(|i| multiply(x6[i], by_x[i], addends[i]));
    meanwhile(6);
    x7
}

/// `-a b 2^-64 mod q`, in `[0, q)`, plus `addend`: `by` is `b q^-1 mod 2^64`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn multiply(a: __m512i, by: __m512i, addend: __m512i) -> __m512i {
    let quotient = _mm512_srli_epi64::<12>(_mm512_mullo_epi64(a, by));
    _mm512_madd52hi_epu64(addend, quotient, splat(Q))
}

/// `x + 2^52`, less a multiple of `q`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn reduce(x: __m512i) -> __m512i {
    let quotient = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x, splat(QUOTIENT));
    _mm512_madd52lo_epu64(x, quotient, splat(MINUS_Q))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(x: u64) -> __m512i {
    _mm512_set1_epi64(x.cast_signed())
}

#[cfg(test)]
mod tests;
