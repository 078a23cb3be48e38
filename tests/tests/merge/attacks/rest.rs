//! Final memory: cells opened twice, in one table and in two, and orders that wrap or are reset.

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_machine::merge::{Chain, rest};
use tranche_tests::omit::Omit;

use super::{accepted_without, gmem, range, ranges, refused};
use crate::audit::Flaw;
use crate::batch::*;

/// The holes `0..100`, `104..200` and `202..2^30`: tables of [`flat`] over three epochs.
const REST_TABLES: [usize; 3] = [5, 6, 7];

/// Messages on which `rest` checks the top limbs of cell and gap.
const CELL_TOP_LIMB: Omit = Omit::Interaction(3);
const GAP_TOP_LIMB: Omit = Omit::Interaction(7);
/// Constraints of `rest`.
const BOOLEAN: usize = 0;
const FIRST_CELL: usize = 1;
const ORDER: usize = 2;
const NO_RISE: usize = 3;
const LAST_ROW: usize = 4;

/// A row of a `rest` table as a forger wants it.
#[derive(Clone, Copy)]
pub(super) struct Row {
    cell: u32,
    gap: u32,
    fini: (u32, u32),
    real: bool,
}

pub(super) const fn row(cell: u32, gap: u32, fini: (u32, u32)) -> Row {
    Row {
        cell,
        gap,
        fini,
        real: true,
    }
}

/// An untouched cell.
const fn bridge(cell: u32, gap: u32) -> Row {
    row(cell, gap, (0, 0))
}

pub(super) const fn padding(gap: u32) -> Row {
    Row {
        cell: 0,
        gap,
        fini: (0, 0),
        real: false,
    }
}

/// `n` below zero, mod p.
const fn minus(n: u32) -> u32 {
    0x7800_0001 - n
}

/// Replaces a `rest` table; limbs that do not fit are left in the highest one.
pub(super) fn forge_rest(batch: &mut Batch, table: usize, rows: &[Row]) {
    let mut values = vec![F::ZERO; rest::WIDTH * rows.len()];
    for (to, row) in values.chunks_mut(rest::WIDTH).zip(rows) {
        for i in 0..4 {
            let limb = |x: u32| F::from_u32(if i < 3 { x >> (8 * i) & 255 } else { x >> 24 });
            to[rest::CELL + i] = limb(row.cell);
            to[rest::GAP + i] = limb(row.gap);
        }
        to[rest::FINI_EPOCH] = F::from_u32(row.fini.0);
        to[rest::FINI_LO] = F::from_u32(row.fini.1 & 0xffff);
        to[rest::FINI_HI] = F::from_u32(row.fini.1 >> 16);
        to[rest::REAL] = F::from_bool(row.real);
    }
    batch.tables[table].trace = RowMajorMatrix::new(values, rest::WIDTH);
    batch.recount();
}

/// The honest merge with another `rest` table, over L2G rows that `forge` may change.
fn forged(forge: impl FnOnce(&mut [Vec<Chain>]), table: usize, rows: &[Row]) -> Batch {
    let mut leaves = leaves(&RUN);
    let memory = compose(&leaves);
    forge(&mut leaves);
    let mut batch = flat_of(&leaves, &memory, outcome(EXIT, OUTPUT));
    forge_rest(&mut batch, table, rows);
    batch
}

fn chain(leaf: &mut [Chain], cell: u32) -> &mut Chain {
    leaf.iter_mut().find(|chain| chain.cell == cell).unwrap()
}

/// Epoch 2 enters cell 5 as if nobody had written it.
fn restart_cell_5(leaves: &mut [Vec<Chain>]) {
    let chain = chain(&mut leaves[1], 5);
    (chain.init_epoch, chain.init) = (0, 0);
}

/// How epochs 1 and 2 leave cell 5.
const FIRST_FINI: (u32, u32) = (1, 0x2_0001);
const SECOND_FINI: (u32, u32) = (2, 2);

#[test]
fn the_rows_of_the_forger_are_the_honest_ones_when_he_is_honest() {
    let honest = flat(&RUN, outcome(EXIT, OUTPUT));
    let rows = [row(5, 5, SECOND_FINI), padding(94), padding(0), padding(0)];
    let same = forged(|_| {}, REST_TABLES[0], &rows);
    for (a, b) in honest.tables.iter().zip(&same.tables) {
        assert_eq!(a.trace, b.trace);
    }
    assert!(same.check().is_ok());
}

#[test]
fn a_cell_twice_in_one_table() {
    // Once with the true gap, which is no 29-bit number, and once with a false one.
    let rows = |gap| {
        [
            row(5, 5, FIRST_FINI),
            row(5, gap, SECOND_FINI),
            padding(94),
            padding(0),
        ]
    };
    let wide = forged(restart_cell_5, REST_TABLES[0], &rows(minus(1)));
    refused(&wide, &[range()]);
    accepted_without(&wide, REST_TABLES[0], &[GAP_TOP_LIMB]);
    accepted_without(&wide, REST_TABLES[0], &ranges(&wide, REST_TABLES[0]));
    let false_gap = forged(restart_cell_5, REST_TABLES[0], &rows(0));
    refused(&false_gap, &[Flaw::Constraint(REST_TABLES[0], ORDER)]);
    accepted_without(&false_gap, REST_TABLES[0], &[Omit::Assertion(ORDER)]);
}

#[test]
fn a_descending_cell() {
    let rows = |gap| {
        [
            row(5, 5, FIRST_FINI),
            bridge(6, 0),
            row(5, gap, SECOND_FINI),
            padding(94),
        ]
    };
    let wide = forged(restart_cell_5, REST_TABLES[0], &rows(minus(2)));
    refused(&wide, &[range()]);
    accepted_without(&wide, REST_TABLES[0], &[GAP_TOP_LIMB]);
    let false_gap = forged(restart_cell_5, REST_TABLES[0], &rows(0));
    refused(&false_gap, &[Flaw::Constraint(REST_TABLES[0], ORDER)]);
    accepted_without(&false_gap, REST_TABLES[0], &[Omit::Assertion(ORDER)]);
}

/// Epoch 2 touches cell 300 too, as if epoch 1 had not.
fn second_cell_300(leaves: &mut [Vec<Chain>]) {
    leaves[1].push(Chain {
        cell: 300,
        init_epoch: 0,
        init: 0,
        fini_epoch: 2,
        fini: 1,
    });
}

/// Half of RAM, in cells: the first gap that is too wide.
const HALF: u32 = 1 << 29;

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
    let batch = forged(second_cell_300, REST_TABLES[2], &rows);
    refused(&batch, &[range()]);
    accepted_without(&batch, REST_TABLES[2], &[GAP_TOP_LIMB]);
}

#[test]
fn cells_that_wrap() {
    // Every gap is a true 29-bit one, but cells leave RAM and come round.
    let rows = [
        row(300, 98, (1, 4)),
        bridge(300 + HALF, HALF - 1),
        bridge(300 + 2 * HALF, HALF - 1),
        bridge(300 + 3 * HALF, HALF - 1),
        row(300, minus(3 * HALF) - 1, (2, 1)),
        bridge(300 + HALF, HALF - 1),
        row(STACK, STACK - (300 + HALF) - 1, (1, 9)),
        padding(2 * HALF - 1 - STACK),
    ];
    assert!(minus(3 * HALF) - 1 < HALF);
    let batch = forged(second_cell_300, REST_TABLES[2], &rows);
    refused(&batch, &[range()]);
    accepted_without(&batch, REST_TABLES[2], &[CELL_TOP_LIMB]);
}

#[test]
fn a_padding_row_that_resets_the_order() {
    let rows = [
        row(5, 5, FIRST_FINI),
        padding(94),
        row(5, 0, SECOND_FINI),
        padding(94),
    ];
    let batch = forged(restart_cell_5, REST_TABLES[0], &rows);
    refused(&batch, &[Flaw::Constraint(REST_TABLES[0], NO_RISE)]);
    accepted_without(&batch, REST_TABLES[0], &[Omit::Assertion(NO_RISE)]);
}

#[test]
fn a_row_that_counts_twice() {
    // Epoch 2 opens cell 5 as epoch 1 left it and as genesis did, and leaves both alike.
    let twice = |leaves: &mut [Vec<Chain>]| {
        let second = Chain {
            init_epoch: 0,
            init: 0,
            ..*chain(&mut leaves[1], 5)
        };
        leaves[1].push(second);
    };
    let rows = [row(5, 5, SECOND_FINI), padding(94)];
    let mut batch = forged(twice, REST_TABLES[0], &rows);
    refused(&batch, &[gmem()]);
    batch.tables[REST_TABLES[0]].row(0)[rest::REAL] = F::TWO;
    refused(&batch, &[Flaw::Constraint(REST_TABLES[0], BOOLEAN)]);
    accepted_without(&batch, REST_TABLES[0], &[Omit::Assertion(BOOLEAN)]);
}

/// The merge of a run that finds 0 in cell 101 of the image, which starts at 8, by opening the cell
/// in a `rest` table too.
fn image_cell_in_rest(table: usize, rows: &[Row]) -> Batch {
    let mut leaves = leaves(&RUN);
    chain(&mut leaves[0], 101).init = 0;
    let mut memory = compose(&leaves);
    memory.retain(|chain| chain.cell != 101);
    let mut batch = flat_of(&leaves, &memory, outcome(EXIT, OUTPUT));
    forge_rest(&mut batch, table, rows);
    batch
}

#[test]
fn a_cell_in_two_tables() {
    let fini = (3, 9);
    // Past the end of the hole before the image, with the true gap to that end and with a false
    // one.
    let after = |gap| {
        [
            row(5, 5, SECOND_FINI),
            row(101, 95, fini),
            padding(gap),
            padding(0),
        ]
    };
    let [before_image, after_image, _] = REST_TABLES;
    let wide = image_cell_in_rest(before_image, &after(minus(2)));
    refused(&wide, &[range()]);
    accepted_without(&wide, before_image, &[GAP_TOP_LIMB]);
    let false_gap = image_cell_in_rest(before_image, &after(0));
    refused(&false_gap, &[Flaw::Constraint(before_image, ORDER)]);
    accepted_without(&false_gap, before_image, &[Omit::Assertion(ORDER)]);
    // In a table without a padding row, which would have checked the end.
    let full = image_cell_in_rest(before_image, &after(0)[..2]);
    refused(&full, &[Flaw::Constraint(before_image, LAST_ROW)]);
    accepted_without(&full, before_image, &[Omit::Assertion(LAST_ROW)]);
    // Ahead of the hole behind the image.
    let ahead = |gap| {
        [
            row(101, gap, fini),
            row(150, 48, (2, 6)),
            padding(49),
            padding(0),
        ]
    };
    let false_gap = image_cell_in_rest(after_image, &ahead(0));
    refused(&false_gap, &[Flaw::Constraint(after_image, FIRST_CELL)]);
    accepted_without(&false_gap, after_image, &[Omit::Assertion(FIRST_CELL)]);
    let wide = image_cell_in_rest(after_image, &ahead(minus(3)));
    refused(&wide, &[range()]);
    accepted_without(&wide, after_image, &[GAP_TOP_LIMB]);
}
