//! Everything about a batch that is fixed before its values are known.
//!
//! A plan is made and validated once; the prover receives proven shapes. It knows every size, so
//! [`Plan::workspace_len`] is exact: a proof succeeds with that many bytes and is refused with one
//! fewer.

mod compact;
mod error;
mod fast;
mod opened;
mod proof_len;
mod regions;

use heapless::Vec;

use crate::air::{Buses, DegreeBuilder, NextRows, ProverAir, TableLayout};
use crate::backend::Backend;
use crate::{D, DIGEST, F, Params, security, workspace};
use p3_air::{Air, BaseAir};
use p3_field::PackedValue;

use compact::Room;
pub(crate) use compact::{FOLD_BLOCK, STAGED, generator_len, quotient_work};
pub use error::PlanError;
pub(crate) use opened::{Opened, Round};
pub use regions::{Name, Phase, Region, Regions};

/// Queries that a proof may have at most.
pub const MAX_QUERIES: usize = 512;
/// log2 of the largest extended height: the field's two-adicity.
pub const MAX_LOG_HEIGHT: usize = 27;
/// Rows of one step of the evaluate and reduce phases.
pub(crate) const CHUNK: usize = 512;
/// Fractions that one inversion of the argue phase serves, at least.
pub(crate) const MIN_BATCH: usize = 48;
/// Row groups whose selectors are computed at once.
pub(crate) const SELECTOR_GROUPS: usize = 32;

/// What a proof keeps in the workspace, and what it computes again; its bytes are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Profile {
    /// Keeps every low-degree extension and every digest.
    #[default]
    Fast,
    /// Keeps traces, quotient chunks and the upper digests; computes permutation columns, extensions
    /// and the lowest digests when they are needed.
    Compact,
}

/// What the caller says of one table; its AIR says the rest.
///
/// A verifier opens next rows where the AIR's lists of columns say so (`main_next_row_columns`,
/// `preprocessed_next_row_columns`), which by default name every column. They are vectors, so that a
/// device cannot ask: there the flags below stand for them. [`TableSpec::of`] asks the AIR, and
/// [`Plan::check_next_rows`] compares; a plan refuses, without asking, an AIR whose constraints or messages
/// read what is not opened ([`PlanError::NextRow`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TableSpec {
    /// log2 of the number of rows.
    pub log_height: u8,
    /// Whether the main trace is opened at the next row too.
    pub main_next: bool,
    /// Whether the preprocessed trace, if there is one, is opened at the next row too.
    pub preprocessed_next: bool,
    /// Whether the main trace has a Merkle root of its own.
    pub carved: bool,
    /// Floor of the degree that same-bus packing may use; 0 for what is free.
    pub lookup_budget: u8,
}

impl TableSpec {
    /// A table of `2^log_height` rows that is not carved, of an AIR with the default lists of next-row
    /// columns: all of them.
    pub const fn new(log_height: u8) -> Self {
        Self {
            log_height,
            main_next: true,
            preprocessed_next: true,
            carved: false,
            lookup_budget: 0,
        }
    }

    /// A table of `2^log_height` rows that is not carved, with the next rows that its AIR lists.
    ///
    /// Lists are vectors, so this allocates: for hosts.
    pub fn of<A: BaseAir<F>>(air: &A, log_height: u8) -> Self {
        Self {
            main_next: !air.main_next_row_columns().is_empty(),
            preprocessed_next: !air.preprocessed_next_row_columns().is_empty(),
            ..Self::new(log_height)
        }
    }
}

/// One table of a plan.
#[derive(Clone, Copy, Debug)]
pub struct TablePlan {
    /// What the caller said.
    pub spec: TableSpec,
    /// What the AIR says.
    pub layout: TableLayout,
}

impl TablePlan {
    /// Rows of the trace, at most 2^27 in a plan. No number of rows that is above the largest integer.
    pub const fn height(&self) -> usize {
        match 1_usize.checked_shl(self.spec.log_height as u32) {
            Some(height) => height,
            None => usize::MAX,
        }
    }

    pub(crate) const fn log_height(&self) -> usize {
        self.spec.log_height as usize
    }

    /// Base columns of the permutation trace.
    pub(crate) const fn permutation_base_width(&self) -> usize {
        D * self.layout.permutation_width()
    }

    /// What it adds to the security of a batch whose widest message so far has `message_width`
    /// elements.
    fn security_shape(&self, message_width: usize) -> security::TableShape {
        let Self { spec, layout } = self;
        security::TableShape {
            log_height: spec.log_height,
            main_width: layout.main_width as u32,
            main_next: spec.main_next,
            preprocessed_width: layout.preprocessed_width as u32,
            preprocessed_next: spec.preprocessed_next,
            permutation_width: layout.permutation_width() as u32,
            log_quotient_chunks: layout.log_chunks as u8,
            constraints: layout.total_constraints() as u32,
            max_degree: layout.degree as u16,
            messages_per_row: layout.messages_per_row as u32,
            max_message_width: message_width as u16,
        }
    }

    pub(crate) const fn num_chunks(&self) -> usize {
        1 << self.layout.log_chunks
    }
}

/// The shape of a batch: tables, parameters, and the place of every region in the workspace.
///
/// `N` is the largest number of tables.
#[derive(Clone, Debug)]
pub struct Plan<const N: usize = 16> {
    tables: Vec<TablePlan, N>,
    params: Params,
    lanes: usize,
    message_width: usize,
    num_buses: usize,
    log_arities: Vec<u8, MAX_LOG_HEIGHT>,
    regions: Regions,
    profile: Profile,
    room: Room,
    carved: bool,
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

    /// Plans a batch in the fastest profile whose workspace has at most `budget` bytes.
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
            plan.set_profile(Profile::Compact);
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
        error::check_params(&params)?;
        if airs.is_empty() || airs.len() != specs.len() {
            return Err(PlanError::TableCount {
                airs: airs.len(),
                specs: specs.len(),
            });
        }
        let mut buses = Buses::default();
        let mut tables = Vec::new();
        for (table, (air, &spec)) in airs.iter().zip(specs).enumerate() {
            let layout = TableLayout::new(air, &mut buses, spec.lookup_budget as usize)
                .map_err(|error| PlanError::Layout { table, error })?;
            error::check_table(table, &spec, &layout, &params)?;
            let planned = TablePlan { spec, layout };
            error::check_next_rows(table, &planned)?;
            tables
                .push(planned)
                .map_err(|_| PlanError::TooManyTables { capacity: N })?;
        }
        error::check_multiplicities(&tables)?;
        error::check_size(&tables, &params)?;
        let mut plan = Self {
            tables,
            params,
            lanes: <B::P as PackedValue>::WIDTH,
            message_width: buses.message_width(),
            num_buses: buses.count(),
            log_arities: Vec::new(),
            regions: Regions::default(),
            profile,
            room: Room::default(),
            carved: specs.iter().any(|spec| spec.carved),
        };
        error::check_carving(&plan)?;
        plan.schedule_folds();
        plan.set_profile(profile);
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

    fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
        self.regions = fast::regions(self);
        if profile == Profile::Compact {
            (self.room, self.regions) = compact::regions(self, self.regions.len());
        }
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
        self.profile
    }

    /// Its tables, in order.
    pub fn tables(&self) -> &[TablePlan] {
        &self.tables
    }

    /// Its parameters.
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// The place of every region of the workspace.
    pub const fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Whether some table is carved, so that commitments are lists of roots.
    pub const fn is_carved(&self) -> bool {
        self.carved
    }

    /// Elements of the widest message, at least 1.
    pub const fn message_width(&self) -> usize {
        self.message_width
    }

    /// Number of buses, local interactions included.
    pub const fn num_buses(&self) -> usize {
        self.num_buses
    }

    /// Lanes of the backend that the plan was made for.
    pub const fn lanes(&self) -> usize {
        self.lanes
    }

    /// What the proven security of the batch depends on, besides [`Plan::params`].
    pub fn security_shape(&self) -> security::Shape {
        self.tables
            .iter()
            .fold(security::Shape::EMPTY, |shape, table| {
                shape.with_table(&table.security_shape(self.message_width))
            })
    }

    /// log2 of the arity of each FRI round.
    pub fn log_arities(&self) -> &[u8] {
        &self.log_arities
    }

    pub(crate) const fn log_blowup(&self) -> usize {
        self.params.log_blowup as usize
    }

    /// log2 of the height of a table's extensions.
    pub(crate) fn log_lde(&self, table: usize) -> usize {
        self.tables[table].log_height() + self.log_blowup()
    }

    /// log2 of the tallest extension.
    pub fn log_max_lde(&self) -> usize {
        (0..self.tables.len())
            .map(|t| self.log_lde(t))
            .max()
            .unwrap_or(0)
    }

    /// log2 of the tallest trace.
    pub(crate) fn log_max_height(&self) -> usize {
        self.log_max_lde() - self.log_blowup()
    }

    pub(crate) fn has_lookups(&self) -> bool {
        self.tables.iter().any(|t| t.layout.has_lookups())
    }

    pub(crate) fn has_preprocessed(&self) -> bool {
        self.tables.iter().any(|t| t.layout.preprocessed_width > 0)
    }

    /// The groups of the main round: ranges of tables that share a Merkle root.
    ///
    /// A carved table is a group of its own, and so is each run of tables that are not.
    pub fn main_groups(&self) -> impl Iterator<Item = core::ops::Range<usize>> + '_ {
        let mut start = 0;
        core::iter::from_fn(move || {
            let first = self.tables.get(start)?;
            let mut end = start + 1;
            if !first.spec.carved {
                while self.tables.get(end).is_some_and(|t| !t.spec.carved) {
                    end += 1;
                }
            }
            let group = start..end;
            start = end;
            Some(group)
        })
    }

    /// The groups of tables of a round that share a tree; none when the round is empty.
    pub(crate) fn groups(
        &self,
        round: Round,
    ) -> impl Iterator<Item = core::ops::Range<usize>> + '_ {
        let carved = round == Round::Main;
        let whole = self.has_round(round) && !carved;
        let one = whole.then_some(0..self.tables.len()).into_iter();
        self.main_groups().filter(move |_| carved).chain(one)
    }

    /// log2 of the leaves of the tree over the tables `group` of a round.
    pub(crate) fn log_leaves(&self, round: Round, group: &core::ops::Range<usize>) -> usize {
        let matrices = self.round(round).filter(|m| group.contains(&m.table));
        matrices.map(|m| m.log_lde).max().unwrap_or(0)
    }

    /// Layers of a tree that are not kept, from the leaves up.
    pub(crate) fn dropped_layers(&self, log_leaves: usize) -> usize {
        match self.profile {
            Profile::Fast => 0,
            Profile::Compact => compact::dropped_layers(&self.params, log_leaves),
        }
    }

    /// Field elements of the kept digests of a tree with `2^log_leaves` leaves.
    pub(crate) fn tree_len(&self, log_leaves: usize) -> usize {
        tree_len(log_leaves - self.dropped_layers(log_leaves))
    }

    /// How `Compact` divides what it has not enough room for at once.
    pub(crate) const fn room(&self) -> &Room {
        &self.room
    }

    /// log2 of twice the roots of unity that are tabulated.
    pub(crate) fn log_twiddles(&self) -> usize {
        match self.profile {
            Profile::Fast => self.log_max_lde(),
            Profile::Compact => self.log_max_height(),
        }
    }

    /// Whether an extension of height `2^log_height` exists.
    pub(crate) fn has_log_lde(&self, log_height: usize) -> bool {
        (0..self.tables.len()).any(|t| self.log_lde(t) == log_height)
    }

    /// Where the codeword of a height starts in [`Name::Codewords`], tallest first; its coefficients,
    /// at that place divided by the blowup.
    pub(crate) fn codeword_offset(&self, log_height: usize) -> usize {
        let taller = log_height + 1..=self.log_max_lde();
        taller
            .filter(|&h| self.has_log_lde(h))
            .map(|h| D << h)
            .sum()
    }

    /// Mirrors `p3_fri::fold_schedule`.
    fn schedule_folds(&mut self) {
        let stop = self.log_blowup() + self.params.log_final_poly_len as usize;
        let mut height = self.log_max_lde();
        while height > stop {
            let next_input = (0..height).rev().find(|&h| self.has_log_lde(h));
            let room = next_input.map_or(height - stop, |h| (height - h).min(height - stop));
            let log_arity = room.min(self.params.max_log_arity as usize);
            self.log_arities
                .push(log_arity as u8)
                .expect("at most one round a bit");
            height -= log_arity;
        }
    }
}

/// [`Plan::security_shape`] of tables that need no plan yet, one at a time: a plan of many tables
/// would take a device's whole stack.
///
/// # Errors
/// [`PlanError::Layout`], when an AIR has no layout.
pub fn security_shape<A: for<'b> Air<DegreeBuilder<'b>>>(
    tables: impl Iterator<Item = (A, TableSpec)>,
) -> Result<security::Shape, PlanError> {
    let mut buses = Buses::default();
    let mut shape = security::Shape::EMPTY;
    for (table, (air, spec)) in tables.enumerate() {
        let layout = TableLayout::new(&air, &mut buses, spec.lookup_budget as usize)
            .map_err(|error| PlanError::Layout { table, error })?;
        let planned = TablePlan { spec, layout };
        shape = shape.with_table(&planned.security_shape(buses.message_width()));
    }
    Ok(shape)
}

/// Field elements of the digests of a tree with `2^log_leaves` leaves.
pub(crate) const fn tree_len(log_leaves: usize) -> usize {
    DIGEST * ((2 << log_leaves) - 1)
}
