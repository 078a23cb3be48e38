//! Everything about a batch that is fixed before its values are known.
//!
//! A plan is made and validated once; the prover receives proven shapes. It knows every size, so
//! [`Plan::workspace_len`] is exact: a proof succeeds with that many bytes and is refused with one
//! fewer.

mod compact;
mod error;
mod fast;
mod hashes;
mod places;
mod proof_len;
mod regions;

use core::marker::PhantomData;

use heapless::Vec;
use p3_air::{Air, BaseAir};
use p3_field::PackedValue;

use crate::air::{Buses, DegreeBuilder, NextRows, ProverAir, TableLayout};
use crate::backend::Backend;
use crate::hash::Suite;
use crate::hash::poseidon2::Poseidon2;
use crate::lowdegree::FoldShape;
use crate::shape::{
    Arities, BatchShape, Common, Params, Profile, TablePlan, TableSpec, fold_schedule,
};
use crate::{F, security, workspace};

pub(crate) use compact::Room;
pub use error::PlanError;
pub(crate) use error::multiplicities;
pub(crate) use hashes::fold_hashes;
pub(crate) use places::Places;
pub(crate) use proof_len::most_siblings;
pub use regions::{Phase, Region, RegionName, Regions};

/// The shape of a batch: tables, parameters, and the place of every region in the workspace.
///
/// `N` is the largest number of tables, `S` what proofs hash with.
#[derive(Clone, Debug)]
pub struct Plan<const N: usize = 16, S: Suite = Poseidon2> {
    tables: Vec<TablePlan, N>,
    common: Common,
    log_arities: Arities,
    regions: Regions,
    room: Room,
    suite: PhantomData<S>,
}

const fn lanes<B: Backend>() -> u8 {
    assert!(B::P::WIDTH <= u8::MAX as usize);
    B::P::WIDTH as u8
}

impl<const N: usize> Plan<N> {
    /// Plans a batch of `airs`, one per element of `specs`, for a backend, in [`Profile::Fast`].
    ///
    /// # Errors
    /// What [`PlanError`] names: shapes that do not fit, or that no Plonky3 verifier would accept.
    pub fn new<B: Backend, A: ProverAir<B>>(
        airs: &[A],
        specs: &[TableSpec],
        params: Params,
    ) -> Result<Self, PlanError> {
        Self::with_profile::<B, A>(airs, specs, params, Profile::Fast)
    }

    /// Plans a batch in the fastest profile whose workspace has at most `budget` bytes; as
    /// [`Plan::of_suite_within`] does in [`Profile::Compact`].
    ///
    /// # Errors
    /// What [`Plan::new`] refuses, and [`PlanError::Budget`] when no profile fits.
    pub fn fit<B: Backend, A: ProverAir<B>>(
        airs: &[A],
        specs: &[TableSpec],
        params: Params,
        budget: usize,
    ) -> Result<Self, PlanError> {
        let mut plan = Self::new::<B, A>(airs, specs, params)?;
        if plan.workspace_len() > budget {
            plan.set_profile(Profile::Compact, budget);
        }
        let needed = plan.workspace_len();
        if needed > budget {
            return Err(PlanError::Budget { needed, budget });
        }
        Ok(plan)
    }

    /// Plans a batch in a profile of the caller's choice; else as [`Plan::new`].
    ///
    /// # Errors
    /// What [`Plan::new`] refuses.
    pub fn with_profile<B: Backend, A: ProverAir<B>>(
        airs: &[A],
        specs: &[TableSpec],
        params: Params,
        profile: Profile,
    ) -> Result<Self, PlanError> {
        Self::of_suite::<B, A>(airs, specs, params, profile)
    }
}

impl<const N: usize, S: Suite> Plan<N, S> {
    /// [`Plan::with_profile`] for proofs that hash with `S`.
    ///
    /// # Errors
    /// What [`Plan::new`] refuses.
    pub fn of_suite<B: Backend, A: ProverAir<B>>(
        airs: &[A],
        specs: &[TableSpec],
        params: Params,
        profile: Profile,
    ) -> Result<Self, PlanError> {
        Self::of_suite_within::<B, A>(airs, specs, params, profile, usize::MAX)
    }

    /// [`Plan::of_suite`] with at most `budget` bytes of workspace, if there is such a plan; else with the fewest that
    /// the profile can have. [`Profile::Compact`] spends time for it where it would take more: it answers
    /// the queries in more passes, each of which extends every column again.
    ///
    /// # Errors
    /// What [`Plan::new`] refuses.
    pub fn of_suite_within<B: Backend, A: ProverAir<B>>(
        airs: &[A],
        specs: &[TableSpec],
        params: Params,
        profile: Profile,
        budget: usize,
    ) -> Result<Self, PlanError> {
        error::check_params(&params)?;
        if airs.is_empty() || airs.len() != specs.len() {
            return Err(PlanError::TableCount {
                airs: airs.len(),
                specs: specs.len(),
            });
        }
        // One plan from the start: a second list of tables beside it would cost a device its stack.
        let mut plan = Self {
            tables: Vec::new(),
            common: Common {
                params,
                lanes: const { lanes::<B>() },
                lane_table_len: 0,
                message_width: 0,
                num_buses: 0,
                carved: specs.iter().any(|spec| spec.carved),
                profile,
            },
            log_arities: Vec::new(),
            regions: Regions::default(),
            room: Room::default(),
            suite: PhantomData,
        };
        let mut buses = Buses::default();
        for (table, (air, &spec)) in airs.iter().zip(specs).enumerate() {
            let layout = TableLayout::new(air, &mut buses, spec.lookup_budget as usize)
                .map_err(|error| PlanError::Layout { table, error })?;
            error::check_table(table, &spec, &layout, &params)?;
            let planned = TablePlan { spec, layout };
            error::check_next_rows(table, &planned)?;
            plan.tables
                .push(planned)
                .map_err(|_| PlanError::TooManyTables { capacity: N })?;
        }
        plan.common.message_width = buses.message_width();
        plan.common.num_buses = buses.count();
        error::check_multiplicities(&plan.tables)?;
        error::check_size(&plan.tables, &params)?;
        error::check_carving(plan.shape())?;
        plan.common.lane_table_len = B::lane_table_len(plan.shape().log_max_height());
        plan.log_arities = fold_schedule(plan.shape().heights(), &params);
        plan.set_profile(profile, budget);
        Ok(plan)
    }

    /// Whether every trace is opened at the next row exactly where the lists of its AIR say so, as a
    /// verifier expects. Of flags that [`TableSpec::of`] made they do; for others, this belongs into a test.
    ///
    /// Lists are vectors, so this allocates: for hosts.
    ///
    /// # Errors
    /// [`PlanError::NextRow`], or [`PlanError::TableCount`] when there is not one AIR for each table.
    pub fn check_next_rows<A: BaseAir<F>>(&self, airs: &[A]) -> Result<(), PlanError> {
        if airs.len() != self.tables.len() {
            return Err(PlanError::TableCount {
                airs: airs.len(),
                specs: self.tables.len(),
            });
        }
        for (table, (air, planned)) in airs.iter().zip(&self.tables).enumerate() {
            let listed = TableSpec::of(air, planned.spec.log_height);
            let listed = NextRows {
                main: listed.main_next,
                preprocessed: listed.preprocessed_next,
            };
            error::compare_next_rows(table, planned, |specified, is| specified == is, listed)?;
        }
        Ok(())
    }

    fn set_profile(&mut self, profile: Profile, budget: usize) {
        self.common.profile = profile;
        self.regions = fast::regions(self.shape());
        if profile == Profile::Compact {
            let (fast, budget) = (self.regions.len(), workspace::elements_in(budget));
            (self.room, self.regions) = compact::regions::<S>(self.shape(), fast, budget);
        }
    }

    /// Divides the room of `Compact` otherwise.
    #[cfg(test)]
    pub(crate) fn set_room(&mut self, room: Room) {
        self.regions = compact::place::<S>(self.shape(), &room);
        self.room = room;
    }

    /// A view of everything but the places.
    pub fn shape(&self) -> BatchShape<'_> {
        BatchShape {
            tables: &self.tables,
            log_arities: &self.log_arities,
            common: &self.common,
        }
    }

    /// How `Compact` divides what it has not enough room for at once.
    pub(crate) const fn room(&self) -> &Room {
        &self.room
    }

    /// Bytes of workspace that a proof needs: exactly, and whatever the buffer's alignment.
    pub const fn workspace_len(&self) -> usize {
        workspace::bytes_for(self.regions.len())
    }

    /// [`Plan::workspace_len`] as it is even where an address has fewer bits than the length.
    pub const fn workspace_bytes(&self) -> u64 {
        workspace::bytes_for_64(self.regions.len() as u64)
    }

    /// What it keeps in the workspace.
    pub const fn profile(&self) -> Profile {
        self.common.profile
    }

    /// Its tables, in order.
    pub fn tables(&self) -> &[TablePlan] {
        &self.tables
    }

    /// Its parameters.
    pub const fn params(&self) -> &Params {
        &self.common.params
    }

    /// The place of every region of the workspace.
    pub const fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Whether some table is carved, so that commitments are lists of roots.
    pub const fn is_carved(&self) -> bool {
        self.common.carved
    }

    /// Elements of the widest message, at least 1.
    pub const fn message_width(&self) -> usize {
        self.common.message_width
    }

    /// Number of buses, local interactions included.
    pub const fn num_buses(&self) -> usize {
        self.common.num_buses
    }

    /// Lanes of the backend that the plan was made for.
    pub const fn lanes(&self) -> usize {
        self.common.lanes as usize
    }

    /// Words of the table of roots that this backend fills for the plan's transforms.
    pub const fn lane_table_len(&self) -> usize {
        self.common.lane_table_len
    }

    /// What the proven security of the batch depends on, besides [`Plan::params`].
    pub fn security_shape(&self) -> security::SecurityShape {
        self.tables.iter().fold(
            security::SecurityShape::of(S::COLLISION_BITS),
            |shape, table| shape.with_table(&table.security_shape(self.common.message_width)),
        )
    }

    /// log2 of the arity of each fold of the low-degree test.
    pub fn log_arities(&self) -> &[u8] {
        &self.log_arities
    }

    /// log2 of the tallest extension.
    pub fn log_max_lde(&self) -> usize {
        self.shape().log_max_lde()
    }

    /// The groups of the main round: ranges of tables that share a Merkle root.
    ///
    /// A carved table is a group of its own, and so is each run of tables that are not.
    pub fn main_groups(&self) -> impl Iterator<Item = core::ops::Range<usize>> + '_ {
        self.shape().main_groups()
    }
}

/// [`Plan::security_shape`] of tables that need no plan yet, one at a time: a plan of many tables
/// would take a device's whole stack. The suite has `collision_bits`.
///
/// # Errors
/// [`PlanError::Layout`], when an AIR has no layout.
pub fn security_shape<A: for<'b> Air<DegreeBuilder<'b>>>(
    collision_bits: u32,
    tables: impl Iterator<Item = (A, TableSpec)>,
) -> Result<security::SecurityShape, PlanError> {
    let mut buses = Buses::default();
    let mut shape = security::SecurityShape::of(collision_bits);
    for (table, (air, spec)) in tables.enumerate() {
        let layout = TableLayout::new(&air, &mut buses, spec.lookup_budget as usize)
            .map_err(|error| PlanError::Layout { table, error })?;
        let planned = TablePlan { spec, layout };
        shape = shape.with_table(&planned.security_shape(buses.message_width()));
    }
    Ok(shape)
}

impl<'a> BatchShape<'a> {
    /// The shape of the batch's low-degree test.
    pub(crate) fn folds(self) -> FoldShape<'a> {
        FoldShape {
            heights: self.heights(),
            log_arities: self.log_arities(),
            log_blowup: self.log_blowup(),
            log_final_len: self.params().log_final_poly_len as usize,
            log_kept: self.log_kept(),
            profile: self.profile(),
        }
    }
}
