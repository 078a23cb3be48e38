//! The low-degree test on the workspace.

use super::Engine;
use crate::Digest;
use crate::air::ProverAir;
use crate::hash::leaves::Codeword;
use crate::hash::paths::Indices;
use crate::hash::tree::Tree;
use crate::hash::tree::digests;
use crate::hash::{Hashes, Suite};
use crate::kernels::ntt::Twiddles;
use crate::lowdegree::codewords::{self, Codewords};
use crate::plan::{Phase, RegionName};
use crate::shape::Profile;
use crate::{EF, F, workspace};

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Engine<'a, B, A, S> {
    /// Begins to fold.
    pub fn begin_folds(&mut self) {
        self.places.enter(Phase::Fold);
    }

    /// The codewords, the hasher, and some other regions.
    fn codewords<const K: usize>(
        &mut self,
        others: [RegionName; K],
    ) -> (Codewords<'_>, &B::Hasher<'a>, [&mut [F]; K]) {
        let names = [
            RegionName::Twiddles,
            RegionName::Codewords,
            RegionName::Folded,
        ];
        let ([twiddles, codewords, folded], others) = self.places.take_both(names, others);
        let codewords = Codewords {
            shape: self.shape.folds(),
            twiddles: Twiddles::view(twiddles, self.shape.log_twiddles()),
            codewords,
            folded,
        };
        (codewords, &self.hasher, others)
    }

    /// Commits to the codeword of fold `fold`.
    pub fn commit_fold(&mut self, fold: usize) {
        let names = [RegionName::FoldedDigests, RegionName::FoldScratch];
        let (codewords, hasher, [digests, scratch]) = self.codewords(names);
        let digests = workspace::words_mut(digests);
        codewords.commit::<B>(hasher, fold, digests, scratch);
    }

    /// Folds the codeword of fold `fold`, and adds the one of the height that it reaches.
    pub fn fold(&mut self, fold: usize, beta: EF) {
        self.codewords([]).0.fold::<B>(fold, beta);
    }

    /// Makes the final polynomial of what the last fold left.
    pub fn finish_folds(&mut self) {
        self.codewords([]).0.interpolate::<B>();
    }

    /// The coefficients of the final polynomial.
    pub fn final_polynomial(&self) -> impl ExactSizeIterator<Item = EF> + '_ {
        let shape = self.shape.folds();
        let codewords = self.places.read(RegionName::Codewords);
        let folded = self.places.read(RegionName::Folded);
        let last = codewords::kept(shape, codewords, folded, shape.folds());
        codewords::final_polynomial(shape, last)
    }

    /// The tree of fold `fold`.
    pub fn fold_tree(&self, fold: usize) -> Tree<'_> {
        let digests = workspace::words(self.places.read(RegionName::FoldedDigests));
        self.shape.folds().tree(fold, digests)
    }

    /// The codeword of fold `fold`, to be opened.
    pub fn opened_codeword(&mut self, fold: usize) -> Codeword<'_> {
        let (codewords, _, [scratch]) = self.codewords([RegionName::OpenScratch]);
        codewords.codeword::<B>(fold, scratch)
    }

    /// Rebuilds the siblings for `indices` that the tree of fold `fold` has not kept, from the codeword
    /// that was opened last.
    pub fn collect_siblings(&mut self, fold: usize, indices: &Indices) {
        let shape = self.shape.folds();
        if shape.profile == Profile::Fast {
            return;
        }
        let passes = (&self.pass(), self.passes());
        let [scratch] = self.places.take([RegionName::OpenScratch]);
        codewords::collect_siblings::<B>(shape, &self.hasher, fold, passes, indices, scratch);
    }

    /// Those siblings.
    pub fn collected_siblings(&self) -> &[Digest] {
        digests(codewords::collected_siblings(
            self.shape.folds(),
            self.collected(),
        ))
    }
}
