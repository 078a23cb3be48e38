//! References in scalar arithmetic, and the elements that the suite is run on.

use p3_field::{BasedVectorSpace, PackedFieldPow2, PrimeCharacteristicRing, TwoAdicField};
use proptest::prelude::*;
use tranche_core::{D, EF, F};

/// Field elements, those at the ends of the range among them.
pub fn element() -> impl Strategy<Value = F> {
    prop_oneof![
        1 => Just(F::ZERO),
        1 => Just(F::ONE),
        1 => Just(F::NEG_ONE),
        1 => Just(F::NEG_ONE.halve()),
        8 => any::<u32>().prop_map(F::from_u32),
    ]
}

/// Challenges.
pub fn challenge() -> impl Strategy<Value = EF> {
    prop::array::uniform4(element()).prop_map(|x| EF::from_basis_coefficients_fn(|d| x[d]))
}

/// `count` packings of the elements in order, which are repeated where they end.
pub fn pack<P: PackedFieldPow2<Scalar = F>>(elements: &[F], count: usize) -> Vec<P> {
    let at = |i: usize| elements[i % elements.len()];
    (0..count)
        .map(|i| P::from_fn(|lane| at(i * P::WIDTH + lane)))
        .collect()
}

/// Bit `i` of the result is bit `bits - 1 - i` of `x`.
pub fn reverse_bits(x: usize, bits: usize) -> usize {
    (0..bits).fold(0, |reversed, i| reversed << 1 | (x >> i & 1))
}

/// The evaluations of a polynomial over `shift * H`, in bit-reversed order.
pub fn evaluate(coefficients: &[F], shift: F) -> Vec<F> {
    let bits = coefficients.len().ilog2() as usize;
    let root = F::two_adic_generator(bits);
    let horner = |x: F| coefficients.iter().rev().fold(F::ZERO, |y, &c| y * x + c);
    (0..coefficients.len())
        .map(|i| horner(shift * root.exp_u64(reverse_bits(i, bits) as u64)))
        .collect()
}

/// Element `i` of a codeword stored as four coordinate columns.
pub fn coordinate_columns(columns: &[F], i: usize) -> EF {
    let stride = columns.len() / D;
    EF::from_basis_coefficients_fn(|d| columns[d * stride + i])
}
