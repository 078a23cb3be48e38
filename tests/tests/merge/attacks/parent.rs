//! Parent L2G rows that cancel one another, or themselves.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::cells::REGISTERS;
use tranche_machine::merge::{Chain, Node, Tree, parent};
use tranche_tests::omit::Omit;

use super::{accepted_without, edge, range, ranges, refused};
use crate::audit::Flaw;
use crate::batch::*;

/// The parent table of a merge of two children.
const PARENT_TABLE: usize = 2;
/// Constraints of `parent`.
const BEFORE: usize = 1;
const AFTER: usize = 2;

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

#[test]
fn parent_rows_that_cancel() {
    assert!(with_parent_rows(&[], true_limbs).check().is_ok());
    let pair = [edge(2, 6, 4, 7), edge(4, 7, 2, 6)];
    let [before, after] = [BEFORE, AFTER].map(|c| Flaw::Constraint(PARENT_TABLE, c));
    let both = [Omit::Assertion(BEFORE), Omit::Assertion(AFTER)];

    let false_limbs = with_parent_rows(&pair, |row| row[parent::AFTER] = F::ONE);
    refused(&false_limbs, &[before.clone(), after.clone()]);
    accepted_without(&false_limbs, PARENT_TABLE, &both);
    let wide = with_parent_rows(&pair, true_limbs);
    refused(&wide, &[range()]);
    accepted_without(&wide, PARENT_TABLE, &ranges(&wide, PARENT_TABLE));
}

#[test]
fn a_parent_row_that_does_not_cross_its_first_epoch() {
    let [before, after] = [BEFORE, AFTER].map(|c| Flaw::Constraint(PARENT_TABLE, c));
    let no_limbs = |_: &mut [F]| {};
    // Entered and left in the range's first epoch, or in the epoch ahead of it: a row that cancels
    // itself.
    let late = with_parent_rows(&[edge(3, 6, 3, 6)], no_limbs);
    refused(&late, &[before]);
    accepted_without(&late, PARENT_TABLE, &[Omit::Assertion(BEFORE)]);
    let early = with_parent_rows(&[edge(2, 6, 2, 6)], no_limbs);
    refused(&early, &[after]);
    accepted_without(&early, PARENT_TABLE, &[Omit::Assertion(AFTER)]);
    for rows in [[edge(3, 6, 3, 6)], [edge(2, 6, 2, 6)]] {
        let wide = with_parent_rows(&rows, true_limbs);
        refused(&wide, &[range()]);
        accepted_without(&wide, PARENT_TABLE, &ranges(&wide, PARENT_TABLE));
    }
}
