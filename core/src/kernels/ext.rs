//! Packed challenge field arithmetic: `P[X] / (X^4 - 11)` over any packing `P` of the base field.
//!
//! Coordinates are the basis `1, X, X^2, X^3`, as in Plonky3's `BinomialExtensionField`. A packing of
//! width 1 gives the challenge field itself.

use core::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use p3_field::{BasedVectorSpace, PackedFieldPow2};

use crate::workspace::ColumnsMut;
use crate::{D, EF, F};

/// The binomial's constant: `X^4 = 11`.
const W: F = F::new(11);

/// A packed challenge: four packed coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Ext<P>(pub [P; D]);

/// The coordinates of a challenge.
#[inline]
pub(crate) fn coordinates(x: EF) -> [F; D] {
    let slice: &[F] = x.as_basis_coefficients_slice();
    [slice[0], slice[1], slice[2], slice[3]]
}

/// The challenge with the given coordinates.
#[inline]
pub(crate) fn challenge(x: [F; D]) -> EF {
    EF::from_basis_coefficients_fn(|d| x[d])
}

impl<P: PackedFieldPow2<Scalar = F>> Ext<P> {
    pub(crate) const ZERO: Self = Self([P::ZERO; D]);

    /// The same challenge in every lane.
    #[inline]
    pub fn broadcast(x: EF) -> Self {
        Self(coordinates(x).map(P::from))
    }

    /// A base field element in every lane.
    #[inline]
    pub fn from_base(x: P) -> Self {
        Self([x, P::ZERO, P::ZERO, P::ZERO])
    }

    /// Scales by a packed base field element.
    #[inline]
    pub fn scale(self, x: P) -> Self {
        Self(self.0.map(|c| c * x))
    }

    /// The product, inlined: loops over many of them keep their operands in registers.
    #[inline(always)]
    pub(crate) fn times(self, rhs: Self) -> Self {
        let a = &self.0;
        let b = &rhs.0;
        let w = P::from(W);
        let (w1, w2, w3) = (b[1] * w, b[2] * w, b[3] * w);
        Self([
            P::dot_product(a, &[b[0], w3, w2, w1]),
            P::dot_product(a, &[b[1], b[0], w3, w2]),
            P::dot_product(a, &[b[2], b[1], b[0], w3]),
            P::dot_product(a, &[b[3], b[2], b[1], b[0]]),
        ])
    }

    /// The product with one challenge, by its coordinates, in every lane.
    #[inline(always)]
    pub(crate) fn times_challenge(self, [c0, c1, c2, c3]: [F; D]) -> Self {
        let [w1, w2, w3] = [c1, c2, c3].map(|c| c * W);
        let dot = |coordinates| P::mixed_dot_product(&self.0, &coordinates);
        Self([
            dot([c0, w3, w2, w1]),
            dot([c1, c0, w3, w2]),
            dot([c2, c1, c0, w3]),
            dot([c3, c2, c1, c0]),
        ])
    }

    /// The challenge in lane `lane`.
    #[inline]
    pub fn extract(&self, lane: usize) -> EF {
        EF::from_basis_coefficients_fn(|d| self.0[d].extract(lane))
    }

    /// Loads a row group from four coordinate columns of `stride` elements.
    #[inline]
    pub fn load(columns: &[F], stride: usize, row: usize) -> Self {
        Self(core::array::from_fn(|d| {
            *P::from_slice(&columns[d * stride + row..d * stride + row + P::WIDTH])
        }))
    }

    /// Stores a row group into four coordinate columns of `stride` elements.
    #[inline]
    pub fn store(self, columns: &mut [F], stride: usize, row: usize) {
        for (d, coordinate) in self.0.into_iter().enumerate() {
            let at = d * stride + row;
            *P::from_slice_mut(&mut columns[at..at + P::WIDTH]) = coordinate;
        }
    }

    /// Loads a row group from the four coordinate columns from `first` on.
    #[inline]
    pub(crate) fn load_from(columns: &ColumnsMut<'_, F>, first: usize, row: usize) -> Self {
        Self(core::array::from_fn(|d| {
            *P::from_slice(&columns.read(first + d)[row..row + P::WIDTH])
        }))
    }

    /// Stores a row group into the four coordinate columns from `first` on.
    #[inline]
    pub(crate) fn store_in(self, columns: &mut ColumnsMut<'_, F>, first: usize, row: usize) {
        for (d, coordinate) in self.0.into_iter().enumerate() {
            let rows = &mut columns.column(first + d)[row..row + P::WIDTH];
            *P::from_slice_mut(rows) = coordinate;
        }
    }

    /// Inverts every lane; all lanes are nonzero.
    ///
    /// With `Y = X^2` an element is `a + bX`, `a` and `b` over `P[Y]/(Y^2 - 11)`; its norm down to
    /// that quadratic field, then down to `P`, leaves one base field inversion.
    pub fn invert(self) -> Self {
        let [c0, c1, c2, c3] = self.0;
        let w = P::from(W);
        // Norm to the quadratic field: a^2 - Y b^2 with a = (c0, c2), b = (c1, c3).
        let n0 = c0.square() + w * (c2.square() - c1.double() * c3);
        let n1 = c0.double() * c2 - c1.square() - w * c3.square();
        let base_inverse = invert_base(n0.square() - w * n1.square());
        let (i0, i1) = (n0 * base_inverse, -(n1 * base_inverse));
        // (a - bX) times the inverse of the norm.
        Self([
            c0 * i0 + w * (c2 * i1),
            -(c1 * i0 + w * (c3 * i1)),
            c0 * i1 + c2 * i0,
            -(c1 * i1 + c3 * i0),
        ])
    }
}

/// `x^(p - 2)` with `p - 2 = 2^31 - 2^27 - 1`: 30 squarings and a few products.
pub(crate) fn invert_base<P: PackedFieldPow2<Scalar = F>>(x: P) -> P {
    // Exponents of ones: e_k = 2^k - 1.
    let e2 = x.square() * x;
    let e3 = e2.square() * x;
    let e6 = e3.exp_power_of_2(3) * e3;
    let e12 = e6.exp_power_of_2(6) * e6;
    let e24 = e12.exp_power_of_2(12) * e12;
    let e27 = e24.exp_power_of_2(3) * e3;
    // 2^31 - 2^27 - 1 = (2^3 - 1) * 2^28 + (2^27 - 1).
    e3.exp_power_of_2(28) * e27
}

impl<P: PackedFieldPow2<Scalar = F>> Add for Ext<P> {
    type Output = Self;
    #[inline]
    fn add(self, rhs: Self) -> Self {
        Self(core::array::from_fn(|d| self.0[d] + rhs.0[d]))
    }
}

impl<P: PackedFieldPow2<Scalar = F>> AddAssign for Ext<P> {
    #[inline]
    fn add_assign(&mut self, rhs: Self) {
        *self = *self + rhs;
    }
}

impl<P: PackedFieldPow2<Scalar = F>> Sub for Ext<P> {
    type Output = Self;
    #[inline]
    fn sub(self, rhs: Self) -> Self {
        Self(core::array::from_fn(|d| self.0[d] - rhs.0[d]))
    }
}

impl<P: PackedFieldPow2<Scalar = F>> SubAssign for Ext<P> {
    #[inline]
    fn sub_assign(&mut self, rhs: Self) {
        *self = *self - rhs;
    }
}

impl<P: PackedFieldPow2<Scalar = F>> Neg for Ext<P> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(self.0.map(|c| -c))
    }
}

impl<P: PackedFieldPow2<Scalar = F>> Mul for Ext<P> {
    type Output = Self;
    #[inline]
    fn mul(self, rhs: Self) -> Self {
        self.times(rhs)
    }
}

/// Montgomery's trick: one inversion and three products an element.
///
/// `values` are nonzero; `prefix` is scratch of the same length.
pub fn batch_invert<P: PackedFieldPow2<Scalar = F>>(values: &mut [[P; D]], prefix: &mut [[P; D]]) {
    // Two chains of products, over every other value: neither waits for the other.
    let (pairs, last) = values.as_chunks_mut::<2>();
    let (prefix_pairs, prefix_last) = prefix.as_chunks_mut::<2>();
    let [mut even, mut odd] = [Ext::from_base(P::ONE); 2];
    for (values, slots) in pairs.iter().zip(prefix_pairs.iter_mut()) {
        *slots = [even.0, odd.0];
        even = even.times(Ext(values[0]));
        odd = odd.times(Ext(values[1]));
    }
    for (value, slot) in last.iter().zip(prefix_last.iter_mut()) {
        *slot = even.0;
        even = even.times(Ext(*value));
    }
    let both = (even * odd).invert();
    (even, odd) = (both * odd, both * even);
    for (value, before) in last.iter_mut().zip(prefix_last.iter()) {
        even = step_back(even, value, before);
    }
    for (values, before) in pairs.iter_mut().zip(prefix_pairs.iter()).rev() {
        even = step_back(even, &mut values[0], &before[0]);
        odd = step_back(odd, &mut values[1], &before[1]);
    }
}

/// From the inverse of a product to that of the product `before` its last factor, which is inverted.
#[inline(always)]
fn step_back<P: PackedFieldPow2<Scalar = F>>(
    inverse: Ext<P>,
    value: &mut [P; D],
    before: &[P; D],
) -> Ext<P> {
    let next = Ext(*value).times(inverse);
    *value = Ext(*before).times(inverse).0;
    next
}

#[cfg(test)]
mod tests {
    use p3_field::{Field, PrimeCharacteristicRing};

    use super::*;

    #[test]
    fn products_and_inverses_are_those_of_the_challenge_field() {
        let mut x = challenge([3, 1, 4, 1].map(F::new));
        let y = challenge([2, 7, 1, 8].map(F::new));
        for _ in 0..100 {
            let (px, py) = (Ext::<F>::broadcast(x), Ext::<F>::broadcast(y));
            assert_eq!((px * py).extract(0), x * y);
            assert_eq!(px.times_challenge(coordinates(y)).extract(0), x * y);
            assert_eq!(px.invert().extract(0), x.inverse());
            x = x * y + challenge([5, 9, 2, 6].map(F::new));
        }
    }

    #[test]
    fn a_batch_of_inverses() {
        let start = challenge([3, 1, 4, 1].map(F::new));
        let mut values: [[F; D]; 7] =
            core::array::from_fn(|i| coordinates(start.exp_u64(i as u64 + 1)));
        let before = values;
        batch_invert(&mut values, &mut [[F::ZERO; D]; 7]);
        for (value, inverse) in before.into_iter().zip(values) {
            assert_eq!(challenge(value) * challenge(inverse), EF::ONE);
        }
    }
}
