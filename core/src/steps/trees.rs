//! The Merkle trees of a round, over extensions that stay or over columns that pass by.

use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use super::homes::Homes;
use crate::F;
use crate::backend::Backend;
use crate::hash::Hasher;
use crate::hash::builder::Builder;
use crate::hash::leaves::{Matrix, Window};
use crate::hash::paths::{Indices, distinct};
use crate::hash::rebuild::{self, Pass};
use crate::hash::tree::{DROPPED_LAYERS, climb, commit, copy_layer, layer_range, layers_len};
use crate::parts::{part, part_mut, split_mut, take_mut};
use crate::shape::{BatchShape, CommittedMatrix, Round};

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
    arena: &mut [u32],
) {
    let mut rest = digests;
    for group in shape.groups(round) {
        let log_leaves = shape.log_leaves(round, &group);
        let tree = take_mut(&mut rest, shape.tree_len(log_leaves));
        let matrices = shape.round(round).filter(|m| group.contains(&m.table));
        let matrices = matrices.map(|m| matrix(extensions, &m));
        let size = (log_leaves, shape.dropped_layers(log_leaves));
        commit::<B, _>(hasher, matrices, size, tree, arena);
    }
}

/// The siblings for `indices`, places in the tallest extension, that the trees of a round have not kept: group after
/// group at the head of `scratch`.
pub(crate) fn collect_siblings<B: Backend>(
    shape: BatchShape<'_>,
    hasher: &impl Hasher<B>,
    (round, pass): (Round, &Pass),
    extensions: &[F],
    indices: &Indices,
    scratch: &mut [F],
) {
    let len = |group| pass.siblings_len(shape.log_leaves(round, &group));
    let (mut siblings, arena) = split_mut(scratch, shape.groups(round).map(len).sum());
    for group in shape.groups(round) {
        let log_leaves = shape.log_leaves(round, &group);
        let shift = shape.log_max_lde() - log_leaves;
        let leaves = distinct(indices.iter().map(|index| index >> shift));
        let matrices = shape.round(round).filter(|m| group.contains(&m.table));
        rebuild::collect_siblings::<B, _>(
            hasher,
            matrices.map(|m| matrix(extensions, &m)),
            (pass, log_leaves),
            &leaves,
            take_mut(&mut siblings, pass.siblings_len(log_leaves)),
            arena,
        );
    }
}

/// Makes those of the lowest `dropped` layers of the tree over the tables `group` of a round again that `tree` has, below
/// those digests of the next layer alone that have one of the opened `leaves`, which ascend, below them. Whether they are
/// the digests that were kept.
pub(crate) fn restore<B: Backend>(
    shape: BatchShape<'_>,
    hasher: &impl Hasher<B>,
    (round, group): (Round, &Range<usize>),
    extensions: &[F],
    (leaves, dropped): (&[u32], usize),
    tree: &mut [u32],
) -> bool {
    let log_leaves = shape.log_leaves(round, group);
    let lowest = shape.dropped_layers(log_leaves);
    let (mut same, mut last) = (true, None);
    for block in leaves.iter().map(|leaf| (leaf >> dropped) as usize) {
        if last.replace(block) == Some(block) {
            continue;
        }
        let joining = |level: usize| {
            let matrices = shape.round(round);
            let of_height = matrices
                .filter(move |m| group.contains(&m.table) && m.log_lde + level == log_leaves);
            of_height.map(move |m| Window {
                leaves: matrix(extensions, &m),
                first: block << (dropped - level),
            })
        };
        let mut arena = [0; layers_len(1 << DROPPED_LAYERS)];
        let size = (1 << dropped, dropped);
        climb::<B, _, _>(hasher, joining, size, &mut arena, |level, nodes| {
            let Some(kept) = level.checked_sub(lowest) else {
                return;
            };
            let layer = part_mut(tree, layer_range(log_leaves - lowest, kept));
            let (first, len) = (block << (dropped - level), 1 << (log_leaves - level));
            if level < dropped {
                copy_layer(nodes, first, layer);
            } else {
                let mut kept = layer.iter().skip(first).step_by(len);
                same &= nodes.iter().all(|node| kept.next() == Some(node));
            }
        });
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
