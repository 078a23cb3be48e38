//! A cell's path through the epochs, as messages: every step takes a token and gives the next one.

use p3_lookup::InteractionBuilder;
use tranche_core::F;

use crate::bus::{receive, send};

/// The bus of `(cell, epoch, low half, high half)` tokens.
pub const GMEM: &str = "gmem";

/// A step of a cell's path: takes the token `init` and emits `fini`, each an epoch and two halves.
///
/// `real` gates both messages; the table constrains it to be a bit.
pub(super) fn step<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    real: AB::Expr,
    cell: AB::Expr,
    init: [AB::Expr; 3],
    fini: [AB::Expr; 3],
) {
    let [init, fini] = tokens(cell, [init, fini]);
    builder.push_interaction(GMEM, init, receive(real.clone()));
    builder.push_interaction(GMEM, fini, send(real));
}

/// Both ends of a cell's path, or of the part that a merge covers, on the bus that it runs on: emits the
/// first token `init` and takes the last one `fini`; see [`step`].
pub(super) fn ends<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    bus: &str,
    real: AB::Expr,
    cell: AB::Expr,
    init: [AB::Expr; 3],
    fini: [AB::Expr; 3],
) {
    let [init, fini] = tokens(cell, [init, fini]);
    builder.push_interaction(bus, init, send(real.clone()));
    builder.push_interaction(bus, fini, receive(real));
}

fn tokens<E: Clone>(cell: E, states: [[E; 3]; 2]) -> [[E; 4]; 2] {
    states.map(|[epoch, lo, hi]| [cell.clone(), epoch, lo, hi])
}
