//! Names what is wrong with an epoch's witness.
//!
//! It judges for the strongest prover: multiplicities of lookup tables are not read from the
//! witness, a message that such a table has is taken as provided.

use std::collections::{BTreeMap, BTreeSet};

use p3_air::BaseAir;
use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::{AND4, RANGE, ROM};

use super::oracle::Traces;
use crate::audit::{Buses, evaluate};
use crate::omit::{Omit, Omitting};

/// Something that a witness violates, tables by their names. A bus is flawed too when a lookup table
/// does not have a message.
pub type Flaw = crate::audit::Flaw<&'static str>;

/// Everything that is wrong with a witness.
pub fn audit(traces: &Traces<'_>) -> BTreeSet<Flaw> {
    audit_without(traces, "", &[])
}

/// Everything that is wrong with a witness when the named table lacks some checks.
pub fn audit_without(traces: &Traces<'_>, lacking: &str, omit: &[Omit]) -> BTreeSet<Flaw> {
    let mut flaws = BTreeSet::new();
    let mut buses = Buses::new();
    let mut provided = BTreeSet::new();
    for (t, air) in airs(traces, lacking, omit).iter().enumerate() {
        let provides = air.preprocessed_width() > 0;
        let broken = evaluate(air, &traces.main[t], &traces.public[t], |message| {
            let key = (message.bus, message.fields);
            if provides {
                provided.insert(key);
            } else {
                *buses.entry(key).or_default() += message.count;
            }
        });
        let name = air.air.name();
        flaws.extend(broken.into_iter().map(|k| Flaw::Constraint(name, k)));
    }
    for (key, sum) in buses {
        let lookup = [ROM, RANGE, AND4].contains(&key.0.as_str());
        if sum != F::ZERO && !(lookup && provided.contains(&key)) {
            flaws.insert(Flaw::Bus(key.0));
        }
    }
    flaws
}

/// The tables of a witness, of which the named one lacks some checks.
pub fn airs<'p>(
    traces: &Traces<'p>,
    lacking: &str,
    omit: &[Omit],
) -> Vec<Omitting<EpochTable<'p>>> {
    let without = |&air: &EpochTable<'p>| Omitting {
        air,
        omit: if air.name() == lacking {
            omit.to_vec()
        } else {
            vec![]
        },
    };
    traces.tables.iter().map(without).collect()
}

/// Sets the multiplicities of the lookup tables to what the others ask for, when the named one lacks
/// some checks.
pub fn recount(traces: &mut Traces<'_>, lacking: &str, omit: &[Omit]) {
    let airs = airs(traces, lacking, omit);
    let mut asked: BTreeMap<(String, Vec<u32>), F> = Buses::new();
    for (t, air) in airs.iter().enumerate() {
        if air.preprocessed_width() == 0 {
            evaluate(air, &traces.main[t], &traces.public[t], |message| {
                *asked.entry((message.bus, message.fields)).or_default() += message.count;
            });
        }
    }
    for (t, air) in airs.iter().enumerate() {
        if air.preprocessed_width() > 0 {
            let mut rows = vec![];
            evaluate(air, &traces.main[t], &traces.public[t], |message| {
                rows.push(
                    asked
                        .remove(&(message.bus, message.fields))
                        .unwrap_or_default(),
                );
            });
            traces.main[t].values = rows;
        }
    }
}
