//! States at the ends of ranges and others, against the core's permutation; operations against integers.

extern crate std;

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::*;
use crate::intrinsics::Words;
use crate::residue::MODULUS;
use words::Multiple;

type P = PackedBabyBearNeon;

#[test]
fn permutations_are_those_of_the_core() {
    let poseidon2 = Poseidon2::BABY_BEAR;
    let constants = Constants::from(&poseidon2);
    // Words that are the largest, the smallest, and others.
    let largest = F::NEG_ONE.div_2exp_u64(32);
    let elements = [F::ZERO, F::ONE, F::NEG_ONE, largest, largest.halve()]
        .into_iter()
        .chain(F::GENERATOR.powers().skip(9).take(1000));
    let mut state: [P; WIDTH] = array::from_fn(|_| P::ZERO);
    for (i, element) in elements.enumerate() {
        // All lanes but one alike, in ever other places.
        state[i % WIDTH] = P::from(element);
        state[(i + 1) % WIDTH].as_slice_mut()[i % 4] = element;
        for mut state in [state, [P::from(element); WIDTH]] {
            let mut expected = state;
            poseidon2.permute(&mut expected);
            permute(&constants, &mut state);
            assert_eq!(state, expected);
            let words = state.iter().flat_map(|x| x.as_slice());
            assert!(words.into_iter().all(|x| x.to_unique_u32() < F::ORDER_U32));
        }
        permute(&constants, &mut state);
    }
}
