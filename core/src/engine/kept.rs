//! Trees that outlive a batch: what is kept of them, and how they are opened when the batch is made again.

use core::ops::Range;

use super::Engine;
use crate::air::ProverAir;
use crate::hash::paths::{Indices, distinct};
use crate::hash::rebuild::dropped_layers;
use crate::hash::tree::layer_range;
use crate::hash::{Hashes, Suite};
use crate::shape::{BatchShape, Round};
use crate::steps::trees;
use crate::workspace;

/// What is kept of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kept {
    /// All inner nodes that the workspace has: in [`Profile::Compact`](crate::shape::Profile::Compact) the same as
    /// [`Kept::Upper`].
    All,
    /// The layers above the lowest five: an opening hashes subtrees of 32 leaves around each query again.
    #[default]
    Upper,
    /// The root: an opening hashes everything again.
    Root,
}

impl Kept {
    /// Layers of a tree of `2^log_leaves` leaves that are not kept, from the leaves up.
    fn dropped(self, shape: BatchShape<'_>, log_leaves: usize) -> usize {
        match self {
            Self::Upper => dropped_layers(shape.log_least_kept(), log_leaves),
            _ => shape.dropped_layers(log_leaves),
        }
    }

    /// Words that are kept of the trees of a round.
    pub(crate) fn len(self, shape: BatchShape<'_>, round: Round) -> usize {
        if self == Self::Root {
            return 0;
        }
        let groups = shape.groups(round);
        let lens = groups.map(|group| {
            let log_leaves = shape.log_leaves(round, &group);
            self.words(shape, log_leaves).len()
        });
        lens.sum()
    }

    /// Where what is kept is among the digests that the workspace has of a tree: all but the lowest layers,
    /// which come first.
    fn words(self, shape: BatchShape<'_>, log_leaves: usize) -> Range<usize> {
        let dropped = shape.dropped_layers(log_leaves);
        let above = self.dropped(shape, log_leaves) - dropped;
        layer_range(log_leaves - dropped, above).start..shape.tree_len(log_leaves)
    }
}

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite> Engine<'_, B, A, S> {
    /// Copies what is kept of the trees of a round.
    pub fn keep_trees(&self, round: Round, kept: Kept, mut out: &mut [u32]) {
        let shape = self.shape;
        let mut rest = workspace::words(self.places.read(round.digests()));
        for group in shape.groups(round) {
            let log_leaves = shape.log_leaves(round, &group);
            let (tree, after) = rest.split_at(shape.tree_len(log_leaves));
            let words = kept.words(shape, log_leaves);
            let (slot, left) = out.split_at_mut(words.len());
            slot.copy_from_slice(&tree[words]);
            (rest, out) = (after, left);
        }
    }

    /// Brings back what was kept of the trees of a round, and hashes what a path to one of `indices`, places
    /// in the tallest extension, needs besides. Whether that fits what was kept.
    pub fn restore_trees(
        &mut self,
        round: Round,
        kept: Kept,
        mut from: &[u32],
        indices: &Indices,
    ) -> bool {
        let shape = self.shape;
        let log_max = shape.log_max_lde();
        let [extensions, digests] = self.places.take([round.region(), round.digests()]);
        let (mut rest, mut same) = (workspace::words_mut(digests), true);
        for group in shape.groups(round) {
            let log_leaves = shape.log_leaves(round, &group);
            let (tree, after) = rest.split_at_mut(shape.tree_len(log_leaves));
            let words = kept.words(shape, log_leaves);
            let (slot, left) = from.split_at(words.len());
            tree[words].copy_from_slice(slot);
            let dropped = kept.dropped(shape, log_leaves);
            if dropped > shape.dropped_layers(log_leaves) {
                let leaves = indices.iter().map(|index| index >> (log_max - log_leaves));
                let leaves = distinct(leaves);
                let asked = (&leaves[..], dropped);
                let of = (round, &group);
                same &= trees::restore::<B>(shape, &self.hasher, of, extensions, asked, tree);
            }
            (rest, from) = (after, left);
        }
        same
    }
}
