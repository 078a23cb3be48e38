//! L2G, CHILD and PARENT: rows that count otherwise than once, and rows of a parent that do not
//! cross its first epoch.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::merge::{Chain, parent};
use tranche_machine::tables::l2g::columns as l2g;
use tranche_test_support::merge::batch::*;
use tranche_test_support::merge::forge::{
    FIRST_EPOCH, edge, set_parent_row, true_limbs, with_parent_rows,
};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::Entry;

/// Messages of `parent` that check the limbs of `a − 1 − init_epoch`, then those of `fini_epoch − a`.
const BEFORE_LIMBS: usize = 2;
const AFTER_LIMBS: usize = BEFORE_LIMBS + parent::LIMBS;
/// Found as epoch `a − 1` left it, and left by epoch `a`.
const CROSSING: Chain = edge(FIRST_EPOCH - 1, 3, FIRST_EPOCH, 7);
/// Entered and left in epoch `a`: the row cancels itself.
const LATE: Chain = edge(FIRST_EPOCH, 6, FIRST_EPOCH, 6);
/// Entered and left in epoch `a − 1`.
const EARLY: Chain = edge(FIRST_EPOCH - 1, 6, FIRST_EPOCH - 1, 6);

pub fn forge(l2g: &mut Entry<Batch>, child: &mut Entry<Batch>, parent: &mut Entry<Batch>) {
    let gate = "rows that count 1 and -1 times, of a cell that nothing starts";
    l2g.forge(Assertion(0), gate, uneven_l2g());
    child.forge(Assertion(0), gate, uneven_child());
    parent.forge(Assertion(0), gate, uneven_parent());
    let tokens = [0, 1].map(Interaction);
    parent.forge_all(&tokens, "rows of a range that did nothing", idle_parent());

    let no_limbs = |_: usize, _: &mut [F]| {};
    let late = "a row entered in its range";
    parent.forge(Assertion(1), late, with_parent_rows(&[LATE], no_limbs));
    let early = "a row left ahead of its range";
    parent.forge(Assertion(2), early, with_parent_rows(&[EARLY], no_limbs));
    for limb in 0..parent::LIMBS {
        let limbs = |_: usize, row: &mut [F]| true_limbs(row, limb);
        let before = Interaction(BEFORE_LIMBS + limb);
        parent.forge(before, late, with_parent_rows(&[LATE], limbs));
        let after = Interaction(AFTER_LIMBS + limb);
        parent.forge(after, early, with_parent_rows(&[EARLY], limbs));
    }
}

/// Epoch 2 finds 3 in a cell that no table of the root has: the second row takes back what the
/// first one says. In the epoch the two differ in their timestamps, so an access lies between.
fn uneven_l2g() -> Batch {
    let mut leaves = leaves(&RUN);
    let memory = compose(&leaves);
    let used = leaves[1].len();
    leaves[1].extend([edge(0, 3, 2, 7); 2]);
    let mut batch = flat_of(&leaves, &memory, outcome(EXIT, OUTPUT));
    let last = batch.tables[1].row(used + 1);
    last[l2g::REAL] = F::NEG_ONE;
    last[l2g::FINI_TIMESTAMP] = F::TWO;
    batch
}

/// The same in a parent table, in the merge that commits it.
fn uneven_parent() -> Batch {
    with_parent_rows(&[CROSSING; 2], |i, row| {
        true_limbs(row, 0);
        row[parent::REAL] = if i == 0 { F::ONE } else { F::NEG_ONE };
    })
}

/// The same in the merge that consumes it.
fn uneven_child() -> Batch {
    let mut batch = merge_tree(&RUN, 2, outcome(EXIT, OUTPUT)).pop().unwrap();
    let table = &mut batch.tables[1];
    let rows = table.trace.values.chunks(parent::WIDTH);
    let used = rows.filter(|row| row[parent::REAL] == F::ONE).count();
    for (i, real) in [F::ONE, F::NEG_ONE].into_iter().enumerate() {
        set_parent_row(table.row(used + i), &CROSSING, real);
    }
    batch
}

/// A row more in a parent table, which no child has.
fn idle_parent() -> Batch {
    let mut batch = with_parent_rows(&[CROSSING], |_, row| true_limbs(row, 0));
    // Neither has another row: without its tokens the table has no say.
    for child in &mut batch.tables[..2] {
        child.trace.values.fill(F::ZERO);
    }
    batch
}
