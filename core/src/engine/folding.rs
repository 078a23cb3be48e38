//! The low-degree test on the workspace.

use super::Engine;
use crate::Digest;
use crate::air::ProverAir;
use crate::hash::leaves::Codeword;
use crate::hash::paths::Indices;
use crate::hash::tree::Tree;
use crate::hash::tree::digests;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::kernels::ntt::Twiddles;
use crate::lowdegree::FoldShape;
use crate::lowdegree::codewords::{self, Codewords};
use crate::plan::{Phase, RegionName};
use crate::{EF, F, workspace};

/// A low-degree test in its places: committed, folded and opened, step by step.
pub(crate) trait Folding {
    /// What its challenges come from.
    type Transcript: Transcript;

    /// Observes a proof of work of `bits` bits.
    fn grind(&self, transcript: &mut Self::Transcript, bits: u8) -> F;

    /// Its shape.
    fn folds(&self) -> FoldShape<'_>;

    /// Begins to fold.
    fn begin_folds(&mut self);

    /// Commits to the codeword of fold `fold`.
    fn commit_fold(&mut self, fold: usize);

    /// Folds the codeword of fold `fold`, and adds the one of the height that it reaches.
    fn fold(&mut self, fold: usize, beta: EF);

    /// Makes the final polynomial of what the last fold left.
    fn finish_folds(&mut self);

    /// The coefficients of the final polynomial.
    fn final_polynomial(&self) -> impl ExactSizeIterator<Item = EF> + '_;

    /// The tree of fold `fold`.
    fn fold_tree(&self, fold: usize) -> Tree<'_>;

    /// The codeword of fold `fold`, to be opened.
    fn opened_codeword(&mut self, fold: usize) -> Codeword<'_>;

    /// Rebuilds the siblings for `indices` that the tree of fold `fold` has not kept, whose codeword was opened last.
    fn collect_siblings(&mut self, fold: usize, indices: &Indices);

    /// Those siblings.
    fn collected_siblings(&self) -> &[Digest];
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Engine<'a, B, A, S> {
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
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Folding for Engine<'a, B, A, S> {
    type Transcript = S::Transcript<'a>;

    fn grind(&self, transcript: &mut Self::Transcript, bits: u8) -> F {
        self.hasher.grind(transcript, bits.into())
    }

    fn folds(&self) -> FoldShape<'_> {
        self.shape.folds()
    }

    fn begin_folds(&mut self) {
        self.places.enter(Phase::Fold);
    }

    fn commit_fold(&mut self, fold: usize) {
        let names = [RegionName::FoldedDigests, RegionName::FoldScratch];
        let (codewords, hasher, [digests, scratch]) = self.codewords(names);
        let digests = workspace::words_mut(digests);
        codewords.commit::<B>(hasher, fold, digests, scratch);
    }

    fn fold(&mut self, fold: usize, beta: EF) {
        let (mut codewords, _, [scratch]) = self.codewords([RegionName::FoldScratch]);
        codewords.fold::<B>(fold, beta, scratch);
    }

    fn finish_folds(&mut self) {
        self.codewords([]).0.interpolate::<B>();
    }

    fn final_polynomial(&self) -> impl ExactSizeIterator<Item = EF> + '_ {
        let shape = self.shape.folds();
        let codewords = self.places.read(RegionName::Codewords);
        let folded = self.places.read(RegionName::Folded);
        let last = codewords::kept(shape, codewords, folded, shape.folds());
        codewords::final_polynomial(shape, last)
    }

    fn fold_tree(&self, fold: usize) -> Tree<'_> {
        let digests = workspace::words(self.places.read(RegionName::FoldedDigests));
        self.shape.folds().tree(fold, digests)
    }

    fn opened_codeword(&mut self, fold: usize) -> Codeword<'_> {
        let (codewords, _, [scratch]) = self.codewords([RegionName::OpenScratch]);
        codewords.codeword::<B>(fold, scratch)
    }

    fn collect_siblings(&mut self, fold: usize, indices: &Indices) {
        let pass = self.pass();
        let (codewords, hasher, [scratch]) = self.codewords([RegionName::OpenScratch]);
        codewords.collect_siblings::<B>(hasher, fold, &pass, indices, scratch);
    }

    fn collected_siblings(&self) -> &[Digest] {
        let scratch = self.places.read(RegionName::OpenScratch);
        digests(codewords::collected_siblings(self.shape.folds(), scratch))
    }
}
