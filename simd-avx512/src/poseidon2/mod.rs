//! Poseidon2 of width 16 over 16 states, by 52-bit multiply-adds.
//!
//! A vector of eight 64-bit lanes holds one element of eight states; the states at even and at odd
//! lanes of the packing are permuted side by side. Two ideas carry it:
//!
//! - *Products without corrections.* Both kinds of [`product`] leave an integer that needs none, by high
//!   halves of 52 bits: `Plantard` where `vpmullq` is one multiplication, `Montgomery` where it is
//!   three. Their addend is free: it adds round constants, and whatever keeps operands in range.
//! - *Linear layers over the integers.* Nothing is reduced before it is an operand again, and by Montgomery
//!   products not even then. A reduction estimates the quotient in one `vpmadd52huq` and subtracts it in one
//!   `vpmadd52luq` of `2^52 - q`: what is reduced carries `-2^52`, which the constants before it brought along.
//!
//! Every product brings a factor of its own, so elements are kept as multiples `k x` of what they
//! stand for ([`constants`] says which); at `k = -1 / u`, with the factor `u`, the S-box keeps it, as the
//! internal rounds need.
//!
//! Ranges, which the constants ensure: what is reduced lies in `[2^46, 2^50)` and becomes
//! `[2^22, q + 2^26)`, since the estimate of the quotient is short by `2^-24` of the dividend. What is
//! multiplied is [`Product::OPERANDS`]. By Plantard these lie in `[2^22, 2^32)`, and a product, in `[0, q)`,
//! is one again with `q` or with what was reduced. By Montgomery they are below `2^50`: what external rounds
//! leave is below `2^38`, and the sums of internal rounds, below `2^49`, give powers below `2^33`.
//! Each range is a type of [`integers`].

mod constants;
mod integers;
mod modulus;
mod product;

use core::array;

use p3_baby_bear::PackedBabyBearAVX512;
use tranche_core::hash::poseidon2::{HALF_EXTERNAL_ROUNDS, Permute, WIDTH};

use crate::intrinsics::Words;

use constants::{Constants, FRACTIONS, INTEGERS};
use integers::{Factor, Operand, Reduced, Sum};
use modulus::OFFSET;
use product::Product;

/// How this processor multiplies best: `vpmullq` is one multiplication on those of AMD, which alone have
/// SSE4a, and three on those of Intel.
#[cfg(not(target_feature = "sse4a"))]
type Multiplication = product::Montgomery;
#[cfg(target_feature = "sse4a")]
type Multiplication = product::Plantard;

/// The permutation as this processor computes it.
pub type Permutation = Constants<Multiplication>;

/// S-boxes that are computed in step.
const STEP: usize = 8;

type State = [Sum; WIDTH];

impl<P: Product> Permute<PackedBabyBearAVX512> for Constants<P> {
    #[inline]
    fn permute(&self, state: &mut [PackedBabyBearAVX512; WIDTH]) {
        permute(self, state);
    }
}

fn permute<P: Product>(constants: &Constants<P>, state: &mut [PackedBabyBearAVX512; WIDTH]) {
    let mut halves = enter(constants, state);
    external_rounds::<P>(&mut halves, &constants.initial);
    let mut internal = halves.map(|half| Internal::new(&half, constants));
    internal_rounds(&mut internal, constants);
    halves = internal.map(|half| half.leave(constants));
    external_rounds::<P>(&mut halves, &constants.terminal);
    leave(&halves, constants, state);
}

/// Adds the first constants, splits even lanes from odd ones and multiplies by `M_E`.
#[inline(always)]
fn enter<P: Product>(
    constants: &Constants<P>,
    state: &[PackedBabyBearAVX512; WIDTH],
) -> [State; 2] {
    let mut halves = [[Sum::splat(0); WIDTH]; 2];
    for i in 0..WIDTH {
        // Below 2 q, so that it fits.
        let x = Words::stored(state[i]).add(Words::splat(constants.first[i]));
        [halves[0][i], halves[1][i]] = Sum::even_odd(x);
    }
    for half in &mut halves {
        (0..EXTERNAL_PIECES).for_each(|piece| external_linear(half, piece));
        for x in half {
            *x = x.plus(Sum::splat(P::CARRIED));
        }
    }
    halves
}

/// Four external rounds. While one half's S-boxes keep the multipliers busy, the other half's `M_E`
/// goes where it is not in their way: between their stages.
#[inline]
fn external_rounds<P: Product>(
    [even, odd]: &mut [State; 2],
    constants: &[[u64; WIDTH]; HALF_EXTERNAL_ROUNDS],
) {
    const MIDDLE: usize = EXTERNAL_PIECES / 2;
    for (round, constants) in constants.iter().enumerate() {
        let (first, second) = constants.split_at(STEP);
        if round == 0 {
            external_s_boxes::<P, 0, 0>(&mut even[..STEP], first, odd);
            external_s_boxes::<P, 0, 0>(&mut even[STEP..], second, odd);
        } else {
            external_s_boxes::<P, 0, MIDDLE>(&mut even[..STEP], first, odd);
            external_s_boxes::<P, MIDDLE, EXTERNAL_PIECES>(&mut even[STEP..], second, odd);
        }
        external_s_boxes::<P, 0, MIDDLE>(&mut odd[..STEP], first, even);
        external_s_boxes::<P, MIDDLE, EXTERNAL_PIECES>(&mut odd[STEP..], second, even);
    }
    (0..EXTERNAL_PIECES).for_each(|piece| external_linear(odd, piece));
}

/// The S-boxes of a part of one half, and pieces of the linear layer of the other.
#[inline]
fn external_s_boxes<P: Product, const FIRST: usize, const END: usize>(
    part: &mut [Sum],
    constants: &[u64],
    other: &mut State,
) {
    let x: [Sum; STEP] = array::from_fn(|i| part[i]);
    let addends = array::from_fn(|i| Sum::splat(constants[i]));
    let powers = s_boxes::<P, _>(x, addends, |stage| {
        if FIRST + stage < END {
            external_linear(other, FIRST + stage);
        }
    });
    part.copy_from_slice(&powers);
}

/// Pieces of `M_E` over the integers, to be computed in order; its rows add up to 35.
const EXTERNAL_PIECES: usize = 8;

/// A piece of `M_E`: the 4 × 4 matrix of a group of four, then the sums of a position in all groups.
#[inline(always)]
fn external_linear(state: &mut State, piece: usize) {
    if piece < 4 {
        let [a, b, c, d] = array::from_fn(|i| state[4 * piece + i]);
        let (ab, cd) = (a.plus(b), c.plus(d));
        let all = ab.plus(cd);
        let (all_b, all_d) = (all.plus(b), all.plus(d));
        state[4 * piece] = all_b.plus(ab);
        state[4 * piece + 1] = all_b.plus(c.doubled());
        state[4 * piece + 2] = all_d.plus(cd);
        state[4 * piece + 3] = all_d.plus(a.doubled());
    } else {
        let k = piece - 4;
        let sum = state[k]
            .plus(state[k + 4])
            .plus(state[k + 8].plus(state[k + 12]));
        for i in (k..WIDTH).step_by(4) {
            state[i] = state[i].plus(sum);
        }
    }
}

/// A state between the external rounds, its elements by what `M_I - 1` multiplies them by.
#[derive(Clone, Copy, Debug)]
struct Internal {
    /// Element 0, which the S-box takes.
    first: Sum,
    /// Element 1, whose factor is one.
    one: Sum,
    /// [`INTEGERS`], which grow.
    integers: [Sum; 5],
    /// The others, whose factors are fractions.
    fractions: [Operand; 9],
}

/// The place of each element among [`INTEGERS`] or [`FRACTIONS`].
const PLACE: [usize; WIDTH] = {
    let mut place = [0; WIDTH];
    let mut i = 0;
    while i < FRACTIONS.len() {
        if i < INTEGERS.len() {
            place[INTEGERS[i]] = i;
        }
        place[FRACTIONS[i]] = i;
        i += 1;
    }
    place
};
/// Rounds after which integers are reduced, but for the first, which only doubles.
const UNREDUCED_ROUNDS: usize = 7;

impl Internal {
    /// What the external rounds left, multiplied by a constant.
    #[inline(always)]
    fn new<P: Product>(state: &State, constants: &Constants<P>) -> Self {
        let by = Factor::<P>::splat(constants.to_internal);
        let addend = |i: usize| Sum::splat(constants.enter_internal[i]);
        let operand = |i: usize| state[i].times(by, addend(i));
        Self {
            first: state[0].times_plus(by, addend(0)),
            one: state[1].times_plus(by, addend(1)),
            integers: INTEGERS.map(|i| operand(i).sum()),
            fractions: FRACTIONS.map(operand),
        }
    }

    /// The sum of all elements but the first.
    #[inline(always)]
    fn tail(&self) -> Sum {
        (2..WIDTH).fold(self.one, |sum, i| {
            sum.plus(match i {
                2 | 4 | 5 | 7 | 8 => self.integers[PLACE[i]],
                _ => self.fractions[PLACE[i]].sum(),
            })
        })
    }

    /// Multiplies element `i`, at least 2, by its factor and adds the sum of all.
    #[inline(always)]
    fn multiply<P: Product>(
        &mut self,
        i: usize,
        diagonal: &[P::Constant; WIDTH],
        sum: Reduced,
    ) -> Sum {
        if matches!(i, 2 | 4 | 5 | 7 | 8) {
            let (x, sum) = (self.integers[PLACE[i]], sum.sum());
            let product = match i {
                2 => x.doubled().plus(sum),
                4 => x.doubled().plus(x.plus(sum)),
                5 => x.quadrupled().plus(sum),
                7 => sum.minus(x).minus(x.doubled()),
                _ => sum.minus(x.quadrupled()),
            };
            self.integers[PLACE[i]] = product;
            product
        } else {
            let x = &mut self.fractions[PLACE[i]];
            *x = x.times_plus_reduced(Factor::<P>::splat(diagonal[i]), sum);
            x.sum()
        }
    }

    #[inline(always)]
    fn reduce_integers(&mut self) {
        for x in &mut self.integers[1..] {
            *x = x.plus(Sum::splat(OFFSET)).reduce().sum();
        }
    }

    /// Multiplies by a constant after the internal rounds.
    #[inline(always)]
    fn leave<P: Product>(self, constants: &Constants<P>) -> State {
        let mut operands = [self.first.operand::<P>(); WIDTH];
        operands[1] = self.one.operand::<P>();
        for (i, x) in INTEGERS.into_iter().zip(self.integers) {
            operands[i] = x.plus(Sum::splat(OFFSET)).operand::<P>();
        }
        for (i, x) in FRACTIONS.into_iter().zip(self.fractions) {
            operands[i] = x;
        }
        let by = Factor::<P>::splat(constants.to_terminal);
        array::from_fn(|i| operands[i].times_plus(by, Sum::splat(constants.enter_terminal[i])))
    }
}

/// `M_I` and the S-boxes of the first elements.
///
/// The next S-box needs only the sum of the others, which is ready before this one: so it runs while
/// the others are multiplied. Element 1, whose factor is one, is never reduced and carries the
/// [`OFFSET`] of all sums. Elements whose factors are small integers grow instead of being multiplied:
/// at most by `4^7` from one reduction to the next, to `2^47` with what is added, or `2^46` by `2^13`.
#[inline(always)]
fn internal_rounds<P: Product>(halves: &mut [Internal; 2], constants: &Constants<P>) {
    let mut tails = halves.each_ref().map(|half| half.tail());
    let mut sums = tails;
    let zero = [Sum::splat(0); 2];
    let (&constant, rest) = constants.internal.split_first().unwrap();
    let powers = s_boxes::<P, _>(halves.map(|half| half.first), zero, |_| ());
    mix(halves, &mut sums, &tails, powers, constant);
    for (round, &constant) in rest.iter().enumerate() {
        if round == UNREDUCED_ROUNDS {
            halves.iter_mut().for_each(Internal::reduce_integers);
        }
        let all = sums.map(Sum::reduce);
        let powers = s_boxes::<P, _>(halves.map(|half| half.first), zero, |stage| {
            internal_linear(halves, all, &mut tails, constants, stage);
        });
        mix(halves, &mut sums, &tails, powers, constant);
    }
    let all = sums.map(Sum::reduce);
    (0..STAGES).for_each(|stage| internal_linear(halves, all, &mut tails, constants, stage));
}

/// The first elements and the sums of all, from what comes out of the S-boxes and the sums of the others.
#[inline(always)]
fn mix(
    halves: &mut [Internal; 2],
    sums: &mut [Sum; 2],
    tails: &[Sum; 2],
    powers: [Sum; 2],
    constant: u64,
) {
    for i in 0..2 {
        halves[i].first = tails[i].plus(Sum::splat(constant)).minus(powers[i]);
        sums[i] = tails[i].plus(powers[i]);
    }
}

/// A piece of `M_I`, for all elements but the first; it adds them up anew.
#[inline(always)]
fn internal_linear<P: Product>(
    halves: &mut [Internal; 2],
    sums: [Reduced; 2],
    tails: &mut [Sum; 2],
    constants: &Constants<P>,
    stage: usize,
) {
    for ((half, sum), tail) in halves.iter_mut().zip(sums).zip(tails) {
        if stage == 0 {
            half.one = half.one.plus(sum.sum());
            *tail = half.one;
        }
        for i in [2 * stage + 2, 2 * stage + 3] {
            *tail = tail.plus(half.multiply::<P>(i, &constants.diagonal, sum));
        }
    }
}

/// Multiplies both halves into stored form and interleaves them.
#[inline(always)]
fn leave<P: Product>(
    [even, odd]: &[State; 2],
    constants: &Constants<P>,
    state: &mut [PackedBabyBearAVX512; WIDTH],
) {
    let by = Factor::<P>::splat(constants.leave);
    for (x, (&even, &odd)) in state.iter_mut().zip(even.iter().zip(odd)) {
        *x = Sum::times_last([even, odd], by);
    }
}

/// Stages of [`s_boxes`].
const STAGES: usize = 7;

/// `x^7` by four products, plus `addend`, for some `x` that do not depend on each other.
///
/// An S-box is a chain of products, and a processor that meets one chain after the other sees too few
/// of them at once; so they are computed stage by stage. After each, `meanwhile` may do something else
/// that needs few products.
#[inline(always)]
fn s_boxes<P: Product, const K: usize>(
    x: [Sum; K],
    addends: [Sum; K],
    mut meanwhile: impl FnMut(usize),
) -> [Sum; K] {
    let x = x.map(Sum::operand::<P>);
    meanwhile(0);
    let by_x = x.map(Operand::factor::<P>);
    meanwhile(1);
    let x2: [Operand; K] = array::from_fn(|i| x[i].times(by_x[i]));
    meanwhile(2);
    let x3: [Operand; K] = array::from_fn(|i| x2[i].times(by_x[i]));
    meanwhile(3);
    let by_x3 = x3.map(Operand::factor::<P>);
    meanwhile(4);
    let x6: [Operand; K] = array::from_fn(|i| x3[i].times(by_x3[i]));
    meanwhile(5);
    let x7 = array::from_fn(|i| x6[i].times_plus(by_x[i], addends[i]));
    meanwhile(6);
    x7
}

#[cfg(test)]
mod tests;
