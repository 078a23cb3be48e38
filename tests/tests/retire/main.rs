//! Runs of several batches, as the core proves them, against what knows their bytes: in forked order a naive prover
//! in Plonky3's pieces, in shared order Plonky3's own on all tables of the run.

mod bytes;
mod refused;
mod resume;
mod workers;

use tranche_core::retire::{Keep, Kept, Order};

/// Both orders of challenges.
const ORDERS: [Order; 2] = [Order::Forked, Order::Shared];

/// What an order may keep between walks.
fn keeps(order: Order) -> impl Iterator<Item = Keep> {
    let codewords: &[bool] = match order {
        Order::Forked => &[true, false],
        Order::Shared => &[true],
    };
    let with = |codewords, quotients| {
        [Kept::All, Kept::Upper, Kept::Root].map(|trees| Keep {
            trees,
            quotients,
            codewords,
        })
    };
    let with = move |codewords: &bool| [true, false].map(|quotients| with(*codewords, quotients));
    codewords.iter().flat_map(with).flatten()
}
