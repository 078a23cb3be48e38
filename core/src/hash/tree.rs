//! Merkle trees over the bit-reversed extensions of a round, as `MerkleTreeMmcs` builds them.
//!
//! A leaf hashes the rows of all tallest matrices; a node of the layer as long as a shorter matrix
//! is high also takes in that matrix's rows. Digests of a layer are stored coordinate by coordinate,
//! so that a layer is hashed and compressed over packed states without gathering.

use p3_field::PackedFieldPow2;

use super::hashes::Hashes;
use super::leaves::Leaves;
use super::suite::{Hasher, Suite};
use crate::backend::{Backend, ScalarBackend, packs};
use crate::parts::{split_mut, take_mut};
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
    /// Views the digests that [`commit`] wrote.
    pub fn new(digests: &'a [u32]) -> Self {
        Self::truncated(digests, 0)
    }

    /// Views the layers from `dropped` on.
    pub fn truncated(digests: &'a [u32], dropped: usize) -> Self {
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

/// Builds the tree over `matrices`, in the order given among those of equal height.
///
/// `digests` has `DIGEST * (2 * leaves - 1)` words, with one leaf per row of the tallest.
pub(crate) fn commit<B: Backend, L: Leaves>(
    hasher: &impl Hasher<B>,
    matrices: impl Iterator<Item = L> + Clone,
    digests: &mut [u32],
) {
    let log_leaves = Tree::new(digests).log_leaves;
    let of_height = |h: usize| matrices.clone().filter(move |m| m.log_height() == h);
    let (leaves, mut above) = split_mut(digests, DIGEST << log_leaves);
    let mut below = leaves;
    hash_rows::<B, L>(hasher, of_height(log_leaves), below);
    for log_len in (0..log_leaves).rev() {
        let layer = take_mut(&mut above, DIGEST << log_len);
        compress::<B, L>(hasher, below, of_height(log_len), layer);
        below = layer;
    }
}

/// Hashes the rows of `matrices`, one matrix after the other in each, into a layer.
pub(crate) fn hash_rows<B: Backend, L: Leaves>(
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
