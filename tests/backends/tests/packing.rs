//! The arithmetic of a packing, lane by lane against scalars.

use p3_field::{BasedVectorSpace, PackedFieldPow2, PackedValue, PrimeCharacteristicRing};
use proptest::collection::vec;
use proptest::prelude::*;
use tranche_core::kernels::Packed;
use tranche_core::kernels::ext::Ext;
use tranche_core::{Backend, D, EF, F};

use crate::naive::{challenge, element, pack};

macro_rules! tests {
    ($backend:ty) => {
        #[test]
        fn the_ends_of_the_range() {
            crate::packing::ends_of_the_range::<$backend>();
        }

        #[test]
        fn random_arithmetic() {
            crate::packing::random_arithmetic::<$backend>();
        }

        #[test]
        fn interleaving_transposes_blocks() {
            crate::packing::interleaving::<$backend>();
        }

        #[test]
        fn dot_products_of_every_length() {
            crate::packing::dot_products::<$backend>();
        }

        #[test]
        fn packed_challenges() {
            crate::packing::challenges::<$backend>();
        }
    };
}
pub(crate) use tests;

/// Compares a packed result with the scalar one in every lane.
fn lanes<P: Packed>(what: &str, got: P, expected: impl Fn(usize) -> F) {
    for lane in 0..P::WIDTH {
        assert_eq!(got.extract(lane), expected(lane), "{what}, lane {lane}");
    }
}

/// Every operation of one and of two packed values.
fn operations<P: Packed>(a: P, b: P) {
    let (x, y) = (|i| a.extract(i), |i| b.extract(i));
    lanes("add", a + b, |i| x(i) + y(i));
    lanes("sub", a - b, |i| x(i) - y(i));
    lanes("mul", a * b, |i| x(i) * y(i));
    lanes("neg", -a, |i| -x(i));
    lanes("double", a.double(), |i| x(i).double());
    lanes("halve", a.halve(), |i| x(i).halve());
    lanes("square", a.square(), |i| x(i).square());
    lanes("cube", a.cube(), |i| x(i).cube());
    lanes("s-box", a.injective_exp_n(), |i| x(i).exp_u64(7));
    lanes("scalar", a * y(0) + y(0) - x(0), |i| {
        x(i) * y(0) + y(0) - x(0)
    });
    lanes("broadcast", P::from(x(0)), |_| x(0));
    for exp in 0..40 {
        let (up, down) = (a.mul_2exp_u64(exp), a.div_2exp_u64(exp));
        lanes("times a power of two", up, |i| x(i).mul_2exp_u64(exp));
        lanes("over a power of two", down, |i| x(i).div_2exp_u64(exp));
    }
    lanes("slice", *P::from_slice(a.as_slice()), x);
    if (0..P::WIDTH).all(|i| y(i) != F::ZERO) {
        lanes("div", a / b, |i| x(i) / y(i));
    }
}

pub fn ends_of_the_range<B: Backend>() {
    let ends = [0, 1, 2].map(F::from_u32);
    let ends = [ends, ends.map(|x| -x), ends.map(|x| (x - F::ONE).halve())].concat();
    for a in 0..ends.len() {
        for b in 0..ends.len() {
            let [a, b] = [a, b].map(|from| pack::<B::P>(&[&ends[from..], &ends].concat(), 1)[0]);
            operations(a, b);
        }
    }
}

pub fn random_arithmetic<B: Backend>() {
    let width = B::P::WIDTH;
    proptest!(|(values in vec(element(), 2 * width))| {
        let packed = pack::<B::P>(&values, 2);
        operations(packed[0], packed[1]);
    });
}

pub fn interleaving<B: Backend>() {
    let width = B::P::WIDTH;
    let values: Vec<F> = (0..2 * width).map(F::from_usize).collect();
    let [a, b] = [0, width].map(|from| *B::P::from_slice(&values[from..from + width]));
    for block in (0..=width.ilog2()).map(|bits| 1 << bits) {
        let (first, second) = a.interleave(b, block);
        // Of two blocks side by side, the first goes to the first result.
        let expected = |i: usize, second: usize| {
            if block == width {
                return F::from_usize(i + second * width);
            }
            let of_b = i / block % 2;
            F::from_usize(i - of_b * block + second * block + of_b * width)
        };
        lanes("first", first, |i| expected(i, 0));
        lanes("second", second, |i| expected(i, 1));
    }
}

fn dot_product<P: Packed, const N: usize>(values: &[F]) {
    let packed = pack::<P>(values, 2 * N);
    let (u, v) = packed.split_at(N);
    let (u, v): (&[P; N], &[P; N]) = (u.try_into().unwrap(), v.try_into().unwrap());
    let scalars: [F; N] = core::array::from_fn(|i| v[i].extract(0));
    let expected = |lane| {
        (0..N)
            .map(|i| u[i].extract(lane) * v[i].extract(lane))
            .sum()
    };
    lanes("dot product", P::dot_product(u, v), expected);
    let expected = |lane| (0..N).map(|i| u[i].extract(lane) * scalars[i]).sum();
    lanes("mixed", P::mixed_dot_product(u, &scalars), expected);
    let expected = |lane| u.iter().map(|u| u.extract(lane)).sum();
    lanes("sum", P::sum_array::<N>(u), expected);
}

fn dot_products_of<P: Packed>(values: &[F]) {
    dot_product::<P, 1>(values);
    dot_product::<P, 2>(values);
    dot_product::<P, 3>(values);
    dot_product::<P, 4>(values);
    dot_product::<P, 5>(values);
    dot_product::<P, 7>(values);
    dot_product::<P, 8>(values);
    dot_product::<P, 9>(values);
    dot_product::<P, 16>(values);
    dot_product::<P, 17>(values);
}

pub fn dot_products<B: Backend>() {
    // The largest sum of unreduced products is that of p - 1 with itself.
    dot_products_of::<B::P>(&[F::NEG_ONE]);
    dot_products_of::<B::P>(&[F::NEG_ONE, F::ZERO, F::ONE]);
    // Lanes whose Montgomery form is largest.
    let largest = F::NEG_ONE.div_2exp_u64(32);
    dot_products_of::<B::P>(&[largest]);
    proptest!(|(values in vec(element(), 34 * B::P::WIDTH))| {
        dot_products_of::<B::P>(&values);
    });
}

pub fn challenges<B: Backend>() {
    proptest!(|(a in vec(challenge(), B::P::WIDTH), b in vec(challenge(), B::P::WIDTH))| {
        let columns = |x: &[EF]| -> Vec<F> {
            let coordinate = |d| x.iter().map(move |x| x.as_basis_coefficients_slice()[d]);
            (0..D).flat_map(coordinate).collect()
        };
        let load = |x: &[EF]| Ext::<B::P>::load(&columns(x), B::P::WIDTH, 0);
        let (x, y) = (load(&a), load(&b));
        let invertible = a.iter().all(|a| *a != EF::ZERO);
        for lane in 0..B::P::WIDTH {
            let (a, b) = (a[lane], b[lane]);
            prop_assert_eq!(x.extract(lane), a);
            prop_assert_eq!((x + y).extract(lane), a + b);
            prop_assert_eq!((x - y).extract(lane), a - b);
            prop_assert_eq!((-x).extract(lane), -a);
            prop_assert_eq!((x * y).extract(lane), a * b);
            prop_assert_eq!(x.scale(y.0[1]).extract(lane), a * y.0[1].extract(lane));
            if invertible {
                prop_assert_eq!(x.invert().extract(lane) * a, EF::ONE);
            }
        }
        let mut stored = columns(&b);
        x.store(&mut stored, B::P::WIDTH, 0);
        prop_assert_eq!(stored, columns(&a));
    });
}
