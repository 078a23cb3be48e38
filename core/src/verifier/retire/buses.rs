//! Buses of a run: numbered over the tables of all batches, as `prove_batch` would number them for one list.
//!
//! Named buses are numbered once, a local interaction each time that a table with it comes; so no local
//! interaction can cancel another, in its batch or in a later one. The prefix of bus i is
//! `alpha + (i + 1) beta^W`, W being the run's widest message. Source: `lay_out_lookup_challenges` of
//! p3-batch-stark 0.8.0. Nothing here panics.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Kind, Lookups};

use crate::{EF, F};

/// The challenges of buses, handed out table by table.
pub struct Buses<'k> {
    beta: EF,
    gamma: EF,
    /// Prefix of the last bus that was numbered.
    prefix: EF,
    named: BTreeMap<&'k str, EF>,
}

impl<'k> Buses<'k> {
    /// No bus is numbered yet.
    pub fn new(alpha: EF, beta: EF, widest: usize) -> Self {
        Self {
            beta,
            gamma: beta.exp_u64(widest as u64),
            prefix: alpha,
            named: BTreeMap::new(),
        }
    }

    fn fresh(&mut self) -> EF {
        self.prefix += self.gamma;
        self.prefix
    }

    /// Prefix and combiner of each lookup of the next table.
    pub fn next_table(&mut self, lookups: &'k Lookups<F>) -> Vec<EF> {
        let mut challenges = Vec::with_capacity(2 * lookups.len());
        for lookup in lookups.iter() {
            let prefix = match &lookup.kind {
                Kind::Local => self.fresh(),
                Kind::Global(name) => match self.named.get(name.as_str()) {
                    Some(&prefix) => prefix,
                    None => {
                        let prefix = self.fresh();
                        self.named.insert(name, prefix);
                        prefix
                    }
                },
            };
            challenges.extend([prefix, self.beta]);
        }
        challenges
    }
}

/// Elements of the widest message of some tables, 1 at least.
pub fn widest<'k>(tables: impl Iterator<Item = &'k Lookups<F>>) -> usize {
    let lookups = tables.flat_map(|lookups| lookups.iter());
    let messages = lookups.flat_map(|lookup| lookup.elements.iter().map(Vec::len));
    messages.max().unwrap_or(1).max(1)
}
