//! What is kept between batches: a slot for each of them, and the low-degree test.

use core::ops::Range;

use heapless::Vec;

use crate::engine::{Kept, quotients_len};
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

/// What is kept of each batch between walks, beside what its order needs. The bytes of the proof are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Keep {
    /// Of its trees.
    pub trees: Kept,
    /// Its quotients, 16 bytes a row of each chunk; or they are computed again in each walk that opens
    /// them, and columns are extended in each walk that takes claims or codewords from them.
    pub quotients: bool,
    /// Its codewords, until their coefficients are known; or they are made again then, in a walk more.
    /// In shared order they are never kept.
    pub codewords: bool,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            trees: Kept::default(),
            quotients: true,
            codewords: true,
        }
    }
}

/// Kinds of batches in a run, at most.
pub const MAX_KINDS: usize = 8;

/// Words of the fingerprint of a batch.
const FINGERPRINT: usize = 2;
/// Witnesses of a fork.
const WITNESSES: usize = 2;
/// Words of the length of a batch's paths.
const LENGTH: usize = 1;

/// Parts of what a batch leaves at most, claims included.
pub(super) const MAX_PARTS: usize = 9;

/// What the batches of a walk leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Fingerprint, main and preprocessed roots, trees.
    Commitment,
    /// What their forks were argued with (forked).
    Argument,
    /// Permutation roots, terminals, trees (shared).
    Permutation,
    /// Quotient roots, trees, quotients (shared).
    Quotient,
    /// Claims (shared).
    Claims,
    /// Opened rows and paths.
    Openings,
    /// Sums over batches.
    Sums,
}

impl Leaves {
    /// Bytes of claims between the slot's parts and the proof's bytes.
    pub fn claims_bytes(self, shape: BatchShape<'_>) -> usize {
        match self {
            Self::Argument => FIELD_BYTES * shape.openings_len(),
            _ => 0,
        }
    }
}

/// Where what is kept of a batch lies, in its part of the store.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// Its codewords (forked, if they are kept).
    pub codewords: Range<usize>,
    /// Its quotients, if they are kept.
    pub quotients: Range<usize>,
    /// Of its traces.
    pub fingerprint: Range<usize>,
    /// The published digests of each round, in [`Round::ALL`]'s order; those that the order needs later.
    pub roots: [Range<usize>; Round::ALL.len()],
    /// What is kept of the trees of each round.
    pub trees: [Range<usize>; Round::ALL.len()],
    /// The digest of its fork (forked).
    pub fork: Range<usize>,
    /// The witnesses of its fork: before its point, and before its batching challenge (forked).
    pub witnesses: Range<usize>,
    /// Its constraint challenge (forked).
    pub alpha: Range<usize>,
    /// Its point and its batching challenge (forked, if codewords are made again).
    pub opening: Range<usize>,
    /// The terminal of each table (shared).
    pub terminals: Range<usize>,
    /// Its claims, in opening order (if codewords are made again).
    pub claims: Range<usize>,
    /// The rows opened in each round as a proof has them, query after query (shared).
    pub rows: [Range<usize>; Round::ALL.len()],
    /// The paths of each round, behind the number of their bytes (shared).
    pub paths: [Range<usize>; Round::ALL.len()],
    /// Elements of all of it: it begins as regions do.
    pub len: usize,
}

impl Slot {
    /// The slot of a batch; none when there are no addresses for it.
    pub fn new(order: Order, keep: Keep, shape: BatchShape<'_>) -> Option<Self> {
        let mut end = 0_usize;
        let mut place = |len: usize| {
            let start = end;
            end = end.checked_add(len)?;
            Some(start..end)
        };
        let when = |condition, len| if condition { len } else { 0 };
        let forked = |len| when(order == Order::Forked, len);
        let shared = |len| when(order == Order::Shared, len);
        let again = order == Order::Shared || !keep.codewords;
        let cap = |round| cap_len(shape, round);
        let queries = usize::from(shape.params().num_queries);
        let rows_len = |round| {
            let bytes = queries.checked_mul(row_bytes(shape, round))?;
            Some(shared(bytes.div_ceil(FIELD_BYTES)))
        };
        let paths_len = |round| shared(paths_len(shape, round));
        let mut slot = Self {
            // First, where it is aligned.
            codewords: place(when(!again, shape.folds().codewords_len()))?,
            quotients: place(when(keep.quotients, quotients_len(shape)))?,
            fingerprint: place(FINGERPRINT)?,
            roots: [
                place(cap(Round::Main))?,
                place(shared(cap(Round::Quotient)))?,
                place(cap(Round::Preprocessed))?,
                place(shared(cap(Round::Permutation)))?,
            ],
            trees: {
                let mut tree = |round| place(keep.trees.len(shape, round));
                // Preprocessed columns are committed anew in each walk that opens them.
                let (main, quotient) = (tree(Round::Main)?, tree(Round::Quotient)?);
                [main, quotient, 0..0, tree(Round::Permutation)?]
            },
            fork: place(forked(DIGEST))?,
            witnesses: place(forked(WITNESSES))?,
            alpha: place(forked(D))?,
            opening: place(when(again, forked(2 * D)))?,
            terminals: place(shared(shape.terminals_len()))?,
            claims: place(when(again, shape.openings_len()))?,
            rows: {
                let [main, quotient, preprocessed, permutation] = Round::ALL.map(rows_len);
                [
                    place(main?)?,
                    place(quotient?)?,
                    place(preprocessed?)?,
                    place(permutation?)?,
                ]
            },
            paths: {
                let [main, quotient, preprocessed, permutation] = Round::ALL.map(paths_len);
                [
                    place(main)?,
                    place(quotient)?,
                    place(preprocessed)?,
                    place(permutation)?,
                ]
            },
            len: 0,
        };
        slot.len = end.checked_next_multiple_of(ALIGN_ELEMENTS)?;
        Some(slot)
    }

    /// The parts that a batch leaves in a walk, and that no later part of the proof says. Challenges are none of them.
    pub fn left(&self, leaves: Leaves) -> Vec<Range<usize>, MAX_PARTS> {
        let [main, quotient, preprocessed, permutation] = &self.roots;
        let trees = &self.trees;
        let parts: &[&Range<usize>] = match leaves {
            Leaves::Commitment => &[
                &self.fingerprint,
                main,
                preprocessed,
                &trees[Round::Main as usize],
            ],
            Leaves::Argument => &[
                &self.codewords,
                &self.quotients,
                &trees[Round::Quotient as usize],
                &trees[Round::Permutation as usize],
            ],
            Leaves::Permutation => &[
                permutation,
                &trees[Round::Permutation as usize],
                &self.terminals,
            ],
            Leaves::Quotient => &[quotient, &trees[Round::Quotient as usize], &self.quotients],
            Leaves::Claims => &[&self.claims],
            Leaves::Openings => {
                let parts = self.rows.iter().chain(&self.paths);
                return parts.cloned().collect();
            }
            Leaves::Sums => &[],
        };
        parts.iter().map(|&part| part.clone()).collect()
    }
}

/// Where everything lies in the store.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The slot of a batch of each kind; batch after batch they begin the store.
    pub of_kind: Vec<Slot, MAX_KINDS>,
    /// One codeword per height of the run.
    pub accumulators: Range<usize>,
    /// What the folds leave.
    pub folded: Range<usize>,
    /// Their trees.
    pub digests: Range<usize>,
    len: usize,
}

impl Layout {
    /// Slots of batches of kinds `sequence`, and a low-degree test; none when there are no addresses for it.
    pub fn new(
        of_kind: Vec<Slot, MAX_KINDS>,
        sequence: &[u8],
        folds: FoldShape<'_>,
    ) -> Option<Self> {
        let mut slots = sequence.iter().map(|&kind| of_kind[usize::from(kind)].len);
        let mut end = slots.try_fold(0_usize, usize::checked_add)?;
        let mut place = |len: usize| {
            let start = end.checked_next_multiple_of(ALIGN_ELEMENTS)?;
            end = start.checked_add(len)?;
            Some(start..end)
        };
        let accumulators = place(folds.codewords_len())?;
        let folded = place(folds.folded_len())?;
        let digests = place(folds.digests_len())?;
        Some(Self {
            of_kind,
            accumulators,
            folded,
            digests,
            len: end,
        })
    }

    /// Field elements of all of it.
    pub const fn len(&self) -> usize {
        self.len
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

/// Bytes of the rows that one query opens in a round of a batch.
pub(super) fn row_bytes(shape: BatchShape<'_>, round: Round) -> usize {
    let rows = shape.round(round);
    rows.map(|m| varint_len(m.width as u64) + FIELD_BYTES * m.width)
        .sum()
}

/// Elements of the paths of a round of a batch, behind the number of their bytes.
fn paths_len(shape: BatchShape<'_>, round: Round) -> usize {
    let params = shape.params();
    let paths = shape.groups(round).map(|group| {
        let (queries, cap_height) = (params.num_queries.into(), params.cap_height.into());
        let siblings = most_siblings(queries, cap_height, shape.log_leaves(round, &group));
        let bytes = varint_len(siblings) + FIELD_BYTES * DIGEST * siblings as usize;
        LENGTH + bytes.div_ceil(FIELD_BYTES)
    });
    paths.sum()
}
