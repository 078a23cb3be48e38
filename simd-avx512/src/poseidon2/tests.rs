//! The two operations that everything rests on, at the ends of their ranges, against wide integers.

use super::*;

/// The first lane of what `compute` makes of a vector of `x`s.
fn lane(x: u64, compute: impl Fn(__m512i) -> __m512i) -> u64 {
    // SAFETY: this crate does not build without the instructions.
    #[allow(unsafe_code)]
    unsafe {
        transmute::<__m512i, [u64; 8]>(compute(splat(x)))[0]
    }
}

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
            for addend in [0, Q, 1 << 40] {
                // SAFETY: as above.
                #[allow(unsafe_code)]
                let product = lane(a, |a| unsafe {
                    multiply(a, splat(b.wrapping_mul(INVERSE)), splat(addend))
                });
                let product = product - addend;
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
    let wrong = (1..1 << 12).any(|a| {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        let product = lane(a, |a| unsafe { multiply(a, splat(INVERSE), splat(0)) });
        !((u128::from(product) << 64) + u128::from(a)).is_multiple_of(u128::from(Q))
    });
    assert!(wrong, "the range that the constants ensure is not needed");
}

#[test]
fn reductions_leave_operands() {
    let bounds = [1 << 36, 36 * Q - 1, 36 * Q, 105 * Q, (1 << 38) - 1];
    for x in bounds
        .into_iter()
        .flat_map(|x| [x, x + 1])
        .filter(|x| *x < 1 << 38)
    {
        let carried = x.wrapping_sub(1 << 52);
        // SAFETY: as above.
        #[allow(unsafe_code)]
        let (operand, remainder) = (
            lane(carried, |x| unsafe { reduce(x) }),
            lane(carried, |x| unsafe {
                subtract_multiple(x, splat(QUOTIENT))
            }),
        );
        assert!(
            (1 << 22..Q + (1 << 26)).contains(&operand),
            "{x} to {operand}"
        );
        assert!(remainder < 2 * Q, "{x} to {remainder}");
        assert_eq!([operand % Q, remainder % Q], [x % Q; 2]);
    }
}

#[test]
fn every_constant_keeps_its_range() {
    let constants = Constants::from(&tranche_core::poseidon2::Poseidon2::BABY_BEAR);
    let operand = |factor: u64| factor.wrapping_mul(Q);
    // A factor times q is the representative that it multiplies by.
    let factors = constants.diagonal[2..].iter();
    for &factor in factors.chain([&constants.to_internal, &constants.to_terminal]) {
        assert!((1 << 21..1 << 32).contains(&operand(factor)));
    }
    let reducible = |x: u64| x.wrapping_add(1 << 52);
    for &x in constants.enter_internal[..2]
        .iter()
        .chain(&constants.enter_terminal)
    {
        assert!((35 * Q..36 * Q).contains(&reducible(x)));
    }
}
