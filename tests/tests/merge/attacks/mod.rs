//! Forgeries of the global memory argument.

mod epochs;
mod parent;
mod rest;
mod result;

use std::collections::BTreeSet;

use tranche_core::verifier::VerifyError;
use tranche_machine::bus::RANGE;
use tranche_test_support::omit::{Checks, Omit};

use crate::audit::{Flaw, audit};
use crate::batch::Batch;

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
fn accepted_without(batch: &Batch, table: usize, without: &[Omit]) {
    let mut batch = batch.clone();
    batch.tables[table].air.omit = without.to_vec();
    batch.recount();
    assert_eq!(audit(&batch), BTreeSet::new());
    batch
        .check()
        .expect("the forgery is accepted without the check");
}

/// Every range check of a table.
fn ranges(batch: &Batch, table: usize) -> Vec<Omit> {
    Checks::of(&batch.tables[table].air).on(RANGE)
}
