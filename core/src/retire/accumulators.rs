//! The low-degree test of a run: accumulators in the store, its scratch in the workspace.

use core::marker::PhantomData;
use core::ops::Range;

use super::plan::RunPlan;
use crate::Digest;
use crate::backend::Backend;
use crate::engine::Folding;
use crate::hash::leaves::Codeword;
use crate::hash::paths::Indices;
use crate::hash::rebuild::Pass;
use crate::hash::tree::{Tree, digests};
use crate::hash::{Hasher, Suite};
use crate::kernels::ntt::Twiddles;
use crate::lowdegree::FoldShape;
use crate::lowdegree::codewords::{self, Codewords};
use crate::workspace::ALIGN_ELEMENTS;
use crate::{EF, F, workspace};

/// The low-degree test in its places.
#[derive(Debug)]
pub(super) struct Accumulators<'w, B, H> {
    pub shape: FoldShape<'w>,
    pub hasher: &'w H,
    pub twiddles: Twiddles<'w>,
    pub codewords: &'w mut [F],
    pub folded: &'w mut [F],
    pub digests: &'w mut [F],
    /// Of [`RunPlan::fold_scratch_len`](super::RunPlan) elements.
    pub scratch: &'w mut [F],
    /// How siblings that were not kept are rebuilt.
    pub pass: Pass,
    pub backend: PhantomData<B>,
}

impl<'w, B: Backend, H> Accumulators<'w, B, H> {
    /// The test of a run in these places of a store, and in [`RunPlan::fold_elements`] of a workspace.
    pub fn of<A, const N: usize, S: Suite>(
        plan: &'w RunPlan<'_, A, N, S>,
        hasher: &'w H,
        (store, ranges): (&'w mut [F], [Range<usize>; 3]),
        workspace: &'w mut [F],
    ) -> Self {
        let [codewords, folded, digests] = store
            .get_disjoint_mut(ranges)
            .expect("regions of the store are disjoint");
        let twiddles_len = plan.twiddles_len();
        let (twiddles, scratch) =
            workspace.split_at_mut(twiddles_len.next_multiple_of(ALIGN_ELEMENTS));
        let twiddles = &mut twiddles[..twiddles_len];
        Twiddles::fill(twiddles, plan.log_twiddles(), B::fill_lane_table);
        Self {
            shape: plan.folds(),
            hasher,
            twiddles: Twiddles::view(twiddles, plan.log_twiddles()),
            codewords,
            folded,
            digests,
            scratch,
            pass: plan.fold_pass(),
            backend: PhantomData,
        }
    }
}

impl<B: Backend, H: Hasher<B>> Accumulators<'_, B, H> {
    fn codewords(&mut self) -> (Codewords<'_>, &mut [F], &mut [F]) {
        let codewords = Codewords {
            shape: self.shape,
            twiddles: self.twiddles,
            codewords: self.codewords,
            folded: self.folded,
        };
        (codewords, self.digests, self.scratch)
    }

    /// Whether the codewords are of low degree: folds them, and commits to nothing. Each fold has a challenge of its own:
    /// with one for all, coefficients of which as many bits of the place are set would cancel.
    pub fn is_low(&mut self, mut random: impl FnMut() -> EF) -> bool {
        let (mut codewords, _, scratch) = self.codewords();
        let folds = 0..codewords.shape.folds();
        folds.for_each(|fold| codewords.fold::<B>(fold, random(), scratch));
        codewords.is_low::<B>()
    }
}

impl<B: Backend, H: Hasher<B>> Folding for Accumulators<'_, B, H> {
    type Transcript = H::Transcript;

    fn grind(&self, transcript: &mut Self::Transcript, bits: u8) -> F {
        self.hasher.grind(transcript, bits.into())
    }

    fn folds(&self) -> FoldShape<'_> {
        self.shape
    }

    fn begin_folds(&mut self) {}

    fn commit_fold(&mut self, fold: usize) {
        let hasher = self.hasher;
        let (codewords, digests, scratch) = self.codewords();
        let digests = workspace::words_mut(digests);
        codewords.commit::<B>(hasher, fold, digests, scratch);
    }

    fn fold(&mut self, fold: usize, beta: EF) {
        let (mut codewords, _, scratch) = self.codewords();
        codewords.fold::<B>(fold, beta, scratch);
    }

    fn finish_folds(&mut self) {
        self.codewords().0.interpolate::<B>();
    }

    fn final_polynomial(&self) -> impl ExactSizeIterator<Item = EF> + '_ {
        let shape = self.shape;
        let last = codewords::kept(shape, self.codewords, self.folded, shape.folds());
        codewords::final_polynomial(shape, last)
    }

    fn fold_tree(&self, fold: usize) -> Tree<'_> {
        let digests = workspace::words(self.digests);
        self.shape.tree(fold, digests)
    }

    fn opened_codeword(&mut self, fold: usize) -> Codeword<'_> {
        let (codewords, _, scratch) = self.codewords();
        codewords.codeword::<B>(fold, scratch)
    }

    fn collect_siblings(&mut self, fold: usize, indices: &Indices) {
        let (pass, hasher) = (self.pass, self.hasher);
        let (codewords, _, scratch) = self.codewords();
        codewords.collect_siblings::<B>(hasher, fold, &pass, indices, scratch);
    }

    fn collected_siblings(&self) -> &[Digest] {
        digests(codewords::collected_siblings(self.shape, self.scratch))
    }
}
