//! Round constants as the kernel adds them.
//!
//! A product is `u a b + e` modulo `q`, [`Product::UNIT`] and [`Product::EXCESS`]. An element `x` is kept as
//! `k x`, so the S-box, of six products' factors, takes `k` to `k^7 u^6`. It enters in Montgomery form,
//! `k = 2^32`, and leaves so; the first external rounds take it from there, a product takes it to `-1 / u`,
//! which the S-box keeps, as the internal rounds need; another to what the last ones take to what a third, by
//! [`Product::LEAVE`], makes `2^32` of.
//!
//! By Plantard, the products after external rounds have constants so small that what they multiply needs
//! no reduction. That is chosen for the third, and luck for the first; Montgomery products need it of the
//! third alone, which leaves residues.
//!
//! The constants of an external round go through the inverse of `M_E`, so that the S-boxes before it
//! can add them. What a product adds of its own, `e`, is taken away where something is added anyway, or is
//! kept in sight: an element that internal rounds multiply by `d`, and add a sum to, is kept as `k x + c` with
//! `c = d c + e`, and the sums of all elements lack what these come to.

use core::array;

use p3_field::{Field, PermutationMonomial, PrimeCharacteristicRing, PrimeField32, PrimeField64};
use tranche_core::F;
use tranche_core::hash::poseidon2::{HALF_EXTERNAL_ROUNDS, INTERNAL_ROUNDS, Poseidon2, WIDTH};

use super::modulus::{OFFSET, inverse_mod_2_64};
use super::product::Product;

/// Elements whose factors are 2, 3, 4, -3 and -4.
pub(super) const INTEGERS: [usize; 5] = [2, 4, 5, 7, 8];
/// Elements whose factors are fractions.
pub(super) const FRACTIONS: [usize; 9] = [3, 6, 9, 10, 11, 12, 13, 14, 15];

/// What one instance adds and multiplies with.
#[derive(Clone, Copy, Debug)]
pub struct Constants<P: Product> {
    /// Added to the input: constants of the first round, in Montgomery form.
    pub(super) first: [u32; WIDTH],
    /// What each S-box of the first external rounds adds.
    pub(super) initial: [[u64; WIDTH]; HALF_EXTERNAL_ROUNDS],
    /// Factor between the first external rounds and the internal ones.
    pub(super) to_internal: P::Constant,
    /// Addends of that product.
    pub(super) enter_internal: [u64; WIDTH],
    /// The diagonal of `M_I - 1`, as factors; those of small integers are not used.
    pub(super) diagonal: [P::Constant; WIDTH],
    /// What each internal round adds to element 0.
    pub(super) internal: [u64; INTERNAL_ROUNDS],
    /// Factor between the internal rounds and the last external ones.
    pub(super) to_terminal: P::Constant,
    /// Addends of that product.
    pub(super) enter_terminal: [u64; WIDTH],
    /// What each S-box of the last external rounds adds.
    pub(super) terminal: [[u64; WIDTH]; HALF_EXTERNAL_ROUNDS],
    /// Factor after the last of them.
    pub(super) leave: P::Constant,
}

impl<P: Product> From<&Poseidon2> for Constants<P> {
    fn from(poseidon2: &Poseidon2) -> Self {
        let (unit, excess) = (F::from_u64(P::UNIT), F::from_u64(P::EXCESS));
        let in_montgomery_form = F::TWO.exp_u64(32);
        let leave = F::from_u64(P::LEAVE) * unit;
        // An S-box takes `d / u` to `d^7 / u`.
        let last = (0..HALF_EXTERNAL_ROUNDS).fold(in_montgomery_form / leave * unit, |d, _| {
            d.injective_exp_root_n()
        }) / unit;
        let (first, kept) = (in_montgomery_form, -unit.inverse());
        let (initial, after) = external::<P>(&poseidon2.initial, first, F::ZERO);
        let (terminal, _) = external::<P>(&poseidon2.terminal, last, -excess / leave);

        let diagonal = diagonal();
        let to_terminal = last / kept;
        // What elements are above their multiples in internal rounds.
        let mut above = [F::ZERO; WIDTH];
        for i in FRACTIONS {
            above[i] = excess / (F::ONE - diagonal[i]);
        }
        // The S-box of element 0 adds its excess to the sum of all.
        above[1] = -above.into_iter().sum::<F>() - excess;
        Self {
            first: undo_external(&poseidon2.initial[0]).map(|x| (x * first).as_canonical_u32()),
            initial,
            to_internal: P::constant(residue(kept / after / unit), P::MIXED),
            enter_internal: array::from_fn(|i| match i {
                0 => addend(P::CARRIED, poseidon2.internal[0] * kept - excess),
                1 => addend(OFFSET, above[1] - excess),
                _ => addend(P::LEAST, above[i] - excess),
            }),
            diagonal: diagonal.map(|x| P::constant(residue(x / unit), P::OPERANDS)),
            internal: array::from_fn(|round| {
                let next = poseidon2.internal.get(round + 1);
                // The sum of the others lacks one excess, and the S-box is subtracted with another.
                residue(next.map_or(F::ZERO, |&x| x * kept) + excess.double())
            }),
            to_terminal: P::constant(residue(to_terminal / unit), P::OPERANDS),
            enter_terminal: array::from_fn(|i| {
                let x = poseidon2.terminal[0][i] * last - above[i] * to_terminal;
                addend(P::CARRIED, x - excess)
            }),
            terminal,
            leave: P::constant(P::LEAVE, P::MIXED),
        }
    }
}

/// What the S-boxes of four rounds add, the first of which sees `k x`, so that `M_E` leaves elements `above`
/// their multiples; and the last `k`.
fn external<P: Product>(
    constants: &[[F; WIDTH]; HALF_EXTERNAL_ROUNDS],
    mut k: F,
    above: F,
) -> ([[u64; WIDTH]; HALF_EXTERNAL_ROUNDS], F) {
    /// What the rows of `M_E` add up to.
    const ROW: u64 = 35;
    let (unit, excess) = (F::from_u64(P::UNIT), F::from_u64(P::EXCESS));
    let share = P::CARRIED.wrapping_mul(inverse_mod_2_64(ROW));
    let addends = array::from_fn(|round| {
        k = (k * unit).exp_const_u64::<7>() / unit;
        let next = constants.get(round + 1);
        next.map_or(
            [addend(P::LEAST, above / F::from_u64(ROW) - excess); WIDTH],
            |next| undo_external(next).map(|x| addend(share, x * k - excess)),
        )
    });
    (addends, k)
}

/// An integer below `q`.
fn residue(x: F) -> u64 {
    x.as_canonical_u64()
}

/// What brings `x`, and what sums carry.
fn addend(carried: u64, x: F) -> u64 {
    carried.wrapping_add(residue(x))
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
    let unmixed: [F; WIDTH] = array::from_fn(|i| state[i] - column(i % 4) / F::from_u8(5));
    let [a, b, c, d] = [
        -F::from_u8(4),
        F::from_u8(3),
        -F::from_u8(11),
        F::from_u8(17),
    ];
    array::from_fn(|i| {
        let x = |k: usize| unmixed[i / 4 * 4 + (i + k) % 4];
        (a * x(0) + b * x(1) + c * x(2) + d * x(3)) / F::from_u8(35)
    })
}
