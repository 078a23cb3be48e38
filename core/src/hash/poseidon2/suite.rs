//! What the suite says of itself.

use p3_field::PrimeField32;

use super::challenger::Challenger;
use super::permutation::{Poseidon2, RATE, WIDTH};
use crate::hash::suite::Suite;
use crate::{DIGEST, F};

impl Suite for Poseidon2 {
    type Transcript<'s> = Challenger<'s>;

    const NAME: &'static str = "poseidon2";

    const COLLISION_BITS: u32 = {
        let p = F::ORDER_U32 as u128;
        // p^4 is the square root of the number of digests, 8 elements.
        assert!(DIGEST == 8);
        (p * p * p * p).ilog2()
    };

    fn state_words(_width: usize) -> usize {
        WIDTH
    }

    fn row_hashes(width: usize) -> usize {
        width.div_ceil(RATE)
    }

    fn are_digests(words: &[u32]) -> bool {
        words.iter().all(|&word| word < F::ORDER_U32)
    }
}
