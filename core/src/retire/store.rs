//! What is kept between batches: roots, forks, codewords, and the low-degree test.

use core::ops::Range;

use super::plan::UNIT;
use crate::lowdegree::FoldShape;
use crate::shape::{BatchShape, Round};
use crate::{D, DIGEST};

/// Elements of a fork: its digest, and its constraint challenge.
pub(super) const FORK: usize = DIGEST + D;

/// Field elements of what each batch leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub roots: usize,
    pub forks: usize,
    pub codewords: usize,
}

impl Sizes {
    /// What one more batch leaves; none when there are no addresses for it.
    pub fn add(&mut self, shape: BatchShape<'_>) -> Option<()> {
        self.roots = self.roots.checked_add(roots_len(shape))?;
        self.forks = self.forks.checked_add(FORK)?;
        self.codewords = self.codewords.checked_add(shape.folds().codewords_len())?;
        Some(())
    }

    /// Where everything lies.
    pub fn layout(self, folds: FoldShape<'_>) -> Option<Layout> {
        let mut end = 0_usize;
        let mut place = |len: usize| {
            let start = end.checked_next_multiple_of(UNIT)?;
            end = start.checked_add(len)?;
            Some(start..end)
        };
        Some(Layout {
            roots: place(self.roots)?,
            forks: place(self.forks)?,
            codewords: place(self.codewords)?,
            accumulators: place(folds.codewords_len())?,
            folded: place(folds.folded_len())?,
            digests: place(folds.digests_len())?,
        })
    }
}

/// Where everything lies in the store.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Published digests of the main round of each batch, then of its preprocessed round.
    pub roots: Range<usize>,
    /// Digest and constraint challenge of each fork.
    pub forks: Range<usize>,
    /// The codewords of each batch.
    pub codewords: Range<usize>,
    /// One codeword per height of the run.
    pub accumulators: Range<usize>,
    /// What the folds leave.
    pub folded: Range<usize>,
    /// Their trees.
    pub digests: Range<usize>,
}

impl Layout {
    /// Field elements of all of it.
    pub const fn len(&self) -> usize {
        self.digests.end
    }
}

/// Words of the published digests of a round of a batch.
pub(super) fn cap_len(shape: BatchShape<'_>, round: Round) -> usize {
    let caps = shape.groups(round).map(|group| {
        let log_leaves = shape.log_leaves(round, &group);
        DIGEST << log_leaves.min(shape.params().cap_height as usize)
    });
    caps.sum()
}

/// Words of the published digests that are kept of a batch.
pub(super) fn roots_len(shape: BatchShape<'_>) -> usize {
    cap_len(shape, Round::Main) + cap_len(shape, Round::Preprocessed)
}
