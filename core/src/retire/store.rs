//! What is kept between batches: a slot for each of them, codewords, opened rows, and the low-degree test.

use core::ops::Range;

use crate::engine::Kept;
use crate::lowdegree::FoldShape;
use crate::plan::most_siblings;
use crate::shape::{BatchShape, Round};
use crate::sink::{FIELD_BYTES, varint_len};
use crate::workspace::ALIGN_ELEMENTS;
use crate::{D, DIGEST};

/// Which challenges the batches of a run have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Order {
    /// Each batch its own: three walks, and a verifier for it.
    Forked,
    /// One for all of them, which makes the run one batch of all its tables in Plonky3's order: six walks.
    Shared,
}

/// Words of the fingerprint of a batch.
const FINGERPRINT: usize = 2;
/// Words of the length of a batch's paths.
const LENGTH: usize = 1;

/// Where what is kept of a batch lies in the store.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Of its traces.
    pub fingerprint: Range<usize>,
    /// The published digests of each round, in [`Round::ALL`]'s order; those that the order needs later.
    pub roots: [Range<usize>; Round::ALL.len()],
    /// What is kept of the trees of each round.
    pub trees: [Range<usize>; Round::ALL.len()],
    /// The digest of its fork (forked).
    pub fork: Range<usize>,
    /// Its constraint challenge (forked).
    pub alpha: Range<usize>,
    /// The terminal of each table (shared).
    pub terminals: Range<usize>,
    /// Its claims, in opening order (shared).
    pub claims: Range<usize>,
    /// First element after it.
    pub end: usize,
}

impl Slot {
    /// The slot of a batch from element `start` on; none when there are no addresses for it.
    pub fn new((order, kept): (Order, Kept), shape: BatchShape<'_>, start: usize) -> Option<Self> {
        let mut end = start;
        let mut place = |len: usize| {
            let start = end;
            end = end.checked_add(len)?;
            Some(start..end)
        };
        let forked = |len| if order == Order::Forked { len } else { 0 };
        let shared = |len| if order == Order::Shared { len } else { 0 };
        let cap = |round| cap_len(shape, round);
        Some(Self {
            fingerprint: place(FINGERPRINT)?,
            roots: [
                place(cap(Round::Main))?,
                place(shared(cap(Round::Quotient)))?,
                place(cap(Round::Preprocessed))?,
                place(shared(cap(Round::Permutation)))?,
            ],
            trees: {
                let mut tree = |round| place(kept.len(shape, round));
                // Preprocessed columns are committed anew in each walk that opens them.
                let (main, quotient) = (tree(Round::Main)?, tree(Round::Quotient)?);
                [main, quotient, 0..0, tree(Round::Permutation)?]
            },
            fork: place(forked(DIGEST))?,
            alpha: place(forked(D))?,
            terminals: place(shared(shape.terminals_len()))?,
            claims: place(shared(shape.openings_len()))?,
            end,
        })
    }
}

/// Field elements of what all batches leave.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    slots: usize,
    codewords: usize,
    /// Bytes of the rows of one query, and elements of the paths, round by round.
    rows: [usize; Round::ALL.len()],
    paths: [usize; Round::ALL.len()],
}

impl Sizes {
    /// What one more batch leaves; none when there are no addresses for it.
    pub fn add(&mut self, (order, kept): (Order, Kept), shape: BatchShape<'_>) -> Option<()> {
        self.slots = Slot::new((order, kept), shape, self.slots)?.end;
        match order {
            Order::Forked => {
                self.codewords = self.codewords.checked_add(shape.folds().codewords_len())?;
            }
            Order::Shared => {
                for round in Round::ALL {
                    let (rows, paths) = (
                        &mut self.rows[round as usize],
                        &mut self.paths[round as usize],
                    );
                    *rows = rows.checked_add(row_bytes(shape, round))?;
                    *paths = paths.checked_add(paths_len(shape, round))?;
                }
            }
        }
        Some(())
    }

    /// Where everything lies, with a low-degree test of `queries` queries.
    pub fn layout(self, folds: FoldShape<'_>, queries: usize) -> Option<Layout> {
        let mut end = 0_usize;
        let mut place = |len: usize| {
            let start = end.checked_next_multiple_of(ALIGN_ELEMENTS)?;
            end = start.checked_add(len)?;
            Some(start..end)
        };
        let slots = place(self.slots)?;
        let codewords = place(self.codewords)?;
        let accumulators = place(folds.codewords_len())?;
        let folded = place(folds.folded_len())?;
        let digests = place(folds.digests_len())?;
        let (mut rows, mut paths) = ([const { 0..0 }; _], [const { 0..0 }; _]);
        for round in 0..Round::ALL.len() {
            let bytes = queries.checked_mul(self.rows[round])?;
            rows[round] = place(bytes.div_ceil(FIELD_BYTES))?;
            paths[round] = place(self.paths[round])?;
        }
        Some(Layout {
            slots,
            codewords,
            accumulators,
            folded,
            digests,
            rows,
            row_bytes: self.rows,
            paths,
            len: end,
        })
    }
}

/// Where everything lies in the store.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The slots of all batches.
    pub slots: Range<usize>,
    /// The codewords of all batches (forked).
    pub codewords: Range<usize>,
    /// One codeword per height of the run.
    pub accumulators: Range<usize>,
    /// What the folds leave.
    pub folded: Range<usize>,
    /// Their trees.
    pub digests: Range<usize>,
    /// The opened rows of each round as a proof has them (shared).
    pub rows: [Range<usize>; Round::ALL.len()],
    /// Bytes of the rows of one query in each round.
    pub row_bytes: [usize; Round::ALL.len()],
    /// The paths of each round, batch after batch, each behind the number of its bytes (shared).
    pub paths: [Range<usize>; Round::ALL.len()],
    len: usize,
}

impl Layout {
    /// Field elements of all of it.
    pub const fn len(&self) -> usize {
        self.len
    }
}

/// Words of the published digests of a round of a batch.
fn cap_len(shape: BatchShape<'_>, round: Round) -> usize {
    let caps = shape.groups(round).map(|group| {
        let log_leaves = shape.log_leaves(round, &group);
        DIGEST << log_leaves.min(shape.params().cap_height as usize)
    });
    caps.sum()
}

/// Bytes of the rows that one query opens in a round of a batch.
pub(super) fn row_bytes(shape: BatchShape<'_>, round: Round) -> usize {
    let rows = shape.round(round);
    rows.map(|m| varint_len(m.width as u64) + FIELD_BYTES * m.width)
        .sum()
}

/// Elements of the paths of a round of a batch, behind the number of their bytes.
pub(super) fn paths_len(shape: BatchShape<'_>, round: Round) -> usize {
    let params = shape.params();
    let paths = shape.groups(round).map(|group| {
        let (queries, cap_height) = (params.num_queries.into(), params.cap_height.into());
        let siblings = most_siblings(queries, cap_height, shape.log_leaves(round, &group));
        let bytes = varint_len(siblings) + FIELD_BYTES * DIGEST * siblings as usize;
        LENGTH + bytes.div_ceil(FIELD_BYTES)
    });
    paths.sum()
}
