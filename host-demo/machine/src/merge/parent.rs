//! The parent L2G table: what a range of epochs did to memory, one row per touched cell.
//!
//! The merge that commits it, for the epochs `a..`, lets it play genesis **and** final memory: it
//! emits `(cell, init_epoch, init)` and consumes `(cell, fini_epoch, fini)`, with `a − 1 −
//! init_epoch` and `fini_epoch − a` checked to [`EPOCH_BITS`] bits. So `init_epoch < a ≤
//! fini_epoch`, and no rows of the table can cancel one another. That `fini_epoch` is at most the
//! last epoch follows from matching. The merge above takes it as a child, with the signs exchanged
//! and nothing else.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::F;

use super::path::{GMEM, ends, step};
use super::{EPOCH_BITS, range};
use crate::air::first;
use crate::columns::{columns, width};

/// Bits of one limb of a checked difference.
const LIMB_BITS: u32 = 8;
/// Limbs of one checked difference.
pub const LIMBS: usize = (EPOCH_BITS / LIMB_BITS) as usize;
const _: () = assert!(LIMBS as u32 * LIMB_BITS == EPOCH_BITS);

columns! {
    /// The touched cell.
    CELL,
    /// The epoch that left the value found by the range; 0 is genesis.
    INIT_EPOCH,
    /// Value at the start of the range, low half.
    INIT_LO,
    /// Value at the start of the range, high half.
    INIT_HI,
    /// The last epoch of the range that touched the cell.
    FINI_EPOCH,
    /// Value at the end of the range, low half.
    FINI_LO,
    /// Value at the end of the range, high half.
    FINI_HI,
    /// 1 on rows that hold a cell.
    REAL,
    /// Limbs of `a − 1 − init_epoch`.
    BEFORE[LIMBS],
    /// Limbs of `fini_epoch − a`.
    AFTER[LIMBS],
}
/// Number of columns.
pub const WIDTH: usize = width(COLUMNS);

/// The token that the range found.
const INIT: [usize; 3] = [INIT_EPOCH, INIT_LO, INIT_HI];
/// The token that it left.
const FINI: [usize; 3] = [FINI_EPOCH, FINI_LO, FINI_HI];

/// In the merge that commits the table.
pub(super) fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let main = builder.main();
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };
    let [first_epoch]: [AB::Expr; 1] = first(builder.public_values()).map(Into::into);
    let real = at(REAL);

    builder.assert_bool(real.clone());
    let (init, fini) = (INIT.map(at), FINI.map(at));
    ends(builder, GMEM, real.clone(), at(CELL), init, fini);

    let limbs = |columns: [usize; LIMBS]| columns.map(|c| (at(c), LIMB_BITS));
    let before = range::check::<AB, LIMBS>(builder, limbs(BEFORE));
    let after = range::check::<AB, LIMBS>(builder, limbs(AFTER));
    let room = first_epoch.clone() - AB::Expr::ONE - at(INIT_EPOCH);
    builder.assert_zero(real.clone() * (room - before));
    builder.assert_zero(real * (at(FINI_EPOCH) - first_epoch - after));
}

/// In the merge that consumes the table.
pub(super) fn eval_child<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let main = builder.main();
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };

    builder.assert_bool(at(REAL));
    step(builder, at(REAL), at(CELL), INIT.map(at), FINI.map(at));
}
