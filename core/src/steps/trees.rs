//! The Merkle trees of a round, over extensions that stay or over columns that pass by.

use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use super::homes::Homes;
use crate::F;
use crate::backend::Backend;
use crate::hash::Hasher;
use crate::hash::builder::Builder;
use crate::hash::leaves::Matrix;
use crate::hash::tree::{commit, layer_range};
use crate::shape::{BatchShape, CommittedMatrix, Round};

/// A matrix of a round, in the round's extensions.
pub(crate) fn matrix<'a>(extensions: &'a [F], opened: &CommittedMatrix) -> Matrix<'a> {
    Matrix {
        values: &extensions[opened.extension()],
        log_height: opened.log_lde,
    }
}

/// Builds the trees of a round over its extensions, group after group, into `digests`.
pub(crate) fn commit_round<B: Backend>(
    shape: BatchShape<'_>,
    hasher: &impl Hasher<B>,
    round: Round,
    extensions: &[F],
    digests: &mut [u32],
) {
    let mut rest = digests;
    for group in shape.groups(round) {
        let log_leaves = shape.log_leaves(round, &group);
        let (tree, after) = rest.split_at_mut(shape.tree_len(log_leaves));
        let matrices = shape.round(round).filter(|m| group.contains(&m.table));
        commit::<B, _>(hasher, matrices.map(|m| matrix(extensions, &m)), tree);
        rest = after;
    }
}

/// Grows the tree over the tables `group` of a round from its leaves up to layer `last`.
///
/// `absorb` brings the columns of each matrix, `grown` sees each layer.
pub(crate) fn grow<B: Backend>(
    shape: BatchShape<'_>,
    hasher: &impl Hasher<B>,
    (round, group): (Round, &Range<usize>),
    builder: &mut Builder<'_>,
    last: usize,
    mut absorb: impl FnMut(&mut Builder<'_>, &CommittedMatrix),
    mut grown: impl FnMut(usize, &Builder<'_>),
) {
    let log_leaves = shape.log_leaves(round, group);
    for level in 0..=last {
        if level > 0 {
            builder.compress::<B>(hasher);
        }
        let matrices = || {
            shape
                .round(round)
                .filter(|m| group.contains(&m.table) && m.log_lde + level == log_leaves)
        };
        if matrices().next().is_some() {
            builder.begin::<B>(hasher);
            matrices().for_each(|matrix| absorb(builder, &matrix));
            builder.end::<B>(hasher);
        }
        grown(level, builder);
    }
}

/// Copies a layer that is kept into its place among the kept digests.
pub(crate) fn keep(
    shape: BatchShape<'_>,
    log_leaves: usize,
    digests: &mut [u32],
    level: usize,
    layer: &[u32],
) {
    let dropped = shape.dropped_layers(log_leaves);
    if level >= dropped {
        digests[layer_range(log_leaves - dropped, level - dropped)].copy_from_slice(layer);
    }
}

/// Absorbs a matrix's columns from its home, on all cosets of its extension.
pub(crate) fn absorb_home<B: Backend, A>(
    homes: &mut Homes<'_, A>,
    hasher: &impl Hasher<B>,
    builder: &mut Builder<'_>,
    matrix: &CommittedMatrix,
) {
    let log_blowup = homes.shape.log_blowup();
    let height = 1 << (matrix.log_lde - log_blowup);
    let mut from = F::ONE;
    for block in 0..1 << log_blowup {
        let to = homes.coset(matrix, block);
        homes.shift::<B>(matrix, from, to);
        let rows = block * height..(block + 1) * height;
        builder.absorb::<B>(hasher, homes.home(matrix), height, rows);
        from = to;
    }
    homes.shift::<B>(matrix, from, F::ONE);
    builder.advance(homes.home(matrix).len() / height);
}
