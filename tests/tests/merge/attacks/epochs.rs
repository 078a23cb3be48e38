//! Between an epoch's proof and the merge: L2G rows that one of them does not see, fillers, and rows
//! that lead in circles.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::Plonky3Suite;
use tranche_machine::merge::{Chain, RangeCounts, Tree, empty_root, statement};
use tranche_machine::tables::l2g::columns as l2g;
use tranche_test_support::merge::forge::{TOP, edge, forge_rest, padding, row};
use tranche_test_support::params::PARAMS;

use super::{gmem, range, ranges, refused};
use crate::audit::{Flaw, audit};
use crate::batch::{self, *};
use crate::mutant::{GLOBAL_GATE, Kind, TestAir};

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
    assert_eq!(batch.check().unwrap()[2], Poseidon2::uniform_cap(&known, 0));

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
        TOP,
    );
    assert_eq!(audit(&batch), BTreeSet::new());
    assert_ne!(batch.check().unwrap()[2], Poseidon2::uniform_cap(&known, 0));
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
            batch.tables[1].air.omit = ranges(&batch, 1);
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
