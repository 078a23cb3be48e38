//! Both products and what everything else rests on, at the ends of their ranges, against wide integers; and
//! the permutation with either.

use core::ops::Range;

use p3_field::PackedValue;
use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_core::hash::poseidon2::{INTERNAL_ROUNDS, Poseidon2};

use super::modulus::Q;
use super::product::{Montgomery, Plantard};
use super::*;

/// Tests of this processor's product and of the other.
macro_rules! for_both {
    ($($test:ident),*) => {
        mod by_plantard {
            $(#[test] fn $test() { super::$test::<super::Plantard>(); })*
        }
        mod by_montgomery {
            $(#[test] fn $test() { super::$test::<super::Montgomery>(); })*
        }
    };
}

for_both!(
    units_are_what_they_stand_for,
    products_are_exact_from_one_end_of_their_range_to_the_other,
    products_by_constants_are_exact,
    last_products_are_residues,
    elements_that_grow_keep_their_range,
    external_rounds_keep_their_range,
    every_constant_keeps_its_range,
    states_are_permuted_as_alone
);

const WIDE_Q: u128 = Q as u128;

/// What the tests know of a product.
trait Ranged: Product {
    /// log2 of what it divides by, and whether it negates.
    const DIVISOR: (u32, bool);
    /// What the constant is below that multiplies before the internal rounds.
    const TO_INTERNAL: u64;

    /// The largest product of operands up to these.
    fn most(a: u64, b: u64) -> u64;
}

impl Ranged for Plantard {
    const DIVISOR: (u32, bool) = (64, true);
    const TO_INTERNAL: u64 = u64::MAX / (70 * Q);

    fn most(a: u64, b: u64) -> u64 {
        a.checked_mul(b).unwrap();
        Q - 1
    }
}

impl Ranged for Montgomery {
    const DIVISOR: (u32, bool) = (52, false);
    const TO_INTERNAL: u64 = Q;

    fn most(a: u64, b: u64) -> u64 {
        Q - 1 + u64::try_from((u128::from(a) * u128::from(b)) >> 52).unwrap()
    }
}

/// The ends of a range, and what lies near `q` and near its multiples in it.
fn near_ends(range: Range<u64>) -> impl Iterator<Item = u64> + Clone {
    let ends = [range.start, range.end - 1];
    let middle = (range.start + range.end) / 2;
    let multiples = [Q, 2 * Q, 35 * Q, middle / Q * Q, range.end / Q * Q];
    multiples
        .into_iter()
        .chain(ends)
        .flat_map(|x| [x.saturating_sub(1), x, x + 1])
        .filter(move |x| range.contains(x))
}

/// `UNIT a b + EXCESS` modulo `q`.
fn expected<P: Product>(a: u64, b: u64) -> u64 {
    let product = u128::from(a % Q) * u128::from(b % Q) % WIDE_Q;
    let residue = (product * u128::from(P::UNIT) + u128::from(P::EXCESS)) % WIDE_Q;
    u64::try_from(residue).unwrap()
}

fn units_are_what_they_stand_for<P: Ranged>() {
    let (bits, negated) = P::DIVISOR;
    let divisor = (1u128 << bits) % WIDE_Q;
    let one = divisor * u128::from(P::UNIT) % WIDE_Q;
    assert_eq!(one, if negated { WIDE_Q - 1 } else { 1 });
    assert!(P::UNIT < Q && P::EXCESS < Q);
}

fn products_are_exact_from_one_end_of_their_range_to_the_other<P: Ranged>() {
    for a in near_ends(P::OPERANDS) {
        for b in near_ends(P::OPERANDS) {
            let by = Operand::splat(b).factor::<P>();
            let product = |addend| {
                let sum = Operand::splat(a).times_plus(by, Sum::splat(addend));
                sum.to_array()[0] - addend
            };
            let sum = Operand::splat(a).times(by).sum().to_array();
            assert_eq!(sum, [sum[0]; 8]);
            let without_excess = expected::<P>(a, b) + Q - P::EXCESS;
            assert_eq!(sum[0] % Q, without_excess % Q, "{a} times {b}");
            assert!(sum[0] <= P::LEAST + Q + P::most(a, b) && sum[0] >= P::LEAST);
            for addend in [0, Q, 1 << 40] {
                let product = product(addend);
                assert!(product <= P::most(a, b), "{a} times {b}");
                assert_eq!(product % Q, expected::<P>(a, b), "{a} times {b}");
            }
        }
    }
}

fn products_by_constants_are_exact<P: Ranged>() {
    for operands in [P::OPERANDS, P::MIXED] {
        let constants = [125, 126, (1 << 21) - 1, 1 << 21, (1 << 25) - 1]
            .into_iter()
            .chain(if operands == P::OPERANDS {
                [1, Q - 1]
            } else {
                [P::LEAVE; 2]
            });
        for residue in constants {
            // What `M_E` leaves is multiplied as sums are.
            let by = Factor::<P>::splat(P::constant(residue, operands.clone()));
            for a in near_ends(operands.clone()) {
                let product = Sum::splat(a).times_plus(by, Sum::splat(0)).to_array()[0];
                assert!(product <= P::most(a, residue));
                assert_eq!(
                    product % Q,
                    expected::<P>(a, residue),
                    "{a} times {residue}"
                );
            }
        }
    }
}

fn last_products_are_residues<P: Ranged>() {
    let by = Factor::<P>::splat(P::constant(P::LEAVE, P::MIXED));
    for a in near_ends(P::MIXED) {
        let halves = [Sum::splat(a), Sum::splat(a)];
        let words = Words::stored(Sum::times_last(halves, by)).to_array();
        assert_eq!(words.map(u64::from), [expected::<P>(a, P::LEAVE); 16]);
    }
}

#[test]
fn a_product_of_plantard_below_the_range_is_not_exact() {
    let one = Operand::splat(1).factor::<Plantard>();
    let wrong = (1..1 << 12).any(|a| {
        let product = Operand::splat(a).times_plus(one, Sum::splat(0)).to_array()[0];
        product % Q != expected::<Plantard>(a, 1)
    });
    assert!(wrong, "the range that the constants ensure is not needed");
}

#[test]
fn products_of_montgomery_do_not_see_what_is_above_their_operands() {
    let above = |x: u64| Operand::splat(x.wrapping_sub(1 << 52));
    for a in near_ends(Montgomery::OPERANDS) {
        for b in near_ends(Montgomery::OPERANDS) {
            let by = above(b).factor::<Montgomery>();
            let product = above(a).times_plus(by, Sum::splat(0)).to_array()[0];
            assert_eq!(product % Q, expected::<Montgomery>(a, b), "{a} times {b}");
        }
    }
}

/// What reductions take, without the `-2^52`.
const REDUCIBLE: Range<i128> = 1 << 46..1 << 50;
/// What they leave.
const REDUCED: Range<i128> = 1 << 22..Q as i128 + (1 << 26);
/// What [`OFFSET`] puts dividends above.
const BASE: i128 = (Q as i128) << 17;

#[test]
fn reductions_leave_operands() {
    let [first, end] = [REDUCIBLE.start, REDUCIBLE.end].map(|x| u64::try_from(x).unwrap());
    let multiples = (first / Q + 1..end / Q).step_by(9973).map(|m| m * Q);
    let near_multiples = multiples.flat_map(|x| [x - 1, x, x + 1]);
    for x in near_multiples.chain([first, first + 1, end - 1]) {
        let carried = Sum::splat(x.wrapping_sub(1 << 52));
        let operand = carried.reduce().sum().to_array()[0];
        assert!(REDUCED.contains(&operand.into()), "{x} to {operand}");
        assert_eq!(operand % Q, x % Q);
    }
}

/// A range of an element, for the least and the most that can come of it.
#[derive(Clone, Copy)]
struct Bounds(i128, i128);

impl Bounds {
    const REDUCED: Self = Self(REDUCED.start, REDUCED.end - 1);
    /// Any residue.
    const RESIDUE: Self = Self(0, Q as i128 - 1);

    fn exactly(x: impl Into<i128>) -> Self {
        let x = x.into();
        Self(x, x)
    }

    /// What is added for [`Product::EXCESS`], or for what it makes of elements.
    fn excess<P: Product>() -> Self {
        if P::EXCESS == 0 {
            Self(0, 0)
        } else {
            Self::RESIDUE
        }
    }

    /// What carries [`OFFSET`], or nothing, but for the `-2^52`.
    fn carried(offset: u64) -> Self {
        Self::exactly(if offset == 0 { 0 } else { BASE })
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }

    fn times(self, factor: i128) -> Self {
        let ends = [self.0 * factor, self.1 * factor];
        Self(ends[0].min(ends[1]), ends[0].max(ends[1]))
    }

    fn within(self, range: &Range<u64>) -> bool {
        self.0 >= range.start.into() && self.1 < range.end.into()
    }

    fn assert_reducible(self) {
        assert!(REDUCIBLE.contains(&self.0) && REDUCIBLE.contains(&self.1));
    }

    /// What [`Sum::operand`] makes of it.
    fn operand<P: Ranged>(self) -> Self {
        let operand = if P::CARRIED == OFFSET {
            self.assert_reducible();
            Self::REDUCED
        } else {
            self
        };
        assert!(operand.within(&P::OPERANDS));
        operand
    }

    /// A product of operands, without an addend.
    fn product<P: Ranged>(self, other: Self) -> Self {
        assert!(self.within(&P::OPERANDS) && other.within(&P::OPERANDS));
        let [a, b] = [self, other].map(|x| u64::try_from(x.1).unwrap());
        Self(0, P::most(a, b).into())
    }

    /// An S-box, without an addend.
    fn s_box<P: Ranged>(self) -> Self {
        let without_excess = Self::exactly(P::LEAST + (Q - P::EXCESS) % Q);
        let x = self.operand::<P>();
        let x2 = x.product::<P>(x).plus(without_excess);
        let x3 = x2.product::<P>(x).plus(without_excess);
        let x6 = x3.product::<P>(x3).plus(without_excess);
        x6.product::<P>(x)
    }
}

fn elements_that_grow_keep_their_range<P: Ranged>() {
    let base = Bounds(BASE, BASE);
    let enter = Bounds(0, P::most(P::MIXED.end - 1, P::TO_INTERNAL).into())
        .plus(Bounds::exactly(P::LEAST))
        .plus(Bounds::excess::<P>());
    let factors = [1, 2, 3, 4, -3, -4];
    let mut elements = factors.map(|_| enter);
    let mut others = enter;
    let mut first = enter
        .plus(Bounds::carried(P::CARRIED))
        .plus(Bounds::RESIDUE);
    for round in 0..INTERNAL_ROUNDS {
        let power = first.s_box::<P>();
        let tail = elements
            .into_iter()
            .fold(base.plus(others.times(9)), Bounds::plus);
        // The sum of all, and what goes into the next S-box.
        tail.plus(power).assert_reducible();
        first = tail.plus(Bounds::RESIDUE).plus(power.times(-1));
        assert!(first.1 < 1 << 49 && power.1 < 1 << 33);
        if round == UNREDUCED_ROUNDS {
            for element in &mut elements[2..] {
                element.plus(base).assert_reducible();
                *element = Bounds::REDUCED;
            }
        }
        for (element, factor) in elements.iter_mut().zip(factors) {
            *element = element.times(factor).plus(Bounds::REDUCED);
        }
        others = others
            .product::<P>(Bounds::exactly(Q - 1))
            .plus(Bounds::REDUCED);
    }
    assert!(others.within(&P::OPERANDS));
    first.operand::<P>();
    for element in elements {
        element.plus(base).operand::<P>();
    }
}

fn external_rounds_keep_their_range<P: Ranged>() {
    let carried = Bounds::carried(P::CARRIED);
    let operands = Bounds(P::OPERANDS.start.into(), i128::from(P::OPERANDS.end) - 1);
    let leave_internal = operands.product::<P>(Bounds::exactly(Q - 1));
    let states = [
        // The rows of `M_E` add up to 35.
        Bounds(0, 2 * i128::from(Q) - 1).times(35),
        leave_internal.plus(Bounds::RESIDUE),
    ];
    for mut state in states {
        for _ in 1..HALF_EXTERNAL_ROUNDS {
            let powers = state.plus(carried).s_box::<P>().plus(Bounds::RESIDUE);
            state = powers.times(35);
        }
        // The last addends.
        let last = Bounds::exactly(P::LEAST).plus(Bounds::excess::<P>());
        state = state.plus(carried).s_box::<P>().plus(last).times(35);
        assert!(state.within(&P::MIXED));
    }
}

/// Constants of an instance that is none that is published.
fn other_instance(seed: u64) -> Poseidon2 {
    let mut random = Random(seed);
    Poseidon2 {
        initial: array::from_fn(|_| array::from_fn(|_| random.element())),
        internal: array::from_fn(|_| random.element()),
        terminal: array::from_fn(|_| array::from_fn(|_| random.element())),
    }
}

fn every_constant_keeps_its_range<P: Ranged>() {
    for poseidon2 in [Poseidon2::BABY_BEAR, other_instance(1)] {
        let constants = Constants::<P>::from(&poseidon2);
        let residue = |x: u64, carried: u64| x.wrapping_sub(carried) < Q;
        for &constant in constants.diagonal[2..]
            .iter()
            .chain([&constants.to_terminal])
        {
            assert!(P::integer(constant) < 1 << 32);
        }
        assert!(P::integer(constants.to_internal) < P::TO_INTERNAL);
        assert_eq!(P::integer(constants.leave), P::LEAVE);
        assert!(residue(constants.enter_internal[0], P::CARRIED));
        assert!(residue(constants.enter_internal[1], OFFSET));
        let mut enter = constants.enter_internal[2..].iter();
        assert!(enter.all(|&x| residue(x, P::LEAST)));
        assert!(constants.internal.iter().all(|&x| residue(x, 0)));
        let mut enter = constants.enter_terminal.iter();
        assert!(enter.all(|&x| residue(x, P::CARRIED)));
        for rounds in [&constants.initial, &constants.terminal] {
            // Rows of `M_E` bring what is carried to what is multiplied next.
            let [rounds @ .., last] = rounds;
            for &x in rounds.iter().flatten() {
                assert!(x.wrapping_mul(35).wrapping_sub(P::CARRIED) < 35 * Q);
            }
            assert!(last.iter().all(|&x| residue(x, P::LEAST)));
        }
        let [to_internal, last] = [constants.initial[3], constants.terminal[3]];
        if P::EXCESS == 0 {
            assert_eq!([to_internal, last], [[P::LEAST; WIDTH]; 2]);
        }
    }
}

/// Numbers that look random (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn element(&mut self) -> F {
        let Self(x) = self;
        *x = x
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        F::from_u64(*x >> 32)
    }
}

fn states_are_permuted_as_alone<P: Ranged>() {
    let mut random = Random(2);
    for instance in 0..8 {
        let poseidon2 = match instance {
            0 => Poseidon2::BABY_BEAR,
            1 => Poseidon2 {
                initial: [[F::ZERO; WIDTH]; HALF_EXTERNAL_ROUNDS],
                internal: [F::ZERO; INTERNAL_ROUNDS],
                terminal: [[F::ZERO; WIDTH]; HALF_EXTERNAL_ROUNDS],
            },
            2 => Poseidon2 {
                initial: [[F::NEG_ONE; WIDTH]; HALF_EXTERNAL_ROUNDS],
                internal: [F::NEG_ONE; INTERNAL_ROUNDS],
                terminal: [[F::NEG_ONE; WIDTH]; HALF_EXTERNAL_ROUNDS],
            },
            seed => other_instance(seed),
        };
        let constants = Constants::<P>::from(&poseidon2);
        for round in 0..64 {
            let mut state: [PackedBabyBearAVX512; WIDTH] = array::from_fn(|_| {
                PackedBabyBearAVX512::from_fn(|lane| match (round, lane) {
                    (0, 0) => F::ZERO,
                    (0, 1) => F::ONE,
                    (0, 2) => F::NEG_ONE,
                    _ => random.element(),
                })
            });
            let mut expected = state;
            poseidon2.permute(&mut expected);
            constants.permute(&mut state);
            assert_eq!(state, expected, "instance {instance}");
        }
        for lane in 0..PackedBabyBearAVX512::WIDTH {
            let packed: [PackedBabyBearAVX512; WIDTH] =
                array::from_fn(|_| PackedBabyBearAVX512::from_fn(|_| random.element()));
            let mut alone = packed.map(|x| x.extract(lane));
            poseidon2.permute(&mut alone);
            let mut state = packed;
            constants.permute(&mut state);
            assert_eq!(state.map(|x| x.extract(lane)), alone, "lane {lane}");
        }
    }
}
