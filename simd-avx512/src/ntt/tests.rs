//! Columns of several blocks and of several parts, against the core's scalar transforms.

extern crate std;

use std::vec;
use std::vec::Vec;

use p3_field::{Field, PrimeField32};
use tranche_core::backend::{Backend, ScalarBackend};
use tranche_core::kernels::ntt;

use super::roots::MODULUS;
use super::*;
use crate::Avx512;

/// More than a part, by an odd and by an even number of layers.
const LOG_MAX: usize = LOG_PART + 2;

fn tables<B: Backend>() -> Vec<F> {
    let lanes = B::lane_table_len(LOG_MAX);
    let mut tables = vec![F::ZERO; Twiddles::len(LOG_MAX + 1, lanes)];
    Twiddles::fill(&mut tables, LOG_MAX + 1, B::fill_lane_table);
    tables
}

#[test]
fn transforms_are_those_of_the_core() {
    let (packed, scalar) = (tables::<Avx512>(), tables::<ScalarBackend>());
    let packed = Twiddles::view(&packed, LOG_MAX + 1);
    let scalar = Twiddles::view(&scalar, LOG_MAX + 1);
    let powers = F::GENERATOR.powers();
    let coefficients: Vec<F> = [F::NEG_ONE, F::ZERO, F::ONE]
        .into_iter()
        .chain(powers.map(|x| x - F::TWO))
        .take(1 << LOG_MAX)
        .collect();
    for log_n in LOG_BLOCK..=LOG_MAX {
        for shift in [F::ONE, F::GENERATOR, F::NEG_ONE] {
            let mut column = coefficients[..1 << log_n].to_vec();
            coset_ntt(&packed, &mut column, shift);
            let mut expected = coefficients[..1 << log_n].to_vec();
            ntt::coset_ntt::<F>(&scalar, &mut expected, shift);
            assert!(column == expected, "2^{log_n} coefficients, shift {shift}");
            // Words that are not reduced would be other elements' bytes.
            assert!(column.iter().all(|x| x.to_unique_u32() < MODULUS));

            intt(&packed, &mut column);
            ntt::intt::<F>(&scalar, &mut expected);
            assert!(column == expected, "2^{log_n} evaluations");
            assert!(column.iter().all(|x| x.to_unique_u32() < MODULUS));
        }
    }
}

#[test]
fn any_word_times_a_root_is_below_two_moduli() {
    let words = [
        0,
        1,
        2,
        MODULUS - 1,
        MODULUS,
        MODULUS + 1,
        2 * MODULUS - 1,
        2 * MODULUS,
        1 << 31,
        u32::MAX - 1,
        u32::MAX,
        0x8000_0001,
        0x5555_5555,
        0xaaaa_aaaa,
        0x1234_5678,
        0xfedc_ba98,
    ];
    for root in [F::ZERO, F::ONE, F::NEG_ONE, F::TWO, F::GENERATOR.inverse()] {
        let products = Lazy::any(words).times(&Root::broadcast(root));
        for (word, product) in words.into_iter().zip(products.to_array()) {
            let exact = u64::from(word) * u64::from(root.as_canonical_u32());
            assert!(product < 2 * MODULUS);
            assert_eq!(
                u64::from(product) % u64::from(MODULUS),
                exact % u64::from(MODULUS)
            );
        }
    }
}
