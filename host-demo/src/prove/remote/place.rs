//! Where a proof stands in the tree of a run.

use tranche_machine::merge::Node;

/// Where the proof of a task stands in the tree: level 0 are the epochs, counted from 0 here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Level of the tree.
    pub level: u32,
    /// Place within the level.
    pub index: u32,
}

impl Place {
    /// The place of an epoch, by its number from 1.
    pub const fn of_epoch(number: u32) -> Self {
        Self {
            level: 0,
            index: number - 1,
        }
    }

    /// The place of a merge.
    pub const fn of_merge(node: &Node) -> Self {
        Self {
            level: node.level,
            index: node.index,
        }
    }
}
