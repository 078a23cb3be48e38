//! The two operations that everything rests on, at the ends of their ranges, against wide integers.

use core::ops::Range;

use tranche_core::hash::poseidon2::INTERNAL_ROUNDS;

use super::constants::Q;
use super::*;

#[test]
fn products_are_exact_from_one_end_of_their_range_to_the_other() {
    let operands = [
        1 << 22,
        (1 << 22) + 1,
        Q - 1,
        Q,
        Q + 1,
        2 * Q - 1,
        (1 << 32) - 1,
    ];
    for a in operands {
        for b in operands {
            let by = Operand::splat(b).factor();
            let product = |addend| {
                let sum = Operand::splat(a).times_plus(by, Sum::splat(addend));
                sum.to_array()[0] - addend
            };
            assert_eq!(
                Operand::splat(a).times(by).sum().to_array(),
                [product(0) + Q; 8]
            );
            for addend in [0, Q, 1 << 40] {
                let product = product(addend);
                assert!(product < Q);
                // product = -a b / 2^64
                let sum = (u128::from(product) << 64) + u128::from(a) * u128::from(b);
                assert_eq!(sum % u128::from(Q), 0, "{a} times {b}");
            }
        }
    }
}

#[test]
fn a_product_below_the_range_is_not_exact() {
    let one = Operand::splat(1).factor();
    let wrong = (1..1 << 12).any(|a| {
        let product = Operand::splat(a).times_plus(one, Sum::splat(0)).to_array()[0];
        !((u128::from(product) << 64) + u128::from(a)).is_multiple_of(u128::from(Q))
    });
    assert!(wrong, "the range that the constants ensure is not needed");
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

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }

    fn times(self, factor: i128) -> Self {
        let ends = [self.0 * factor, self.1 * factor];
        Self(ends[0].min(ends[1]), ends[0].max(ends[1]))
    }

    fn assert_reducible(self) {
        assert!(REDUCIBLE.contains(&self.0) && REDUCIBLE.contains(&self.1));
    }
}

#[test]
fn elements_that_grow_stay_reducible() {
    let q = i128::from(Q);
    let (base, product) = (Bounds(BASE, BASE), Bounds(0, q - 1));
    let factors = [1, 2, 3, 4, -3, -4];
    let mut elements = factors.map(|_| Bounds(q, 2 * q - 1));
    for round in 0..INTERNAL_ROUNDS {
        if round == UNREDUCED_ROUNDS {
            for element in &mut elements[2..] {
                element.plus(base).assert_reducible();
                *element = Bounds::REDUCED;
            }
        }
        for (element, factor) in elements.iter_mut().zip(factors) {
            *element = element.times(factor).plus(Bounds::REDUCED);
        }
        let others = product.plus(Bounds::REDUCED);
        assert!(others.0 >= 1 << 22 && others.1 < 1 << 32);
        // What goes into the S-box, and the sum of all.
        let tail = elements
            .into_iter()
            .fold(base.plus(others.times(9)), Bounds::plus);
        tail.plus(product)
            .plus(product.times(-1))
            .assert_reducible();
    }
    for element in elements {
        element.plus(base).assert_reducible();
    }
}

#[test]
fn every_constant_keeps_its_range() {
    let constants = Constants::from(&tranche_core::hash::poseidon2::Poseidon2::BABY_BEAR);
    let operand = |factor: u64| factor.wrapping_mul(Q);
    // A factor times q is the representative that it multiplies by.
    let factors = constants.diagonal[2..].iter();
    for &factor in factors.chain([&constants.to_internal, &constants.to_terminal]) {
        assert!((1 << 21..1 << 32).contains(&operand(factor)));
    }
    // What multiplies the output of `M_E` as it is: 35 to 70 times q.
    for factor in [constants.to_internal, constants.leave].map(operand) {
        assert!(35 * Q * factor >= 1 << 43 && factor.checked_mul(70 * Q).is_some());
    }
    for &x in constants
        .enter_internal
        .iter()
        .chain(&constants.enter_terminal)
    {
        let offset = i128::from(x.wrapping_add(1 << 52)) - BASE;
        assert!((0..i128::from(Q)).contains(&offset));
    }
    // Rows of `M_E` bring the offset to what is reduced next.
    let addends = constants.initial[..3]
        .iter()
        .chain(&constants.terminal[..3]);
    for &x in addends.flatten() {
        let share = x.wrapping_mul(35).wrapping_add(1 << 52);
        assert!((BASE..BASE + 35 * i128::from(Q)).contains(&share.into()));
    }
}
