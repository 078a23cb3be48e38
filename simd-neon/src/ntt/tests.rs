//! Columns of several blocks and of several parts, against the core's scalar transforms.

extern crate std;

use std::vec;
use std::vec::Vec;

use p3_field::{Field, PrimeField32};
use tranche_core::backend::{Backend, ScalarBackend};
use tranche_core::kernels::ntt;

use super::*;
use crate::Neon;
use crate::intrinsics::Words;
use crate::residue::MODULUS;

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
    let (packed, scalar) = (tables::<Neon>(), tables::<ScalarBackend>());
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
            assert!(column.iter().all(|x| x.to_unique_u32() < F::ORDER_U32));

            intt(&packed, &mut column);
            ntt::intt::<F>(&scalar, &mut expected);
            assert!(column == expected, "2^{log_n} evaluations");
            assert!(column.iter().all(|x| x.to_unique_u32() < F::ORDER_U32));
        }
    }
}

/// Words at the ends of ranges, and others.
const WORDS: [i32; 16] = [
    0,
    1,
    -1,
    2,
    i32::MAX,
    i32::MIN,
    i32::MIN + 1,
    MODULUS,
    -MODULUS,
    MODULUS - 1,
    MODULUS + 1,
    1 << 30,
    (1 << 30) - 1,
    -(1 << 30),
    -(1 << 30) - 1,
    0x1234_5678,
];

fn vectors() -> impl Iterator<Item = Words> {
    let chunks = WORDS.as_chunks::<LANES>().0.iter();
    chunks.map(|words| Words::new(words.map(i32::cast_unsigned)))
}

fn signed(x: Words) -> [i64; LANES] {
    x.to_array().map(|word| i64::from(word.cast_signed()))
}

#[test]
fn any_word_times_a_root_is_about_a_modulus_at_most() {
    let modulus = i64::from(MODULUS);
    let roots = [F::ZERO, F::ONE, F::NEG_ONE, F::TWO, F::GENERATOR.inverse()];
    let halves = [F::ONE.halve(), -F::ONE.halve()];
    for root in roots.into_iter().chain(halves) {
        for times in [Root::broadcast(root), Root::new(P::from(root))] {
            for words in vectors() {
                let products = signed(Lazy(words).times(times).0);
                for (word, product) in signed(words).into_iter().zip(products) {
                    let exact = i128::from(word) * i128::from(root.as_canonical_u32());
                    assert!(
                        product.abs() <= modulus + modulus / 30,
                        "{word} times {root}"
                    );
                    let difference = exact - i128::from(product);
                    assert_eq!(difference % i128::from(modulus), 0, "{word} times {root}");
                }
            }
        }
    }
}

#[test]
fn any_word_is_centered_and_reduced() {
    let modulus = i64::from(MODULUS);
    for words in vectors() {
        let mut reduced = [0; LANES];
        Lazy(words).reduce().store(&mut reduced);
        let centered = signed(Lazy(words).center().0);
        for ((word, centered), reduced) in signed(words).into_iter().zip(centered).zip(reduced) {
            assert!((-(1 << 30)..1 << 30).contains(&centered), "{word}");
            assert_eq!((word - centered) % modulus, 0, "{word}");
            assert_eq!(i64::from(reduced), word.rem_euclid(modulus), "{word}");
        }
    }
}
