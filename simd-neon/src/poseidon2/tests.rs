//! States at the ends of ranges and others, against the core's permutation; operations against integers.

extern crate std;

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::*;
use crate::intrinsics::{LANES, Words};
use crate::residue::MODULUS;
use words::Multiple;

const MODULUS_64: i64 = MODULUS as i64;

type P = PackedBabyBearNeon;

#[test]
fn permutations_are_those_of_the_core() {
    let poseidon2 = Poseidon2::BABY_BEAR;
    let constants = Constants::from(&poseidon2);
    // Words that are the largest, the smallest, and others.
    let largest = F::NEG_ONE.div_2exp_u64(32);
    let elements = [F::ZERO, F::ONE, F::NEG_ONE, largest, largest.halve()]
        .into_iter()
        .chain(F::GENERATOR.powers().skip(9).take(1000));
    let mut state: [P; WIDTH] = array::from_fn(|_| P::ZERO);
    for (i, element) in elements.enumerate() {
        // One element in all lanes, in ever other places, and in one lane of the next.
        state[i % WIDTH] = P::from(element);
        state[(i + 1) % WIDTH].as_slice_mut()[i % LANES] = element;
        for mut state in [state, [P::from(element); WIDTH]] {
            let mut expected = state;
            poseidon2.permute(&mut expected);
            permute(&constants, &mut state);
            assert_eq!(state, expected);
            let words = state.iter().flat_map(|x| x.as_slice());
            assert!(words.into_iter().all(|x| x.to_unique_u32() < F::ORDER_U32));
        }
        permute(&constants, &mut state);
    }
}

/// Words at the ends of [`Centered`], and where what they are divided by changes.
const CENTERED: [i32; 16] = [
    -(1 << 30),
    -(1 << 30) + 1,
    -(1 << 30) + 7,
    -(1 << 30) + 128,
    (1 << 30) - 1,
    (1 << 30) - 8,
    (1 << 30) - 9,
    (1 << 30) - 128,
    0,
    1,
    -1,
    1 << 29,
    (1 << 29) - 1,
    -(1 << 29),
    -(1 << 29) - 1,
    1 << 26,
];

/// Any words but the least, which no operation leaves.
const ANY: [i32; 8] = [
    i32::MIN + 1,
    i32::MAX,
    MODULUS,
    -MODULUS,
    0,
    1,
    -1,
    0x1234_5678,
];

fn vectors(words: &[i32]) -> impl Iterator<Item = Words> {
    let chunks = words.as_chunks::<LANES>().0.iter();
    chunks.map(|words| Words::new(words.map(i32::cast_unsigned)))
}

fn signed(x: Words) -> [i64; LANES] {
    x.to_array().map(|word| i64::from(word.cast_signed()))
}

/// Compares each lane with an integer modulo `p`, and with a bound.
fn agree(got: Words, bound: i64, expected: impl Fn(usize) -> i64) {
    for (lane, got) in signed(got).into_iter().enumerate() {
        assert_eq!((got - expected(lane)) % MODULUS_64, 0, "lane {lane}");
        assert!(got.abs() <= bound, "{got} in lane {lane}");
    }
}

/// `x / 2^bits` modulo `p`.
fn over(x: i64, bits: usize) -> i64 {
    (0..bits).fold(x.rem_euclid(MODULUS_64), |x, _| {
        (x + x % 2 * MODULUS_64) / 2
    })
}

#[test]
fn multiples_of_the_diagonal() {
    let scalars = &Scalars::new();
    for words in vectors(&CENTERED) {
        let x = Centered(words);
        let of = |Multiple(got): Multiple, expected: fn(i64) -> i64| {
            agree(got, MODULUS_64, |lane| expected(signed(words)[lane]));
            // The sum with the least and the greatest words is centered again.
            for other in vectors(&CENTERED) {
                let Centered(sum) = Multiple(got).plus(Centered(other));
                agree(sum, 1 << 30, |lane| signed(got)[lane] + signed(other)[lane]);
            }
        };
        of(x.over_power_of_two::<1>(scalars), |x| over(x, 1));
        of(x.over_minus_power_of_two::<1>(scalars), |x| -over(x, 1));
        of(x.over_power_of_two::<2>(scalars), |x| over(x, 2));
        of(x.over_power_of_two::<3>(scalars), |x| over(x, 3));
        of(x.times_three(scalars), |x| 3 * x);
        of(x.times_minus_three(scalars), |x| -3 * x);
        of(x.times_four(), |x| 4 * x);
        of(x.times_minus_four(scalars), |x| -4 * x);
        let of = |Centered(got): Centered, bits: usize, sign: i64| {
            assert!(
                signed(got)
                    .iter()
                    .all(|x| (-(1 << 30)..1 << 30).contains(x))
            );
            agree(got, 1 << 30, |lane| sign * over(signed(words)[lane], bits));
        };
        of(x.over_high_power_of_two::<8>(scalars), 8, 1);
        of(x.over_minus_high_power_of_two::<8>(scalars), 8, -1);
        of(x.over_minus_high_power_of_two::<4>(scalars), 4, -1);
        of(x.over_high_power_of_two::<27>(scalars), 27, 1);
        of(x.over_minus_high_power_of_two::<27>(scalars), 27, -1);
    }
}

#[test]
fn sums_of_centered_words() {
    let scalars = &Scalars::new();
    let centered: std::vec::Vec<_> = vectors(&CENTERED).map(Centered).collect();
    for first in 0..centered.len() {
        // All alike, and all of them in turn.
        for step in [0, 1] {
            let x: [_; WIDTH - 1] =
                array::from_fn(|i| centered[(first + step * i) % centered.len()]);
            let Centered(sum) = words::sum(&x, scalars);
            agree(sum, 1 << 30, |lane| {
                x.iter().map(|&Centered(x)| signed(x)[lane]).sum()
            });
        }
    }
}

#[test]
fn powers_of_any_words() {
    // x^7 2^-192, in Montgomery form of x.
    for words in vectors(&ANY) {
        let [Lazy(got)] = words::powers_of_seven([Lazy(words)]);
        agree(got, i64::from(i32::MAX), |lane| {
            let x = signed(words)[lane];
            let product = |a: i64, b: i64| over(a * b % MODULUS_64, 32);
            let square = product(x, x);
            product(product(product(square, square), square), x)
        });
    }
}

#[test]
fn external_layers_of_any_words() {
    let any: std::vec::Vec<_> = vectors(&ANY).map(Lazy).collect();
    let patterns = [
        [0; WIDTH],
        [1; WIDTH],
        array::from_fn(|i| i % 2),
        array::from_fn(|i| i / 4 % 2),
    ];
    for pattern in patterns {
        let y = pattern.map(|i| any[i]);
        let mixed = words::external_linear(&y);
        for (i, mixed) in mixed.into_iter().enumerate() {
            let Lazy(got) = mixed.plus(Constant::new(0));
            agree(got, 9 * MODULUS_64 / 16, |lane| {
                let y = |group: usize, k: usize| signed(y[4 * group + k % 4].0)[lane];
                let row = |group: usize| {
                    let (k, of) = (i % 4, |k| y(group, k));
                    2 * of(k) + 3 * of(k + 1) + of(k + 2) + of(k + 3)
                };
                row(i / 4) + (0..4).map(row).sum::<i64>()
            });
        }
    }
}
