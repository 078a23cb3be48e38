//! One epoch as a batch: tables, heights, public values, and what its proof says.

use heapless::Vec;
use p3_field::PrimeField32;
use tranche_core::air::ProverAir;
use tranche_core::shape::Profile;
use tranche_core::{Backend, F, Plan, PlanError, TableSpec};

use crate::exec::EpochRecord;
use crate::setup::Setup;
use crate::tables::rom::HALT;
use crate::tables::{EpochTable, NUM_TABLES, cpu};

/// The plan of an epoch.
pub type EpochPlan = Plan<NUM_TABLES>;
/// The public values of a table.
pub type PublicValues = Vec<F, { cpu::PUBLIC_VALUES }>;

/// The tables of every epoch of a run.
#[derive(Clone, Debug)]
pub struct EpochTables<'a> {
    setup: Setup<'a>,
    /// AIRs, in batch order.
    pub airs: [EpochTable<'a>; NUM_TABLES],
    /// What a plan wants to know of each.
    pub specs: [TableSpec; NUM_TABLES],
}

/// What the proof of an epoch says of it, besides its number: program counters are word indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Span {
    /// Program counter of the first cycle.
    pub entry: u32,
    /// Program counter after the last cycle; [`HALT`] after exit.
    pub exit: u32,
    /// Cycles.
    pub cycles: u32,
}

impl Span {
    /// The span of a recorded epoch.
    pub fn of(record: &EpochRecord<'_>) -> Self {
        let [entry, exit, _] = record.public_values().map(|value| value.as_canonical_u32());
        Self {
            entry,
            exit,
            cycles: record.cycles(),
        }
    }

    /// Whether the program has exited.
    pub const fn is_last(&self) -> bool {
        self.exit == HALT
    }
}

impl<'a> EpochTables<'a> {
    /// The tables of a setup's epochs.
    pub fn new(setup: &Setup<'a>) -> Self {
        let airs = EpochTable::all(setup.shape, setup.program);
        let specs = airs.map(|air| air.spec(setup.shape));
        Self {
            setup: *setup,
            airs,
            specs,
        }
    }

    /// What they were made for.
    pub const fn setup(&self) -> &Setup<'a> {
        &self.setup
    }

    /// The plan of an epoch in a profile, for a backend; its bytes are the same in all of them.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_in<B: Backend>(&self, profile: Profile) -> Result<EpochPlan, PlanError>
    where
        EpochTable<'a>: ProverAir<B>,
    {
        let params = self.setup.settings.params;
        Plan::with_profile::<B, _>(&self.airs, &self.specs, params, profile)
    }

    /// The public values of each table, for an epoch of this number and span.
    pub fn public_values(&self, number: u32, span: &Span) -> [PublicValues; NUM_TABLES] {
        self.airs.map(|air| air.public_values_of(number, span))
    }
}
