//! Merkle trees over the bit-reversed extensions of a round, as `MerkleTreeMmcs` builds them.
//!
//! A leaf hashes the rows of all tallest matrices; a node of the layer as long as a shorter matrix
//! is high also takes in that matrix's rows. Digests of a layer are stored coordinate by coordinate,
//! so that a layer is hashed and compressed over packed states without gathering.

use core::mem::swap;
use core::ops::{Range, RangeInclusive};

use heapless::Vec;
use p3_field::PackedFieldPow2;

use super::hashes::Hashes;
use super::leaves::{Leaves, Window};
use super::suite::{Hasher, Suite};
use crate::backend::{Backend, ScalarBackend, packs};
use crate::divide::{Divide, divide};
use crate::parts::{part, part_mut, split_mut, take_mut};
use crate::workspace::ColumnsMut;
use crate::{DIGEST, Digest, F, workspace};

/// The digests of a tree: `2^log_leaves` of the leaves, half as many above, up to the root; without
/// the lowest `dropped` layers of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree<'a> {
    digests: &'a [u32],
    log_leaves: usize,
    dropped: usize,
}

impl<'a> Tree<'a> {
    /// Views the layers from `dropped` on, as [`commit`] wrote them.
    pub fn new(digests: &'a [u32], dropped: usize) -> Self {
        let log_lowest = (digests.len() / DIGEST + 1).trailing_zeros() as usize - 1;
        Self {
            digests,
            log_leaves: log_lowest + dropped,
            dropped,
        }
    }

    /// Layers that are missing, the leaves first.
    pub const fn dropped(&self) -> usize {
        self.dropped
    }

    /// log2 of the number of leaves.
    pub const fn log_leaves(&self) -> usize {
        self.log_leaves
    }

    /// Digest `index` of layer `level`, which is not dropped; layer 0 are the leaves.
    pub fn digest(&self, level: usize, index: usize) -> Digest {
        let layer = layer_range(self.log_leaves - self.dropped, level - self.dropped);
        let len = layer.len() / DIGEST;
        core::array::from_fn(|i| self.digests[layer.start + i * len + index])
    }

    /// Layers below the cap: the height of an authentication path.
    pub fn path_levels(&self, cap_height: usize) -> usize {
        self.log_leaves - cap_height.min(self.log_leaves)
    }

    /// The published digests.
    pub fn cap(&self, cap_height: usize) -> impl ExactSizeIterator<Item = Digest> + '_ {
        let level = self.path_levels(cap_height);
        (0..1 << (self.log_leaves - level)).map(move |i| self.digest(level, i))
    }
}

/// Where layer `level` lies among the digests of a tree with `2^log_leaves` leaves.
pub(crate) fn layer_range(log_leaves: usize, level: usize) -> Range<usize> {
    let end = |level: usize| DIGEST * ((2 << log_leaves) - (2 << log_leaves >> level));
    end(level)..end(level + 1)
}

/// Words of the digests of a tree with `2^log_leaves` leaves.
pub(crate) const fn tree_len(log_leaves: usize) -> usize {
    DIGEST * ((2 << log_leaves) - 1)
}

/// Layers of a tree that need not be kept, the leaves the lowest, at most: they are computed again around the queries.
pub(crate) const DROPPED_LAYERS: usize = 5;

/// Leaves that are hashed at a time: so few that their layers are small beside a tree, so many that what is kept of
/// them still fills a packing.
const BLOCK: usize = 1 << 8;

/// Words of the arena of [`commit`]: where all layers are kept, none.
pub(crate) fn commit_arena_len(log_leaves: usize, dropped: usize) -> usize {
    match dropped {
        0 => 0,
        _ => layers_len(BLOCK.min(1 << log_leaves)),
    }
}

/// Words of the arena of [`climb`] over `rows` leaves.
pub(crate) const fn layers_len(rows: usize) -> usize {
    DIGEST * (rows + rows / 2)
}

/// Builds the tree of `2^log_leaves` leaves over `matrices`, in the order given among those of equal height.
///
/// `digests` has [`tree_len`] words: those of the lowest `dropped` layers pass by in `arena`, some leaves at a time.
pub(crate) fn commit<B: Backend, L: Leaves>(
    hasher: &impl Hasher<B>,
    matrices: impl Iterator<Item = L> + Clone + Sync,
    (log_leaves, dropped): (usize, usize),
    digests: &mut [u32],
    arena: &mut [u32],
) {
    let joining = |level: usize, first: usize| {
        let of_height = matrices.clone();
        let of_height = of_height.filter(move |m| m.log_height() + level == log_leaves);
        of_height.map(move |leaves| Window { leaves, first })
    };
    let threads = B::threads();
    let top = match threads {
        1 => dropped,
        _ => dropped.max(DROPPED_LAYERS.min(log_leaves)),
    };
    if top == 0 {
        hash_rows::<B, _>(
            hasher,
            joining(0, 0),
            part_mut(digests, layer_range(log_leaves, 0)),
        );
    } else {
        let blocks = Blocks::new(log_leaves, dropped..=top, digests);
        if threads == 1 {
            blocks.climb::<B, _, _>(hasher, &joining, arena);
        } else {
            divide::<B, _>(blocks, 1, &mut [], &|blocks, _| {
                blocks.climb::<B, _, _>(hasher, &joining, &mut [0; layers_len(BLOCK)]);
            });
        }
    }
    let kept = log_leaves - dropped;
    let lowest = layer_range(kept, top - dropped);
    let (_, rest) = split_mut(digests, lowest.start);
    let (mut below, mut above) = split_mut(rest, lowest.len());
    for level in top + 1..=log_leaves {
        let layer = take_mut(&mut above, DIGEST << (log_leaves - level));
        compress::<B, _>(hasher, below, joining(level, 0), layer);
        below = layer;
    }
}

/// The leaves of a tree, block after block, and their parts of the lowest layers that are kept.
struct Blocks<'a> {
    blocks: Range<usize>,
    /// Leaves of a block.
    leaves: usize,
    /// The lowest of the layers, and the top one.
    levels: RangeInclusive<usize>,
    layers: Vec<ColumnsMut<'a, u32>, { DROPPED_LAYERS + 1 }>,
}

impl<'a> Blocks<'a> {
    /// Those of a tree of `2^log_leaves` leaves, whose layers from the lowest one on are in `digests`.
    fn new(log_leaves: usize, levels: RangeInclusive<usize>, digests: &'a mut [u32]) -> Self {
        let leaves = BLOCK.min(1 << log_leaves);
        let mut rest = digests;
        let layers = levels.clone().map(|level| {
            let nodes = 1 << (log_leaves - level);
            ColumnsMut::new(take_mut(&mut rest, DIGEST * nodes), nodes, nodes)
        });
        Self {
            blocks: 0..(1 << log_leaves) / leaves,
            leaves,
            layers: layers.collect(),
            levels,
        }
    }

    /// Hashes the leaves and the layers above them, which pass by in `arena`, and keeps the layers.
    fn climb<B: Backend, L: Leaves, M: Iterator<Item = L> + Clone>(
        mut self,
        hasher: &impl Hasher<B>,
        joining: &impl Fn(usize, usize) -> M,
        arena: &mut [u32],
    ) {
        let (leaves, lowest, top) = (self.leaves, *self.levels.start(), *self.levels.end());
        for (i, block) in self.blocks.enumerate() {
            let joining = |level| joining(level, (block * leaves) >> level);
            climb::<B, L, M>(hasher, joining, (leaves, top), arena, |level, nodes| {
                let kept = level.checked_sub(lowest);
                let Some(layer) = kept.and_then(|kept| self.layers.get_mut(kept)) else {
                    return;
                };
                let len = leaves >> level;
                for (word, nodes) in nodes.chunks_exact(len).enumerate() {
                    part_mut(layer.column(word), i * len..(i + 1) * len).copy_from_slice(nodes);
                }
            });
        }
    }
}

impl Divide for Blocks<'_> {
    fn units(&self) -> usize {
        self.blocks.len()
    }

    fn divide(self, units: usize) -> (Self, Self) {
        let Self {
            blocks,
            leaves,
            levels,
            layers,
        } = self;
        let layers = layers.into_iter().zip(levels.clone());
        let halves = layers.map(|(layer, level)| layer.split(units * (leaves >> level)));
        let (first, second) = halves.unzip();
        let (before, after) = blocks.divide(units);
        let blocks = |blocks, layers| Self {
            blocks,
            leaves,
            levels: levels.clone(),
            layers,
        };
        (blocks(before, first), blocks(after, second))
    }
}

/// Hashes `rows` leaves and `levels` layers above them, which take turns in `arena`; shows each layer.
///
/// `joining` are the rows that are hashed into a layer.
pub(crate) fn climb<B: Backend, L: Leaves, M: Iterator<Item = L> + Clone>(
    hasher: &impl Hasher<B>,
    joining: impl Fn(usize) -> M,
    (rows, levels): (usize, usize),
    arena: &mut [u32],
    mut show: impl FnMut(usize, &[u32]),
) {
    let (mut layer, mut other) = split_mut(arena, DIGEST * rows);
    for level in 0..=levels {
        let len = DIGEST * (rows >> level);
        if level == 0 {
            hash_rows::<B, L>(hasher, joining(0), layer);
        } else {
            let (above, _) = split_mut(other, len);
            compress::<B, L>(hasher, part(layer, 0..2 * len), joining(level), above);
            swap(&mut layer, &mut other);
        }
        show(level, part(layer, 0..len));
    }
}

/// Copies some nodes of a layer to their places in it, from node `first` on.
pub(crate) fn copy_layer(nodes: &[u32], first: usize, layer: &mut [u32]) {
    let (count, len) = (nodes.len() / DIGEST, layer.len() / DIGEST);
    for (nodes, column) in nodes.chunks_exact(count).zip(layer.chunks_exact_mut(len)) {
        part_mut(column, first..first + count).copy_from_slice(nodes);
    }
}

/// Hashes the rows of `matrices`, one matrix after the other in each, into a layer.
fn hash_rows<B: Backend, L: Leaves>(
    hasher: &impl Hasher<B>,
    matrices: impl Iterator<Item = L> + Clone,
    layer: &mut [u32],
) {
    if packs::<B>(layer.len() / DIGEST) {
        hasher.hash_rows(matrices, layer);
    } else {
        hasher.scalar().hash_rows(matrices, layer);
    }
}

/// Hashes a layer into the next one, with the rows of `matrices` if there are any.
pub(crate) fn compress<B: Backend, L: Leaves>(
    hasher: &impl Hasher<B>,
    below: &[u32],
    matrices: impl Iterator<Item = L> + Clone,
    layer: &mut [u32],
) {
    if packs::<B>(layer.len() / DIGEST) {
        hasher.compress(below, matrices, layer);
    } else {
        hasher.scalar().compress(below, matrices, layer);
    }
}

/// The digests in room for field elements.
pub(crate) fn digests(room: &[F]) -> &[Digest] {
    workspace::words(room).as_chunks().0
}

/// The digest `levels` layers above the leaves of a tree all of whose rows are `width` zeros.
pub fn zero_node<S: Suite>(suite: &S, width: usize, levels: u32) -> Digest
where
    ScalarBackend: Hashes<S>,
{
    let hasher = ScalarBackend::hasher(suite);
    let mut node = [0; DIGEST];
    hasher.hash_rows(core::iter::once(Zeros { width }), &mut node);
    for _ in 0..levels {
        // Word by word, two equal ones.
        let pair: [u32; 2 * DIGEST] = core::array::from_fn(|i| node[i / 2]);
        hasher.compress(&pair, core::iter::empty::<Zeros>(), &mut node);
    }
    node
}

/// A row of zeros.
#[derive(Clone, Copy, Debug)]
struct Zeros {
    width: usize,
}

impl Leaves for Zeros {
    fn log_height(&self) -> usize {
        0
    }

    fn width(&self) -> usize {
        self.width
    }

    fn load<P: PackedFieldPow2<Scalar = F>>(&self, _column: usize, _row: usize) -> P {
        P::ZERO
    }
}
