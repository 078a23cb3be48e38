//! Names what is wrong with the witness of an epoch, or of a run in batches.
//!
//! It judges for the strongest prover: multiplicities of lookup tables are not read from the
//! witness, a message that such a table has is taken as provided.

use std::collections::{BTreeMap, BTreeSet};

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::{AND4, RANGE, ROM};

use super::oracle::{Table, TracesOf};
use crate::audit::{Buses, evaluate};
use crate::omit::{Omit, Omitting};

/// Something that a witness violates, tables by their names. A bus is flawed too when a lookup table
/// does not have a message.
pub type Flaw = crate::audit::Flaw<&'static str>;

/// The tables that are asked, which have the names of their buses.
const LOOKUPS: [&str; 3] = [ROM, RANGE, AND4];

fn provides<A: Table>(table: &A) -> bool {
    LOOKUPS.contains(&table.name())
}

/// Everything that is wrong with a witness.
pub fn audit<A: Table>(traces: &TracesOf<A>) -> BTreeSet<Flaw> {
    audit_without(traces, "", &[])
}

/// Everything that is wrong with a witness when the tables of that name lack some checks.
pub fn audit_without<A: Table>(
    traces: &TracesOf<A>,
    lacking: &str,
    omit: &[Omit],
) -> BTreeSet<Flaw> {
    let mut flaws = BTreeSet::new();
    let mut buses = Buses::new();
    let mut provided = BTreeSet::new();
    for (t, air) in airs(traces, lacking, omit).iter().enumerate() {
        let provides = provides(&air.air);
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
        let lookup = LOOKUPS.contains(&key.0.as_str());
        if sum != F::ZERO && !(lookup && provided.contains(&key)) {
            flaws.insert(Flaw::Bus(key.0));
        }
    }
    flaws
}

/// The tables of a witness, of which those of that name lack some checks.
pub fn airs<A: Table>(traces: &TracesOf<A>, lacking: &str, omit: &[Omit]) -> Vec<Omitting<A>> {
    let without = |&air: &A| Omitting {
        air,
        omit: if air.name() == lacking {
            omit.to_vec()
        } else {
            vec![]
        },
    };
    traces.tables.iter().map(without).collect()
}

/// Sets the multiplicities of the lookup tables to what the others ask for, when those of that name lack
/// some checks.
pub fn recount<A: Table>(traces: &mut TracesOf<A>, lacking: &str, omit: &[Omit]) {
    let airs = airs(traces, lacking, omit);
    let mut asked: BTreeMap<(String, Vec<u32>), F> = Buses::new();
    for (t, air) in airs.iter().enumerate() {
        if !provides(&air.air) {
            evaluate(air, &traces.main[t], &traces.public[t], |message| {
                *asked.entry((message.bus, message.fields)).or_default() += message.count;
            });
        }
    }
    for (t, air) in airs.iter().enumerate() {
        if provides(&air.air) {
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
