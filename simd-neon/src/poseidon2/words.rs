//! Operations of the permutation on words, by the ranges that they take and leave.

use core::array;

use tranche_core::hash::poseidon2::WIDTH;

use crate::intrinsics::{HalfWords, Words};
use crate::residue::{Centered, INVERSE, Lazy, MODULUS, Reduced};

/// Words of at most `9/16 p`: what `M_E` leaves, and a little more than [`Centered`] words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mixed(Words);

/// Words of at most `p`: multiples of residues.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multiple(pub(super) Words);

/// A round constant of at most `p / 2` in every lane.
#[derive(Clone, Copy, Debug)]
pub struct Constant(Words);

impl Constant {
    /// Of a word below the modulus.
    pub(super) fn new(word: u32) -> Self {
        let word = word.cast_signed();
        Self(Words::splat(if word > MODULUS / 2 {
            word - MODULUS
        } else {
            word
        }))
    }
}

impl From<Centered> for Mixed {
    #[inline(always)]
    fn from(Centered(x): Centered) -> Self {
        Self(x)
    }
}

impl Mixed {
    /// `17/16 p` at most, which is below `2^31`.
    #[inline(always)]
    pub fn plus(self, Constant(constant): Constant) -> Lazy {
        Lazy(self.0.add(constant))
    }

    #[inline(always)]
    pub fn center(self) -> Centered {
        Lazy(self.0).center()
    }

    /// As they are stored.
    #[inline(always)]
    pub fn reduce(self) -> Reduced {
        Reduced::of_signed(self.0)
    }
}

/// What multiplies residues: words, and their products with `p^-1`.
#[derive(Clone, Copy, Debug)]
struct Operand {
    word: Words,
    multiple: Words,
}

impl Operand {
    #[inline(always)]
    fn new(Lazy(word): Lazy) -> Self {
        Self {
            word,
            multiple: word.mul_low(Words::splat(INVERSE)),
        }
    }
}

/// Products `a b 2^-32`, in step: each less the multiple of `p` with the same low word, of which both high words
/// are doubled. Below `2^30 + p / 2` whatever the words, unless all are `-2^31`.
#[inline(always)]
fn products<const N: usize>(a: &[Operand; N], b: &[Lazy; N]) -> [Lazy; N] {
    let multiples: [Words; N] = array::from_fn(|i| b[i].0.mul_low(a[i].multiple));
    let high: [Words; N] = array::from_fn(|i| b[i].0.mul_high(a[i].word));
    let multiples = multiples.map(|x| x.mul_high(Words::splat(MODULUS)));
    array::from_fn(|i| Lazy(high[i].sub_halving(multiples[i])))
}

/// The S-box `x^7` of elements in Montgomery form, as `((x^2)^2 x^2) x`, in step: of any words but `-2^31`.
#[inline(always)]
pub(super) fn powers_of_seven<const N: usize>(x: [Lazy; N]) -> [Lazy; N] {
    let by_x = x.map(Operand::new);
    let squares = products(&by_x, &x);
    let by_squares = squares.map(Operand::new);
    let fourths = products(&by_squares, &squares);
    products(&by_x, &products(&by_squares, &fourths))
}

/// `M_E` of any words: the rows of its coefficients add up to 35.
///
/// Half words hold multiples of `p` in 512ths, each of which is off by two thirds at most: `y / 2^16` rounded down,
/// times `2^25 / p` rounded. 35 of `16/15` are below `2^15`; the multiple that is subtracted is the nearest but for
/// 35 times two thirds of a 512th, less than a sixteenth.
#[inline(always)]
pub(super) fn external_linear(y: &[Lazy; WIDTH]) -> [Mixed; WIDTH] {
    /// `2^40 / p`, rounded.
    const SCALE: i16 = 546;
    let mut sums = y.map(|Lazy(y)| y);
    mix(&mut sums, Words::add);
    let columns: [Words; 4] = array::from_fn(|k| {
        let [a, b, c, d] = [sums[k], sums[k + 4], sums[k + 8], sums[k + 12]];
        a.add(b).add(c.add(d))
    });

    // The first two groups of four in vectors 0 to 3, the last two in the others.
    let mut parts: [HalfWords; WIDTH / 2] = array::from_fn(|i| {
        let first = i / 4 * 8 + i % 4;
        HalfWords::upper(y[first].0, y[first + 4].0).mul_high_rounding(SCALE)
    });
    mix(&mut parts, HalfWords::add);
    for k in 0..4 {
        let both = parts[k].add(parts[k + 4]);
        let column = both.add(both.swap());
        for part in [k, k + 4] {
            parts[part] = parts[part].add(column);
        }
    }
    let multiples = parts.map(|part| part.shift_right_rounding::<9>().widen());

    array::from_fn(|i| {
        let [first, second] = multiples[i / 8 * 4 + i % 4];
        let multiple = if i / 4 % 2 == 0 { first } else { second };
        let sum = sums[i].add(columns[i % 4]);
        Mixed(sum.sub_mul(multiple, Words::splat(MODULUS)))
    })
}

/// `circ(2, 3, 1, 1)` of each group of four.
#[inline(always)]
fn mix<T: Copy>(x: &mut [T], add: impl Fn(T, T) -> T) {
    for x in x.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *x;
        let (ab, cd) = (add(a, b), add(c, d));
        let all = add(ab, cd);
        let (all_and_b, all_and_d) = (add(all, b), add(all, d));
        *x = [
            add(all_and_b, ab),
            add(all_and_b, add(c, c)),
            add(all_and_d, cd),
            add(all_and_d, add(a, a)),
        ];
    }
}

/// What the linear layers multiply by: in lanes, from where instructions take them, so that all of them stay in
/// three registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalars([Words; 3]);

impl Scalars {
    /// `2^35 / p`, rounded.
    const SCALE: u32 = 17;

    /// The powers of two that `M_I` divides by, as `(p - 1) / 2^k`.
    const FRACTIONS: [i32; 6] = [1, 2, 3, 4, 8, 27];

    pub fn new() -> Self {
        let fraction = |i: usize| (MODULUS >> Self::FRACTIONS[i]).cast_unsigned();
        Self([
            Words::new([3, Self::SCALE, MODULUS.cast_unsigned(), 0]),
            Words::new([fraction(0), fraction(1), fraction(2), fraction(3)]),
            Words::new([fraction(4), fraction(5), 0, 0]),
        ])
    }

    /// `x (p - 1) / 2^BITS`.
    #[inline(always)]
    fn fraction<const BITS: i32>(&self, x: Words) -> Words {
        let Self([_, low, high]) = *self;
        match BITS {
            1 => x.mul_low_lane::<0>(low),
            2 => x.mul_low_lane::<1>(low),
            3 => x.mul_low_lane::<2>(low),
            4 => x.mul_low_lane::<3>(low),
            8 => x.mul_low_lane::<0>(high),
            27 => x.mul_low_lane::<1>(high),
            _ => unreachable!("a power of the diagonal"),
        }
    }

    /// `y - x (p - 1) / 2^BITS`.
    #[inline(always)]
    fn sub_fraction<const BITS: i32>(&self, y: Words, x: Words) -> Words {
        let Self([_, low, high]) = *self;
        match BITS {
            1 => y.sub_mul_lane::<0>(x, low),
            2 => y.sub_mul_lane::<1>(x, low),
            3 => y.sub_mul_lane::<2>(x, low),
            4 => y.sub_mul_lane::<3>(x, low),
            8 => y.sub_mul_lane::<0>(x, high),
            27 => y.sub_mul_lane::<1>(x, high),
            _ => unreachable!("a power of the diagonal"),
        }
    }
}

/// The sum of all: their 16ths, times `2^4 2^31 / p`, say which multiple of `p` to subtract, within a 30th.
#[inline(always)]
pub(super) fn sum(x: &[Centered; WIDTH - 1], scalars: &Scalars) -> Centered {
    let [Centered(first), rest @ ..] = x;
    let (mut sum, mut sixteenths) = (*first, first.shift_right::<4>());
    for &Centered(x) in rest {
        sum = sum.add(x);
        sixteenths = sixteenths.add(x.shift_right::<4>());
    }
    let multiple = sixteenths.mul_high_rounding_lane::<1>(scalars.0[0]);
    Centered(sum.sub_mul(multiple, Words::splat(MODULUS)))
}

impl Centered {
    /// `2 x`.
    #[inline(always)]
    pub(super) fn doubled(self) -> Lazy {
        Lazy(self.0.add(self.0))
    }

    /// `x / 2^BITS`: with `h` the nearest integer, `h - (x - 2^BITS h) (p - 1) / 2^BITS`, which lies in
    /// `(-a, a]` for `a = (p - 1) / 2 + 2^(30 - BITS)`.
    #[inline(always)]
    pub(super) fn over_power_of_two<const BITS: i32>(self, scalars: &Scalars) -> Multiple {
        let nearest = self.0.shift_right_rounding::<BITS>();
        let multiple = nearest.mul_low_lane::<2>(scalars.0[0]);
        Multiple(scalars.sub_fraction::<BITS>(multiple, self.0))
    }

    /// `-x / 2^BITS`, in `[-a, a)`.
    #[inline(always)]
    pub(super) fn over_minus_power_of_two<const BITS: i32>(self, scalars: &Scalars) -> Multiple {
        let nearest = self.0.shift_right_rounding::<BITS>();
        let product = scalars.fraction::<BITS>(self.0);
        Multiple(product.sub_mul(nearest, Words::splat(MODULUS)))
    }

    /// [`Self::over_power_of_two`] of powers so high that `a` is below `2^30`.
    #[inline(always)]
    pub(super) fn over_high_power_of_two<const BITS: i32>(self, scalars: &Scalars) -> Self {
        const { assert!(BITS > 4) };
        Self(self.over_power_of_two::<BITS>(scalars).0)
    }

    /// [`Self::over_minus_power_of_two`] of powers so high that `a` is `2^30` at most.
    #[inline(always)]
    pub(super) fn over_minus_high_power_of_two<const BITS: i32>(self, scalars: &Scalars) -> Self {
        const { assert!(BITS >= 4) };
        Self(self.over_minus_power_of_two::<BITS>(scalars).0)
    }

    /// `3 x`, less the nearest integer to its `2^31`th of `p`: `5/8 2^31` at most.
    #[inline(always)]
    pub(super) fn times_three(self, scalars: &Scalars) -> Multiple {
        let multiple = self.0.mul_high_rounding_lane::<0>(scalars.0[0]);
        let product = self.0.mul_low_lane::<0>(scalars.0[0]);
        Multiple(product.sub_mul(multiple, Words::splat(MODULUS)))
    }

    /// `-3 x`.
    #[inline(always)]
    pub(super) fn times_minus_three(self, scalars: &Scalars) -> Multiple {
        let multiple = self.0.mul_high_rounding_lane::<0>(scalars.0[0]);
        let product = multiple.mul_low_lane::<2>(scalars.0[0]);
        Multiple(product.sub_mul_lane::<0>(self.0, scalars.0[0]))
    }

    /// `4 x`, as [`Self::times_three`].
    #[inline(always)]
    pub(super) fn times_four(self) -> Multiple {
        let multiple = self.0.shift_right_rounding::<29>();
        let product = self.0.shift_left::<2>();
        Multiple(product.sub_mul(multiple, Words::splat(MODULUS)))
    }

    /// `-4 x`.
    #[inline(always)]
    pub(super) fn times_minus_four(self, scalars: &Scalars) -> Multiple {
        let multiple = self.0.shift_right_rounding::<29>();
        let product = multiple.mul_low_lane::<2>(scalars.0[0]);
        Multiple(product.sub(self.0.shift_left::<2>()))
    }
}

impl Multiple {
    /// The sum, below `3/2 p`, whose half says which multiple of `p` to subtract.
    #[inline(always)]
    pub fn plus(self, Centered(other): Centered) -> Centered {
        let multiple = self.0.add_halving(other).shift_right_rounding::<30>();
        let sum = self.0.add(other);
        Centered(sum.sub_mul(multiple, Words::splat(MODULUS)))
    }
}
