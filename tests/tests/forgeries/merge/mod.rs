//! Forgeries of whole merges: the children, what closes them, and the range table.

mod ends;
mod parent;
mod rest;

use std::collections::BTreeSet;

use tranche_core::verifier::VerifyError;
use tranche_machine::merge::MergeTable;
use tranche_test_support::audit::Flaw;
use tranche_test_support::merge::audit::audit;
use tranche_test_support::merge::batch::{Batch, EXIT, OUTPUT, image, outcome};
use tranche_test_support::merge::mutant::Kind;
use tranche_test_support::omit::Omit;

use crate::registry::{Entry, Forgery, Witness};

/// The tables of a merge.
pub fn entries() -> Vec<Entry<Batch>> {
    let mut entries = vec![
        entry(MergeTable::L2g),
        entry(MergeTable::Child),
        entry(MergeTable::Parent),
        entry(MergeTable::Image(image())),
        entry(MergeTable::Result(outcome(EXIT, OUTPUT))),
        entry(MergeTable::Rest),
        entry(MergeTable::Range),
    ];
    let [l2g, child, parent, image, result, rest, range] = &mut entries[..] else {
        unreachable!("seven tables")
    };
    parent::forge(l2g, child, parent);
    ends::forge(l2g, child, image, result, rest);
    rest::forge(rest);
    range
        .redundant
        .push((Omit::Interaction(0), crate::lookup::PROVIDES));
    entries
}

fn entry(table: MergeTable<'static>) -> Entry<Batch> {
    Entry::new(name(&table), name(&table), &table)
}

const fn name(table: &MergeTable<'_>) -> &'static str {
    match table {
        MergeTable::L2g => "l2g, merge",
        MergeTable::Child => "child",
        MergeTable::Parent => "parent",
        MergeTable::Image(_) => "image",
        MergeTable::Result(_) => "result",
        MergeTable::Rest => "rest",
        MergeTable::Range => "range, merge",
    }
}

/// The name of table `t` of a merge.
fn name_of(batch: &Batch, t: usize) -> &'static str {
    match &batch.tables[t].air.air {
        Kind::Merge(table) => name(table),
        toy => panic!("{toy:?} is no table of a merge"),
    }
}

impl Witness for Batch {
    type Table = &'static str;

    fn flaws(&self, table: &'static str, omit: &[Omit]) -> BTreeSet<Flaw<&'static str>> {
        let flaws = audit(&lacking(self, table, omit)).into_iter();
        let named = flaws.map(|flaw| match flaw {
            Flaw::Constraint(t, k) => Flaw::Constraint(name_of(self, t), k),
            Flaw::Bus(bus) => Flaw::Bus(bus),
        });
        named.collect()
    }
}

/// The merge whose tables of this name lack some checks, with what is looked up then.
fn lacking(batch: &Batch, table: &str, omit: &[Omit]) -> Batch {
    let mut lacking = batch.clone();
    for t in 0..batch.tables.len() {
        if name_of(batch, t) == table {
            lacking.tables[t].air.omit = omit.to_vec();
        }
    }
    lacking.recount();
    lacking
}

/// Proves a forgery twice. The proof under the tables without the check is accepted by their
/// verifier, and refused by the real one's; so is the proof under the real tables.
pub fn prove(table: &'static str, forgery: &Forgery<Batch>) {
    let Forgery {
        name,
        omits,
        witness,
    } = forgery;
    let what = format!("{table}: {name} ({omits:?})");
    let [without, real] = [omits, &[][..]].map(|omit| lacking(witness, table, omit).reference());
    let breaks_the_table = |error: &VerifyError| match *error {
        VerifyError::Constraints { table: t } => name_of(witness, t) == table,
        _ => false,
    };

    let proof = without.prove();
    without.verify(&proof).expect(&what);
    let refused = real.verify(&proof).unwrap_err();
    assert!(breaks_the_table(&refused), "{what}: {refused:?}");
    let refused = real.verify(&real.prove()).unwrap_err();
    match omits[0] {
        Omit::Assertion(_) => assert!(breaks_the_table(&refused), "{what}: {refused:?}"),
        Omit::Interaction(_) => assert_eq!(refused, VerifyError::Buses, "{what}"),
    }
}
