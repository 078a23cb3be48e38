//! The merge tree: which proofs a merge takes, in which order, and which one is the root.
//!
//! Level 0 are the epochs, counted from 1. A node of level `l` takes `arity` neighbours of level `l
//! − 1` and stands for at most `arity^l` epochs. The first level with one node is the root's, and
//! even a single epoch is merged once. Where neighbours run out, the canonical empty table fills
//! up: all zeros, so that its commitment ([`empty_root`]) is known to the verifier.

use tranche_core::hash::zero_node;
use tranche_core::{Digest, Hashes, ScalarBackend, Suite};

use super::{EPOCH_BITS, MergeError};

/// The merge tree of a run. Both sides derive it from two integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Tree {
    epochs: u32,
    arity: u32,
}

/// A merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Node {
    /// Level, from 1.
    pub level: u32,
    /// Place within the level, from 0.
    pub index: u32,
    /// First epoch of the range, from 1.
    pub first_epoch: u32,
    /// Last epoch of the range.
    pub last_epoch: u32,
    /// Children that are not empty, at least one; the others follow them.
    pub children: u32,
    /// Whether the merge closes against genesis and final memory.
    pub root: bool,
}

/// A child of a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Child {
    /// The L2G table of the epoch of this number.
    Epoch(u32),
    /// The parent table of the merge at this place of the level below.
    Merge {
        /// Level of the child.
        level: u32,
        /// Its place within the level.
        index: u32,
    },
    /// The canonical empty table.
    Empty,
}

impl Child {
    /// The public value of a leaf's table: its epoch, and 0 where the table is empty.
    pub const fn epoch(&self) -> u32 {
        match self {
            Self::Epoch(number) => *number,
            Self::Merge { .. } | Self::Empty => 0,
        }
    }
}

/// A proof of the run, in the order in which it can be made and is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The proof of the epoch of this number.
    Epoch(u32),
    /// A merge, once its last child is proved.
    Merge(Node),
}

impl Tree {
    /// The tree over `epochs` epochs in which each merge takes `arity` tables.
    ///
    /// # Errors
    /// [`MergeError::Tree`] without an epoch, for an arity below 2, and from 2^[`EPOCH_BITS`]
    /// epochs on.
    pub const fn new(epochs: u32, arity: u32) -> Result<Self, MergeError> {
        if epochs == 0 || epochs >> EPOCH_BITS != 0 || arity < 2 {
            return Err(MergeError::Tree { epochs, arity });
        }
        Ok(Self { epochs, arity })
    }

    /// Number of epochs.
    pub const fn epochs(&self) -> u32 {
        self.epochs
    }

    /// Tables that a merge takes.
    pub const fn arity(&self) -> u32 {
        self.arity
    }

    /// Levels of merges; the root is the only node of the last.
    pub fn levels(&self) -> u32 {
        (1..).find(|&level| self.nodes(level) == 1).unwrap_or(1)
    }

    /// Nodes of a level; level 0 are the epochs.
    pub fn nodes(&self, level: u32) -> u32 {
        (0..level).fold(self.epochs, |nodes, _| nodes.div_ceil(self.arity))
    }

    /// The merge at a place, if there is one.
    pub fn node(&self, level: u32, index: u32) -> Option<Node> {
        if level == 0 || level > self.levels() || index >= self.nodes(level) {
            return None;
        }
        let span = u64::from(self.arity).saturating_pow(level);
        let first = u64::from(index) * span + 1;
        let last = first.saturating_add(span - 1).min(u64::from(self.epochs));
        Some(Node {
            level,
            index,
            first_epoch: first as u32,
            last_epoch: last as u32,
            children: (self.nodes(level - 1) - index * self.arity).min(self.arity),
            root: level == self.levels(),
        })
    }

    /// The root.
    pub fn root(&self) -> Option<Node> {
        self.node(self.levels(), 0)
    }

    /// The children of a merge, `arity` of them, in the order of their tables.
    pub fn children(&self, node: Node) -> impl Iterator<Item = Child> + use<> {
        let first = node.index * self.arity;
        (0..self.arity).map(move |k| match (k < node.children, node.level) {
            (false, _) => Child::Empty,
            (true, 1) => Child::Epoch(first + k + 1),
            (true, level) => Child::Merge {
                level: level - 1,
                index: first + k,
            },
        })
    }

    /// The merges that `epoch` completes, from level 1 up: those whose range it ends.
    pub fn completed_by(&self, epoch: u32) -> impl Iterator<Item = Node> + use<> {
        let tree = *self;
        (1..=self.levels()).map_while(move |level| {
            let span = u64::from(tree.arity).saturating_pow(level);
            let node = tree.node(level, (u64::from(epoch.checked_sub(1)?) / span) as u32)?;
            (node.last_epoch == epoch).then_some(node)
        })
    }

    /// Every proof of the run, in the order of the bundle; the root is last.
    pub fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        let tree = *self;
        (1..=self.epochs).flat_map(move |epoch| {
            core::iter::once(Step::Epoch(epoch)).chain(tree.completed_by(epoch).map(Step::Merge))
        })
    }
}

/// The Merkle cap entry of the canonical empty table: `width` columns of zeros, whose low-degree
/// extension has 2^`log_rows` rows, under a cap of 2^`cap_height` digests, all equal.
///
/// # Panics
/// When the cap is higher than the tree.
pub fn empty_root<S: Suite>(suite: &S, width: usize, log_rows: u32, cap_height: u32) -> Digest
where
    ScalarBackend: Hashes<S>,
{
    assert!(cap_height <= log_rows);
    zero_node(suite, width, log_rows - cap_height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(epochs: u32, arity: u32) -> Tree {
        Tree::new(epochs, arity).unwrap()
    }

    #[test]
    fn shapes() {
        for (epochs, arity, levels) in [
            (1, 2, 1),
            (2, 2, 1),
            (3, 2, 2),
            (8, 2, 3),
            (9, 2, 4),
            (9, 3, 2),
            (10, 3, 3),
            (5, 64, 1),
        ] {
            assert_eq!(
                tree(epochs, arity).levels(),
                levels,
                "{epochs} epochs, arity {arity}"
            );
        }
        assert_eq!(tree(10, 3).nodes(1), 4);
        assert_eq!(tree((1 << 24) - 1, 2).levels(), 24);
        for (epochs, arity) in [(0, 2), (1, 1), (1, 0), (1 << 24, 2)] {
            assert_eq!(
                Tree::new(epochs, arity),
                Err(MergeError::Tree { epochs, arity })
            );
        }
    }

    #[test]
    fn ranges_partition_the_epochs_on_every_level() {
        for epochs in 1..40 {
            for arity in 2..6 {
                let tree = tree(epochs, arity);
                for level in 1..=tree.levels() {
                    let mut next = 1;
                    for index in 0..tree.nodes(level) {
                        let node = tree.node(level, index).unwrap();
                        assert_eq!(node.first_epoch, next);
                        assert!(node.children >= 1 && node.last_epoch >= node.first_epoch);
                        assert_eq!(node.root, level == tree.levels());
                        next = node.last_epoch + 1;
                    }
                    assert_eq!(next, epochs + 1);
                    assert_eq!(tree.node(level, tree.nodes(level)), None);
                }
            }
        }
    }

    #[test]
    fn every_table_is_merged_once_and_after_it_is_proved() {
        for epochs in 1..30 {
            for arity in 2..5 {
                let tree = tree(epochs, arity);
                let mut open = [Child::Empty; 64];
                let mut len = 0;
                let mut last = None;
                for step in tree.steps() {
                    last = Some(step);
                    let proved = match step {
                        Step::Epoch(epoch) => Child::Epoch(epoch),
                        Step::Merge(node) => {
                            let children = tree.children(node);
                            assert_eq!(tree.children(node).count(), arity as usize);
                            let used = children.filter(|&child| child != Child::Empty).count();
                            assert_eq!(used, node.children as usize);
                            // A ragged node takes what is left: the newest tables, in order.
                            let taken = &open[len - used..len];
                            assert!(tree.children(node).zip(taken).all(|(a, b)| a == *b));
                            len -= used;
                            Child::Merge {
                                level: node.level,
                                index: node.index,
                            }
                        }
                    };
                    open[len] = proved;
                    len += 1;
                }
                assert_eq!(len, 1, "only the root is left");
                assert_eq!(last, tree.root().map(Step::Merge));
            }
        }
    }

    #[test]
    fn a_ragged_tree_in_full() {
        let tree = tree(4, 3);
        let root = tree.root().unwrap();
        assert_eq!(
            root,
            Node {
                level: 2,
                index: 0,
                first_epoch: 1,
                last_epoch: 4,
                children: 2,
                root: true
            }
        );
        let merge = |index| Child::Merge { level: 1, index };
        assert!(tree.children(root).eq([merge(0), merge(1), Child::Empty]));
        let last = tree.node(1, 1).unwrap();
        assert!(
            tree.children(last)
                .eq([Child::Epoch(4), Child::Empty, Child::Empty])
        );
    }
}
