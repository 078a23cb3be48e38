//! Forgeries of the global memory argument.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_core::poseidon2::Poseidon2;
use tranche_core::verifier::VerifyError;
use tranche_machine::cells::REGISTERS;
use tranche_machine::merge::{
    Chain, MergeTable, Node, RangeCounts, Tree, empty_root, parent, rest, statement,
};
use tranche_machine::tables::l2g::columns as l2g;

use crate::audit::{Flaw, audit};
use crate::batch::{self, *};
use crate::mutant::{GLOBAL_GATE, Kind, Mutation, TestAir};

/// Tables of [`flat`] over three epochs.
const IMAGE_TABLE: usize = 3;
const RESULT_TABLE: usize = 4;
/// The holes `0..100`, `104..200` and `202..2^30`.
const REST_TABLES: [usize; 3] = [5, 6, 7];
/// The parent table of a merge of two children.
const PARENT_TABLE: usize = 2;

/// Messages on which `rest` checks the top limbs of cell and gap.
const CELL_TOP_LIMB: Mutation = Mutation::Widened(3);
const GAP_TOP_LIMB: Mutation = Mutation::Widened(7);
/// Constraints of `rest`.
const BOOLEAN: usize = 0;
const FIRST_CELL: usize = 1;
const ORDER: usize = 2;
const NO_RISE: usize = 3;
const LAST_ROW: usize = 4;
/// Constraints of `parent`.
const BEFORE: usize = 1;
const AFTER: usize = 2;

fn gmem() -> Flaw {
    Flaw::Bus("gmem".into())
}

fn range() -> Flaw {
    Flaw::Bus("range".into())
}

/// The audit finds these flaws and no other, and the verifier refuses the proof for them.
fn refused(batch: &Batch, flaws: &[Flaw]) {
    assert_eq!(audit(batch), BTreeSet::from_iter(flaws.iter().cloned()));
    let reason = match flaws[0] {
        Flaw::Constraint(table, _) => VerifyError::Constraints { table },
        Flaw::Bus(_) => VerifyError::Buses,
    };
    assert_eq!(batch.check().unwrap_err(), reason);
}

/// The same forgery is accepted when the tables lack a check.
fn accepted_without(batch: &Batch, table: usize, without: &[Mutation]) {
    let mut batch = batch.clone();
    batch.tables[table].air.without = without.to_vec();
    batch.recount();
    assert_eq!(audit(&batch), BTreeSet::new());
    batch
        .check()
        .expect("the forgery is accepted without the check");
}

/// A row of a `rest` table as a forger wants it.
#[derive(Clone, Copy)]
struct Row {
    cell: u32,
    gap: u32,
    fini: (u32, u32),
    real: bool,
}

const fn row(cell: u32, gap: u32, fini: (u32, u32)) -> Row {
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

const fn padding(gap: u32) -> Row {
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
fn forge_rest(batch: &mut Batch, table: usize, rows: &[Row]) {
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
fn forged_reads_and_final_values() {
    let honest = flat(&RUN, outcome(EXIT, OUTPUT));
    for (table, column) in [
        (1, l2g::INIT_LO),
        (1, l2g::INIT_HI),
        (1, l2g::INIT_EPOCH),
        (1, l2g::FINI_LO),
        (1, l2g::FINI_HI),
        (1, l2g::CELL),
        (IMAGE_TABLE, 0),
        (IMAGE_TABLE, 1),
        (IMAGE_TABLE, 2),
        (RESULT_TABLE, 0),
        (REST_TABLES[0], rest::FINI_EPOCH),
        (REST_TABLES[0], rest::FINI_LO),
        (REST_TABLES[0], rest::FINI_HI),
    ] {
        let mut batch = honest.clone();
        batch.tables[table].row(0)[column] += F::ONE;
        refused(&batch, &[gmem()]);
    }
    assert!(honest.check().is_ok());
}

#[test]
fn epochs_reordered_dropped_or_repeated() {
    let honest = flat(&RUN, outcome(EXIT, OUTPUT));
    let mut reordered = honest.clone();
    let second = reordered.tables[1].trace.clone();
    reordered.tables[1].trace = std::mem::replace(&mut reordered.tables[2].trace, second);
    refused(&reordered, &[gmem()]);
    let mut dropped = honest.clone();
    dropped.tables[1].trace.values.fill(F::ZERO);
    refused(&dropped, &[gmem()]);
    let mut repeated = honest.clone();
    repeated.tables[2].trace = repeated.tables[1].trace.clone();
    refused(&repeated, &[gmem()]);
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
    accepted_without(&wide, REST_TABLES[0], &[Mutation::Ranges]);
    let false_gap = forged(restart_cell_5, REST_TABLES[0], &rows(0));
    refused(&false_gap, &[Flaw::Constraint(REST_TABLES[0], ORDER)]);
    accepted_without(&false_gap, REST_TABLES[0], &[Mutation::Constraint(ORDER)]);
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
    accepted_without(&false_gap, REST_TABLES[0], &[Mutation::Constraint(ORDER)]);
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
    accepted_without(&batch, REST_TABLES[0], &[Mutation::Constraint(NO_RISE)]);
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
    accepted_without(&batch, REST_TABLES[0], &[Mutation::Constraint(BOOLEAN)]);
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
    accepted_without(&false_gap, before_image, &[Mutation::Constraint(ORDER)]);
    // In a table without a padding row, which would have checked the end.
    let full = image_cell_in_rest(before_image, &after(0)[..2]);
    refused(&full, &[Flaw::Constraint(before_image, LAST_ROW)]);
    accepted_without(&full, before_image, &[Mutation::Constraint(LAST_ROW)]);
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
    accepted_without(&false_gap, after_image, &[Mutation::Constraint(FIRST_CELL)]);
    let wide = image_cell_in_rest(after_image, &ahead(minus(3)));
    refused(&wide, &[range()]);
    accepted_without(&wide, after_image, &[GAP_TOP_LIMB]);
}

#[test]
fn a_false_result_over_an_honest_run() {
    for (exit, output) in [
        (EXIT + 1, OUTPUT),
        (EXIT & 0xffff, OUTPUT),
        (0, OUTPUT),
        (EXIT, &b"oK"[..]),
        (EXIT, b"ko"),
        (EXIT, b"o"),
        (EXIT, b""),
        (EXIT, b"ok\0"),
    ] {
        // The transcript is seeded with the false claim, on both sides.
        let batch = flat(&RUN, outcome(exit, output));
        refused(&batch, &[gmem()]);
    }
    assert!(flat(&RUN, outcome(EXIT, OUTPUT)).check().is_ok());
}

#[test]
fn a_false_result_is_accepted_when_final_values_are_not_preprocessed() {
    let mut batch = flat(&RUN, outcome(EXIT + 1, b"ko"));
    refused(&batch, &[gmem()]);
    let (claim, memory) = (outcome(EXIT + 1, b"ko"), compose(&leaves(&RUN)));
    batch.tables[RESULT_TABLE].air = Kind::LooseResult(MergeTable::Result(claim)).into();
    batch.tables[RESULT_TABLE].trace = filled(3, 1 << claim.log_height(), |trace| {
        trace.values_mut().fill(F::ZERO);
        for (r, (cell, _)) in claim.cells().enumerate() {
            let last = memory.iter().find(|chain| chain.cell == cell).unwrap();
            let truth = [last.fini_epoch, last.fini & 0xffff, last.fini >> 16];
            trace.set_row(r, &truth.map(F::from_u32));
        }
    });
    assert_eq!(audit(&batch), BTreeSet::new());
    assert!(batch.check().is_ok());
}

/// The proof of a toy epoch whose machine makes the accesses of `rows`, over this L2G table.
fn epoch(number: u32, rows: &[Chain], l2g_table: &Table) -> Batch {
    let mut values = vec![F::ZERO; 5 << LOG_ROWS];
    for (to, chain) in values.chunks_mut(5).zip(rows) {
        to.copy_from_slice(&[chain.cell, chain.init, chain.fini, 1, 1].map(F::from_u32));
    }
    let cpu = Table {
        air: Kind::Cpu.into(),
        trace: RowMajorMatrix::new(values, 5),
        public_values: vec![],
    };
    let wide = l2g_table.trace.width() > l2g::WIDTH;
    let kind = if wide {
        Kind::WideEpochL2g
    } else {
        Kind::EpochL2g
    };
    let l2g_table = Table {
        air: kind.into(),
        ..l2g_table.clone()
    };
    let mut batch = Batch {
        tables: vec![cpu, l2g_table, batch::range(&RangeCounts::new())],
        carved: vec![false, true],
        statement: statement::epoch(&PROGRAM, &PLAN, number),
    };
    batch.recount();
    batch
}

/// Two epochs that write cell 5, and their L2G tables.
fn two_writes() -> (Vec<Vec<Chain>>, [Table; 2]) {
    let leaves = leaves(&[&[(5, 10)], &[(5, 20), (6, 1)]]);
    let tables = [leaf(1, &leaves[0]), leaf(2, &leaves[1])];
    (leaves, tables)
}

/// The root merge of these L2G tables, closed against a memory in which cell 5 holds 20, or still
/// 10.
fn close(tables: &[Table; 2], stale: bool) -> Batch {
    let (mut leaves, _) = two_writes();
    if stale {
        leaves[1].retain(|chain| chain.cell != 5);
    }
    let node = Tree::new(2, 2).unwrap().root().unwrap();
    root(&node, tables.to_vec(), &compose(&leaves), outcome(0, b""))
}

#[test]
fn a_row_silenced_on_both_buses() {
    let (leaves, mut tables) = two_writes();
    assert!(epoch(2, &leaves[1], &tables[1]).check().is_ok());
    assert!(close(&tables, false).check().is_ok());
    tables[1].row(0)[l2g::REAL] = F::ZERO;
    refused(
        &epoch(2, &leaves[1], &tables[1]),
        &[Flaw::Bus("mem".into())],
    );
}

#[test]
fn a_row_silenced_on_the_global_bus_only() {
    let (leaves, tables) = two_writes();
    let roots = |tables: &[Table; 2]| {
        [1, 2].map(|e| {
            epoch(e, &leaves[e as usize - 1], &tables[e as usize - 1])
                .check()
                .unwrap()
        })
    };
    let honest = roots(&tables);
    assert_eq!(close(&tables, false).check().unwrap(), honest.concat());

    // With one gate, the epoch's table cannot be closed against a memory without its last write.
    refused(&close(&tables, true), &[gmem()]);
    // Another table can, but then it has another root than the one the epoch proved.
    let mut other = tables.clone();
    other[1].row(0)[l2g::REAL] = F::ZERO;
    let swapped = close(&other, true).check().unwrap();
    assert_eq!(swapped[0], honest[0][0]);
    assert_ne!(swapped[1], honest[1][0]);

    // With a gate for each bus, the epoch, the merge and the roots between them are all accepted.
    let mut two_gates = tables.map(|table| {
        let rows = table.trace.values.chunks(l2g::WIDTH);
        let wide = rows
            .flat_map(|row| [row, &[row[l2g::REAL]]].concat())
            .collect();
        Table {
            trace: RowMajorMatrix::new(wide, l2g::WIDTH + 1),
            ..table
        }
    });
    two_gates[1].row(0)[GLOBAL_GATE] = F::ZERO;
    let proved = roots(&two_gates);
    for table in &mut two_gates {
        table.air = TestAir::from(Kind::TwoGates);
    }
    let batch = close(&two_gates, true);
    assert_eq!(audit(&batch), BTreeSet::new());
    assert_eq!(batch.check().unwrap(), proved.concat());
}

#[test]
fn a_filler_that_is_not_empty() {
    let (leaves, tables) = two_writes();
    let node = Tree::new(2, 3).unwrap().root().unwrap();
    let children = [&tables[..], &[empty(&tables[0])]].concat();
    let memory = compose(&leaves);
    let mut batch = root(&node, children, &memory, outcome(0, b""));
    let log_rows = LOG_ROWS as u32 + u32::from(PARAMS.log_blowup);
    let known = empty_root(&Poseidon2::BABY_BEAR, l2g::WIDTH, log_rows, 0);
    assert_eq!(batch.check().unwrap()[2].roots(), [known]);

    // A row of nobody's epoch rewrites cell 5 at the end: the merge holds, but the root is another.
    let rewrite = [
        (l2g::CELL, 5),
        (l2g::INIT_EPOCH, 2),
        (l2g::INIT_LO, 20),
        (l2g::REAL, 1),
    ];
    for (column, value) in rewrite {
        batch.tables[2].row(0)[column] = F::from_u32(value);
    }
    batch.tables[2].row(0)[l2g::FINI_LO] = F::from_u32(99);
    forge_rest(
        &mut batch,
        5,
        &[
            row(5, 5, (0, 99)),
            row(6, 0, (2, 1)),
            padding(93),
            padding(0),
        ],
    );
    assert_eq!(audit(&batch), BTreeSet::new());
    assert_ne!(batch.check().unwrap()[2].roots(), [known]);
}

/// Two epochs whose rows for cell 5 lead nowhere but to each other, and so need no genesis: the
/// epochs read whatever they like.
fn loops(rows: [&[Chain]; 2]) {
    let tables = [leaf(1, rows[0]), leaf(2, rows[1])];
    let mut proved = vec![];
    for (number, rows) in (1..).zip(rows) {
        let mut batch = epoch(number, rows, &tables[number as usize - 1]);
        if rows.iter().any(|chain| chain.init_epoch >= number) {
            refused(&batch, &[range()]);
            batch.tables[1].air.without = vec![Mutation::Ranges];
            batch.recount();
        }
        proved.extend(batch.check().unwrap());
    }
    // The merge alone does not see it: the check is the epoch's.
    let node = Tree::new(2, 2).unwrap().root().unwrap();
    let merge = root(&node, tables.to_vec(), &[], outcome(0, b""));
    assert_eq!(audit(&merge), BTreeSet::new());
    assert_eq!(merge.check().unwrap(), proved);
}

#[test]
fn a_row_entered_from_its_own_epoch_or_a_later_one() {
    let at_5 = |chain: Chain| Chain { cell: 5, ..chain };
    loops([&[], &[at_5(edge(2, 77, 2, 77))]]);
    loops([&[at_5(edge(2, 88, 1, 77))], &[at_5(edge(1, 77, 2, 88))]]);
}

/// A merge of epochs 3 and 4 below a root, with rows added to its parent table.
fn with_parent_rows(rows: &[Chain], limbs: impl Fn(&mut [F])) -> Batch {
    let run = [RUN[0], RUN[1], RUN[2], &[(REGISTERS + 2, 1)], &[]];
    let leaves = leaves(&run);
    let node = Tree::new(5, 2).unwrap().node(1, 1).unwrap();
    assert_eq!(
        node,
        Node {
            level: 1,
            index: 1,
            first_epoch: 3,
            last_epoch: 4,
            children: 2,
            root: false
        }
    );
    let children = vec![leaf(3, &leaves[2]), leaf(4, &leaves[3])];
    let honest = compose(&leaves[2..4]);
    let mut batch = inner(&node, children, &honest);
    for (r, chain) in (honest.len()..).zip(rows) {
        let row = batch.tables[PARENT_TABLE].row(r);
        for (column, value) in [
            (parent::CELL, chain.cell),
            (parent::INIT_EPOCH, chain.init_epoch),
            (parent::INIT_LO, chain.init),
            (parent::FINI_EPOCH, chain.fini_epoch),
            (parent::FINI_LO, chain.fini),
            (parent::REAL, 1),
        ] {
            row[column] = F::from_u32(value);
        }
        limbs(row);
    }
    batch.recount();
    batch
}

/// Limbs that satisfy both differences, whether they are bytes or not.
fn true_limbs(row: &mut [F]) {
    row[parent::BEFORE] = F::TWO - row[parent::INIT_EPOCH];
    row[parent::AFTER] = row[parent::FINI_EPOCH] - F::from_u32(3);
}

const fn edge(init_epoch: u32, init: u32, fini_epoch: u32, fini: u32) -> Chain {
    Chain {
        cell: 77,
        init_epoch,
        init,
        fini_epoch,
        fini,
    }
}

#[test]
fn parent_rows_that_cancel() {
    assert!(with_parent_rows(&[], true_limbs).check().is_ok());
    let pair = [edge(2, 6, 4, 7), edge(4, 7, 2, 6)];
    let [before, after] = [BEFORE, AFTER].map(|c| Flaw::Constraint(PARENT_TABLE, c));
    let both = [Mutation::Constraint(BEFORE), Mutation::Constraint(AFTER)];

    let false_limbs = with_parent_rows(&pair, |row| row[parent::AFTER] = F::ONE);
    refused(&false_limbs, &[before.clone(), after.clone()]);
    accepted_without(&false_limbs, PARENT_TABLE, &both);
    let wide = with_parent_rows(&pair, true_limbs);
    refused(&wide, &[range()]);
    accepted_without(&wide, PARENT_TABLE, &[Mutation::Ranges]);
}

#[test]
fn a_parent_row_that_does_not_cross_its_first_epoch() {
    let [before, after] = [BEFORE, AFTER].map(|c| Flaw::Constraint(PARENT_TABLE, c));
    let no_limbs = |_: &mut [F]| {};
    // Entered and left in the range's first epoch, or in the epoch ahead of it: a row that cancels
    // itself.
    let late = with_parent_rows(&[edge(3, 6, 3, 6)], no_limbs);
    refused(&late, &[before]);
    accepted_without(&late, PARENT_TABLE, &[Mutation::Constraint(BEFORE)]);
    let early = with_parent_rows(&[edge(2, 6, 2, 6)], no_limbs);
    refused(&early, &[after]);
    accepted_without(&early, PARENT_TABLE, &[Mutation::Constraint(AFTER)]);
    for rows in [[edge(3, 6, 3, 6)], [edge(2, 6, 2, 6)]] {
        let wide = with_parent_rows(&rows, true_limbs);
        refused(&wide, &[range()]);
        accepted_without(&wide, PARENT_TABLE, &[Mutation::Ranges]);
    }
}
