//! A run as its prover has it before a proof is made: every batch with its traces and its statement,
//! for a forger to change one thing and prove the rest.

use std::collections::HashMap;

use p3_matrix::dense::RowMajorMatrix;
use tranche::epoch::epoch_batch;
use tranche::execute::{Execution, Io, MAX_MEMORY};
use tranche::merge::{MergeTables, empty_log_rows, image, log_rows, merge_statement, outcome};
use tranche_core::F;
use tranche_core::TraceMut;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_machine::merge::{
    Chain, Child, MergeTable, Node, Outcome, RangeCounts, Tree, extend, fill_image, fill_parent,
    fill_range, fill_rest, fill_result, rest_rows,
};
use tranche_machine::settings::Settings;
use tranche_machine::setup::Setup;
use tranche_machine::{EpochTable, FilledTable, Machine, Pages, Program, RecordStorage};
use tranche_test_support::reference::Batch;

use crate::bundles::*;

/// A committed table: what its range did to each cell, and its trace.
#[derive(Clone)]
struct Committed {
    rows: Vec<Chain>,
    trace: RowMajorMatrix<F>,
}

/// A merge as a batch.
pub struct MergeBatch<'a> {
    pub node: Node,
    pub children: Vec<Child>,
    pub batch: Batch<MergeTable<'a>>,
}

/// A run with all that its proofs are made of.
pub struct Forger<'a> {
    pub setup: Setup<'a>,
    pub execution: &'a Execution,
    pub input: &'a str,
    tree: Tree,
    committed: HashMap<(u32, u32), Committed>,
}

impl<'a> Forger<'a> {
    pub fn new(
        program: &'a Program<'a>,
        settings: Settings,
        input: &'a str,
        execution: &'a Execution,
    ) -> Self {
        let setup = Setup::new(program, settings).unwrap();
        let mut machine = Machine::over(program, Pages::new(MAX_MEMORY), u64::MAX);
        let mut storage = RecordStorage::new(setup.shape);
        let mut record = storage.record();
        let mut io = Io::new(input.as_bytes());
        let mut committed = HashMap::new();
        let mut epochs = 0;
        while machine.run_epoch(&mut io, &mut record).is_ok() {
            epochs += 1;
            let rows = record.l2g().iter();
            let mut rows: Vec<_> = rows.map(|row| Chain::of_epoch(row, epochs)).collect();
            rows.sort_unstable_by_key(|chain| chain.cell);
            let batch = epoch_batch(program, input.as_bytes(), settings, epochs).unwrap();
            let trace = batch.traces[FilledTable::L2g.index()].clone();
            committed.insert((0, epochs - 1), Committed { rows, trace });
        }
        let tree = Tree::new(epochs, settings.arity.into()).unwrap();
        Self {
            setup,
            execution,
            input,
            tree,
            committed,
        }
    }

    pub fn result(&self) -> Outcome<'a> {
        outcome(self.execution.exit_code, &self.execution.output).unwrap()
    }

    /// The batch of epoch `number`.
    pub fn epoch(&self, number: u32) -> Batch<EpochTable<'a>> {
        let settings = self.setup.settings;
        let input = self.input.as_bytes();
        let epoch = epoch_batch(self.setup.program, input, settings, number).unwrap();
        Batch {
            airs: epoch.airs.to_vec(),
            traces: epoch.traces,
            publics: epoch.publics.to_vec(),
            carved: epoch.specs.iter().map(|spec| spec.carved).collect(),
            params: settings.params,
            statement: Some(epoch.statement),
            suite: Poseidon2::BABY_BEAR,
        }
    }

    /// Every merge, in the order of the bundle; the root is last. `parent_log` picks log2 of the rows
    /// of a parent from the fewest.
    pub fn merges(&mut self, parent_log: impl Fn(&Node, u8) -> u8) -> Vec<MergeBatch<'a>> {
        let tree = self.tree;
        let nodes = (1..=tree.epochs()).flat_map(|epoch| tree.completed_by(epoch));
        nodes.map(|node| self.merge(node, &parent_log)).collect()
    }

    fn merge(&mut self, node: Node, parent_log: impl Fn(&Node, u8) -> u8) -> MergeBatch<'a> {
        let first = node.index * self.tree.arity();
        let children: Vec<Committed> = (first..first + node.children)
            .map(|index| self.committed[&(node.level - 1, index)].clone())
            .collect();
        let mut rows = vec![Chain::default(); children.iter().map(|c| c.rows.len()).sum()];
        let len = children.iter().fold(0, |len, child| {
            extend(&mut rows, len, child.rows.iter().copied()).unwrap()
        });
        rows.truncate(len);

        let empty = empty_log_rows(&self.setup, node.level);
        let height = |child: &Committed| child.trace.values.len() / child.trace.width;
        let mut logs = children.iter().map(|child| log_rows(height(child)));
        let sized: Vec<_> = self
            .tree
            .children(node)
            .map(|child| (child, logs.next().unwrap_or(empty)))
            .collect();
        let (image, result) = (image(&self.setup), self.result());
        let tables = if node.root {
            let holes = image.holes();
            let logs: Vec<u8> = holes.map(|hole| log_rows(rest_rows(hole, &rows))).collect();
            MergeTables::root(&node, &sized, image, result, &logs)
        } else {
            let fewest = log_rows(rows.len());
            MergeTables::inner(&node, &sized, parent_log(&node, fewest))
        };

        let (mut children, mut holes) = (children.iter(), image.holes());
        let mut counts = RangeCounts::new();
        let traces: Vec<_> = tables
            .airs
            .iter()
            .zip(&tables.specs)
            .map(|(air, spec)| {
                let height = 1 << spec.log_height;
                let mut values = vec![F::default(); air.main_width() * height];
                let trace = &mut TraceMut::new(&mut values, height);
                match air {
                    MergeTable::L2g | MergeTable::Child => {
                        if let Some(child) = children.next() {
                            return child.trace.clone();
                        }
                    }
                    MergeTable::Parent => {
                        fill_parent(trace, node.first_epoch, &rows, &mut counts).unwrap();
                    }
                    MergeTable::Image(image) => fill_image(trace, image, &rows).unwrap(),
                    MergeTable::Result(result) => fill_result(trace, result, &rows).unwrap(),
                    MergeTable::Rest => {
                        fill_rest(trace, holes.next().unwrap(), &rows, &mut counts).unwrap();
                    }
                    MergeTable::Range => fill_range(trace, &counts),
                }
                RowMajorMatrix::new(values, height).transpose()
            })
            .collect();
        if !node.root {
            let trace = traces[tables.airs.len() - 2].clone();
            let place = (node.level, node.index);
            self.committed.insert(place, Committed { rows, trace });
        }
        MergeBatch {
            node,
            children: sized.into_iter().map(|(child, _)| child).collect(),
            batch: Batch {
                carved: tables.specs.iter().map(|spec| spec.carved).collect(),
                airs: tables.airs,
                traces,
                publics: tables.publics,
                params: self.setup.settings.params,
                statement: Some(merge_statement(
                    &self.setup,
                    &node,
                    node.root.then_some(&result),
                )),
                suite: Poseidon2::BABY_BEAR,
            },
        }
    }
}

/// Puts the proof of `merge` into its place of a bundle: the `n`-th merge, or the root.
pub fn put_merge(parts: &mut Parts, merge: &MergeBatch<'_>, n: usize) {
    let proof = merge.batch.prove();
    let varying = merge.batch.airs.iter().zip(merge.batch.log_heights());
    let varying = varying.filter(|(air, _)| matches!(air, MergeTable::Parent | MergeTable::Rest));
    let logs: Vec<u8> = varying.map(|(_, log)| log as u8).collect();
    let payload = if merge.node.root {
        [vec![logs.len() as u8], logs, proof].concat()
    } else {
        [logs, proof].concat()
    };
    let kind = if merge.node.root { ROOT } else { MERGE };
    *parts.payload(kind, n) = payload;
}
