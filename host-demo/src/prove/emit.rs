//! The end of the line: epochs in order, merges as they become due, both into the bundle.

use std::io::Write;

use p3_field::PrimeCharacteristicRing;
use tranche_backend::Chosen;
use tranche_core::{Batch, F, Hashes, Params, Prover, Statement, TableSpec, TraceMut};
use tranche_machine::merge::{
    Holes, MergeError, MergeTable, Outcome, RangeCounts, fill_image, fill_parent, fill_range,
    fill_rest, fill_result,
};
use tranche_machine::setup::Setup;
use tranche_machine::{EpochEnd, EpochPlan, EpochRecord, EpochTables};

use super::collect::{Collector, Merge, Pending};
use super::error::ProveError;
use super::frames::{Frames, ONCE, place};
use super::options::Options;
use super::proved::Proved;
use super::survey::{claimed, merge_plan};
use super::worker::Done;
use crate::bundle::{Header, Kind, fixed_of_epoch, fixed_of_result, fixed_of_root};
use crate::epoch::PerShape;
use crate::execute::Execution;
use crate::files::Partial;
use crate::merge::{MergeTables, image, merge_statement};
use crate::suite::HostSuite;
use crate::workspace::Workspace;

/// Writes the bundle of one run.
pub(super) struct Emitter<'a, 'p, W, P> {
    setup: &'a Setup<'a>,
    result: Outcome<'a>,
    options: Options,
    frames: Frames<'p, W>,
    progress: P,
    collector: Collector<'a>,
    workspace: Workspace,
    tables: &'a PerShape<EpochTables<'a>>,
    /// Hashes that a verifier of an epoch is expected to compute.
    epoch_hashes: PerShape<f64>,
    proved: Proved,
    finished: bool,
}

impl<'a, 'p, W: Write, P: FnMut(&Proved)> Emitter<'a, 'p, W, P> {
    /// Writes the header, or has it written when the records of `partial` are whole.
    pub fn new<S: HostSuite>(
        setup: &'a Setup<'a>,
        (tables, plans): (&'a PerShape<EpochTables<'a>>, &PerShape<EpochPlan<S>>),
        execution: &'a Execution,
        options: &Options,
        partial: Option<&'p mut Partial>,
        out: W,
        progress: P,
    ) -> Result<Self, ProveError> {
        Ok(Self {
            setup,
            result: claimed(execution)?,
            options: *options,
            frames: Frames::new(Header::of(setup), partial, out)?,
            progress,
            collector: Collector::new(setup),
            workspace: Workspace::default(),
            tables,
            epoch_hashes: plans.map(EpochPlan::expected_hashes),
            proved: Proved::default(),
            finished: false,
        })
    }

    /// What has been proved so far.
    pub const fn proved(&self) -> &Proved {
        &self.proved
    }

    /// Writes the next epoch and the merges that it makes possible; returns its record.
    pub fn epoch<'r, S: HostSuite>(&mut self, done: Done<'r>) -> Result<EpochRecord<'r>, ProveError>
    where
        Chosen: Hashes<S>,
    {
        self.write_epoch(&done)?;
        self.proved.epochs += 1;
        self.proved.cycles += u64::from(done.span.cycles);
        self.proved.ends.count(done.end);
        let tables = self.tables.at(done.shape);
        let shape = tables.shape();
        for ((table, _), air) in shape.tables().zip(&tables.airs) {
            let rows = done.record.rows(table) as u64;
            self.proved
                .cells
                .add(air.main_width(), rows, shape.capacity(table));
        }
        self.proved.expected_hashes += self.epoch_hashes.at(done.shape);
        (self.progress)(&self.proved);
        let last = matches!(done.end, EpochEnd::Exit(_));
        self.collector.epoch(done.rows, done.trace, last)?;
        while let Some(merge) = self.collector.merge(&self.result)? {
            self.merge::<S>(&merge)?;
        }
        Ok(done.record)
    }

    /// The account, once the root merge is written and the workers are done, each of which had a
    /// workspace of so many bytes.
    pub fn finish(mut self, workers: usize, bytes: usize) -> Result<Proved, ProveError> {
        if !self.finished {
            return Err(ProveError::Unfinished);
        }
        self.proved.workers = workers;
        self.proved.workspace_bytes = workers
            .saturating_mul(bytes)
            .saturating_add(self.workspace.len());
        self.proved.bundle_bytes = self.frames.finish()?;
        Ok(self.proved)
    }

    /// Writes the next epoch; what a partial file has of it has to be what was executed.
    fn write_epoch(&mut self, done: &Done<'_>) -> Result<(), ProveError> {
        let (epoch, fixed) = (done.number, fixed_of_epoch(&done.span));
        let place = [epoch, 0];
        let Some(proof) = &done.proof else {
            let changed = ProveError::Changed { epoch };
            let Some(record) = self.frames.pass(Kind::Epoch, place) else {
                return Err(changed);
            };
            let payload = self.frames.payload(&record)?;
            self.proved.resumed_epochs += 1;
            return if payload.starts_with(&fixed) {
                Ok(())
            } else {
                Err(changed)
            };
        };
        self.frames.put(Kind::Epoch, place, &fixed, proof)
    }

    /// Proves a merge and writes it, the root with the result before it, unless they are known.
    fn merge<S: HostSuite>(&mut self, merge: &Merge) -> Result<(), ProveError>
    where
        Chosen: Hashes<S>,
    {
        let (root, place) = (merge.node.root, place(&merge.node));
        if root && self.frames.pass(Kind::Result, ONCE).is_none() {
            let fixed = fixed_of_result(self.proved.epochs, self.result.exit_code());
            let output = self.result.output();
            self.frames.put(Kind::Result, ONCE, &fixed, output)?;
        }
        let kind = if root { Kind::Root } else { Kind::Merge };
        if self.frames.pass(kind, place).is_none() {
            let proof = self.prove::<S>(merge)?;
            let logs = merge.varying_logs(self.setup);
            let fixed = if root { fixed_of_root(&logs) } else { logs };
            self.frames.put(kind, place, &fixed, &proof)?;
        }
        self.finished |= root;
        self.proved.merges += 1;
        (self.progress)(&self.proved);
        Ok(())
    }

    fn prove<S: HostSuite>(&mut self, merge: &Merge) -> Result<Vec<u8>, ProveError>
    where
        Chosen: Hashes<S>,
    {
        let (result, options) = (&self.result, &self.options);
        let (proof, hashes) =
            prove_merge::<S>(self.setup, merge, result, options, &mut self.workspace)?;
        self.proved.expected_hashes += hashes;
        Ok(proof)
    }
}

/// Proves a merge; returns the proof and the hashes that a verifier of it is expected to compute.
pub(super) fn prove_merge<'a, S: HostSuite>(
    setup: &Setup<'a>,
    merge: &Merge,
    result: &Outcome<'a>,
    options: &Options,
    workspace: &mut Workspace,
) -> Result<(Vec<u8>, f64), ProveError>
where
    Chosen: Hashes<S>,
{
    let tables = merge.tables(setup, *result);
    let plan = merge_plan::<S>(&tables, &setup.settings.params, options)?;
    let buffer = workspace.reserve(plan.workspace_len())?;
    let mut prover = Prover::<Chosen, _, S>::new(&plan, &tables.airs, S::instance(), buffer)?;
    let mut proof = Vec::new();
    let mut batch = Filling::new(&tables, merge, setup, result);
    prover.prove(&mut batch, &mut proof)?;
    Ok((proof, plan.expected_hashes()))
}

/// A merge as a batch, under way: its main traces are written table after table.
struct Filling<'m, 'a> {
    tables: &'m MergeTables<'a>,
    merge: &'m Merge,
    params: Params,
    statement: Statement,
    children: std::slice::Iter<'m, Pending>,
    holes: Holes<'m>,
    counts: RangeCounts,
}

impl<'m, 'a> Filling<'m, 'a> {
    fn new(
        tables: &'m MergeTables<'a>,
        merge: &'m Merge,
        setup: &'m Setup<'a>,
        result: &Outcome<'_>,
    ) -> Self {
        let result = merge.node.root.then_some(result);
        Self {
            tables,
            merge,
            params: setup.settings.params,
            statement: merge_statement(setup, &merge.node, result),
            children: merge.children.iter(),
            holes: image(setup).holes(),
            counts: RangeCounts::new(),
        }
    }

    /// Writes the table of the next child, as the proof that it comes from has it.
    fn fill_child(&mut self, trace: &mut TraceMut<'_>) -> Result<(), MergeError> {
        match self.children.next() {
            None => trace.values_mut().fill(F::ZERO),
            Some(child) if !child.trace.is_empty() => {
                trace.values_mut().copy_from_slice(&child.trace);
            }
            Some(parent) => {
                // What the parent looks up was counted where it was committed.
                let mut counts = RangeCounts::new();
                fill_parent(trace, parent.first_epoch, &parent.rows, &mut counts)?;
            }
        }
        Ok(())
    }
}

impl<'a> Batch for Filling<'_, 'a> {
    type Air = MergeTable<'a>;
    type Error = MergeError;

    fn airs(&self) -> &[MergeTable<'a>] {
        &self.tables.airs
    }

    fn specs(&self) -> impl Iterator<Item = TableSpec> {
        self.tables.specs.iter().copied()
    }

    fn params(&self) -> Params {
        self.params
    }

    fn statement(&self) -> Option<Statement> {
        Some(self.statement)
    }

    fn public_values(&self) -> impl AsRef<[&[F]]> {
        let publics = self.tables.publics.iter();
        publics.map(Vec::as_slice).collect::<Vec<_>>()
    }

    fn fill_preprocessed(&self, table: usize, trace: &mut TraceMut<'_>) {
        self.tables.airs[table].fill_preprocessed(trace);
    }

    // The range checks come last, when all others have been counted.
    fn fill(&mut self, table: usize, trace: &mut TraceMut<'_>) -> Result<(), MergeError> {
        let (node, rows) = (&self.merge.node, &*self.merge.rows);
        match &self.tables.airs[table] {
            MergeTable::L2g | MergeTable::Child => self.fill_child(trace),
            MergeTable::Parent => fill_parent(trace, node.first_epoch, rows, &mut self.counts),
            MergeTable::Image(image) => fill_image(trace, image, rows),
            MergeTable::Result(result) => fill_result(trace, result, rows),
            MergeTable::Rest => {
                let hole = self.holes.next().unwrap_or_default();
                fill_rest(trace, hole, rows, &mut self.counts)
            }
            MergeTable::Range => {
                fill_range(trace, &self.counts);
                Ok(())
            }
        }
    }
}
