//! How the batches' codewords come to the coefficients that add them together.

use alloc::vec::Vec;

use p3_challenger::FieldChallenger;

use crate::verifier::suite::Challenger;
use crate::{DIGEST, EF, F};

/// A rule for the coefficients. There is one that is sound ([`Joined`]); tests compare others with it.
pub trait Join<C = Challenger> {
    /// Meets every fork in order, once its batching challenge is drawn.
    fn leave(&mut self, fork: &mut C, main: &mut C);

    /// The coefficients of `batches` batches, after the last fork.
    fn coefficients(self, main: &mut C, batches: usize) -> Vec<EF>;
}

/// The main line absorbs the digests of all forks, and then draws all coefficients: none of them depends on
/// its own batch alone.
#[derive(Clone, Copy, Debug)]
pub struct Joined;

impl<C: FieldChallenger<F>> Join<C> for Joined {
    fn leave(&mut self, fork: &mut C, main: &mut C) {
        let digest: [F; DIGEST] = fork.sample_array();
        main.observe_slice(&digest);
    }

    fn coefficients(self, main: &mut C, batches: usize) -> Vec<EF> {
        let draw = |_| main.sample_algebra_element();
        (0..batches).map(draw).collect()
    }
}
