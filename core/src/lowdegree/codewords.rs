//! The codewords of a low-degree test, committed, folded and opened one after the other.

use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use super::{FoldShape, coefficients, fold};
use crate::backend::Backend;
use crate::hash::Hasher;
use crate::hash::leaves::Codeword;
use crate::hash::paths::{Indices, distinct};
use crate::hash::rebuild::{self, Pass};
use crate::hash::tree;
use crate::kernels::ext::challenge;
use crate::kernels::ntt::Twiddles;
use crate::parts::{part, part_mut, split, split_mut};
use crate::shape::Profile;
use crate::workspace::words_mut;
use crate::{D, EF, F};

/// The kept codewords: those that come in, and what the folds leave, in their places or beside them.
#[derive(Debug)]
pub(crate) struct Codewords<'w> {
    pub shape: FoldShape<'w>,
    pub twiddles: Twiddles<'w>,
    pub codewords: &'w mut [F],
    pub folded: &'w mut [F],
}

/// What is kept of the codeword that fold `fold` commits to, or of the last one.
pub(crate) fn kept<'w>(
    shape: FoldShape<'_>,
    codewords: &'w [F],
    folded: &'w [F],
    fold: usize,
) -> &'w [F] {
    match place(shape, fold) {
        Place::Codeword(range) => part(codewords, range),
        Place::Folded(range) => part(folded, range),
    }
}

/// Where what is kept of a codeword lies.
enum Place {
    Codeword(Range<usize>),
    Folded(Range<usize>),
}

/// Where that of fold `fold` lies, or of the last one: in the place of the one that comes in at its height, if one does.
fn place(shape: FoldShape<'_>, fold: usize) -> Place {
    let log = shape.log_codeword(fold);
    match fold.checked_sub(1) {
        Some(before) if !shape.takes(log) => Place::Folded(shape.folded(before)),
        _ => Place::Codeword(shape.codeword(log)),
    }
}

impl<'w> Codewords<'w> {
    /// The codeword that fold `fold` commits to; in `Compact` it is extended into the head of `scratch`.
    pub fn codeword<B: Backend>(self, fold: usize, scratch: &'w mut [F]) -> Codeword<'w> {
        let shape = self.shape;
        let kept = kept(shape, self.codewords, self.folded, fold);
        let values = match shape.profile {
            Profile::Fast => kept,
            Profile::Compact => {
                let (values, _) = split_mut(scratch, D << shape.log_codeword(fold));
                coefficients::extend::<B>(&self.twiddles, kept, values, shape.log_blowup);
                values
            }
        };
        Codeword {
            values,
            log_arity: shape.log_arity(fold),
        }
    }

    /// Commits to the codeword of fold `fold`: its tree is one of all in `digests`. `scratch` has
    /// [`FoldShape::commit_scratch_len`] elements.
    pub fn commit<B: Backend>(
        self,
        hasher: &impl Hasher<B>,
        fold: usize,
        digests: &mut [u32],
        scratch: &'w mut [F],
    ) {
        let shape = self.shape;
        let digests = part_mut(digests, shape.digests(fold));
        let (extended, arena) = split_mut(scratch, shape.extended_len());
        let leaves = core::iter::once(self.codeword::<B>(fold, extended));
        let log_leaves = shape.log_codeword(fold + 1);
        let size = (log_leaves, shape.dropped_layers(log_leaves));
        tree::commit::<B, _>(hasher, leaves, size, digests, words_mut(arena));
    }

    /// The siblings for the opened leaves `indices` that the tree of fold `fold` has not kept, behind the codeword in
    /// `scratch` if [`Codewords::codeword`] left it there.
    pub fn collect_siblings<B: Backend>(
        self,
        hasher: &impl Hasher<B>,
        fold: usize,
        pass: &Pass,
        indices: &Indices,
        scratch: &mut [F],
    ) {
        let shape = self.shape;
        let (log_len, log_leaves) = (shape.log_codeword(fold), shape.log_codeword(fold + 1));
        let (extended, scratch) = split_mut(scratch, shape.extended_len());
        let (siblings, arena) = split_mut(scratch, pass.siblings_len(log_leaves));
        let values = match shape.profile {
            Profile::Fast => kept(shape, self.codewords, self.folded, fold),
            Profile::Compact => part(extended, 0..D << log_len),
        };
        let codeword = Codeword {
            values,
            log_arity: shape.log_arity(fold),
        };
        rebuild::collect_siblings::<B, _>(
            hasher,
            core::iter::once(codeword),
            (pass, log_leaves),
            &distinct(indices.iter().copied()),
            siblings,
            arena,
        );
    }

    /// Folds the codeword of fold `fold`, and adds the one of the height that it reaches, whose place the sum takes.
    /// `scratch` has [`FoldShape::fold_scratch_len`] elements.
    pub fn fold<B: Backend>(&mut self, fold: usize, beta: EF, scratch: &mut [F]) {
        let shape = self.shape;
        let (log_arity, log_to) = (shape.log_arity(fold), shape.log_codeword(fold + 1));
        let source = kept(shape, self.codewords, self.folded, fold);
        let (out, _) = split_mut(scratch, shape.kept_len(log_to));
        match shape.profile {
            Profile::Fast => {
                let inverse = self.twiddles.inverse;
                fold::fold_codeword::<B>(source, out, inverse, beta, log_arity);
            }
            Profile::Compact => coefficients::fold(source, out, beta, log_arity),
        }
        if shape.takes(log_to) {
            let addend = part(self.codewords, shape.codeword(log_to));
            fold::roll_in::<B>(out, addend, beta.exp_power_of_2(log_arity));
        }
        self.kept_mut(fold + 1).copy_from_slice(out);
    }

    /// What is kept of the codeword of fold `fold`, or of the last one.
    fn kept_mut(&mut self, fold: usize) -> &mut [F] {
        match place(self.shape, fold) {
            Place::Codeword(range) => part_mut(self.codewords, range),
            Place::Folded(range) => part_mut(self.folded, range),
        }
    }

    /// Replaces the head of the last codeword by the final polynomial's coefficients, where values are
    /// kept.
    pub fn interpolate<B: Backend>(&mut self) {
        let shape = self.shape;
        if shape.profile == Profile::Compact {
            return;
        }
        let twiddles = self.twiddles;
        for column in self.last() {
            let (coefficients, _) = split_mut(column, 1 << shape.log_final_len);
            B::intt(&twiddles, coefficients);
        }
    }

    /// Whether the last codeword is that of a final polynomial; interpolates all of it. Coefficients always are.
    pub fn is_low<B: Backend>(&mut self) -> bool {
        let shape = self.shape;
        if shape.profile == Profile::Compact {
            return true;
        }
        let twiddles = self.twiddles;
        self.last().all(|column| {
            B::intt(&twiddles, column);
            let (_, above) = split_mut(column, 1 << shape.log_final_len);
            above.iter().all(|&coefficient| coefficient == F::ZERO)
        })
    }

    /// The columns of the last codeword.
    fn last(&mut self) -> impl Iterator<Item = &mut [F]> {
        let last = self.kept_mut(self.shape.folds());
        let stride = last.len() / D;
        last.chunks_exact_mut(stride)
    }
}

/// The coefficients of the final polynomial, from what is kept of the last codeword.
pub(crate) fn final_polynomial(
    shape: FoldShape<'_>,
    last: &[F],
) -> impl ExactSizeIterator<Item = EF> {
    let stride = last.len() / D;
    (0..1 << shape.log_final_len)
        .map(move |i| challenge(core::array::from_fn(|d| last[d * stride + i])))
}

/// The siblings that [`Codewords::collect_siblings`] left in the scratch.
pub(crate) fn collected_siblings<'s>(shape: FoldShape<'_>, scratch: &'s [F]) -> &'s [F] {
    split(scratch, shape.extended_len()).1
}
