//! The Merkle trees of a round, over extensions that stay or over columns that pass by.

use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use super::extension::{coset, shift};
use super::homes::Homes;
use crate::backend::Backend;
use crate::hash::builder::{Builder, arena_len};
use crate::hash::leaves::{Matrix, Window};
use crate::hash::paths::{Indices, distinct};
use crate::hash::rebuild::{self, Pass};
use crate::hash::tree::{
    DROPPED_LAYERS, climb, commit, commit_arena_len, compress, copy_layer, layer_range, layers_len,
    tree_len,
};
use crate::hash::{Hasher, Suite};
use crate::kernels::ntt::Twiddles;
use crate::parts::{part, part_mut, split_mut, take, take_mut};
use crate::shape::{BatchShape, CommittedMatrix, Round};
use crate::workspace::words_mut;
use crate::{DIGEST, F};

/// A matrix of a round, in the round's extensions.
pub(crate) fn matrix<'a>(extensions: &'a [F], opened: &CommittedMatrix) -> Matrix<'a> {
    Matrix {
        values: part(extensions, opened.extension()),
        log_height: opened.log_lde,
    }
}

/// Where the matrices of the tables `group` of a round lie among all columns of the round, which have `2^log_blowup` times as
/// many rows as a trace.
fn place(
    shape: BatchShape<'_>,
    (round, group): (Round, &Range<usize>),
    log_blowup: usize,
) -> Range<usize> {
    let len = |tables| -> usize {
        let tables = shape.tables_of(round, tables);
        tables
            .map(|t| round.width(t) << (t.log_height() + log_blowup))
            .sum()
    };
    let start = len(0..group.start);
    start..start + len(group.clone())
}

/// Those matrices, in `values`: all columns of the round.
fn matrices<'a>(
    shape: BatchShape<'a>,
    (round, group): (Round, &Range<usize>),
    values: &'a [F],
    log_blowup: usize,
) -> impl Iterator<Item = Matrix<'a>> + Clone + Sync {
    let mut rest = part(values, place(shape, (round, group), log_blowup));
    let tables = shape.tables_of(round, group.clone());
    tables.map(move |table| {
        let log_height = table.log_height() + log_blowup;
        Matrix {
            values: take(&mut rest, round.width(table) << log_height),
            log_height,
        }
    })
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
        let matrices = matrices(shape, (round, &group), extensions, shape.log_blowup());
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
        rebuild::collect_siblings::<B, _>(
            hasher,
            matrices(shape, (round, &group), extensions, shape.log_blowup()),
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
            let matrices = matrices(shape, (round, group), extensions, shape.log_blowup());
            let of_height = matrices.filter(move |m| m.log_height + level == log_leaves);
            of_height.map(move |leaves| Window {
                leaves,
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

/// Field elements of scratch that [`commit_homes`] takes for a round: the kept digests of one block, and layers.
pub(crate) fn block_scratch_len(shape: BatchShape<'_>, round: Round) -> usize {
    let lens = shape.groups(round).map(|group| {
        let log_leaves = shape.log_leaves(round, &group);
        let (log_block, dropped) = log_block(shape, log_leaves);
        tree_len(log_block - dropped) + commit_arena_len(log_block, dropped)
    });
    lens.max().unwrap_or(0)
}

/// log2 of the leaves of one block of an extension, and how many of the layers above them are not kept: what is kept of a
/// tree has a node for each block at least.
fn log_block(shape: BatchShape<'_>, log_leaves: usize) -> (usize, usize) {
    (
        log_leaves - shape.log_blowup(),
        shape.dropped_layers(log_leaves),
    )
}

/// Builds the tree over the tables `group` of a round that is at home as a whole, `columns`: moves it to the coset of each
/// block of its extension, and hashes it there.
pub(crate) fn commit_homes<B: Backend>(
    shape: BatchShape<'_>,
    hasher: &impl Hasher<B>,
    twiddles: &Twiddles<'_>,
    (round, group): (Round, &Range<usize>),
    columns: &mut [F],
    (digests, scratch): (&mut [u32], &mut [F]),
) {
    let (of, log_blowup) = ((round, group), shape.log_blowup());
    let log_leaves = shape.log_leaves(round, group);
    let (log_block, dropped) = log_block(shape, log_leaves);
    let move_to = |columns: &mut [F], block: Option<usize>| {
        let mut rest = part_mut(columns, place(shape, of, 0));
        for table in shape.tables_of(round, group.clone()) {
            let (height, log_height) = (table.height(), table.log_height());
            let own = take_mut(&mut rest, round.width(table) << log_height);
            let at = |block| coset(log_height, log_blowup, block);
            let last = (1 << log_blowup) - 1;
            let (from, to) = match block {
                Some(0) => (F::ONE, at(0)),
                Some(block) => (at(block - 1), at(block)),
                None => (at(last), F::ONE),
            };
            shift::<B>(twiddles, own, height, from, to);
        }
    };
    let (tree, arena) = split_mut(words_mut(scratch), tree_len(log_block - dropped));
    for block in 0..1 << log_blowup {
        move_to(columns, Some(block));
        let matrices = matrices(shape, of, columns, 0);
        commit::<B, _>(hasher, matrices, (log_block, dropped), tree, arena);
        let mut rest = &*tree;
        for level in dropped..=log_block {
            let nodes = take(&mut rest, DIGEST << (log_block - level));
            keep(
                log_leaves,
                dropped,
                (level, block << log_block),
                nodes,
                digests,
            );
        }
    }
    move_to(columns, None);
    close::<B>(hasher, (log_leaves, dropped), log_block, digests);
}

/// Copies nodes of layer `level` into the kept digests of a tree; `leaf` is the first below them.
fn keep(
    log_leaves: usize,
    dropped: usize,
    (level, leaf): (usize, usize),
    nodes: &[u32],
    digests: &mut [u32],
) {
    let layer = layer_range(log_leaves - dropped, level - dropped);
    copy_layer(nodes, leaf >> level, part_mut(digests, layer));
}

/// Hashes the layers above layer `level`, which no rows join.
fn close<B: Backend>(
    hasher: &impl Hasher<B>,
    (log_leaves, dropped): (usize, usize),
    level: usize,
    digests: &mut [u32],
) {
    let below = layer_range(log_leaves - dropped, level - dropped);
    let (_, rest) = split_mut(digests, below.start);
    let (mut below, mut above) = split_mut(rest, below.len());
    for level in level + 1..=log_leaves {
        let layer = take_mut(&mut above, DIGEST << (log_leaves - level));
        let none = core::iter::empty::<Matrix<'_>>();
        compress::<B, _>(hasher, below, none, layer);
        below = layer;
    }
}

/// Words of the states from which [`grow`] grows a tree of a round.
pub(crate) fn states_len<S: Suite>(
    shape: BatchShape<'_>,
    (round, group): (Round, &Range<usize>),
    blocks_at_once: usize,
) -> usize {
    let (log_block, _) = log_block(shape, shape.log_leaves(round, group));
    arena_len::<S>(blocks_at_once << log_block, shape.level_width(round, group))
}

/// Grows the tree over the tables `group` of a round from columns that pass by: from the states of all rows of its
/// extension at once, or of those of one block after another.
///
/// `absorb` brings the columns of each matrix at the rows of some blocks.
pub(crate) fn grow<B: Backend, H: Hasher<B>>(
    shape: BatchShape<'_>,
    hasher: &H,
    (round, group): (Round, &Range<usize>),
    blocks_at_once: usize,
    (arena, digests): (&mut [F], &mut [u32]),
    mut absorb: impl FnMut(&mut Builder<'_>, &CommittedMatrix, Range<usize>),
) {
    let log_leaves = shape.log_leaves(round, group);
    let (log_block, dropped) = log_block(shape, log_leaves);
    let width = shape.level_width(round, group);
    let leaves = blocks_at_once << log_block;
    let top = leaves.trailing_zeros() as usize;
    for first in (0..1 << shape.log_blowup()).step_by(blocks_at_once) {
        let builder = &mut Builder::new(hasher, &mut *arena, leaves, width);
        for level in 0..=top {
            if level > 0 {
                builder.compress::<B>(hasher);
            }
            if width(level) > 0 {
                builder.begin::<B, _>(hasher, width(level));
                let of_group = shape.round(round).filter(|m| group.contains(&m.table));
                for matrix in of_group.filter(|m| m.log_lde + level == log_leaves) {
                    absorb(builder, &matrix, first..first + blocks_at_once);
                }
                builder.end::<B>(hasher);
            }
            if level >= dropped {
                let place = (level, first << log_block);
                keep(log_leaves, dropped, place, builder.layer(), digests);
            }
        }
    }
    close::<B>(hasher, (log_leaves, dropped), top, digests);
}

/// Absorbs a matrix's columns from its home, on the cosets of some blocks of its extension, in order.
pub(crate) fn absorb_home<B: Backend, A>(
    homes: &mut Homes<'_, A>,
    hasher: &impl Hasher<B>,
    builder: &mut Builder<'_>,
    matrix: &CommittedMatrix,
    blocks: Range<usize>,
) {
    let log_blowup = homes.shape.log_blowup();
    let height = 1 << (matrix.log_lde - log_blowup);
    let mut from = match blocks.start.checked_sub(1) {
        None => F::ONE,
        Some(before) => homes.coset(matrix, before),
    };
    let is_last = blocks.end == 1 << log_blowup;
    for (place, block) in blocks.enumerate() {
        let to = homes.coset(matrix, block);
        homes.shift::<B>(matrix, from, to);
        let rows = place * height..(place + 1) * height;
        builder.absorb::<B>(hasher, homes.home(matrix), height, rows);
        from = to;
    }
    if is_last {
        homes.shift::<B>(matrix, from, F::ONE);
    }
    builder.advance(homes.home(matrix).len() / height);
}
