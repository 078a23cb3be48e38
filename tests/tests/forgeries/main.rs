//! A forgery for each check: a witness that one assertion or interaction of a table alone refuses.
//!
//! The audit accepts it when the table lacks that check, and finds nothing else wrong with it when
//! the table has it. A check without a forgery is a check that no test would miss: the tests here
//! fail on one, unless it stands among the redundant ones with a proof.

mod bit;
mod cmp;
mod cpu;
mod div;
mod l2g;
mod lookup;
mod mem;
mod merge;
mod mul;
mod proofs;
mod public;
mod registry;
mod shift;
mod sys;
mod witness;

use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::l2g::L2g;
use tranche_test_support::omit::Omit;

use registry::{Entry, documented};
use witness::{LONG, Witness};

/// The tables of an epoch. Those with a clock come with all.
fn epoch_tables() -> Vec<Entry<Witness>> {
    [Clock::SHORT, LONG]
        .into_iter()
        .flat_map(|clock| [cpu::entry(clock), mem::entry(clock), sys::entry(clock)])
        // Its accesses are as theirs: the fewest limbs, and the most.
        .chain([Clock::SHORT, LONG].map(public::entry))
        .chain([cmp::entry(), bit::entry(), shift::entry(), l2g::entry()])
        .chain([mul::entry(), div::entry()])
        .chain(lookup::entries())
        .collect()
}

#[test]
fn each_check_of_an_epoch_refuses_its_forgeries() {
    epoch_tables().iter().for_each(Entry::judge);
}

#[test]
fn every_check_of_an_epoch_has_a_forgery_or_a_proof() {
    epoch_tables().iter().for_each(Entry::covers_all);
}

#[test]
fn each_check_of_a_merge_refuses_its_forgeries() {
    merge::entries().iter().for_each(Entry::judge);
}

#[test]
fn every_check_of_a_merge_has_a_forgery_or_a_proof() {
    merge::entries().iter().for_each(Entry::covers_all);
}

#[test]
fn forged_merges_are_proved() {
    for entry in merge::entries() {
        for forgery in &entry.forgeries {
            merge::prove(entry.table, forgery);
        }
    }
}

/// What the audit says of a witness is what the verifier says of its proof.
#[test]
fn forged_epochs_are_proved() {
    proofs::prove_all(&epoch_tables());
}

#[test]
#[should_panic(expected = "l2g: Assertion(0)")]
fn a_check_without_a_forgery_is_found() {
    Entry::<Witness>::new("l2g", "l2g", &EpochTable::from(L2g)).covers_all();
}

#[test]
#[should_panic(expected = "why it is refused")]
fn a_forgery_that_is_none_is_found() {
    let mut entry = Entry::new("l2g", "l2g", &EpochTable::from(L2g));
    let honest = Witness::honest(Clock::SHORT, &[], &[]);
    entry.forge(Omit::Assertion(0), "nothing forged", honest);
    entry.judge();
}

/// How many checks each table has, and what is known of them: printed, and as the documents have it.
#[test]
fn counts() {
    let (epoch, merge) = (epoch_tables(), merge::entries());
    registry::print_counts(&epoch);
    registry::print_counts(&merge);

    let columns = [
        "table",
        "assertions",
        "range messages",
        "other messages",
        "forged checks",
        "forgeries",
        "redundant",
    ];
    let mut known = 0;
    for (names, numbers, redundant) in
        documented(include_str!("../../../docs/machine.md"), &columns)
    {
        let names = names.to_lowercase();
        let named = |entry: &&Entry<Witness>| names.split(", ").any(|name| name == entry.name);
        let entries: Vec<_> = epoch.iter().filter(named).collect();
        let counts = registry::count(entries.iter().copied());
        assert_eq!(numbers, counts[..5], "{names}");
        assert_eq!(redundant, counts[5] > 0, "{names}");
        known += entries.len();
    }
    let short = epoch.iter().filter(|entry| !entry.name.contains(','));
    assert_eq!(known, short.count());

    let columns = [
        "table",
        "assertions",
        "range messages",
        "tokens",
        "forgeries",
    ];
    let mut known = 0;
    for (name, numbers, forged) in documented(include_str!("../../../docs/merge.md"), &columns) {
        let name = match &*name {
            "L2G, in the merge" => "l2g, merge",
            name => name,
        };
        let entry = merge.iter().find(|entry| entry.name == name).expect(name);
        let counts = registry::count([entry]);
        assert_eq!(numbers, counts[..3], "{name}");
        assert!(forged && counts[4] > 0, "{name}");
        known += 1;
    }
    // The range table, which only provides, is not among them.
    assert_eq!(known, merge.len() - 1);
}
