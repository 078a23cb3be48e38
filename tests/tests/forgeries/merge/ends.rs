//! Tokens: tables whose rows have no say in the merge.
//!
//! A row takes one token and puts one. Without one of the two alone, the counts of the bus add up to
//! the number of real rows, so no merge that has one is accepted; without both, rows say what they
//! like.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::merge::{MergeTable, Tree};
use tranche_test_support::merge::batch::*;
use tranche_test_support::merge::forge::{FINI_5, REST_TABLES, TOP, forge_rest, padding, row};
use tranche_test_support::merge::mutant::Kind;
use tranche_test_support::omit::Omit::Interaction;

use crate::registry::Entry;

pub fn forge(
    l2g: &mut Entry<Batch>,
    child: &mut Entry<Batch>,
    image: &mut Entry<Batch>,
    result: &mut Entry<Batch>,
    rest: &mut Entry<Batch>,
) {
    let tokens = [0, 1].map(Interaction);
    let forgotten = "a run that wrote an output claims none";
    l2g.forge_all(&tokens, forgotten, forgotten_leaves());
    child.forge_all(&tokens, forgotten, forgotten_children());
    image.forge_all(
        &tokens,
        "a cell of the image changed by nobody",
        changed_image(),
    );
    let invented = "a run that touches nothing claims an output";
    result.forge_all(&tokens, invented, flat(&[&[]], outcome(EXIT, OUTPUT)));
    let tokens = [8, 9].map(Interaction);
    rest.forge_all(
        &tokens,
        "a cell of a hole changed by nobody",
        changed_rest(),
    );
}

/// A run, closed against untouched memory.
fn forgotten_leaves() -> Batch {
    flat_of(&leaves(&RUN), &[], outcome(0, b""))
}

/// The same one level up.
fn forgotten_children() -> Batch {
    let honest = merge_tree(&RUN, 2, outcome(EXIT, OUTPUT)).pop().unwrap();
    let is_child = |table: &&Table| matches!(table.air.air, Kind::Merge(MergeTable::Child));
    let children: Vec<_> = honest.tables.iter().filter(is_child).cloned().collect();
    let node = Tree::new(RUN.len() as u32, 2).unwrap().root().unwrap();
    root(&node, children, &[], outcome(0, b""))
}

/// A run that touches nothing, after which the image's first cell is another.
fn changed_image() -> Batch {
    let mut batch = flat(&[&[]], outcome(0, b""));
    let image = &mut batch.tables[2];
    // Its epoch and its value.
    image.row(0)[..2].fill(F::ONE);
    batch
}

fn changed_rest() -> Batch {
    let mut batch = flat(&[&[], &[], &[]], outcome(0, b""));
    let rows = [row(5, 5, FINI_5[1]), padding(94)];
    forge_rest(&mut batch, REST_TABLES[0], &rows, TOP);
    batch
}
