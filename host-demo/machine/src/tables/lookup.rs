//! What the tables that are asked have in common: preprocessed rows, and how often each is asked for.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use tranche_core::{F, TraceMut};

use crate::air::first;

/// The multiplicities.
pub(crate) fn fill(counts: &[u32], trace: &mut TraceMut<'_>) {
    for (row, &count) in counts.iter().take(trace.height()).enumerate() {
        trace.set(row, 0, F::from_u32(count));
    }
}

/// Provides every row of a table of `W` preprocessed columns.
pub(crate) fn eval<const W: usize, AB: InteractionBuilder<F = F>>(bus: &str, builder: &mut AB) {
    let fixed = builder.preprocessed().clone();
    let main = builder.main();
    let [count]: [AB::Expr; 1] = first(main.current_slice()).map(Into::into);
    let message: [AB::Expr; W] = first(fixed.current_slice()).map(Into::into);
    builder.push_interaction(bus, message, Count::provided(-count));
}
