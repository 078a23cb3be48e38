//! A forgery for each check: a witness that one assertion or interaction of a table alone refuses.
//!
//! The audit accepts it when the table lacks that check, and finds nothing else wrong with it when
//! the table has it. A check without a forgery is a check that no test would miss: the tests here
//! fail on one, unless it stands among the redundant ones with a proof.

mod bit;
mod cmp;
mod cpu;
mod l2g;
mod lookup;
mod mem;
mod merge;
mod proofs;
mod registry;
mod shift;
mod sys;
mod witness;

use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::l2g::L2g;
use tranche_tests::omit::Omit;

use registry::Entry;
use witness::Witness;

/// The tables of an epoch. Those with a clock come with both.
fn epoch_tables() -> Vec<Entry<Witness>> {
    [Clock::Short, Clock::Long]
        .into_iter()
        .flat_map(|clock| [cpu::entry(clock), mem::entry(clock), sys::entry(clock)])
        .chain([cmp::entry(), bit::entry(), shift::entry(), l2g::entry()])
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
    let honest = Witness::honest(Clock::Short, &[], &[]);
    entry.forge(Omit::Assertion(0), "nothing forged", honest);
    entry.judge();
}

/// Prints how many checks each table has, and what is known of them.
#[test]
fn counts() {
    registry::print_counts(&epoch_tables());
    registry::print_counts(&merge::entries());
}
