//! The L2G table of an epoch, as a merge sees it: the same trace, spoken on the global bus.
//!
//! `fini_epoch` is no column: it is the epoch's number, which the verifier supplies by position.
//! That `init_epoch` is below it is proved in the epoch, for the same committed rows.

use p3_air::WindowAccess;
use p3_lookup::InteractionBuilder;
use tranche_core::F;

use super::path::step;
use crate::air::first;
use crate::tables::l2g::columns::{
    CELL, FINI_HI, FINI_LO, INIT_EPOCH, INIT_HI, INIT_LO, REAL, WIDTH,
};

pub(super) fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let main = builder.main();
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };
    let [fini_epoch]: [AB::Expr; 1] = first(builder.public_values()).map(Into::into);

    builder.assert_bool(at(REAL));
    let init = [INIT_EPOCH, INIT_LO, INIT_HI].map(at);
    let fini = [fini_epoch, at(FINI_LO), at(FINI_HI)];
    step(builder, at(REAL), at(CELL), init, fini);
}
