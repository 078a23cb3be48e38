//! REST: cells out of order, out of their hole, or counted otherwise than once.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::merge::{Chain, rest};
use tranche_test_support::merge::batch::Batch;
use tranche_test_support::merge::forge::{
    FINI_5, REST_TABLES, Row, TOP, bridge, chain, image_cell_in_rest, minus, padding,
    restart_cell_5, row, second_cell_300, with_rest, wrapped_cells,
};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::Entry;

/// Messages that check the limbs of the cell, then those of the gap.
const CELL_LIMBS: usize = 0;
const GAP_LIMBS: usize = 4;

pub fn forge(entry: &mut Entry<Batch>) {
    let [before_image, after_image, last] = REST_TABLES;
    // Cell 5 opened again in epoch 2.
    let twice = |rows: &[Row], odd| with_rest(restart_cell_5, before_image, rows, odd);
    let [first, second] = FINI_5;

    let counts_twice = "a row that counts twice, for a cell opened twice";
    entry.forge(Assertion(0), counts_twice, a_row_that_counts_twice());
    let rows = [
        row(101, 0, (3, 9)),
        row(150, 48, (2, 6)),
        padding(49),
        padding(0),
    ];
    let ahead = image_cell_in_rest(after_image, &rows);
    entry.forge(
        Assertion(1),
        "a cell of the image, ahead of the hole",
        ahead,
    );
    let rows = [
        row(5, 5, first),
        bridge(6, 0),
        row(5, 0, second),
        padding(94),
    ];
    entry.forge(
        Assertion(2),
        "a cell below the one before",
        twice(&rows, TOP),
    );
    let rows = [
        row(5, 5, first),
        padding(94),
        row(5, 0, second),
        padding(94),
    ];
    entry.forge(
        Assertion(3),
        "an order reset by a padding row",
        twice(&rows, TOP),
    );
    let rows = [row(5, 5, second), row(101, 95, (3, 9))];
    let past = image_cell_in_rest(before_image, &rows);
    entry.forge(Assertion(4), "a cell of the image, past the hole", past);
    for limb in 0..4 {
        let cells = with_rest(second_cell_300, last, &wrapped_cells(), limb);
        entry.forge(
            Interaction(CELL_LIMBS + limb),
            "cells that come round",
            cells,
        );
        let rows = [
            row(5, 5, first),
            row(5, minus(1), second),
            padding(94),
            padding(0),
        ];
        let gap = Interaction(GAP_LIMBS + limb);
        entry.forge(gap, "a cell twice, with a gap of -1", twice(&rows, limb));
    }
}

/// Epoch 2 opens cell 5 as epoch 1 left it and as genesis did, and leaves both alike.
fn a_row_that_counts_twice() -> Batch {
    let twice = |leaves: &mut [Vec<Chain>]| {
        let second = Chain {
            init_epoch: 0,
            init: 0,
            ..*chain(&mut leaves[1], 5)
        };
        leaves[1].push(second);
    };
    let rows = [row(5, 5, FINI_5[1]), padding(94)];
    let mut batch = with_rest(twice, REST_TABLES[0], &rows, TOP);
    batch.tables[REST_TABLES[0]].row(0)[rest::REAL] = F::TWO;
    batch
}
