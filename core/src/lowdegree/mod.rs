//! FRI by itself: codewords of several heights folded down to one polynomial.
//!
//! It knows no table and no AIR. What comes in is a list of heights with one codeword each, tallest
//! first, and what its places are made of: `codewords` holds the inputs, each of which makes room for what
//! the fold to its height leaves; `folded` what folds to other heights leave, `digests` a tree per fold. Values
//! are kept in `Fast`; in `Compact` their coefficients, which are extended when a codeword is committed or
//! opened. A fold by `2^k` adds the codeword of the height that it reaches, weighted by `beta^(2^k)`, as
//! `TwoAdicFriPcs` of Plonky3 does.

pub(crate) mod codewords;
mod coefficients;
mod fold;

use core::ops::Range;

use crate::backend::Backend;
use crate::hash::rebuild::{Pass, dropped_layers};
use crate::hash::tree::{Tree, commit_arena_len, tree_len};
use crate::parts::{part, part_mut};
use crate::shape::Profile;
use crate::{D, EF, F};

/// The shape of a low-degree test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoldShape<'a> {
    /// Bit `h` is set when a codeword of `2^h` challenges comes in.
    pub heights: u32,
    /// log2 of the arity of each fold.
    pub log_arities: &'a [u8],
    pub log_blowup: usize,
    /// log2 of the coefficients of the final polynomial.
    pub log_final_len: usize,
    /// log2 of the largest layer of every tree that is kept.
    pub log_kept: usize,
    pub profile: Profile,
}

impl<'a> FoldShape<'a> {
    /// log2 of the tallest codeword; 0 without any.
    pub fn log_max(self) -> usize {
        self.heights.checked_ilog2().unwrap_or(0) as usize
    }

    /// Number of folds.
    pub const fn folds(self) -> usize {
        self.log_arities.len()
    }

    /// log2 of the arity of fold `fold`.
    pub const fn log_arity(self, fold: usize) -> usize {
        self.log_arities[fold] as usize
    }

    /// Whether a codeword of `2^log_height` challenges comes in.
    pub const fn takes(self, log_height: usize) -> bool {
        self.heights >> log_height & 1 == 1
    }

    /// log2 of the codeword that fold `fold` commits to, or of the last one.
    pub fn log_codeword(self, fold: usize) -> usize {
        let folded = self.log_arities.iter().take(fold).map(|&a| a as usize);
        self.log_max() - folded.sum::<usize>()
    }

    /// Elements that are kept of a codeword: its values, or its coefficients.
    fn kept_len(self, log_codeword: usize) -> usize {
        match self.profile {
            Profile::Fast => D << log_codeword,
            Profile::Compact => D << (log_codeword - self.log_blowup),
        }
    }

    /// Where the codeword that comes in at a height is among the codewords, tallest first.
    pub fn codeword(self, log_height: usize) -> Range<usize> {
        let taller = log_height + 1..=self.log_max();
        let taller = taller.filter(|&h| self.takes(h));
        let start = taller.map(|h| self.kept_len(h)).sum();
        start..start + self.kept_len(log_height)
    }

    /// Field elements of all codewords that come in.
    pub fn codewords_len(self) -> usize {
        let heights = (0..=self.log_max()).filter(|&h| self.takes(h));
        heights.map(|h| self.kept_len(h)).sum()
    }

    /// Where what fold `fold` leaves is among the folded codewords, if no codeword comes in at the height that it reaches.
    fn folded(self, fold: usize) -> Range<usize> {
        let start = self.folded_before(fold);
        start..start + self.kept_len(self.log_codeword(fold + 1))
    }

    /// Field elements of what the folds before `fold` leave among the folded codewords.
    fn folded_before(self, fold: usize) -> usize {
        let logs = (1..=fold).map(|f| self.log_codeword(f));
        let apart = logs.filter(|&log| !self.takes(log));
        apart.map(|log| self.kept_len(log)).sum()
    }

    /// Field elements of all folded codewords that take no other's place.
    pub fn folded_len(self) -> usize {
        self.folded_before(self.folds())
    }

    /// Field elements of scratch that a fold takes: what the largest leaves.
    pub fn fold_scratch_len(self) -> usize {
        match self.folds() {
            0 => 0,
            _ => self.kept_len(self.log_codeword(1)),
        }
    }

    /// Layers of a tree that are not kept, from the leaves up.
    fn dropped_layers(self, log_leaves: usize) -> usize {
        dropped_layers(self.log_kept, log_leaves)
    }

    /// Field elements of the kept digests of the tree of fold `fold`.
    fn tree_len(self, fold: usize) -> usize {
        let log_leaves = self.log_codeword(fold + 1);
        tree_len(log_leaves - self.dropped_layers(log_leaves))
    }

    /// Where the tree of fold `fold` is among the digests.
    fn digests(self, fold: usize) -> Range<usize> {
        let start = (0..fold).map(|f| self.tree_len(f)).sum();
        start..start + self.tree_len(fold)
    }

    /// Field elements of all kept digests.
    pub fn digests_len(self) -> usize {
        (0..self.folds()).map(|f| self.tree_len(f)).sum()
    }

    /// Elements of the longest codeword where a scratch begins with the one at hand.
    fn extended_len(self) -> usize {
        match self.profile {
            Profile::Fast => 0,
            Profile::Compact => D << self.log_max(),
        }
    }

    /// log2 of the leaves of the largest tree.
    fn log_leaves(self) -> usize {
        self.log_codeword(1)
    }

    /// Field elements of scratch that committing to a codeword takes, in `Compact` the codeword, and layers; or that folding
    /// it takes.
    pub fn commit_scratch_len(self) -> usize {
        let log_leaves = self.log_leaves();
        let layers = commit_arena_len(log_leaves, self.dropped_layers(log_leaves));
        self.fold_scratch_len().max(self.extended_len() + layers)
    }

    /// Field elements of scratch that opening a codeword takes: in `Compact` the codeword; siblings, and layers.
    pub fn open_scratch_len(self, pass: &Pass) -> usize {
        let log_leaves = self.log_leaves();
        self.extended_len() + pass.siblings_len(log_leaves) + pass.layers_len(log_leaves)
    }

    /// Adds `weight` times the codewords of another test, whose heights are among these, to those here.
    pub fn add<B: Backend>(
        self,
        codewords: &mut [F],
        (other, others): (FoldShape<'_>, &[F]),
        weight: EF,
    ) {
        for height in (0..=other.log_max()).filter(|&height| other.takes(height)) {
            let addend = part(others, other.codeword(height));
            let codeword = part_mut(codewords, self.codeword(height));
            fold::roll_in::<B>(codeword, addend, weight);
        }
    }

    /// The tree of fold `fold`.
    pub fn tree(self, fold: usize, digests: &'a [u32]) -> Tree<'a> {
        let dropped = self.dropped_layers(self.log_codeword(fold + 1));
        Tree::new(part(digests, self.digests(fold)), dropped)
    }
}
