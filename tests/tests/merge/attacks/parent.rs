//! Parent L2G rows that cancel one another. What each check refuses by itself is among the
//! forgeries.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::merge::parent;
use tranche_test_support::merge::forge::{PARENT_TABLE, edge, true_limbs, with_parent_rows};
use tranche_test_support::omit::Omit;

use super::{accepted_without, range, ranges, refused};
use crate::audit::Flaw;

/// Constraints of `parent`.
const BEFORE: usize = 1;
const AFTER: usize = 2;

#[test]
fn parent_rows_that_cancel() {
    let limbs = |_: usize, row: &mut [F]| true_limbs(row, 0);
    assert!(with_parent_rows(&[], limbs).check().is_ok());
    let pair = [edge(2, 6, 4, 7), edge(4, 7, 2, 6)];
    let [before, after] = [BEFORE, AFTER].map(|c| Flaw::Constraint(PARENT_TABLE, c));
    let both = [BEFORE, AFTER].map(Omit::Assertion);

    let false_limbs = with_parent_rows(&pair, |_, row| row[parent::AFTER[0]] = F::ONE);
    refused(&false_limbs, &[before, after]);
    accepted_without(&false_limbs, PARENT_TABLE, &both);
    let wide = with_parent_rows(&pair, limbs);
    refused(&wide, &[range()]);
    accepted_without(&wide, PARENT_TABLE, &ranges(&wide, PARENT_TABLE));
}
