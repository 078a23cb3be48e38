//! A run as a single batch: body and closing tables in one list, proved at once in memory that holds all of
//! it.
//!
//! What batches are compared with, and the shortest proof of a short run. Tables, buses and memory are those
//! of a run in one body batch; what differs is that nothing is dropped, so there is one walk.

use heapless::Vec;
use tranche_core::air::ProverAir;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::shape::Profile;
use tranche_core::{
    Backend, Batch, F, Params, Plan, PlanError, Statement, Suite, TableSpec, TraceMut,
};

use super::shape::MAX_BODY_TABLES;
use super::table::RunTable;
use super::tables::{BODY, CLOSING, MAX_CLOSING_TABLES, RunTables};
use super::walk::{Walk, WalkError};
use crate::span::BatchSpan;

/// Tables of a whole run at most.
pub const MAX_WHOLE_TABLES: usize = MAX_BODY_TABLES + MAX_CLOSING_TABLES;

/// The plan of a whole run.
pub type WholePlan<S = Poseidon2> = Plan<MAX_WHOLE_TABLES, S>;

/// The tables of a run in one batch.
#[derive(Clone, Debug)]
pub struct WholeTables<'a> {
    tables: &'a RunTables<'a>,
    airs: Vec<RunTable<'a>, MAX_WHOLE_TABLES>,
}

impl<'a> WholeTables<'a> {
    /// The tables of a run in one list; `None` when it has more than one body batch.
    pub fn new(tables: &'a RunTables<'a>) -> Option<Self> {
        let airs = [BODY, CLOSING].map(|kind| tables.airs(kind));
        (tables.bodies() == 1).then(|| Self {
            tables,
            airs: airs.into_iter().flatten().copied().collect(),
        })
    }

    /// The AIRs, in batch order.
    pub fn airs(&self) -> &[RunTable<'a>] {
        &self.airs
    }

    /// What a plan wants to know of each.
    pub fn specs(&self) -> Vec<TableSpec, MAX_WHOLE_TABLES> {
        let specs = [BODY, CLOSING].map(|kind| self.tables.specs(kind));
        specs.into_iter().flatten().copied().collect()
    }

    /// The public values of each, of a run with this span.
    pub fn public_values<'s>(&'s self, spans: &'s [BatchSpan]) -> Vec<&'s [F], MAX_WHOLE_TABLES> {
        let batches = 0..self.tables.batches();
        let values = batches.map(|batch| self.tables.public_values(spans, batch));
        values.flatten().collect()
    }

    /// The plan in a profile, for a backend.
    ///
    /// # Errors
    /// When the core refuses it.
    pub fn plan_in<B: Backend, S: Suite>(&self, profile: Profile) -> Result<WholePlan<S>, PlanError>
    where
        RunTable<'a>: ProverAir<B>,
    {
        let params = self.tables.params();
        Plan::of_suite::<B, _>(&self.airs, &self.specs(), params, profile)
    }

    /// What the proof is about: program, plan, result.
    pub fn statement(&self) -> Statement {
        self.tables.whole_statement()
    }
}

/// A run that is walked once.
#[derive(Debug)]
pub struct WholeRun<'t, 'a> {
    whole: &'t WholeTables<'a>,
    walk: Walk<'a>,
}

impl<'t, 'a> WholeRun<'t, 'a> {
    /// The run of a walk over the same tables.
    pub const fn new(whole: &'t WholeTables<'a>, walk: Walk<'a>) -> Self {
        Self { whole, walk }
    }

    /// The batch and the place in it of a table of the list.
    fn place(&self, table: usize) -> (usize, usize) {
        let body = self.whole.tables.airs(BODY).len();
        match table.checked_sub(body) {
            None => (0, table),
            Some(table) => (1, table),
        }
    }
}

impl<'a> Batch for WholeRun<'_, 'a> {
    type Air = RunTable<'a>;
    type Error = WalkError;

    fn airs(&self) -> &[RunTable<'a>] {
        self.whole.airs()
    }

    fn specs(&self) -> impl Iterator<Item = TableSpec> {
        self.whole.specs().into_iter()
    }

    fn params(&self) -> Params {
        self.whole.tables.params()
    }

    fn statement(&self) -> Option<Statement> {
        Some(self.whole.statement())
    }

    fn public_values(&self) -> impl AsRef<[&[F]]> {
        self.whole.public_values(self.walk.spans())
    }

    fn fill_preprocessed(&self, table: usize, trace: &mut TraceMut<'_>) {
        if let Some(air) = self.whole.airs.get(table) {
            air.fill_preprocessed(trace);
        }
    }

    /// # Panics
    /// When `trace` has another shape.
    fn fill(&mut self, table: usize, trace: &mut TraceMut<'_>) -> Result<(), WalkError> {
        let (batch, table) = self.place(table);
        tranche_core::retire::Run::fill(&mut self.walk, batch, table, trace)
    }
}
