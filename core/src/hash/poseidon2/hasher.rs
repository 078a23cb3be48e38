//! Leaves, nodes and states of rows in the lanes of a backend.
//!
//! A state is 16 field elements, of which the first eight are the rate: a digest is the rate of a permuted
//! state, in stored words. A node is the rate of the two below it side by side.

use core::fmt;
use core::ops::Range;

use p3_field::{PackedFieldPow2, PackedValue, PrimeCharacteristicRing};

use super::challenger::Challenger;
use super::permutation::{Kernels, Permute, Poseidon2, RATE, WIDTH};
use crate::backend::ScalarBackend;
use crate::hash::leaves::Leaves;
use crate::hash::suite::{Hasher, States};
use crate::kernels::interleave::even_odd;
use crate::workspace::{elements, elements_mut};
use crate::{DIGEST, F};

/// Row groups that are hashed together, so that a column is read in longer runs.
const TILE: usize = 4;

/// A permutation, as a backend permutes with it and as it is.
#[derive(Clone)]
pub struct Poseidon2Hasher<'p, B: Kernels> {
    poseidon2: &'p Poseidon2,
    packed: B::Permutation<'p>,
}

impl<B: Kernels> fmt::Debug for Poseidon2Hasher<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Poseidon2Hasher")
            .field(&self.packed)
            .finish()
    }
}

impl<'p, B: Kernels> Poseidon2Hasher<'p, B> {
    /// Makes of the constants what the backend needs.
    pub fn new(poseidon2: &'p Poseidon2) -> Self {
        Self {
            poseidon2,
            packed: poseidon2.into(),
        }
    }

    /// Permutes `WIDTH` states at once; element `i` of the state holds lane-wise states.
    #[inline]
    pub fn permute(&self, state: &mut [B::P; WIDTH]) {
        self.packed.permute(state);
    }

    /// Sponge states that absorbed `T` row groups from row `row` on.
    #[inline]
    fn absorb_rows<L: Leaves, const T: usize>(
        &self,
        matrices: impl Iterator<Item = L>,
        row: usize,
    ) -> [[B::P; WIDTH]; T] {
        let mut states = [[B::P::ZERO; WIDTH]; T];
        let mut filled = 0;
        let rows = T * B::P::WIDTH;
        for matrix in matrices {
            let width = matrix.width();
            for column in 0..width {
                // What the permutation after the next one absorbs, here or in the rows that follow.
                let ahead = column + RATE;
                if ahead < width {
                    matrix.prefetch::<B>(ahead, row, rows);
                } else {
                    matrix.prefetch::<B>(ahead % width, row + rows, rows);
                }
                let groups: [B::P; T] = matrix.load_groups(column, row);
                for (state, values) in states.iter_mut().zip(groups) {
                    state[filled] = values;
                }
                filled += 1;
                if filled == RATE {
                    states.iter_mut().for_each(|state| self.permute(state));
                    filled = 0;
                }
            }
        }
        if filled > 0 {
            states.iter_mut().for_each(|state| self.permute(state));
        }
        states
    }

    /// Permutes what the states of `row` and the following rows have absorbed, if they have not.
    #[inline]
    fn finish(&self, states: &States<'_>, row: usize) -> [B::P; WIDTH] {
        let mut state = load(states, row);
        if !states.absorbed.is_multiple_of(RATE) {
            self.permute(&mut state);
        }
        state
    }
}

impl<'p, B: Kernels> Hasher<B> for Poseidon2Hasher<'p, B> {
    type Suite = Poseidon2;
    type Transcript = Challenger<'p>;
    type Scalar = Poseidon2Hasher<'p, ScalarBackend>;

    fn scalar(&self) -> Self::Scalar {
        Poseidon2Hasher::new(self.poseidon2)
    }

    fn transcript(&self) -> Challenger<'p> {
        Challenger::new(self.poseidon2)
    }

    fn hash_rows<L: Leaves>(&self, matrices: impl Iterator<Item = L> + Clone, layer: &mut [u32]) {
        let len = layer.len() / DIGEST;
        let mut row = 0;
        while row + TILE * B::P::WIDTH <= len {
            let states = self.absorb_rows::<L, TILE>(matrices.clone(), row);
            store(&states, layer, row);
            row += TILE * B::P::WIDTH;
        }
        while row < len {
            let states = self.absorb_rows::<L, 1>(matrices.clone(), row);
            store(&states, layer, row);
            row += B::P::WIDTH;
        }
    }

    fn compress<L: Leaves>(
        &self,
        below: &[u32],
        matrices: impl Iterator<Item = L> + Clone,
        layer: &mut [u32],
    ) {
        let (below, len) = (elements(below), layer.len() / DIGEST);
        let injects = matrices.clone().next().is_some();
        for row in (0..len).step_by(B::P::WIDTH) {
            let mut state = [B::P::ZERO; WIDTH];
            for i in 0..DIGEST {
                (state[i], state[DIGEST + i]) = even_odd::<B::P>(&below[2 * (i * len + row)..]);
            }
            self.permute(&mut state);
            if injects {
                let [rows] = self.absorb_rows::<L, 1>(matrices.clone(), row);
                state[DIGEST..].copy_from_slice(&rows[..DIGEST]);
                self.permute(&mut state);
            }
            store(&[state], layer, row);
        }
    }

    fn start(&self, states: &mut [u32]) {
        elements_mut(states).fill(F::ZERO);
    }

    fn absorb(&self, states: &mut States<'_>, columns: &[F], stride: usize, to: Range<usize>) {
        let first = to.start;
        for row in to.step_by(B::P::WIDTH) {
            let mut state = load(states, row);
            let mut filled = states.absorbed % RATE;
            let from = row - first;
            for column in columns.chunks_exact(stride) {
                state[filled] = *B::P::from_slice(&column[from..from + B::P::WIDTH]);
                filled += 1;
                if filled == RATE {
                    self.permute(&mut state);
                    filled = 0;
                }
            }
            let words = elements_mut(states.words);
            for (i, value) in state.iter().enumerate() {
                store_packed(*value, words, i * states.rows + row);
            }
        }
    }

    fn end(&self, states: &mut States<'_>) {
        for row in (0..states.rows).step_by(B::P::WIDTH) {
            let state = self.finish(states, row);
            let rows = states.rows;
            store(&[state], &mut states.words[..DIGEST * rows], row);
        }
    }

    fn inject(&self, states: &mut States<'_>, layer: &mut [u32]) {
        let len = states.rows;
        for row in (0..len).step_by(B::P::WIDTH) {
            let mut state = self.finish(states, row);
            let (node, digest) = state.split_at_mut(DIGEST);
            digest.copy_from_slice(node);
            for (i, value) in node.iter_mut().enumerate() {
                let at = i * len + row;
                *value = *B::P::from_slice(&elements(layer)[at..at + B::P::WIDTH]);
            }
            self.permute(&mut state);
            store(&[state], layer, row);
        }
    }

    fn grind(&self, transcript: &mut Challenger<'p>, bits: usize) -> F {
        transcript.grind(bits, |state| self.permute(state))
    }
}

#[inline]
fn load<P: PackedFieldPow2<Scalar = F>>(states: &States<'_>, row: usize) -> [P; WIDTH] {
    let words = elements(states.words);
    core::array::from_fn(|i| {
        let at = i * states.rows + row;
        *P::from_slice(&words[at..at + P::WIDTH])
    })
}

#[inline]
fn store_packed<P: PackedFieldPow2<Scalar = F>>(value: P, to: &mut [F], at: usize) {
    *P::from_slice_mut(&mut to[at..at + P::WIDTH]) = value;
}

/// Stores the rates of consecutive row groups as digests.
#[inline]
fn store<P: PackedFieldPow2<Scalar = F>>(states: &[[P; WIDTH]], layer: &mut [u32], row: usize) {
    let len = layer.len() / DIGEST;
    let layer = elements_mut(layer);
    for (t, state) in states.iter().enumerate() {
        for (i, value) in state[..DIGEST].iter().enumerate() {
            store_packed(*value, layer, i * len + row + t * P::WIDTH);
        }
    }
}
