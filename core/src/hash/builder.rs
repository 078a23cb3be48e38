//! Merkle trees from columns that come one after another: a state for each row.
//!
//! Matrices of one height are absorbed column by column into the states of that height, which end as
//! digests; these are the leaves, or are injected into the layer as long as they are many. States and
//! layers are stored word by word. The arena holds the states of the leaves first, whose first words
//! become layer 0; afterwards states of lower heights in its lower part, and two layers by turns in its
//! upper one.

use core::ops::Range;

use super::leaves::Matrix;
use super::suite::{Hasher, States, Suite};
use super::tree;
use crate::backend::{Backend, packs};
use crate::parts::{part, part_mut, split_mut};
use crate::workspace::words_mut;
use crate::{DIGEST, F};

/// Words of the arena of a tree of `leaves` leaves, whose rows have at most `width(level)` elements at the height of
/// each level; zero where none has rows.
pub(crate) fn arena_len<S: Suite>(leaves: usize, width: impl Fn(usize) -> usize) -> usize {
    let layers = DIGEST * (leaves / 2) + DIGEST * (leaves / 4);
    let states = S::state_words(width(0)) * leaves;
    states.max(upper_start::<S>(leaves, width) + layers)
}

/// Where layers take turns: above layer 0, and above the states of every lower height.
fn upper_start<S: Suite>(leaves: usize, width: impl Fn(usize) -> usize) -> usize {
    let levels = leaves.checked_ilog2().unwrap_or(0) as usize;
    let lower = (1..=levels).filter_map(|level| {
        let width = width(level);
        (width > 0).then(|| S::state_words(width) * (leaves >> level))
    });
    lower.fold(DIGEST * leaves, usize::max)
}

/// A tree that grows from its leaves up.
#[derive(Debug)]
pub(crate) struct Builder<'w> {
    arena: &'w mut [u32],
    /// Where layers take turns.
    upper: usize,
    leaves: usize,
    level: usize,
    /// Words of a state of this height.
    state_words: usize,
    /// Elements that it absorbs.
    width: usize,
    /// Elements that they have absorbed.
    absorbed: usize,
}

impl<'w> Builder<'w> {
    /// A tree in the first [`arena_len`] elements of `arena`; `leaves` halves evenly as often as
    /// it is compressed. `width` is that of [`arena_len`].
    pub fn new<B: Backend, H: Hasher<B>>(
        _hasher: &H,
        arena: &'w mut [F],
        leaves: usize,
        width: impl Fn(usize) -> usize + Copy,
    ) -> Self {
        let len = arena_len::<H::Suite>(leaves, width);
        Self {
            arena: words_mut(part_mut(arena, 0..len)),
            upper: upper_start::<H::Suite>(leaves, width),
            leaves,
            level: 0,
            state_words: 0,
            width: 0,
            absorbed: 0,
        }
    }

    /// Digests of the current layer.
    pub const fn rows(&self) -> usize {
        self.leaves >> self.level
    }

    /// The states of this layer's rows, and the digests that they are injected into above the leaves.
    fn states(&mut self) -> (States<'_>, &mut [u32]) {
        let (rows, start) = (self.rows(), self.layer_start(self.level));
        let (states, rest) = split_mut(self.arena, self.state_words * rows);
        let layer = match self.level {
            0 => &mut [],
            _ => {
                let start = start - states.len();
                part_mut(rest, start..start + DIGEST * rows)
            }
        };
        let states = States {
            words: states,
            rows,
            width: self.width,
            absorbed: self.absorbed,
        };
        (states, layer)
    }

    /// Starts the states of this layer's rows, which have `width` elements.
    pub fn begin<B: Backend, H: Hasher<B>>(&mut self, hasher: &H, width: usize) {
        (self.width, self.absorbed) = (width, 0);
        self.state_words = H::Suite::state_words(width);
        hasher.start(self.states().0.words);
    }

    /// Absorbs rows of columns of `stride` elements, the first at the start of each, into the states
    /// from `to` on; the next columns of these rows follow after [`Builder::advance`].
    pub fn absorb<B: Backend>(
        &mut self,
        hasher: &impl Hasher<B>,
        columns: &[F],
        stride: usize,
        to: Range<usize>,
    ) {
        let (mut states, _) = self.states();
        if packs::<B>(to.len()) {
            hasher.absorb(&mut states, columns, stride, to);
        } else {
            hasher.scalar().absorb(&mut states, columns, stride, to);
        }
    }

    /// Says that all rows have absorbed `columns` more columns.
    pub const fn advance(&mut self, columns: usize) {
        self.absorbed += columns;
    }

    /// Ends the states of this layer's rows: they are the leaves, or are injected.
    pub fn end<B: Backend>(&mut self, hasher: &impl Hasher<B>) {
        let level = self.level;
        let (mut states, layer) = self.states();
        match (packs::<B>(states.rows), level) {
            (true, 0) => hasher.end(&mut states),
            (true, _) => hasher.inject(&mut states, layer),
            (false, 0) => hasher.scalar().end(&mut states),
            (false, _) => hasher.scalar().inject(&mut states, layer),
        }
    }

    /// Goes up to the next layer.
    pub fn compress<B: Backend>(&mut self, hasher: &impl Hasher<B>) {
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
        tree::compress::<B, _>(hasher, below, none, above);
        self.level += 1;
    }

    /// The current layer, word by word.
    pub fn layer(&self) -> &[u32] {
        let start = self.layer_start(self.level);
        part(self.arena, start..start + DIGEST * self.rows())
    }

    fn layer_start(&self, level: usize) -> usize {
        match level {
            0 => 0,
            _ if level % 2 == 1 => self.upper,
            _ => self.upper + DIGEST * (self.leaves / 2),
        }
    }
}
