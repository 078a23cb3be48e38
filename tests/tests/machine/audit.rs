//! Names what is wrong with an epoch's witness.
//!
//! It judges for the strongest prover: multiplicities of lookup tables are not read from the
//! witness, a message that such a table has is taken as provided. A mutated AIR is the real one
//! with one range check or constraint taken out.

use std::collections::BTreeSet;

use p3_air::BaseAir;
use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::{AND4, RANGE, ROM};
use tranche_tests::audit::{Buses, evaluate};

use crate::oracle::Traces;

/// Something that a witness violates, tables by their names. A bus is flawed too when a lookup table
/// does not have a message.
pub type Flaw = tranche_tests::audit::Flaw<&'static str>;

/// What is taken out of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    Nothing,
    /// The range check of this number in the named table.
    Range(&'static str, usize),
    /// The constraint of this number in the named table.
    Constraint(&'static str, usize),
}

/// Everything that is wrong with a witness of the mutated AIRs.
pub fn audit(traces: &Traces<'_>, without: Without) -> BTreeSet<Flaw> {
    let mut flaws = BTreeSet::new();
    let mut buses = Buses::new();
    let mut provided = BTreeSet::new();
    for ((table, main), public) in traces.tables.iter().zip(&traces.main).zip(&traces.public) {
        let (name, provides) = (table.name(), table.preprocessed_width() > 0);
        let broken = evaluate(table, main, public, |message| {
            let missing = message.bus == RANGE && without == Without::Range(name, message.number);
            let key = (message.bus, message.fields);
            if provides {
                provided.insert(key);
            } else if !missing {
                *buses.entry(key).or_default() += message.count;
            }
        });
        flaws.extend(
            broken
                .into_iter()
                .filter(|&constraint| without != Without::Constraint(name, constraint))
                .map(|constraint| Flaw::Constraint(name, constraint)),
        );
    }
    for (key, sum) in buses {
        let lookup = [ROM, RANGE, AND4].contains(&key.0.as_str());
        if sum != F::ZERO && !(lookup && provided.contains(&key)) {
            flaws.insert(Flaw::Bus(key.0));
        }
    }
    flaws
}
