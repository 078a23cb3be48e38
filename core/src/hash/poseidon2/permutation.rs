//! Poseidon2 over BabyBear at width 16, its sponge and its compression, over constant arrays.
//!
//! The permutation is `M_E`, 4 external rounds, 13 internal rounds, 4 external rounds, with the
//! S-box `x^7`. An external round adds 16 constants, applies the S-box to every lane and multiplies
//! by `M_E = circ(2M, M, M, M)`; an internal round does so with lane 0 only and multiplies by
//! `M_I = 1 + Diag(v)`, `v = [-2, 1, 2, 1/2, 3, 4, -1/2, -3, -4, 2^-8, 1/4, 1/8, 2^-27, -2^-8,
//! -1/16, -2^-27]`.
//!
//! Source: the Poseidon2 paper (eprint 2023/323), sections 5 and 6 and appendix B, with the 4 × 4
//! matrix, the diagonal and the constants of Plonky3's `Poseidon2BabyBear<16>`, which it equals.
//! Everything is generic in the packing, so one code hashes one state or 16 of them side by side.
//! Nothing here panics.

use core::array;
use core::fmt::Debug;

use p3_baby_bear::{
    BABYBEAR_POSEIDON2_RC_16_EXTERNAL_FINAL, BABYBEAR_POSEIDON2_RC_16_EXTERNAL_INITIAL,
    BABYBEAR_POSEIDON2_RC_16_INTERNAL,
};
use p3_field::{InjectiveMonomial, PackedField};

use crate::backend::{Backend, DefaultBackend, ScalarBackend};
use crate::{DIGEST, F};

/// Field elements in a state.
pub const WIDTH: usize = 16;
/// Field elements of a state that absorb and squeeze; the other half is the capacity.
pub const RATE: usize = 8;
/// External rounds on either side of the internal ones.
pub const HALF_EXTERNAL_ROUNDS: usize = 4;
/// Internal rounds.
pub const INTERNAL_ROUNDS: usize = 13;

/// Field elements side by side that Poseidon2 can permute: `F` itself and every packing of it.
pub trait Packed: PackedField<Scalar = F> + InjectiveMonomial<7> {}

impl<P: PackedField<Scalar = F> + InjectiveMonomial<7>> Packed for P {}

/// The vector kernels of this suite.
pub trait Kernels: Backend {
    /// Poseidon2 as this backend permutes with it, `WIDTH` states at once: `&Poseidon2`, or what is
    /// made of its constants beforehand.
    type Permutation<'p>: Permute<Self::P> + From<&'p Poseidon2> + Clone + Debug + Send + Sync;
}

impl Kernels for DefaultBackend {
    type Permutation<'p> = &'p Poseidon2;
}

impl Kernels for ScalarBackend {
    type Permutation<'p> = &'p Poseidon2;
}

/// Permutes packed states: the round constants themselves, or what a backend made of them.
pub trait Permute<P> {
    /// Permutes the state in place, each lane of the packing on its own.
    fn permute(&self, state: &mut [P; WIDTH]);
}

impl<P: Packed> Permute<P> for &Poseidon2 {
    #[inline]
    fn permute(&self, state: &mut [P; WIDTH]) {
        Poseidon2::permute(self, state);
    }
}

/// The round constants, which are all that varies between instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poseidon2 {
    /// Constants of the external rounds before the internal ones, rounds × lanes.
    pub initial: [[F; WIDTH]; HALF_EXTERNAL_ROUNDS],
    /// Constants of the internal rounds, for lane 0.
    pub internal: [F; INTERNAL_ROUNDS],
    /// Constants of the external rounds after the internal ones, rounds × lanes.
    pub terminal: [[F; WIDTH]; HALF_EXTERNAL_ROUNDS],
}

impl Poseidon2 {
    /// The published BabyBear constants (Grain LFSR), Plonky3's default.
    pub const BABY_BEAR: Self = Self {
        initial: BABYBEAR_POSEIDON2_RC_16_EXTERNAL_INITIAL,
        internal: BABYBEAR_POSEIDON2_RC_16_INTERNAL,
        terminal: BABYBEAR_POSEIDON2_RC_16_EXTERNAL_FINAL,
    };

    /// Permutes the state in place, each lane of the packing on its own.
    #[inline]
    pub fn permute<P: Packed>(&self, state: &mut [P; WIDTH]) {
        external_linear(state, Some(&self.initial[0]));
        for round in 1..=HALF_EXTERNAL_ROUNDS {
            s_boxes(state);
            external_linear(state, self.initial.get(round));
        }
        for &constant in &self.internal {
            internal_round(state, constant);
        }
        add_constants(state, &self.terminal[0]);
        for round in 1..=HALF_EXTERNAL_ROUNDS {
            s_boxes(state);
            external_linear(state, self.terminal.get(round));
        }
    }

    /// Two digests to one: the first half of the permuted concatenation.
    #[inline]
    pub fn compress<P: Packed>(&self, left: [P; DIGEST], right: [P; DIGEST]) -> [P; DIGEST] {
        let mut state = array::from_fn(|i| {
            if i < DIGEST {
                left[i]
            } else {
                right[i - DIGEST]
            }
        });
        self.permute(&mut state);
        array::from_fn(|i| state[i])
    }
}

/// A hash of any number of elements by overwriting the rate, without padding.
///
/// It equals Plonky3's `PaddingFreeSponge<_, 16, 8, 8>`: a last block that is not full keeps what
/// the rest of the rate held, and no elements at all give the zero digest. So it hashes rows of a
/// length that the protocol fixes, and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Sponge<P> {
    state: [P; WIDTH],
    /// Elements of the current block, below [`RATE`].
    filled: usize,
}

impl<P: Packed> Sponge<P> {
    /// A sponge that has absorbed nothing.
    pub const fn new() -> Self {
        Self {
            state: [P::ZERO; WIDTH],
            filled: 0,
        }
    }

    /// Absorbs one element per lane.
    #[inline]
    pub fn absorb(&mut self, permutation: &Poseidon2, value: P) {
        self.state[self.filled] = value;
        self.filled += 1;
        if self.filled == RATE {
            permutation.permute(&mut self.state);
            self.filled = 0;
        }
    }

    /// Absorbs elements in order.
    #[inline]
    pub fn absorb_slice(&mut self, permutation: &Poseidon2, values: &[P]) {
        for &value in values {
            self.absorb(permutation, value);
        }
    }

    /// The digest of what was absorbed.
    #[inline]
    pub fn finish(mut self, permutation: &Poseidon2) -> [P; DIGEST] {
        if self.filled > 0 {
            permutation.permute(&mut self.state);
        }
        array::from_fn(|i| self.state[i])
    }
}

impl<P: Packed> Default for Sponge<P> {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
fn s_boxes<P: Packed>(state: &mut [P; WIDTH]) {
    for x in state {
        *x = x.injective_exp_n();
    }
}

#[inline(always)]
fn add_constants<P: Packed>(state: &mut [P; WIDTH], constants: &[F; WIDTH]) {
    for (x, &constant) in state.iter_mut().zip(constants) {
        *x += constant;
    }
}

/// `M_E`, and the constants of the next S-boxes.
///
/// The 4 × 4 matrix on each group of four, then the sum of its position added to each lane. The
/// constants go in while those sums are on their way, which hides them.
#[inline(always)]
fn external_linear<P: Packed>(state: &mut [P; WIDTH], constants: Option<&[F; WIDTH]>) {
    for group in state.as_chunks_mut::<4>().0 {
        mix_four(group);
    }
    let sums: [P; 4] =
        array::from_fn(|k| (state[k] + state[k + 4]) + (state[k + 8] + state[k + 12]));
    if let Some(constants) = constants {
        add_constants(state, constants);
    }
    for (i, x) in state.iter_mut().enumerate() {
        *x += sums[i % 4];
    }
}

/// `circ(2, 3, 1, 1)` in nine additions.
#[inline(always)]
fn mix_four<P: Packed>(x: &mut [P; 4]) {
    let x01 = x[0] + x[1];
    let x23 = x[2] + x[3];
    let all = x01 + x23;
    let all_and_1 = all + x[1];
    let all_and_3 = all + x[3];
    *x = [
        all_and_1 + x01,
        all_and_1 + x[2].double(),
        all_and_3 + x23,
        all_and_3 + x[0].double(),
    ];
}

/// Adds the constant to lane 0, applies the S-box there and multiplies by `M_I`.
///
/// Lane 0 needs only the sum of the others, so the long S-box overlaps with the diagonal.
#[inline(always)]
fn internal_round<P: Packed>(state: &mut [P; WIDTH], constant: F) {
    let first = (state[0] + constant).injective_exp_n();
    let tail = P::sum_array::<15>(&state[1..]);
    let sum = tail + first;
    state[0] = tail - first;
    state[1] += sum;
    state[2] = state[2].double() + sum;
    state[3] = state[3].halve() + sum;
    state[4] = state[4].double() + state[4] + sum;
    state[5] = state[5].double().double() + sum;
    state[6] = sum - state[6].halve();
    state[7] = sum - (state[7].double() + state[7]);
    state[8] = sum - state[8].double().double();
    state[9] = state[9].div_2exp_u64(8) + sum;
    state[10] = state[10].div_2exp_u64(2) + sum;
    state[11] = state[11].div_2exp_u64(3) + sum;
    state[12] = state[12].div_2exp_u64(27) + sum;
    state[13] = sum - state[13].div_2exp_u64(8);
    state[14] = sum - state[14].div_2exp_u64(4);
    state[15] = sum - state[15].div_2exp_u64(27);
}
