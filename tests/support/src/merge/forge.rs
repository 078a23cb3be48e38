//! Rows of a forger: of the `rest` tables of a root, and of the parent table of a merge.

use std::array;

use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;
use tranche_machine::cells::REGISTERS;
use tranche_machine::merge::{Chain, Node, Tree, parent, rest};

use super::batch::{
    Batch, EXIT, OUTPUT, RUN, STACK, compose, flat_of, inner, leaf, leaves, outcome,
};

/// The holes `0..100`, `104..200` and `202..2^30`: tables of [`flat`](super::batch::flat) over
/// three epochs.
pub const REST_TABLES: [usize; 3] = [5, 6, 7];
/// The first epoch of the range of [`with_parent_rows`].
pub const FIRST_EPOCH: u32 = 3;
/// The parent table of a merge of two children.
pub const PARENT_TABLE: usize = 2;

/// A row of a `rest` table as a forger wants it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    cell: u32,
    gap: u32,
    fini: (u32, u32),
    real: bool,
}

/// A cell, the gap that is claimed for it, and the epoch and value that it was left with.
pub const fn row(cell: u32, gap: u32, fini: (u32, u32)) -> Row {
    Row {
        cell,
        gap,
        fini,
        real: true,
    }
}

/// An untouched cell.
pub const fn bridge(cell: u32, gap: u32) -> Row {
    row(cell, gap, (0, 0))
}

/// A row that holds no cell.
pub const fn padding(gap: u32) -> Row {
    Row {
        cell: 0,
        gap,
        fini: (0, 0),
        real: false,
    }
}

/// `n` below zero, mod p.
pub const fn minus(n: u32) -> u32 {
    0x7800_0001 - n
}

/// The limb that [`forge_rest`] commonly leaves what does not fit in.
pub const TOP: usize = 3;

/// Replaces a `rest` table. A cell or gap that its limbs do not hold is made up by limb `odd`.
pub fn forge_rest(batch: &mut Batch, table: usize, rows: &[Row], odd: usize) {
    batch.tables[table].trace = rest_trace(rows, odd);
    batch.recount();
}

/// The trace of a `rest` table, as [`forge_rest`] writes it.
pub fn rest_trace(rows: &[Row], odd: usize) -> RowMajorMatrix<F> {
    let mut values = vec![F::ZERO; rest::WIDTH * rows.len()];
    for (to, row) in values.chunks_mut(rest::WIDTH).zip(rows) {
        to[rest::CELL[0]..][..4].copy_from_slice(&limbs([8, 8, 8, 6], row.cell, odd));
        to[rest::GAP[0]..][..4].copy_from_slice(&limbs([8, 8, 8, 5], row.gap, odd));
        to[rest::FINI_EPOCH] = F::from_u32(row.fini.0);
        to[rest::FINI_LO] = F::from_u32(row.fini.1 & 0xffff);
        to[rest::FINI_HI] = F::from_u32(row.fini.1 >> 16);
        to[rest::REAL] = F::from_bool(row.real);
    }
    RowMajorMatrix::new(values, rest::WIDTH)
}

/// Limbs of these widths that compose to `value` mod p, all but limb `odd` in range.
fn limbs<const N: usize>(bits: [u32; N], value: u32, odd: usize) -> [F; N] {
    let mut limbs = array::from_fn(|i| F::from_u32(value >> (8 * i) & ((1 << bits[i]) - 1)));
    let sum: F = (0..N).map(|i| limbs[i] * F::from_u32(1 << (8 * i))).sum();
    limbs[odd] += (F::from_u32(value) - sum) / F::from_u32(1 << (8 * odd));
    limbs
}

/// The honest merge of the toy run with another `rest` table, over L2G rows that `forge` may change.
pub fn with_rest(
    forge: impl FnOnce(&mut [Vec<Chain>]),
    table: usize,
    rows: &[Row],
    odd: usize,
) -> Batch {
    let mut leaves = leaves(&RUN);
    let memory = compose(&leaves);
    forge(&mut leaves);
    let mut batch = flat_of(&leaves, &memory, outcome(EXIT, OUTPUT));
    forge_rest(&mut batch, table, rows, odd);
    batch
}

/// The row of `cell`.
pub fn chain(leaf: &mut [Chain], cell: u32) -> &mut Chain {
    leaf.iter_mut().find(|chain| chain.cell == cell).unwrap()
}

/// How epochs 1 and 2 leave cell 5.
pub const FINI_5: [(u32, u32); 2] = [(1, 0x2_0001), (2, 2)];

/// Epoch 2 enters cell 5 as if nobody had written it.
pub fn restart_cell_5(leaves: &mut [Vec<Chain>]) {
    let chain = chain(&mut leaves[1], 5);
    (chain.init_epoch, chain.init) = (0, 0);
}

/// Epoch 2 touches cell 300 too, as if epoch 1 had not.
pub fn second_cell_300(leaves: &mut [Vec<Chain>]) {
    leaves[1].push(Chain {
        cell: 300,
        ..edge(0, 0, 2, 1)
    });
}

/// Half of RAM, in cells: the first gap that is too wide.
pub const HALF: u32 = 1 << 29;

/// The rows of the last hole for [`second_cell_300`], whose gaps are all true ones of 29 bits:
/// cells leave RAM and come round.
pub fn wrapped_cells() -> [Row; 8] {
    assert!(minus(3 * HALF) - 1 < HALF);
    [
        row(300, 98, (1, 4)),
        bridge(300 + HALF, HALF - 1),
        bridge(300 + 2 * HALF, HALF - 1),
        bridge(300 + 3 * HALF, HALF - 1),
        row(300, minus(3 * HALF) - 1, (2, 1)),
        bridge(300 + HALF, HALF - 1),
        row(STACK, STACK - (300 + HALF) - 1, (1, 9)),
        padding(2 * HALF - 1 - STACK),
    ]
}

/// The merge of a run that finds 0 in cell 101 of the image, which starts at 8, by opening the cell
/// in a `rest` table too.
pub fn image_cell_in_rest(table: usize, rows: &[Row]) -> Batch {
    let mut leaves = leaves(&RUN);
    chain(&mut leaves[0], 101).init = 0;
    let mut memory = compose(&leaves);
    memory.retain(|chain| chain.cell != 101);
    let mut batch = flat_of(&leaves, &memory, outcome(EXIT, OUTPUT));
    forge_rest(&mut batch, table, rows, TOP);
    batch
}

/// What an epoch, or a range of epochs, did to cell 77.
pub const fn edge(init_epoch: u32, init: u32, fini_epoch: u32, fini: u32) -> Chain {
    Chain {
        cell: 77,
        init_epoch,
        init,
        fini_epoch,
        fini,
    }
}

/// A row of a parent or child table, without limbs.
pub fn set_parent_row(row: &mut [F], chain: &Chain, real: F) {
    for (column, value) in [
        (parent::CELL, chain.cell),
        (parent::INIT_EPOCH, chain.init_epoch),
        (parent::INIT_LO, chain.init),
        (parent::FINI_EPOCH, chain.fini_epoch),
        (parent::FINI_LO, chain.fini),
    ] {
        row[column] = F::from_u32(value);
    }
    row[parent::REAL] = real;
}

/// A merge of epochs 3 and 4 below a root, with rows added to its parent table; `finish` completes
/// each.
pub fn with_parent_rows(rows: &[Chain], finish: impl Fn(usize, &mut [F])) -> Batch {
    let run = [RUN[0], RUN[1], RUN[2], &[(REGISTERS + 2, 1)], &[]];
    let leaves = leaves(&run);
    let node = Tree::new(5, 2).unwrap().node(1, 1).unwrap();
    assert_eq!(
        node,
        Node {
            level: 1,
            index: 1,
            first_epoch: FIRST_EPOCH,
            last_epoch: 4,
            children: 2,
            root: false
        }
    );
    let children = vec![leaf(FIRST_EPOCH, &leaves[2]), leaf(4, &leaves[3])];
    let honest = compose(&leaves[2..4]);
    let mut batch = inner(&node, children, &honest);
    for (i, chain) in rows.iter().enumerate() {
        let row = batch.tables[PARENT_TABLE].row(honest.len() + i);
        set_parent_row(row, chain, F::ONE);
        finish(i, row);
    }
    batch.recount();
    batch
}

/// Sets limb `odd` of both differences to what satisfies them, in range or not.
pub fn true_limbs(row: &mut [F], odd: usize) {
    let weight = F::from_u32(1 << (8 * odd));
    row[parent::BEFORE[odd]] = (F::from_u32(FIRST_EPOCH - 1) - row[parent::INIT_EPOCH]) / weight;
    row[parent::AFTER[odd]] = (row[parent::FINI_EPOCH] - F::from_u32(FIRST_EPOCH)) / weight;
}
