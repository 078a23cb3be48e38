//! Final memory: cells opened twice, in one table and in two, by gaps of more than 29 bits. What
//! each check refuses by itself is among the forgeries.

use tranche_test_support::merge::forge::{
    FINI_5, HALF, REST_TABLES, TOP, bridge, image_cell_in_rest, minus, padding, row,
    second_cell_300, with_rest,
};
use tranche_test_support::omit::Omit;

use super::{accepted_without, range, refused};
use crate::batch::*;

/// The message on which `rest` checks the top limb of a gap.
const GAP_TOP_LIMB: Omit = Omit::Interaction(7);

/// Refused for the range of a gap's top limb.
fn needs_its_width(batch: &Batch, table: usize) {
    refused(batch, &[range()]);
    accepted_without(batch, table, &[GAP_TOP_LIMB]);
}

#[test]
fn the_rows_of_the_forger_are_the_honest_ones_when_he_is_honest() {
    let honest = flat(&RUN, outcome(EXIT, OUTPUT));
    let rows = [row(5, 5, FINI_5[1]), padding(94), padding(0), padding(0)];
    let same = with_rest(|_| {}, REST_TABLES[0], &rows, TOP);
    for (a, b) in honest.tables.iter().zip(&same.tables) {
        assert_eq!(a.trace, b.trace);
    }
    assert!(same.check().is_ok());
}

#[test]
fn a_gap_that_wraps() {
    // From the end of RAM back to cell 300 it is below 2^30 mod p, so 30-bit gaps would go round.
    let back = minus(STACK) + 300 - 1;
    assert!((HALF..2 * HALF).contains(&back));
    let rows = [
        row(300, 98, (1, 4)),
        bridge(300 + HALF, HALF - 1),
        row(STACK, STACK - (300 + HALF) - 1, (1, 9)),
        row(300, back, (2, 1)),
        bridge(300 + HALF, HALF - 1),
        padding(2 * HALF - 1 - (300 + HALF)),
        padding(0),
        padding(0),
    ];
    let batch = with_rest(second_cell_300, REST_TABLES[2], &rows, TOP);
    needs_its_width(&batch, REST_TABLES[2]);
}

#[test]
fn a_cell_in_two_tables() {
    let fini = (3, 9);
    let [before_image, after_image, _] = REST_TABLES;
    // Past the end of the hole before the image, with the true gap to that end.
    let after = [
        row(5, 5, FINI_5[1]),
        row(101, 95, fini),
        padding(minus(2)),
        padding(0),
    ];
    needs_its_width(&image_cell_in_rest(before_image, &after), before_image);
    // Ahead of the hole behind the image.
    let ahead = [
        row(101, minus(3), fini),
        row(150, 48, (2, 6)),
        padding(49),
        padding(0),
    ];
    needs_its_width(&image_cell_in_rest(after_image, &ahead), after_image);
}
