//! The merge tree of a run as it grows: which merges an epoch makes possible, and of what.
//!
//! A node is due as soon as its last child is there. Whether it is the root is known then, too: the
//! run goes on unless its epoch was the last. At most `arity` children wait on each level.

use std::collections::VecDeque;
use std::sync::Arc;

use tranche_core::F;
use tranche_machine::merge::{
    Chain, MergeError, Node, Outcome, Tree, check_cover, extend, rest_rows,
};
use tranche_machine::setup::Setup;

use crate::merge::{MergeTables, SizedChild, empty_log_rows, image, log_rows};

/// A committed table that waits for its merge.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// First epoch of its range.
    pub first_epoch: u32,
    /// log2 of its rows.
    pub log_rows: u8,
    /// What its range did to each cell it touched, ascending by cell.
    pub rows: Arc<[Chain]>,
    /// An epoch's L2G trace, column by column; empty for the parent table of a merge, whose trace
    /// follows from its rows.
    pub trace: Vec<F>,
}

/// A merge that can be proved.
#[derive(Debug)]
pub(super) struct Merge {
    /// Its place in the tree.
    pub node: Node,
    /// Its children that are not empty, in order.
    pub children: Vec<Pending>,
    /// Tables of all children, empty ones included.
    pub sized: Vec<SizedChild>,
    /// What its range did to each cell it touched, ascending by cell.
    pub rows: Arc<[Chain]>,
}

impl Merge {
    /// The merge at a place of the tree, of its children that are not empty, in order.
    ///
    /// # Errors
    /// [`MergeError`] when they do not chain.
    pub fn of(
        setup: &Setup<'_>,
        tree: &Tree,
        node: Node,
        children: Vec<Pending>,
    ) -> Result<Self, MergeError> {
        let rows = compose(&children)?.into();
        let empty = empty_log_rows(setup, node.level);
        let mut logs = children.iter().map(|child| child.log_rows);
        let sized = tree
            .children(node)
            .map(|child| (child, logs.next().unwrap_or(empty)));
        Ok(Self {
            node,
            sized: sized.collect(),
            children,
            rows,
        })
    }

    /// log2 of the rows of the tables whose heights depend on the run: the parent, or one for each
    /// hole.
    pub fn varying_logs(&self, setup: &Setup<'_>) -> Vec<u8> {
        if self.node.root {
            let holes = image(setup).holes();
            holes
                .map(|hole| log_rows(rest_rows(hole, &self.rows)))
                .collect()
        } else {
            vec![log_rows(self.rows.len())]
        }
    }

    /// Its tables; `result` is the run's.
    pub fn tables<'a>(&self, setup: &Setup<'a>, result: Outcome<'a>) -> MergeTables<'a> {
        let logs = self.varying_logs(setup);
        if self.node.root {
            MergeTables::root(&self.node, &self.sized, image(setup), result, &logs)
        } else {
            MergeTables::inner(&self.node, &self.sized, logs[0])
        }
    }
}

/// Collects the epochs of a run and says which merges are due.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    setup: Setup<'a>,
    epochs: u32,
    /// Tables that wait, by level; level 0 are the epochs.
    pending: Vec<Vec<Pending>>,
    tree: Option<Tree>,
    due: VecDeque<Node>,
}

impl<'a> Collector<'a> {
    /// A run without epochs yet.
    pub fn new(setup: &Setup<'a>) -> Self {
        let (pending, due) = (Vec::new(), VecDeque::new());
        Self {
            setup: *setup,
            epochs: 0,
            pending,
            tree: None,
            due,
        }
    }

    /// Adds the next epoch by the rows of its L2G table, in any order, and its trace.
    ///
    /// # Errors
    /// [`MergeError::Tree`] for more epochs than a tree may have.
    pub fn epoch(
        &mut self,
        mut rows: Vec<Chain>,
        trace: Vec<F>,
        last: bool,
    ) -> Result<(), MergeError> {
        self.epochs += 1;
        rows.sort_unstable_by_key(|chain| chain.cell);
        let log_rows = self.setup.shape.l2g as u8;
        let pending = Pending {
            first_epoch: self.epochs,
            log_rows,
            rows: rows.into(),
            trace,
        };
        self.push(0, pending);
        // Another epoch follows the last known one, or else it is the last.
        let known = self.epochs + u32::from(!last);
        let tree = Tree::new(known, self.setup.settings.arity.into())?;
        self.due = tree.completed_by(self.epochs).collect();
        self.tree = Some(tree);
        Ok(())
    }

    /// The next merge that is due, if there is one.
    ///
    /// # Errors
    /// [`MergeError`] when its children do not chain, or a cell is in no table of the root.
    pub fn merge(&mut self, result: &Outcome<'_>) -> Result<Option<Merge>, MergeError> {
        let (Some(node), Some(tree)) = (self.due.pop_front(), self.tree) else {
            return Ok(None);
        };
        let level = (node.level - 1) as usize;
        let children = std::mem::take(&mut self.pending[level]);
        let merge = Merge::of(&self.setup, &tree, node, children)?;
        let rows = merge.rows.clone();
        if node.root {
            check_cover(&rows, &image(&self.setup), result)?;
        } else {
            let log_rows = log_rows(rows.len());
            let first_epoch = node.first_epoch;
            let parent = Pending {
                first_epoch,
                log_rows,
                rows,
                trace: vec![],
            };
            self.push(node.level as usize, parent);
        }
        Ok(Some(merge))
    }

    fn push(&mut self, level: usize, pending: Pending) {
        if self.pending.len() <= level {
            self.pending.resize_with(level + 1, Vec::new);
        }
        self.pending[level].push(pending);
    }
}

/// What the children together did, in their order.
fn compose(children: &[Pending]) -> Result<Vec<Chain>, MergeError> {
    let mut rows = Vec::new();
    let mut len = 0;
    for child in children {
        let next = || child.rows.iter().copied();
        len = match extend(&mut rows, len, next()) {
            Err(MergeError::TooManyRows { needed, .. }) => {
                rows.resize(needed, Chain::default());
                extend(&mut rows, len, next())?
            }
            other => other?,
        };
    }
    rows.truncate(len);
    Ok(rows)
}
