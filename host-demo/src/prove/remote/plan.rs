//! A run as tasks: it is executed epoch by epoch, and nothing of it is proved.

use std::collections::BTreeMap;

use tranche_machine::checkpoint;
use tranche_machine::merge::{Chain, Outcome};
use tranche_machine::setup::Setup;
use tranche_machine::tables::l2g::L2gRow;
use tranche_machine::{EpochEnd, GuestIo, Machine, Pages};

use super::super::collect::{Collector, Merge};
use super::super::error::ProveError;
use super::super::survey::claimed;
use super::check::Claim;
use super::place::Place;
use super::task::{EpochClaim, MergeTask, Row, of_chain, of_l2g};
use crate::bundle::{Kind, fixed_of_epoch, fixed_of_root};
use crate::execute::Execution;

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
    /// What the proof of an epoch has to say; of a merge its task says it.
    pub said: Vec<u8>,
}

impl Planned {
    /// What its proof has to say.
    pub fn claim(&self) -> Claim<'_> {
        match self.kind {
            Kind::Epoch => Claim::Epoch(&self.said),
            _ => Claim::Merge(&self.task),
        }
    }
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
    leaves: BTreeMap<u32, Vec<Row>>,
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
        let number = self.machine.epochs();
        let chains = touched.iter().map(|row| Chain::of_epoch(row, number));
        let chains = chains.collect();
        let rows: Vec<_> = touched.iter().map(of_l2g).collect();
        let claim = EpochClaim::new(&self.setup, number, &span, rows);
        tasks.push(Planned {
            place: Place::of_epoch(number),
            kind: Kind::Epoch,
            fixed: fixed_of_epoch(&span),
            children: 0,
            task,
            said: claim.encode(),
        });
        self.leaves.insert(number, claim.rows);
        self.finished = matches!(end, EpochEnd::Exit(_));
        self.collector.epoch(chains, Vec::new(), self.finished)?;
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
        if node.level == 1 {
            let epochs = node.first_epoch..=node.last_epoch;
            let rows = epochs.filter_map(|number| self.leaves.remove(&number));
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
            said: Vec::new(),
        }
    }
}
