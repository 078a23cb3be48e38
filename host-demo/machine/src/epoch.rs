//! One epoch as a batch: tables, heights, public values, and what its proof says.

use tranche_core::air::ProverAir;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::{Backend, Plan, PlanError, Suite, TableSpec};

use crate::setup::Setup;
use crate::shape::EpochShape;
use crate::tables::{EpochTable, MAX_TABLES, PerTable};

pub use crate::span::{PublicValues, Span};

/// The plan of an epoch, of a hash suite.
pub type EpochPlan<S = Poseidon2> = Plan<MAX_TABLES, S>;

/// The tables of the epochs of a run that have these heights.
#[derive(Clone, Debug)]
pub struct EpochTables<'a> {
    setup: Setup<'a>,
    shape: EpochShape,
    /// AIRs, in batch order.
    pub airs: PerTable<EpochTable<'a>>,
    /// What a plan wants to know of each.
    pub specs: PerTable<TableSpec>,
}

impl<'a> EpochTables<'a> {
    /// The tables of a setup's epochs, at the first of their heights.
    pub fn new(setup: &Setup<'a>) -> Self {
        Self::of_shape(setup, setup.shape)
    }

    /// The same at heights of [`Setup::other_shapes`].
    pub fn of_shape(setup: &Setup<'a>, shape: EpochShape) -> Self {
        let airs = EpochTable::all(shape, setup.program);
        let specs = airs.iter().map(|air| air.spec(shape)).collect();
        Self {
            setup: *setup,
            shape,
            airs,
            specs,
        }
    }

    /// What they were made for.
    pub const fn setup(&self) -> &Setup<'a> {
        &self.setup
    }

    /// Heights of the tables.
    pub const fn shape(&self) -> &EpochShape {
        &self.shape
    }

    /// The plan of an epoch in a profile, for a backend; its bytes are the same in all of them.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_in<B: Backend, S: Suite>(&self, profile: Profile) -> Result<EpochPlan<S>, PlanError>
    where
        EpochTable<'a>: ProverAir<B>,
    {
        let params = self.setup.settings.params;
        Plan::of_suite::<B, _>(&self.airs, &self.specs, params, profile)
    }

    /// [`EpochTables::plan_in`] with at most `budget` bytes of workspace, if there is such a plan: see
    /// [`Plan::of_suite_within`].
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_within<B: Backend, S: Suite>(
        &self,
        profile: Profile,
        budget: usize,
    ) -> Result<EpochPlan<S>, PlanError>
    where
        EpochTable<'a>: ProverAir<B>,
    {
        let params = self.setup.settings.params;
        Plan::of_suite_within::<B, _>(&self.airs, &self.specs, params, profile, budget)
    }

    /// The public values of each table, for an epoch of this number and span.
    pub fn public_values(&self, number: u32, span: &Span) -> PerTable<PublicValues> {
        let airs = self.airs.iter();
        airs.map(|air| air.public_values_of(number, span)).collect()
    }
}
