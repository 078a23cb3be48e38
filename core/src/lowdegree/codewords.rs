//! The codewords of a low-degree test, committed, folded and opened one after the other.

use p3_field::PrimeCharacteristicRing;

use super::{BLOCK, FoldShape, LEAF_WIDTH, coefficients, fold};
use crate::DIGEST;
use crate::backend::Backend;
use crate::hash::Hasher;
use crate::hash::builder::Builder;
use crate::hash::leaves::{Codeword, Matrix};
use crate::hash::paths::{Indices, distinct};
use crate::hash::rebuild::{Blocks, Pass};
use crate::hash::tree::{self, layer_range};
use crate::kernels::ext::challenge;
use crate::kernels::ntt::Twiddles;
use crate::parts::{part, part_mut, split, split_mut, take_mut};
use crate::shape::Profile;
use crate::{D, EF, F};

/// The kept codewords: those that come in, and what the folds leave.
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
    match fold.checked_sub(1) {
        None => part(codewords, shape.codeword(shape.log_max())),
        Some(before) => part(folded, shape.folded(before)),
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
    /// [`FoldShape::commit_scratch_len`] elements in `Compact`.
    pub fn commit<B: Backend>(
        self,
        hasher: &impl Hasher<B>,
        fold: usize,
        digests: &mut [u32],
        scratch: &'w mut [F],
    ) {
        let shape = self.shape;
        let digests = part_mut(digests, shape.digests(fold));
        match shape.profile {
            Profile::Fast => {
                let leaves = core::iter::once(self.codeword::<B>(fold, scratch));
                tree::commit::<B, _>(hasher, leaves, digests);
            }
            Profile::Compact => {
                let (codeword, arena) = split_mut(scratch, D << shape.log_max());
                let leaves = self.codeword::<B>(fold, codeword);
                let log_leaves = shape.log_codeword(fold + 1);
                let dropped = shape.dropped_layers(log_leaves);
                commit_blocks::<B>(hasher, leaves, log_leaves, dropped, digests, arena);
            }
        }
    }

    /// Folds the codeword of fold `fold`, and adds the one of the height that it reaches.
    pub fn fold<B: Backend>(&mut self, fold: usize, beta: EF) {
        let shape = self.shape;
        let (log_arity, log_to) = (shape.log_arity(fold), shape.log_codeword(fold + 1));
        let to = shape.folded(fold);
        let (before, mut after) = split_mut(self.folded, to.start);
        let source = kept(shape, self.codewords, before, fold);
        let out = take_mut(&mut after, to.len());
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
        let shape = self.shape;
        let last = match shape.folds().checked_sub(1) {
            None => part_mut(self.codewords, shape.codeword(shape.log_max())),
            Some(fold) => part_mut(self.folded, shape.folded(fold)),
        };
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

/// The lowest siblings of the tree of fold `fold` for the opened leaves `indices`, rebuilt from the
/// codeword that [`Codewords::codeword`] left in `scratch`, where they follow the longest one.
pub(crate) fn collect_siblings<B: Backend>(
    shape: FoldShape<'_>,
    hasher: &impl Hasher<B>,
    fold: usize,
    (pass, passes): (&Pass, usize),
    indices: &Indices,
    scratch: &mut [F],
) {
    let (log_arity, log_leaves) = (shape.log_arity(fold), shape.log_codeword(fold + 1));
    let (codeword, scratch) = split_mut(scratch, D << shape.log_max());
    let (siblings, arena) = split_mut(scratch, pass.siblings_len(log_leaves));
    let codeword = Codeword {
        values: part(codeword, 0..D << (log_leaves + log_arity)),
        log_arity,
    };
    let leaves = distinct(indices.iter().copied());
    for number in 0..passes {
        let blocks = Blocks::new(pass, log_leaves, &leaves, number);
        if blocks.is_empty() {
            break;
        }
        let mut builder = Builder::new(hasher, arena, blocks.leaves(), |_| LEAF_WIDTH);
        let below = (1 << blocks.dropped) - 1;
        builder.hash_leaves::<B, _>(hasher, codeword, |row| {
            ((blocks.ids[row >> blocks.dropped] as usize) << blocks.dropped) + (row & below)
        });
        for level in 0..blocks.dropped {
            if level > 0 {
                builder.compress::<B>(hasher);
            }
            blocks.collect(&leaves, &builder, level, siblings);
        }
    }
}

/// Those siblings in the scratch.
pub(crate) fn collected_siblings<'s>(shape: FoldShape<'_>, scratch: &'s [F]) -> &'s [F] {
    match shape.profile {
        Profile::Fast => &[],
        Profile::Compact => split(scratch, D << shape.log_max()).1,
    }
}

/// Builds a tree without its lowest `dropped` layers, some leaves at a time.
fn commit_blocks<B: Backend>(
    hasher: &impl Hasher<B>,
    leaves: Codeword<'_>,
    log_leaves: usize,
    dropped: usize,
    digests: &mut [u32],
    arena: &mut [F],
) {
    let block = BLOCK.min(1 << log_leaves);
    let kept = 1 << (log_leaves - dropped);
    for first in (0..1 << log_leaves).step_by(block) {
        let mut builder = Builder::new(hasher, arena, block, |_| LEAF_WIDTH);
        builder.hash_leaves::<B, _>(hasher, leaves, |row| first + row);
        (0..dropped).for_each(|_| builder.compress::<B>(hasher));
        let (rows, at) = (builder.rows(), first >> dropped);
        for (column, layer) in digests[..DIGEST * kept]
            .chunks_exact_mut(kept)
            .zip(builder.layer().chunks_exact(rows))
        {
            column[at..at + rows].copy_from_slice(layer);
        }
    }
    for level in 0..log_leaves - dropped {
        let below = layer_range(log_leaves - dropped, level);
        let above = layer_range(log_leaves - dropped, level + 1);
        let layers = part_mut(digests, below.start..above.end);
        let (below, above) = split_mut(layers, below.len());
        let none = core::iter::empty::<Matrix<'_>>();
        tree::compress::<B, _>(hasher, below, none, above);
    }
}
