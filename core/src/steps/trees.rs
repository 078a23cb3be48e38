//! The Merkle trees of a round, over extensions that stay or over columns that pass by.

use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use super::homes::Homes;
use crate::backend::Backend;
use crate::hash::Hasher;
use crate::hash::builder::Builder;
use crate::hash::leaves::{Matrix, Window};
use crate::hash::rebuild::DROPPED_LAYERS;
use crate::hash::tree::{commit, compress, hash_rows, layer_range};
use crate::parts::{part, part_mut, take_mut};
use crate::shape::{BatchShape, CommittedMatrix, Round};
use crate::{DIGEST, F};

/// A matrix of a round, in the round's extensions.
pub(crate) fn matrix<'a>(extensions: &'a [F], opened: &CommittedMatrix) -> Matrix<'a> {
    Matrix {
        values: part(extensions, opened.extension()),
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
        let tree = take_mut(&mut rest, shape.tree_len(log_leaves));
        let matrices = shape.round(round).filter(|m| group.contains(&m.table));
        commit::<B, _>(hasher, matrices.map(|m| matrix(extensions, &m)), tree);
    }
}

/// Makes the lowest `dropped` layers of the tree over the tables `group` of a round again, below those kept
/// digests alone that have one of the opened `leaves`, which ascend, below them. Whether they are the digests
/// that were kept.
pub(crate) fn rebuild<B: Backend>(
    shape: BatchShape<'_>,
    hasher: &impl Hasher<B>,
    (round, group): (Round, &Range<usize>),
    extensions: &[F],
    (leaves, dropped): (&[u32], usize),
    tree: &mut [u32],
) -> bool {
    let log_leaves = shape.log_leaves(round, group);
    let (mut same, mut last) = (true, None);
    for block in leaves.iter().map(|leaf| (leaf >> dropped) as usize) {
        if last.replace(block) == Some(block) {
            continue;
        }
        let mut layers = [[0; DIGEST << DROPPED_LAYERS]; 2];
        for level in 0..=dropped {
            let (rows, first) = (1 << (dropped - level), block << (dropped - level));
            let matrices = shape
                .round(round)
                .filter(|m| group.contains(&m.table) && m.log_lde + level == log_leaves)
                .map(|m| Window {
                    leaves: matrix(extensions, &m),
                    first,
                });
            let [above, below] = &mut layers;
            let above = &mut above[..DIGEST * rows];
            match level {
                0 => hash_rows::<B, _>(hasher, matrices, above),
                _ => compress::<B, _>(hasher, &below[..2 * DIGEST * rows], matrices, above),
            }
            let layer = &mut tree[layer_range(log_leaves, level)];
            let columns = layer.chunks_exact_mut(1 << (log_leaves - level));
            for (column, made) in columns.zip(above.chunks_exact(rows)) {
                let kept = &mut column[first..first + rows];
                if level == dropped {
                    same &= *kept == *made;
                } else {
                    kept.copy_from_slice(made);
                }
            }
            layers.swap(0, 1);
        }
    }
    same
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
        let width = matrices().map(|matrix| matrix.width).sum();
        if width > 0 {
            builder.begin::<B, _>(hasher, width);
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
        let kept = layer_range(log_leaves - dropped, level - dropped);
        part_mut(digests, kept).copy_from_slice(layer);
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
