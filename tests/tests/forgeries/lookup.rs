//! The tables that are asked. They only provide.

use tranche_machine::bus::Clock;
use tranche_machine::{EpochTable, PublicInput};
use tranche_test_support::omit::Omit::Interaction;

use crate::registry::Entry;
use crate::witness::{Witness, program, tables};

pub const PROVIDES: &str =
    "a prover may set every multiplicity to 0, so without the message he can do no more";

pub fn entries() -> Vec<Entry<Witness>> {
    let tables = tables(Clock::SHORT, program(&[], PublicInput::default()));
    let lookups = tables.iter().filter(|table| table.fixed_width() > 0);
    lookups.map(entry).collect()
}

fn entry(table: &EpochTable<'static>) -> Entry<Witness> {
    let mut entry = Entry::new(table.name(), table.name(), table);
    entry.redundant.push((Interaction(0), PROVIDES));
    entry
}
