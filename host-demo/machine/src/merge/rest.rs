//! Genesis and final memory of one hole of the image: the touched cells of a public interval.
//!
//! Cells ascend strictly, or a cell could be opened twice and the prover could choose which of its
//! two chains a read sees. Three checks make that hold in the integers and not only mod p:
//! - a cell is four limbs, 30 bits in all;
//! - `gap = cell − previous − 1` is 29 bits on every real row, with the interval's first cell less
//!   one as the first row's previous: two 30-bit cells in the wrong order differ by at least p −
//!   2^30, which exceeds 2^29. The first padding row has the gap from the last cell to the
//!   interval's end instead, and the last row is never real, so that there is one;
//! - `real` never rises again, or a padding row would reset the order.
//!
//! Where two touched cells are further apart, untouched rows bridge the gap: they take back their
//! own epoch-0 token.

use p3_air::{AirBuilder, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::F;

use super::path::ends;
use super::range;
use crate::air::first;
use crate::cells::RAM_CELLS;
use crate::columns::{columns, width};

/// Bits of a cell's limbs.
pub(super) const CELL_BITS: [u32; 4] = [8, 8, 8, 6];
/// Bits of a gap's limbs.
pub(super) const GAP_BITS: [u32; 4] = [8, 8, 8, 5];
/// Gaps are below this.
pub(super) const GAP_LIMIT: u32 = 1 << 29;
const _: () = assert!(RAM_CELLS == 1 << 30, "four limbs of CELL_BITS");
/// A descent, read mod p, is no gap.
const _: () = assert!(0x7800_0001 - RAM_CELLS > GAP_LIMIT);

columns! {
    /// Limbs of the cell, lowest first.
    CELL[4],
    /// Limbs of the gap to the row before, lowest first.
    GAP[4],
    /// The last epoch that touched the cell, 0 for an untouched one.
    FINI_EPOCH,
    /// Final value, low half.
    FINI_LO,
    /// Final value, high half.
    FINI_HI,
    /// 1 on rows that hold a cell.
    REAL,
}
/// Number of columns.
pub const WIDTH: usize = width(COLUMNS);

/// Columns whose next row is read: limbs of cell and gap, and `real`.
pub(crate) const NEXT: [usize; 9] = {
    let ([a, b, c, d], [e, f, g, h]) = (CELL, GAP);
    [a, b, c, d, e, f, g, h, REAL]
};

pub(crate) fn eval<AB: InteractionBuilder<F = F>>(bus: &str, builder: &mut AB) {
    let main = builder.main();
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };
    let after: &[_; WIDTH] = first(main.next_slice());
    let next = |c: usize| -> AB::Expr { after[c].into() };
    let [first_cell, end_cell]: [AB::Expr; 2] = first(builder.public_values()).map(Into::into);
    let (real, next_real) = (at(REAL), next(REAL));

    let cell_limbs = core::array::from_fn(|i| (at(CELL[i]), CELL_BITS[i]));
    let gap_limbs = core::array::from_fn(|i| (at(GAP[i]), GAP_BITS[i]));
    let cell = range::check::<AB, 4>(builder, cell_limbs);
    let gap = range::check::<AB, 4>(builder, gap_limbs);
    let next_cell = compose::<AB, 4>(CELL.map(next));
    let next_gap = compose::<AB, 4>(GAP.map(next));

    // The order of these constraints is the order in which the attack tests drop them.
    builder.assert_bool(real.clone());
    builder
        .when_first_row()
        .assert_zero(real.clone() * (cell.clone() - first_cell - gap));
    let step = next_cell - end_cell.clone();
    let ahead = next_real.clone() * step + end_cell - cell.clone() - AB::Expr::ONE;
    builder
        .when_transition()
        .assert_zero(real.clone() * (ahead - next_gap));
    builder
        .when_transition()
        .assert_zero(next_real * (AB::Expr::ONE - real.clone()));
    builder.when_last_row().assert_zero(real.clone());

    let init = [(); 3].map(|()| AB::Expr::ZERO);
    let fini = [FINI_EPOCH, FINI_LO, FINI_HI].map(at);
    ends(builder, bus, real, cell, init, fini);
}

/// The value of byte limbs, lowest first; the highest may be narrower.
fn compose<AB: InteractionBuilder<F = F>, const N: usize>(limbs: [AB::Expr; N]) -> AB::Expr {
    limbs
        .into_iter()
        .rev()
        .reduce(|value, limb| value * F::from_u32(1 << 8) + limb)
        .unwrap_or(AB::Expr::ZERO)
}
