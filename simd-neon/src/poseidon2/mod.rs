//! Poseidon2 of width 16 over 4 states, over signed words.
//!
//! - *Products without corrections.* A Montgomery product of any signed words is one again: no result is brought
//!   into `[0, p)` before the state leaves. An S-box is 18 instructions.
//! - *`M_E` over the integers.* Its sums are taken modulo `2^32`, and once more in 16 bits, as the approximate
//!   multiples of `p` in 512ths: these say which multiple to subtract from those. Nothing is reduced in between,
//!   and two vectors of states share one of 16 bits.
//! - *`M_I` with shifts.* A power of two divides by a shift, a product and a difference, since `p - 1` is a multiple
//!   of `2^27`; sums of terms that are [`Centered`] fit words.
//!
//! Every range is a type, of [`residue`](crate::residue) or of [`words`].

mod words;

use core::array;

use p3_baby_bear::PackedBabyBearNeon;
use p3_field::PrimeField32;
use tranche_core::F;
use tranche_core::hash::poseidon2::{
    HALF_EXTERNAL_ROUNDS, INTERNAL_ROUNDS, Permute, Poseidon2, WIDTH,
};

use crate::residue::{Centered, Lazy};
use words::{Constant, Mixed, Scalars};

/// S-boxes that are computed in step.
const STEP: usize = 4;

/// What one instance adds, in Montgomery form, and what all of them multiply by.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    initial: [[Constant; WIDTH]; HALF_EXTERNAL_ROUNDS],
    internal: [Constant; INTERNAL_ROUNDS],
    terminal: [[Constant; WIDTH]; HALF_EXTERNAL_ROUNDS],
    scalars: Scalars,
}

impl From<&Poseidon2> for Constants {
    fn from(poseidon2: &Poseidon2) -> Self {
        let constant = |x: F| Constant::new(x.to_unique_u32());
        Self {
            initial: poseidon2.initial.map(|round| round.map(constant)),
            internal: poseidon2.internal.map(constant),
            terminal: poseidon2.terminal.map(|round| round.map(constant)),
            scalars: Scalars::new(),
        }
    }
}

impl Permute<PackedBabyBearNeon> for Constants {
    #[inline]
    fn permute(&self, state: &mut [PackedBabyBearNeon; WIDTH]) {
        permute(self, state);
    }
}

fn permute(constants: &Constants, state: &mut [PackedBabyBearNeon; WIDTH]) {
    let mut x = words::external_linear(&state.map(Lazy::stored));
    external_rounds(&mut x, &constants.initial);
    let mut centered = x.map(Mixed::center);
    for &constant in &constants.internal {
        internal_round(&mut centered, constant, &constants.scalars);
    }
    x = centered.map(Mixed::from);
    external_rounds(&mut x, &constants.terminal);
    *state = x.map(|x| x.reduce().to_elements());
}

#[inline(always)]
fn external_rounds(x: &mut [Mixed; WIDTH], constants: &[[Constant; WIDTH]; HALF_EXTERNAL_ROUNDS]) {
    for constants in constants {
        let mut y: [Lazy; WIDTH] = array::from_fn(|i| x[i].plus(constants[i]));
        for y in y.as_chunks_mut::<STEP>().0 {
            *y = words::powers_of_seven(*y);
        }
        *x = words::external_linear(&y);
    }
}

/// Adds the constant to element 0, applies the S-box there and multiplies by `M_I`, the ones and
/// `[-2, 1, 2, 1/2, 3, 4, -1/2, -3, -4, 2^-8, 1/4, 1/8, 2^-27, -2^-8, -1/16, -2^-27]` on the diagonal.
#[inline(always)]
fn internal_round(x: &mut [Centered; WIDTH], constant: Constant, scalars: &Scalars) {
    let [first, rest @ ..] = x;
    let [power] = words::powers_of_seven([Mixed::from(*first).plus(constant)]);
    let power = power.center();
    let tail = words::sum(rest, scalars);
    let sum = tail.plus(power).center();
    *first = tail.minus(power).center();
    x[1] = x[1].plus(sum).center();
    x[2] = x[2].doubled().center().plus(sum).center();
    x[3] = x[3].over_power_of_two::<1>(scalars).plus(sum);
    x[4] = x[4].times_three(scalars).plus(sum);
    x[5] = x[5].times_four().plus(sum);
    x[6] = x[6].over_minus_power_of_two::<1>(scalars).plus(sum);
    x[7] = x[7].times_minus_three(scalars).plus(sum);
    x[8] = x[8].times_minus_four(scalars).plus(sum);
    x[9] = x[9].over_high_power_of_two::<8>(scalars).plus(sum).center();
    x[10] = x[10].over_power_of_two::<2>(scalars).plus(sum);
    x[11] = x[11].over_power_of_two::<3>(scalars).plus(sum);
    x[12] = x[12]
        .over_high_power_of_two::<27>(scalars)
        .plus(sum)
        .center();
    x[13] = x[13]
        .over_minus_high_power_of_two::<8>(scalars)
        .plus(sum)
        .center();
    x[14] = x[14]
        .over_minus_high_power_of_two::<4>(scalars)
        .plus(sum)
        .center();
    x[15] = x[15]
        .over_minus_high_power_of_two::<27>(scalars)
        .plus(sum)
        .center();
}

#[cfg(test)]
mod tests;
