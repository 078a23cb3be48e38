//! Merkle trees over the bit-reversed extensions of a round, as `MerkleTreeMmcs` builds them.
//!
//! A leaf hashes the rows of all tallest matrices; a node of the layer as long as a shorter matrix
//! is high also takes in that matrix's rows. Digests of a layer are stored coordinate by coordinate,
//! so that a layer is hashed and compressed over packed states without gathering.

use p3_field::{PackedFieldPow2, PackedValue, PrimeCharacteristicRing};

use crate::backend::{Backend, Hasher, ScalarBackend};
use crate::kernels::interleave::even_odd;
use crate::{D, DIGEST, Digest, F};

/// Row groups that are hashed together, so that a column is read in longer runs.
const TILE: usize = 4;

/// Something whose rows are leaves.
pub(crate) trait Leaves: Copy {
    /// log2 of the number of rows.
    fn log_height(&self) -> usize;
    /// Elements of a row.
    fn width(&self) -> usize;
    /// Elements `row..row + WIDTH` of column `column`.
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P;
    /// Hints that the next elements to be read are `rows` rows of column `column` from row `row` on.
    fn prefetch<B: Backend>(&self, _column: usize, _row: usize, _rows: usize) {}
}

/// A matrix stored column by column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    /// `width << log_height` elements.
    pub values: &'a [F],
    /// log2 of its rows.
    pub log_height: usize,
}

impl Matrix<'_> {
    /// The element of row `row` and column `column`.
    pub fn get(&self, row: usize, column: usize) -> F {
        self.values[(column << self.log_height) + row]
    }
}

impl Leaves for Matrix<'_> {
    fn log_height(&self) -> usize {
        self.log_height
    }

    fn width(&self) -> usize {
        self.values.len() >> self.log_height
    }

    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        let at = (column << self.log_height) + row;
        *P::from_slice(&self.values[at..at + P::WIDTH])
    }

    #[inline]
    fn prefetch<B: Backend>(&self, column: usize, row: usize, rows: usize) {
        let at = (column << self.log_height) + row;
        if let Some(values) = self.values.get(at..at + rows) {
            B::prefetch(values);
        }
    }
}

/// A codeword of challenges, four coordinate columns, with `2^log_arity` elements a leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codeword<'a> {
    /// `4 << (log_height + log_arity)` elements.
    pub values: &'a [F],
    /// log2 of the challenges of a leaf.
    pub log_arity: usize,
}

impl Codeword<'_> {
    const fn log_len(&self) -> usize {
        (self.values.len() / D).trailing_zeros() as usize
    }
}

impl Leaves for Codeword<'_> {
    fn log_height(&self) -> usize {
        self.log_len() - self.log_arity
    }

    fn width(&self) -> usize {
        D << self.log_arity
    }

    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        let at = ((column % D) << self.log_len()) + (row << self.log_arity) + column / D;
        P::from_fn(|lane| self.values[at + (lane << self.log_arity)])
    }
}

/// The digests of a tree: `2^log_leaves` of the leaves, half as many above, up to the root; without
/// the lowest `dropped` layers of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree<'a> {
    digests: &'a [F],
    log_leaves: usize,
    dropped: usize,
}

impl<'a> Tree<'a> {
    /// Views the digests that [`commit`] wrote.
    pub fn new(digests: &'a [F]) -> Self {
        Self::truncated(digests, 0)
    }

    /// Views the layers from `dropped` on.
    pub fn truncated(digests: &'a [F], dropped: usize) -> Self {
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

/// Field elements of the digests of a tree with `2^log_leaves` leaves.
pub(crate) const fn tree_len(log_leaves: usize) -> usize {
    DIGEST * ((2 << log_leaves) - 1)
}

/// Builds the tree over `matrices`, in the order given among those of equal height.
///
/// `digests` has `DIGEST * (2 * leaves - 1)` elements, with one leaf per row of the tallest.
pub(crate) fn commit<B: Backend, L: Leaves>(
    hasher: &Hasher<'_, B>,
    matrices: impl Iterator<Item = L> + Clone,
    digests: &mut [F],
) {
    let log_leaves = Tree::new(digests).log_leaves;
    let of_height = |h: usize| matrices.clone().filter(move |m| m.log_height() == h);
    let (leaves, mut above) = digests.split_at_mut(DIGEST << log_leaves);
    let mut below = leaves;
    if log_leaves >= B::P::WIDTH.trailing_zeros() as usize {
        hash_leaves::<B, L>(hasher, of_height(log_leaves), below);
    } else {
        hash_leaves::<ScalarBackend, L>(&hasher.scalar(), of_height(log_leaves), below);
    }
    for log_len in (0..log_leaves).rev() {
        let (layer, rest) = above.split_at_mut(DIGEST << log_len);
        if log_len >= B::P::WIDTH.trailing_zeros() as usize {
            compress_layer::<B, L>(hasher, below, of_height(log_len), layer);
        } else {
            compress_layer::<ScalarBackend, L>(&hasher.scalar(), below, of_height(log_len), layer);
        }
        (below, above) = (layer, rest);
    }
}

pub(crate) fn hash_leaves<B: Backend, L: Leaves>(
    hasher: &Hasher<'_, B>,
    matrices: impl Iterator<Item = L> + Clone,
    layer: &mut [F],
) {
    let len = layer.len() / DIGEST;
    let mut row = 0;
    while row + TILE * B::P::WIDTH <= len {
        store(
            &hash_rows::<B, L, TILE>(hasher, matrices.clone(), row),
            layer,
            row,
        );
        row += TILE * B::P::WIDTH;
    }
    while row < len {
        store(
            &hash_rows::<B, L, 1>(hasher, matrices.clone(), row),
            layer,
            row,
        );
        row += B::P::WIDTH;
    }
}

/// Sponge states that absorbed `T` row groups from row `row` on (overwrite mode, rate 8).
#[inline]
fn hash_rows<B: Backend, L: Leaves, const T: usize>(
    hasher: &Hasher<'_, B>,
    matrices: impl Iterator<Item = L>,
    row: usize,
) -> [[B::P; 16]; T] {
    let mut states = [[B::P::ZERO; 16]; T];
    let mut filled = 0;
    let rows = T * B::P::WIDTH;
    for matrix in matrices {
        let width = matrix.width();
        for column in 0..width {
            // What the permutation after the next one absorbs, here or in the rows that follow.
            let ahead = column + DIGEST;
            if ahead < width {
                matrix.prefetch::<B>(ahead, row, rows);
            } else {
                matrix.prefetch::<B>(ahead % width, row + rows, rows);
            }
            for (t, state) in states.iter_mut().enumerate() {
                state[filled] = matrix.load(column, row + t * B::P::WIDTH);
            }
            filled += 1;
            if filled == DIGEST {
                states.iter_mut().for_each(|state| hasher.permute(state));
                filled = 0;
            }
        }
    }
    if filled > 0 {
        states.iter_mut().for_each(|state| hasher.permute(state));
    }
    states
}

/// Stores the rate halves of consecutive row groups.
fn store<P: PackedFieldPow2<Scalar = F>>(states: &[[P; 16]], layer: &mut [F], row: usize) {
    let len = layer.len() / DIGEST;
    for (t, state) in states.iter().enumerate() {
        for (i, value) in state[..DIGEST].iter().enumerate() {
            let at = i * len + row + t * P::WIDTH;
            *P::from_slice_mut(&mut layer[at..at + P::WIDTH]) = *value;
        }
    }
}

pub(crate) fn compress_layer<B: Backend, L: Leaves>(
    hasher: &Hasher<'_, B>,
    below: &[F],
    matrices: impl Iterator<Item = L> + Clone,
    layer: &mut [F],
) {
    let len = layer.len() / DIGEST;
    let injects = matrices.clone().next().is_some();
    for row in (0..len).step_by(B::P::WIDTH) {
        let mut state = [B::P::ZERO; 16];
        for i in 0..DIGEST {
            (state[i], state[DIGEST + i]) = even_odd::<B::P>(&below[2 * (i * len + row)..]);
        }
        hasher.permute(&mut state);
        if injects {
            let [rows] = hash_rows::<B, L, 1>(hasher, matrices.clone(), row);
            state[DIGEST..].copy_from_slice(&rows[..DIGEST]);
            hasher.permute(&mut state);
        }
        store(&[state], layer, row);
    }
}
