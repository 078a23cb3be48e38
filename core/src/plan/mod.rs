//! Everything about a batch that is fixed before its values are known.
//!
//! A plan is made and validated once; the prover receives proven shapes. It knows every size, so
//! [`Plan::workspace_len`] is exact: a proof succeeds with that many bytes and is refused with one
//! fewer.

mod error;
mod opened;
mod regions;

use heapless::Vec;

use crate::air::{Buses, ProverAir, TableLayout};
use crate::backend::Backend;
use crate::ntt::Twiddles;
use crate::{D, DIGEST, Params, security, workspace};
use p3_field::PackedValue;

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

/// What the caller says of one table; its AIR says the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TableSpec {
    /// log2 of the number of rows.
    pub log_height: u8,
    /// Whether the AIR reads the next row of its main trace.
    pub main_next: bool,
    /// Whether the AIR reads the next row of its preprocessed trace.
    pub preprocessed_next: bool,
    /// Whether the main trace has a Merkle root of its own.
    pub carved: bool,
    /// Floor of the degree that same-bus packing may use; 0 for what is free.
    pub lookup_budget: u8,
}

impl TableSpec {
    /// A table of `2^log_height` rows that reads next rows and is not carved.
    pub const fn new(log_height: u8) -> Self {
        Self {
            log_height,
            main_next: true,
            preprocessed_next: true,
            carved: false,
            lookup_budget: 0,
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
    /// Rows of the trace.
    pub const fn height(&self) -> usize {
        1 << self.spec.log_height
    }

    pub(crate) const fn log_height(&self) -> usize {
        self.spec.log_height as usize
    }

    /// Base columns of the permutation trace.
    pub(crate) const fn permutation_base_width(&self) -> usize {
        D * self.layout.permutation_width()
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
    carved: bool,
}

impl<const N: usize> Plan<N> {
    /// Plans a batch of `airs`, one per element of `specs`, for a backend.
    ///
    /// # Errors
    /// What [`PlanError`] names: shapes that do not fit, or that no Plonky3 verifier would accept.
    pub fn new<B: Backend, A: ProverAir<B>>(
        airs: &[A],
        specs: &[TableSpec],
        params: Params,
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
            tables
                .push(planned)
                .map_err(|_| PlanError::TooManyTables { capacity: N })?;
        }
        error::check_multiplicities(&tables)?;
        let mut plan = Self {
            tables,
            params,
            lanes: <B::P as PackedValue>::WIDTH,
            message_width: buses.message_width(),
            num_buses: buses.count(),
            log_arities: Vec::new(),
            regions: Regions::default(),
            carved: specs.iter().any(|spec| spec.carved),
        };
        error::check_carving(&plan)?;
        plan.schedule_folds();
        plan.place_regions();
        Ok(plan)
    }

    /// Bytes of workspace that a proof needs: exactly, and whatever the buffer's alignment.
    pub const fn workspace_len(&self) -> usize {
        workspace::bytes_for(self.regions.len())
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
                let layout = &table.layout;
                shape.with_table(&security::TableShape {
                    log_height: table.spec.log_height,
                    main_width: layout.main_width as u32,
                    main_next: table.spec.main_next,
                    preprocessed_width: layout.preprocessed_width as u32,
                    preprocessed_next: table.spec.preprocessed_next,
                    permutation_width: layout.permutation_width() as u32,
                    log_quotient_chunks: layout.log_chunks as u8,
                    constraints: layout.total_constraints() as u32,
                    max_degree: layout.degree as u16,
                    messages_per_row: layout.messages_per_row as u32,
                    max_message_width: self.message_width as u16,
                })
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

    /// log2 of the leaves of the tree over the tables `group` of a round.
    pub(crate) fn log_leaves(&self, round: Round, group: &core::ops::Range<usize>) -> usize {
        let matrices = self.round(round).filter(|m| group.contains(&m.table));
        matrices.map(|m| m.log_lde).max().unwrap_or(0)
    }

    /// Whether an extension of height `2^log_height` exists.
    pub(crate) fn has_log_lde(&self, log_height: usize) -> bool {
        (0..self.tables.len()).any(|t| self.log_lde(t) == log_height)
    }

    /// Where the codeword of a height starts in [`Name::Codewords`], tallest first.
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

    fn place_regions(&mut self) {
        use Phase::{Argue, Commit, Evaluate, Fold, Open, Quotient, Reduce};
        let sizes = Sizes::new(self);
        let regions = &mut self.regions;
        regions.place(Name::Twiddles, sizes.twiddles, Commit, Open);
        regions.place(
            Name::PreprocessedTrace,
            sizes.preprocessed_trace,
            Commit,
            Open,
        );
        regions.place(Name::Preprocessed, sizes.preprocessed, Commit, Open);
        regions.place(
            Name::PreprocessedDigests,
            sizes.preprocessed_digests,
            Commit,
            Open,
        );
        regions.place(Name::Trace, sizes.trace, Commit, Argue);
        regions.place(Name::PublicValues, sizes.public_values, Commit, Quotient);
        regions.place(Name::Main, sizes.main, Commit, Open);
        regions.place(Name::MainDigests, sizes.main_digests, Commit, Open);
        regions.place(Name::Permutation, sizes.permutation, Argue, Open);
        regions.place(
            Name::PermutationDigests,
            sizes.permutation_digests,
            Argue,
            Open,
        );
        regions.place(Name::ArgueScratch, sizes.argue_scratch, Argue, Argue);
        regions.place(Name::Quotient, sizes.quotient, Quotient, Open);
        regions.place(
            Name::QuotientDigests,
            sizes.quotient_digests,
            Quotient,
            Open,
        );
        regions.place(
            Name::QuotientScratch,
            sizes.quotient_scratch,
            Quotient,
            Quotient,
        );
        regions.place(Name::Openings, sizes.openings, Evaluate, Reduce);
        regions.place(
            Name::EvaluateScratch,
            sizes.evaluate_scratch,
            Evaluate,
            Evaluate,
        );
        regions.place(Name::Codewords, sizes.codewords, Reduce, Open);
        regions.place(Name::ReduceScratch, sizes.reduce_scratch, Reduce, Reduce);
        regions.place(Name::Folded, sizes.folded, Fold, Open);
        regions.place(Name::FoldedDigests, sizes.folded_digests, Fold, Open);
    }
}

/// Field elements of every region.
#[derive(Default)]
struct Sizes {
    twiddles: usize,
    preprocessed_trace: usize,
    preprocessed: usize,
    preprocessed_digests: usize,
    trace: usize,
    public_values: usize,
    main: usize,
    main_digests: usize,
    permutation: usize,
    permutation_digests: usize,
    argue_scratch: usize,
    quotient: usize,
    quotient_digests: usize,
    quotient_scratch: usize,
    openings: usize,
    evaluate_scratch: usize,
    codewords: usize,
    reduce_scratch: usize,
    folded: usize,
    folded_digests: usize,
}

/// Field elements of the digests of a tree with `2^log_leaves` leaves.
pub(crate) const fn tree_len(log_leaves: usize) -> usize {
    DIGEST * ((2 << log_leaves) - 1)
}

impl Sizes {
    fn new<const N: usize>(plan: &Plan<N>) -> Self {
        let mut sizes = Self {
            twiddles: Twiddles::len(plan.log_max_lde(), plan.log_max_height(), plan.lanes),
            evaluate_scratch: crate::evaluate::scratch_len(plan),
            reduce_scratch: crate::reduce::scratch_len(plan),
            ..Self::default()
        };
        let (mut tallest_preprocessed, mut tallest_permutation) = (None, None);
        for (t, table) in plan.tables.iter().enumerate() {
            let (layout, height) = (&table.layout, table.height());
            let (log_lde, lde) = (plan.log_lde(t), height << plan.log_blowup());
            let points = |next: bool| if next { 2 } else { 1 };
            sizes.trace += layout.main_width * height;
            sizes.public_values += layout.num_public_values;
            sizes.main += layout.main_width * lde;
            sizes.openings += D * layout.main_width * points(table.spec.main_next);
            if layout.preprocessed_width > 0 {
                sizes.preprocessed_trace += layout.preprocessed_width * height;
                sizes.preprocessed += layout.preprocessed_width * lde;
                sizes.openings +=
                    D * layout.preprocessed_width * points(table.spec.preprocessed_next);
                tallest_preprocessed = tallest_preprocessed.max(Some(log_lde));
            }
            if layout.has_lookups() {
                sizes.permutation += table.permutation_base_width() * lde;
                sizes.openings += D * table.permutation_base_width() * 2;
                tallest_permutation = tallest_permutation.max(Some(log_lde));
                let scratch = crate::logup::scratch_len(table, plan.lanes);
                sizes.argue_scratch = sizes.argue_scratch.max(scratch);
            }
            sizes.quotient += table.num_chunks() * D * lde;
            sizes.openings += D * table.num_chunks() * D;
            let scratch = crate::quotient::scratch_len(table, plan.lanes);
            sizes.quotient_scratch = sizes.quotient_scratch.max(scratch);
        }
        for group in plan.main_groups() {
            let tallest = group.map(|t| plan.log_lde(t)).max().unwrap_or(0);
            sizes.main_digests += tree_len(tallest);
        }
        sizes.preprocessed_digests = tallest_preprocessed.map_or(0, tree_len);
        sizes.permutation_digests = tallest_permutation.map_or(0, tree_len);
        sizes.quotient_digests = tree_len(plan.log_max_lde());
        let heights = (0..=plan.log_max_lde()).filter(|&h| plan.has_log_lde(h));
        sizes.codewords = heights.map(|h| D << h).sum();
        let mut log_height = plan.log_max_lde();
        for &log_arity in &plan.log_arities {
            log_height -= log_arity as usize;
            sizes.folded += D << log_height;
            sizes.folded_digests += tree_len(log_height);
        }
        sizes
    }
}
