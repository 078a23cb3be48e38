//! A run as tasks: it is executed epoch by epoch, and nothing of it is proved.

use std::collections::BTreeMap;
use std::sync::Arc;

use tranche_machine::checkpoint;
use tranche_machine::merge::{Chain, Outcome};
use tranche_machine::setup::Setup;
use tranche_machine::tables::l2g::L2gRow;
use tranche_machine::{EpochEnd, GuestIo, Machine, Pages, Span};

use super::super::collect::{Collector, Merge};
use super::super::error::ProveError;
use super::super::survey::claimed;
use super::place::Place;
use super::task::{MergeTask, of_chain, of_l2g};
use crate::bundle::{Kind, fixed_of_epoch, fixed_of_root};
use crate::execute::Execution;

/// The rows of an epoch's L2G table, in the table's order.
pub(super) type Rows = Arc<[L2gRow]>;

/// A task with all that is to be known of its proof.
#[derive(Debug)]
pub struct Planned {
    /// Where its proof stands in the tree.
    pub place: Place,
    /// The kind of the proof's frame.
    pub kind: Kind,
    /// What stands before the proof in its frame.
    pub fixed: Vec<u8>,
    /// Proofs of the level below that come before it.
    pub children: u32,
    /// What whoever proves it is given.
    pub task: Vec<u8>,
    /// What its proof has to say.
    pub expected: Expected,
}

/// What the proof of a task has to say.
#[derive(Debug)]
pub struct Expected(pub(super) Claim);

#[derive(Debug)]
pub(super) enum Claim {
    Epoch {
        number: u32,
        span: Span,
        rows: Rows,
    },
    /// With the rows of its children, when those are epochs.
    Merge {
        merge: Merge,
        leaves: Vec<Rows>,
    },
}

/// The input of a run, with what was read of it.
pub(crate) struct Counted<'a> {
    pub input: &'a [u8],
    pub read: usize,
}

impl GuestIo for Counted<'_> {
    fn read(&mut self) -> Option<u8> {
        let byte = self.input.get(self.read).copied()?;
        self.read += 1;
        Some(byte)
    }

    // The first execution told the output.
    fn write(&mut self, _: u8) {}
}

/// Executes a run once more, and makes a task of each epoch and of each merge that it completes.
pub struct Planner<'a> {
    setup: Setup<'a>,
    result: Outcome<'a>,
    machine: Machine<'a, Pages>,
    io: Counted<'a>,
    collector: Collector<'a>,
    touched: Vec<L2gRow>,
    /// Those of the epochs whose merge is not yet due.
    leaves: BTreeMap<u32, Rows>,
    finished: bool,
}

impl<'a> Planner<'a> {
    /// Begins with the first epoch of a run, of which `execution` is what it came to before.
    ///
    /// # Errors
    /// When the run has too much output, or there is no memory for the rows of an L2G table.
    pub fn new(
        setup: &Setup<'a>,
        input: &'a [u8],
        execution: &'a Execution,
    ) -> Result<Self, ProveError> {
        let pages = Pages::new(execution.memory);
        let mut touched = Vec::new();
        let rows = 1 << setup.shape.l2g;
        touched.try_reserve_exact(rows)?;
        touched.resize(rows, L2gRow::default());
        Ok(Self {
            setup: *setup,
            result: claimed(execution)?,
            machine: Machine::over(setup.program, pages, execution.cycles),
            io: Counted { input, read: 0 },
            collector: Collector::new(setup),
            touched,
            leaves: BTreeMap::new(),
            finished: false,
        })
    }

    /// Epochs so far.
    pub const fn epochs(&self) -> u32 {
        self.machine.epochs()
    }

    /// Cycles so far.
    pub const fn cycles(&self) -> u64 {
        self.machine.cycles()
    }

    /// Whether all tasks of the run were made.
    pub const fn finished(&self) -> bool {
        self.finished
    }

    /// Executes the next epoch; its task, and those of the merges that it completes.
    ///
    /// # Errors
    /// When the execution cannot go on, or the epoch does not chain to those before it.
    pub fn next_epoch(&mut self) -> Result<Vec<Planned>, ProveError> {
        let mut tasks = Vec::new();
        if self.finished {
            return Ok(tasks);
        }
        let (state, before) = (self.machine.state(), self.io.read);
        let shape = &self.setup.shape;
        let (span, end, listed) =
            self.machine
                .list_epoch(&mut self.io, shape, &mut self.touched)?;
        let touched = &self.touched[..listed];
        let input = &self.io.input[before..self.io.read];
        let mut task = Vec::new();
        // A vector takes what it is given.
        let Ok(_) = checkpoint::write(&self.setup, &state, touched, input, &mut task);
        let (number, rows) = (self.machine.epochs(), Rows::from(touched));
        let chains = rows.iter().map(|row| Chain::of_epoch(row, number));
        self.leaves.insert(number, rows.clone());
        tasks.push(Planned {
            place: Place::of_epoch(number),
            kind: Kind::Epoch,
            fixed: fixed_of_epoch(&span),
            children: 0,
            task,
            expected: Expected(Claim::Epoch {
                number,
                span,
                rows: rows.clone(),
            }),
        });
        self.finished = matches!(end, EpochEnd::Exit(_));
        self.collector
            .epoch(chains.collect(), Vec::new(), self.finished)?;
        while let Some(merge) = self.collector.merge(&self.result)? {
            tasks.push(self.merge(merge));
        }
        Ok(tasks)
    }

    /// The task of a merge that is due.
    fn merge(&mut self, merge: Merge) -> Planned {
        let node = merge.node;
        let place = Place::of_merge(&node);
        let known = self.machine.epochs() + u32::from(!self.finished);
        let mut task = MergeTask::new(&self.setup, known, [node.level, node.index]);
        let mut leaves = Vec::new();
        if node.level == 1 {
            let epochs = node.first_epoch..=node.last_epoch;
            leaves.extend(epochs.filter_map(|number| self.leaves.remove(&number)));
            let rows = leaves.iter().map(|rows| rows.iter().map(of_l2g).collect());
            task.children = rows.collect();
        } else {
            let children = merge.children.iter();
            let rows = children.map(|child| child.rows.iter().map(of_chain).collect());
            task.children = rows.collect();
        }
        let logs = merge.varying_logs(&self.setup);
        let (kind, fixed) = if node.root {
            task.exit_code = self.result.exit_code();
            task.output = self.result.output().to_vec();
            (Kind::Root, fixed_of_root(&logs))
        } else {
            (Kind::Merge, logs)
        };
        Planned {
            place,
            kind,
            fixed,
            children: node.children,
            task: task.encode(),
            expected: Expected(Claim::Merge { merge, leaves }),
        }
    }
}
