//! The numbers of buses over a run, as one batch of all its tables would number them.
//!
//! A bus with a name has one number; each local interaction of each batch has one of its own, or those of
//! two batches would share an offset, and cancel.

use heapless::{String, Vec};

use super::error::RunPlanError;
use crate::air::{BUS_NAME_BYTES, Buses, MAX_BUSES};

/// The buses with a name that the kinds of a run have, each once.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<(String<BUS_NAME_BYTES>, usize), MAX_BUSES>);

/// What a kind's own numbers stand for.
#[derive(Clone, Debug)]
pub(super) struct KindBuses {
    /// Of each bus of the kind the place among the run's names; none for a local interaction.
    names: Vec<Option<u8>, MAX_BUSES>,
}

impl KindBuses {
    /// Finds the buses of a kind among the names of the run; those that are new are added.
    pub fn new(kind: usize, buses: &Buses, names: &mut Names) -> Result<Self, RunPlanError> {
        let mut places: Vec<Option<u8>, MAX_BUSES> = (0..buses.count()).map(|_| None).collect();
        for (name, width, id) in buses.named() {
            let known = names.0.iter().position(|(known, _)| known == name);
            let place = match known {
                Some(place) => {
                    let expected = names.0[place].1;
                    if expected != width {
                        return Err(RunPlanError::BusWidth {
                            kind,
                            expected,
                            got: width,
                        });
                    }
                    place
                }
                None => {
                    let name = String::try_from(name).map_err(|_| RunPlanError::TooManyBuses)?;
                    let full = names.0.push((name, width));
                    full.map_err(|_| RunPlanError::TooManyBuses)?;
                    names.0.len() - 1
                }
            };
            places[id] = Some(place as u8);
        }
        Ok(Self { names: places })
    }
}

/// Numbers the buses of batch after batch.
#[derive(Debug)]
pub(super) struct Numbering {
    next: u64,
    named: [Option<u64>; MAX_BUSES],
}

impl Numbering {
    /// Before the first batch.
    pub const fn new() -> Self {
        Self {
            next: 0,
            named: [None; MAX_BUSES],
        }
    }

    /// The numbers of the buses of the next batch.
    pub fn batch(&mut self, kind: &KindBuses) -> Vec<u64, MAX_BUSES> {
        let mut fresh = || {
            self.next += 1;
            self.next - 1
        };
        let number = |name: &Option<u8>| match name {
            Some(place) => *self.named[*place as usize].get_or_insert_with(&mut fresh),
            None => fresh(),
        };
        kind.names.iter().map(number).collect()
    }
}
