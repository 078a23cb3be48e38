//! Names what is wrong with a batch.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;

use super::batch::Batch;
use crate::audit::{Buses, evaluate};

/// Something that a batch violates, tables by their numbers.
pub type Flaw = crate::audit::Flaw<usize>;

/// Everything that is wrong with `batch`.
pub fn audit(batch: &Batch) -> BTreeSet<Flaw> {
    let (mut flaws, buses) = add_up(batch);
    let open = buses.into_iter().filter(|&(_, sum)| sum != F::ZERO);
    flaws.extend(open.map(|((bus, _), _)| Flaw::Bus(bus)));
    flaws
}

/// The sum of the multiplicities of each message.
pub fn buses(batch: &Batch) -> Buses {
    add_up(batch).1
}

fn add_up(batch: &Batch) -> (BTreeSet<Flaw>, Buses) {
    let mut flaws = BTreeSet::new();
    let mut buses = Buses::new();
    for (t, table) in batch.tables.iter().enumerate() {
        let broken = evaluate(&table.air, &table.trace, &table.public_values, |message| {
            *buses.entry((message.bus, message.fields)).or_default() += message.count;
        });
        flaws.extend(broken.into_iter().map(|c| Flaw::Constraint(t, c)));
    }
    (flaws, buses)
}
