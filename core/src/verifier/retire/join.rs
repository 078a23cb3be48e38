//! How the batches' codewords come to the coefficients that add them together.

use alloc::vec::Vec;

use p3_challenger::{CanObserve, CanSample, FieldChallenger};

use crate::verifier::types::Challenger;
use crate::{DIGEST, EF, F};

/// A rule for the coefficients. There is one that is sound ([`Joined`]); tests compare others with it.
pub trait Join {
    /// Meets every fork in order, once its batching challenge is drawn.
    fn leave(&mut self, fork: &mut Challenger, main: &mut Challenger);

    /// The coefficients of `batches` batches, after the last fork.
    fn coefficients(self, main: &mut Challenger, batches: usize) -> Vec<EF>;
}

/// The main line absorbs the digests of all forks, and then draws all coefficients: none of them depends on
/// its own batch alone.
#[derive(Clone, Copy, Debug)]
pub struct Joined;

impl Join for Joined {
    fn leave(&mut self, fork: &mut Challenger, main: &mut Challenger) {
        let digest: [F; DIGEST] = fork.sample_array();
        main.observe_slice(&digest);
    }

    fn coefficients(self, main: &mut Challenger, batches: usize) -> Vec<EF> {
        let draw = |_| main.sample_algebra_element();
        (0..batches).map(draw).collect()
    }
}
