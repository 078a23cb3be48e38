//! Merkle trees over the bit-reversed extensions of a round, as `MerkleTreeMmcs` builds them.
//!
//! A leaf hashes the rows of all tallest matrices; a node of the layer as long as a shorter matrix
//! is high also takes in that matrix's rows. Digests of a layer are stored coordinate by coordinate,
//! so that a layer is hashed and compressed over packed states without gathering.

use core::mem::swap;

use p3_field::PackedFieldPow2;

use super::hashes::Hashes;
use super::leaves::{Leaves, Window};
use super::suite::{Hasher, Suite};
use crate::backend::{Backend, ScalarBackend, packs};
use crate::parts::{part, part_mut, split_mut, take_mut};
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
pub(crate) fn layer_range(log_leaves: usize, level: usize) -> core::ops::Range<usize> {
    let end = |level: usize| DIGEST * ((2 << log_leaves) - (2 << log_leaves >> level));
    end(level)..end(level + 1)
}

/// Words of the digests of a tree with `2^log_leaves` leaves.
pub(crate) const fn tree_len(log_leaves: usize) -> usize {
    DIGEST * ((2 << log_leaves) - 1)
}

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
    matrices: impl Iterator<Item = L> + Clone,
    (log_leaves, dropped): (usize, usize),
    digests: &mut [u32],
    arena: &mut [u32],
) {
    let joining = |level: usize, first: usize| {
        let of_height = matrices.clone();
        let of_height = of_height.filter(move |m| m.log_height() + level == log_leaves);
        of_height.map(move |leaves| Window { leaves, first })
    };
    let kept = 1 << (log_leaves - dropped);
    let (mut below, mut above) = split_mut(digests, DIGEST * kept);
    if dropped == 0 {
        hash_rows::<B, _>(hasher, joining(0, 0), below);
    } else {
        let block = BLOCK.min(1 << log_leaves);
        for first in (0..1 << log_leaves).step_by(block) {
            let joining = |level| joining(level, first >> level);
            climb::<B, _, _>(hasher, joining, (block, dropped), arena, |level, layer| {
                if level == dropped {
                    copy_layer(layer, first >> dropped, below);
                }
            });
        }
    }
    for level in dropped + 1..=log_leaves {
        let layer = take_mut(&mut above, DIGEST << (log_leaves - level));
        compress::<B, _>(hasher, below, joining(level, 0), layer);
        below = layer;
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
