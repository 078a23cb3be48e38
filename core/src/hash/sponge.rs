//! Merkle trees from columns that come one after another: a sponge state for each row.
//!
//! Matrices of one height are absorbed column by column into the states of that height, which end as
//! digests; these are the leaves, or are injected into the layer as long as they are many. States and
//! layers are stored coordinate by coordinate. The arena holds `16 * leaves` elements: the states of
//! the leaves first, whose rate half becomes layer 0; afterwards states of lower heights in its lower
//! half, and two layers by turns in its upper half.

use p3_field::{PackedFieldPow2, PackedValue, PrimeCharacteristicRing};

use crate::backend::{Backend, Hasher, ScalarBackend};
use crate::hash::merkle::{Leaves, Matrix, compress_layer, hash_leaves};
use crate::hash::poseidon2::WIDTH;
use crate::{DIGEST, F};

/// Field elements of the arena of a tree of `leaves` leaves.
pub(crate) const fn arena_len(leaves: usize) -> usize {
    WIDTH * leaves
}

/// A tree that grows from its leaves up.
#[derive(Debug)]
pub(crate) struct Builder<'w> {
    arena: &'w mut [F],
    leaves: usize,
    level: usize,
    /// Elements of the current block that the states of this height have absorbed.
    filled: usize,
}

impl<'w> Builder<'w> {
    /// A tree in the first [`arena_len`] elements of `arena`; `leaves` halves evenly as often as
    /// it is compressed.
    pub fn new(arena: &'w mut [F], leaves: usize) -> Self {
        Self {
            arena: &mut arena[..arena_len(leaves)],
            leaves,
            level: 0,
            filled: 0,
        }
    }

    /// Digests of the current layer.
    pub const fn rows(&self) -> usize {
        self.leaves >> self.level
    }

    /// Starts the states of this layer's rows.
    pub fn begin(&mut self) {
        let rows = self.rows();
        self.arena[..WIDTH * rows].fill(F::ZERO);
        self.filled = 0;
    }

    /// Makes rows of `leaves` the leaves of this tree: row `r` is row `pick(r)` of them.
    pub fn hash_leaves<B: Backend, L: Leaves>(
        &mut self,
        hasher: &Hasher<'_, B>,
        leaves: L,
        pick: impl Fn(usize) -> usize + Copy,
    ) {
        let leaves = core::iter::once(Picked { leaves, pick });
        let layer = &mut self.arena[..DIGEST * self.leaves];
        if self.leaves.is_multiple_of(B::P::WIDTH) {
            hash_leaves::<B, _>(hasher, leaves, layer);
        } else {
            hash_leaves::<ScalarBackend, _>(&hasher.scalar(), leaves, layer);
        }
    }

    /// Absorbs rows of columns of `stride` elements, the first at the start of each, into the states
    /// from `to` on; the next columns of these rows follow after [`Builder::advance`].
    pub fn absorb<B: Backend>(
        &mut self,
        hasher: &Hasher<'_, B>,
        columns: &[F],
        stride: usize,
        to: core::ops::Range<usize>,
    ) {
        if to.len().is_multiple_of(B::P::WIDTH) {
            self.absorb_rows::<B>(hasher, columns, stride, to);
        } else {
            self.absorb_rows::<ScalarBackend>(&hasher.scalar(), columns, stride, to);
        }
    }

    fn absorb_rows<B: Backend>(
        &mut self,
        hasher: &Hasher<'_, B>,
        columns: &[F],
        stride: usize,
        to: core::ops::Range<usize>,
    ) {
        let len = self.rows();
        let first = to.start;
        for row in to.step_by(B::P::WIDTH) {
            let mut state = load::<B::P>(self.arena, len, row);
            let mut filled = self.filled;
            let from = row - first;
            for column in columns.chunks_exact(stride) {
                state[filled] = *B::P::from_slice(&column[from..from + B::P::WIDTH]);
                filled += 1;
                if filled == DIGEST {
                    hasher.permute(&mut state);
                    filled = 0;
                }
            }
            for (i, value) in state.iter().enumerate() {
                store(*value, self.arena, i * len + row);
            }
        }
    }

    /// Says that all rows have absorbed `columns` more columns.
    pub const fn advance(&mut self, columns: usize) {
        self.filled = (self.filled + columns) % DIGEST;
    }

    /// Ends the states of this layer's rows: they are the leaves, or are injected.
    pub fn end<B: Backend>(&mut self, hasher: &Hasher<'_, B>) {
        if self.rows().is_multiple_of(B::P::WIDTH) {
            self.end_rows::<B>(hasher);
        } else {
            self.end_rows::<ScalarBackend>(&hasher.scalar());
        }
    }

    fn end_rows<B: Backend>(&mut self, hasher: &Hasher<'_, B>) {
        let len = self.rows();
        let layer = self.layer_start(self.level);
        for row in (0..len).step_by(B::P::WIDTH) {
            let mut state = load::<B::P>(self.arena, len, row);
            if self.filled > 0 {
                hasher.permute(&mut state);
            }
            if self.level > 0 {
                let (node, digest) = state.split_at_mut(DIGEST);
                digest.copy_from_slice(node);
                for (i, value) in node.iter_mut().enumerate() {
                    let at = layer + i * len + row;
                    *value = *B::P::from_slice(&self.arena[at..at + B::P::WIDTH]);
                }
                hasher.permute(&mut state);
            }
            for (i, value) in state[..DIGEST].iter().enumerate() {
                store(*value, self.arena, layer + i * len + row);
            }
        }
    }

    /// Goes up to the next layer.
    pub fn compress<B: Backend>(&mut self, hasher: &Hasher<'_, B>) {
        let rows = self.rows() / 2;
        let (below, above) = (
            self.layer_start(self.level),
            self.layer_start(self.level + 1),
        );
        let ranges = [
            below..below + 2 * DIGEST * rows,
            above..above + DIGEST * rows,
        ];
        let [below, above] = self
            .arena
            .get_disjoint_mut(ranges)
            .expect("neighbouring layers take turns");
        let none = core::iter::empty::<Matrix<'_>>();
        if rows.is_multiple_of(B::P::WIDTH) {
            compress_layer::<B, _>(hasher, below, none, above);
        } else {
            compress_layer::<ScalarBackend, _>(&hasher.scalar(), below, none, above);
        }
        self.level += 1;
    }

    /// The current layer, coordinate by coordinate.
    pub fn layer(&self) -> &[F] {
        let start = self.layer_start(self.level);
        &self.arena[start..start + DIGEST * self.rows()]
    }

    const fn layer_start(&self, level: usize) -> usize {
        if level == 0 {
            0
        } else if level % 2 == 1 {
            DIGEST * self.leaves
        } else {
            DIGEST * self.leaves + DIGEST * (self.leaves / 2)
        }
    }
}

/// Some rows of other leaves: row `r` is row `pick(r)` of them.
#[derive(Clone, Copy, Debug)]
struct Picked<L, M> {
    leaves: L,
    pick: M,
}

impl<L: Leaves, M: Fn(usize) -> usize + Copy> Leaves for Picked<L, M> {
    fn log_height(&self) -> usize {
        self.leaves.log_height()
    }

    fn width(&self) -> usize {
        self.leaves.width()
    }

    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(&self, column: usize, row: usize) -> P {
        P::from_fn(|lane| self.leaves.load::<F>(column, (self.pick)(row + lane)))
    }
}

#[inline]
fn load<P: PackedFieldPow2<Scalar = F>>(states: &[F], len: usize, row: usize) -> [P; WIDTH] {
    core::array::from_fn(|i| *P::from_slice(&states[i * len + row..i * len + row + P::WIDTH]))
}

#[inline]
fn store<P: PackedFieldPow2<Scalar = F>>(value: P, to: &mut [F], at: usize) {
    *P::from_slice_mut(&mut to[at..at + P::WIDTH]) = value;
}
