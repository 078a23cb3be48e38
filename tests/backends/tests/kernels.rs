//! The kernels of `Backend` against naive code.

use p3_baby_bear::default_babybear_poseidon2_16;
use p3_field::{BasedVectorSpace, Field, PackedValue, PrimeCharacteristicRing, TwoAdicField};
use p3_symmetric::Permutation;
use proptest::collection::vec;
use proptest::prelude::*;
use tranche_core::hash::poseidon2::{Kernels, Poseidon2, Poseidon2Hasher};
use tranche_core::kernels::ext::Ext;
use tranche_core::kernels::ntt::Twiddles;
use tranche_core::{Backend, D, EF, F};

use crate::naive::{challenge, coordinate_columns, element, evaluate, pack, reverse_bits};

macro_rules! tests {
    ($backend:ty) => {
        #[test]
        fn permutations() {
            crate::kernels::permutations::<$backend>();
        }

        #[test]
        fn permutations_with_other_constants() {
            crate::kernels::other_constants::<$backend>();
        }

        #[test]
        fn transforms_of_every_height() {
            crate::kernels::transforms::<$backend>();
        }

        #[test]
        fn batch_inversion() {
            crate::kernels::batch_inversion::<$backend>();
        }

        #[test]
        fn combined_columns_of_every_width() {
            crate::kernels::combined_columns::<$backend>();
        }

        #[test]
        fn folds() {
            crate::kernels::folds::<$backend>();
        }
    };
}
pub(crate) use tests;

/// Permutes packed states, and each of them with a scalar reference.
fn permute<B: Kernels>(perm: &Poseidon2, reference: impl Fn(&mut [F; 16]), values: &[F]) {
    let mut state: [B::P; 16] = pack::<B::P>(values, 16).try_into().unwrap();
    let before = state;
    Poseidon2Hasher::<B>::new(perm).permute(&mut state);
    for lane in 0..B::P::WIDTH {
        let mut expected = before.map(|x| x.extract(lane));
        reference(&mut expected);
        assert_eq!(state.map(|x| x.extract(lane)), expected, "lane {lane}");
    }
}

pub fn permutations<B: Kernels>() {
    let plonky3 = default_babybear_poseidon2_16();
    let permute = |values: &[F]| {
        permute::<B>(
            &Poseidon2::BABY_BEAR,
            |state| plonky3.permute_mut(state),
            values,
        );
    };
    permute(&[F::ZERO]);
    permute(&[F::ONE]);
    permute(&[F::NEG_ONE]);
    permute(&[F::NEG_ONE, F::ZERO, F::ONE]);
    proptest!(|(values in vec(element(), 16 * B::P::WIDTH))| permute(&values));
}

pub fn other_constants<B: Kernels>() {
    let constants = vec(element(), 2 * 4 * 16 + 13);
    proptest!(|(x in constants, values in vec(element(), 16 * B::P::WIDTH))| {
        let perm = Poseidon2 {
            initial: core::array::from_fn(|round| core::array::from_fn(|i| x[round * 16 + i])),
            internal: core::array::from_fn(|round| x[128 + round]),
            terminal: core::array::from_fn(|round| core::array::from_fn(|i| x[64 + round * 16 + i])),
        };
        permute::<B>(&perm, |state| perm.permute(state), &values);
    });
}

pub fn transforms<B: Backend>() {
    const LOG_MAX: usize = 9;
    let mut tables = vec![F::ZERO; Twiddles::len(LOG_MAX + 1, B::lane_table_len(LOG_MAX))];
    Twiddles::fill(&mut tables, LOG_MAX + 1, B::fill_lane_table);
    let twiddles = Twiddles::view(&tables, LOG_MAX + 1);
    for log_n in 0..=LOG_MAX {
        let config = ProptestConfig {
            cases: 4,
            ..Default::default()
        };
        proptest!(config, |(coefficients in vec(element(), 1 << log_n), shift in element())| {
            prop_assume!(shift != F::ZERO);
            let mut column = coefficients.clone();
            B::coset_ntt(&twiddles, &mut column, shift);
            prop_assert_eq!(&column, &evaluate(&coefficients, shift));
            column = evaluate(&coefficients, F::ONE);
            B::intt(&twiddles, &mut column);
            prop_assert_eq!(column, coefficients);
        });
    }
}

pub fn batch_inversion<B: Backend>() {
    for len in [1, 2, 3, 4, 5, 7, 8, 9, 31] {
        let config = ProptestConfig {
            cases: 16,
            ..Default::default()
        };
        proptest!(config, |(values in vec(challenge(), len * B::P::WIDTH))| {
            let values: Vec<EF> =
                values.into_iter().map(|x| if x == EF::ZERO { EF::ONE } else { x }).collect();
            let at = |i: usize, lane: usize| values[i * B::P::WIDTH + lane];
            let mut packed: Vec<[B::P; D]> = (0..len)
                .map(|i| core::array::from_fn(|d| B::P::from_fn(|lane| {
                    at(i, lane).as_basis_coefficients_slice()[d]
                })))
                .collect();
            B::batch_invert(&mut packed, &mut vec![[B::P::ZERO; D]; len]);
            for (i, packed) in packed.iter().enumerate() {
                for lane in 0..B::P::WIDTH {
                    let inverse =
                        EF::from_basis_coefficients_fn(|d: usize| packed[d].extract(lane));
                    prop_assert_eq!(inverse, at(i, lane).inverse());
                }
            }
        });
    }
}

pub fn combined_columns<B: Backend>() {
    for width in (0..=19).chain([64, 67]) {
        let stride = 2 * B::P::WIDTH;
        let config = ProptestConfig {
            cases: 4,
            ..Default::default()
        };
        proptest!(config, |(
            columns in vec(element(), width * stride),
            weights in vec(challenge(), width),
            group in 0..2usize,
        )| {
            let coordinates: [Vec<F>; D] = core::array::from_fn(|d| {
                weights.iter().map(|x| x.as_basis_coefficients_slice()[d]).collect()
            });
            let powers = core::array::from_fn(|d| coordinates[d].as_slice());
            let row = group * B::P::WIDTH;
            let mut sums = [[B::P::ZERO; 4]; 1];
            B::combine_columns(&columns, stride, row, powers, &mut sums);
            let combined = Ext(sums[0]);
            for lane in 0..B::P::WIDTH {
                let expected: EF =
                    (0..width).map(|i| weights[i] * columns[i * stride + row + lane]).sum();
                prop_assert_eq!(combined.extract(lane), expected);
            }
        });
    }
}

pub fn folds<B: Backend>() {
    for log_out in B::P::WIDTH.ilog2() as usize..6 {
        let config = ProptestConfig {
            cases: 8,
            ..Default::default()
        };
        proptest!(config, |(codeword in vec(element(), D << (log_out + 1)), beta in challenge())| {
            let root = F::two_adic_generator(log_out + 1);
            let point = |i: usize| root.exp_u64(reverse_bits(i, log_out) as u64);
            let inverses: Vec<F> = (0..1 << log_out).map(|i| point(i).inverse()).collect();
            let mut out = vec![F::ZERO; D << log_out];
            B::fri_fold(&codeword, &mut out, &inverses, beta);
            for i in 0..1 << log_out {
                let (low, high) =
                    (coordinate_columns(&codeword, 2 * i), coordinate_columns(&codeword, 2 * i + 1));
                // (f(x) + f(-x)) / 2 + beta (f(x) - f(-x)) / (2x)
                let expected = (low + high).halve() + beta * (low - high).halve() * inverses[i];
                prop_assert_eq!(coordinate_columns(&out, i), expected);
            }
        });
    }
}
