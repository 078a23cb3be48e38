//! Round constants as the kernel adds them.
//!
//! An element `x` is kept as `k x`. It enters in Montgomery form, `k = 2^32`, and leaves so; the S-box
//! takes `k` to `k^7 2^-384`, that is `2^64 d` to `2^64 d^7`. So the first external rounds go from
//! `d = 2^-32` to `2^(-32 * 7^4)`; a product takes it to 1 for the internal rounds; another to the
//! `d` that the last ones take to what a third, by [`LEAVE`], makes `2^32` of.
//!
//! The products after external rounds have constants so small that what they multiply needs no
//! reduction. That is chosen for the third, and luck for the first.
//!
//! The constants of an external round go through the inverse of `M_E`, so that the S-boxes before it
//! can add them.

use p3_field::{PermutationMonomial, PrimeCharacteristicRing, PrimeField32, PrimeField64};
use tranche_core::F;
use tranche_core::hash::poseidon2::{HALF_EXTERNAL_ROUNDS, INTERNAL_ROUNDS, Poseidon2, WIDTH};

/// The modulus.
pub(super) const Q: u64 = F::ORDER_U64;
/// `q^-1 mod 2^64`.
pub(super) const INVERSE: u64 = inverse_mod_2_64(Q);
/// What is reduced carries this multiple of `q`, which puts it in the range that reductions take, and
/// `-2^52`, which they add back.
pub(super) const OFFSET: u64 = (Q << 17).wrapping_sub(1 << 52);
/// Multiples of `q` that `M_E` makes of products and `q`, at least.
const LEAST: u64 = 35 * Q;
/// And at most.
const MOST: u64 = 70 * Q;
/// What the last product multiplies by, but for `-2^-64`.
const LEAVE: u64 = 1 << 16;
/// What an addend of each S-box brings of [`OFFSET`]: the rows of `M_E` add up to 35.
const SHARE: u64 = OFFSET.wrapping_mul(inverse_mod_2_64(35));

/// The inverse of an odd number, by Newton's iteration.
const fn inverse_mod_2_64(x: u64) -> u64 {
    let mut inverse = 1u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(x.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

/// What one instance adds and multiplies with.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    /// Added to the input: constants of the first round, in Montgomery form.
    pub(super) first: [u32; WIDTH],
    /// What each S-box of the first external rounds adds.
    pub(super) initial: [[u64; WIDTH]; HALF_EXTERNAL_ROUNDS],
    /// Factor between the first external rounds and the internal ones.
    pub(super) to_internal: u64,
    /// Addends of that product for elements 0 and 1; the others' is `q`.
    pub(super) enter_internal: [u64; 2],
    /// The diagonal of `M_I - 1`, as factors; those of small integers are not used.
    pub(super) diagonal: [u64; WIDTH],
    /// What each internal round adds to element 0.
    pub(super) internal: [u64; INTERNAL_ROUNDS],
    /// Factor between the internal rounds and the last external ones.
    pub(super) to_terminal: u64,
    /// Addends of that product.
    pub(super) enter_terminal: [u64; WIDTH],
    /// What each S-box of the last external rounds adds.
    pub(super) terminal: [[u64; WIDTH]; HALF_EXTERNAL_ROUNDS],
    /// Factor after the last of them.
    pub(super) leave: u64,
}

impl From<&Poseidon2> for Constants {
    fn from(poseidon2: &Poseidon2) -> Self {
        let to_64 = F::TWO.exp_u64(64);
        let in_montgomery_form = F::TWO.exp_u64(32);
        let leave = -F::from_u64(LEAVE) / to_64;
        let last = (0..HALF_EXTERNAL_ROUNDS).fold(in_montgomery_form / leave / to_64, |d, _| {
            d.injective_exp_root_n()
        });
        let last = last * to_64;
        let first = in_montgomery_form;
        let (initial, after) = external(&poseidon2.initial, first);
        let (terminal, _) = external(&poseidon2.terminal, last);

        let enter_internal = [poseidon2.internal[0] * to_64, F::ZERO].map(reducible);
        Self {
            first: undo_external(&poseidon2.initial[0]).map(|x| (x * first).as_canonical_u32()),
            initial,
            to_internal: small_factor(to_64 / after),
            enter_internal,
            diagonal: diagonal().map(factor),
            internal: core::array::from_fn(|round| {
                let next = poseidon2.internal.get(round + 1);
                next.map_or(0, |&x| (x * to_64).as_canonical_u64())
            }),
            to_terminal: factor(last / to_64),
            enter_terminal: poseidon2.terminal[0].map(|x| reducible(x * last)),
            terminal,
            leave: small_factor(leave),
        }
    }
}

/// What the S-boxes of four rounds add, the first of which sees `k x`; and the last `k`. After the last
/// round nothing is reduced.
fn external(
    constants: &[[F; WIDTH]; HALF_EXTERNAL_ROUNDS],
    mut k: F,
) -> ([[u64; WIDTH]; HALF_EXTERNAL_ROUNDS], F) {
    let scale = F::TWO.exp_u64(384);
    let addends = core::array::from_fn(|round| {
        k = k.exp_const_u64::<7>() / scale;
        constants.get(round + 1).map_or([Q; WIDTH], |next| {
            undo_external(next).map(|x| SHARE.wrapping_add((x * k).as_canonical_u64()))
        })
    });
    (addends, k)
}

/// An addend of a product that is reduced next.
fn reducible(x: F) -> u64 {
    OFFSET.wrapping_add(x.as_canonical_u64())
}

/// [`factor`] for a product of what `M_E` made of S-boxes that added `q`.
///
/// # Panics
/// When it is not small or large enough for the product to be exact: it depends on no instance.
fn small_factor(x: F) -> u64 {
    let x = (-x * F::TWO.exp_u64(64)).as_canonical_u64();
    assert!(x.checked_mul(MOST).is_some() && x * LEAST >= 1 << 43);
    x.wrapping_mul(INVERSE)
}

/// What a product multiplies by, to multiply by `x`: a representative of `-2^64 x` that is large
/// enough for it, times `q^-1`.
fn factor(x: F) -> u64 {
    let x = (-x * F::TWO.exp_u64(64)).as_canonical_u64();
    let x = if x < 1 << 21 { x + Q } else { x };
    x.wrapping_mul(INVERSE)
}

/// The diagonal of `M_I - 1`.
fn diagonal() -> [F; WIDTH] {
    let fraction = |bits| F::ONE.div_2exp_u64(bits);
    let int = F::from_u8;
    [
        -int(2),
        int(1),
        int(2),
        fraction(1),
        int(3),
        int(4),
        -fraction(1),
        -int(3),
        -int(4),
        fraction(8),
        fraction(2),
        fraction(3),
        fraction(27),
        -fraction(8),
        -fraction(4),
        -fraction(27),
    ]
}

/// The inverse of `M_E = (1 + J) ⊗ circ(2, 3, 1, 1)`, `J` all ones: `1 - J / 5`, then
/// `circ(-4, 3, -11, 17) / 35`.
fn undo_external(state: &[F; WIDTH]) -> [F; WIDTH] {
    let column = |k: usize| state[k] + state[k + 4] + state[k + 8] + state[k + 12];
    let unmixed: [F; WIDTH] = core::array::from_fn(|i| state[i] - column(i % 4) / F::from_u8(5));
    let [a, b, c, d] = [
        -F::from_u8(4),
        F::from_u8(3),
        -F::from_u8(11),
        F::from_u8(17),
    ];
    core::array::from_fn(|i| {
        let x = |k: usize| unmixed[i / 4 * 4 + (i + k) % 4];
        (a * x(0) + b * x(1) + c * x(2) + d * x(3)) / F::from_u8(35)
    })
}
