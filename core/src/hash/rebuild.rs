//! The lowest layers of a tree, which were not kept, built again around the queries.
//!
//! Every kept digest above an opened leaf is a block: the rows below it are hashed again, some blocks
//! in a pass. With passes enough this takes little room, and with room enough one pass.

use core::num::NonZero;

use super::builder::arena_len;
use super::leaves::{Below, Leaves};
use super::paths::{Indices, walk_siblings};
use super::suite::{Hasher, Suite};
use super::tree::{DROPPED_LAYERS, climb, layers_len};
use crate::backend::Backend;
use crate::{DIGEST, F, workspace};

/// Columns that are gathered from their extensions and hashed at a time.
pub(crate) const STAGED: usize = DIGEST;

/// Layers of a tree of `2^log_leaves` leaves that are not kept when that of `2^log_kept` digests is.
pub(crate) fn dropped_layers(log_kept: usize, log_leaves: usize) -> usize {
    log_leaves.saturating_sub(log_kept).min(DROPPED_LAYERS)
}

/// What one pass of the open phase answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    num_queries: usize,
    log_kept: usize,
    lanes: usize,
    passes: NonZero<usize>,
    /// Queries whose rows it writes, at most.
    pub queries: usize,
}

impl Pass {
    /// One of `passes` passes over trees whose layers of `2^log_kept` digests are kept.
    pub fn new(num_queries: usize, log_kept: usize, lanes: usize, passes: NonZero<usize>) -> Self {
        Self {
            num_queries,
            log_kept,
            lanes,
            passes,
            queries: div_ceil(num_queries, passes),
        }
    }

    fn dropped_layers(&self, log_leaves: usize) -> usize {
        dropped_layers(self.log_kept, log_leaves)
    }

    /// Half the lanes: with a multiple of so many blocks every dropped layer is whole packed values.
    fn unit(&self) -> usize {
        (self.lanes / 2).max(1)
    }

    /// Numbers of the passes.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.passes.get()
    }

    /// Kept digests of a tree below which it rebuilds the dropped layers, at most.
    pub fn blocks(&self, log_leaves: usize) -> usize {
        let dropped = self.dropped_layers(log_leaves);
        let blocks = self.num_queries.min(1 << (log_leaves - dropped));
        div_ceil(blocks, self.passes).next_multiple_of(self.unit())
    }

    /// Leaves below those digests; none where nothing is dropped.
    fn leaves(&self, log_leaves: usize) -> usize {
        match self.dropped_layers(log_leaves) {
            0 => 0,
            dropped => self.blocks(log_leaves) << dropped,
        }
    }

    /// Words of the layers that [`collect_siblings`] hashes.
    pub fn layers_len(&self, log_leaves: usize) -> usize {
        layers_len(self.leaves(log_leaves))
    }

    /// States of the rows below those digests, of at most `width` elements a height.
    pub fn states_len<S: Suite>(&self, log_leaves: usize, width: usize) -> usize {
        arena_len::<S>(self.leaves(log_leaves), |_| width)
    }

    /// Those states, and the columns gathered for them.
    pub fn arena_len<S: Suite>(&self, log_leaves: usize, width: usize) -> usize {
        self.states_len::<S>(log_leaves, width) + STAGED * self.leaves(log_leaves)
    }

    /// Words of [`Self::siblings`] digests.
    pub fn siblings_len(&self, log_leaves: usize) -> usize {
        DIGEST * self.siblings(log_leaves)
    }

    /// Digests of the dropped layers that authentication paths contain, at most.
    pub fn siblings(&self, log_leaves: usize) -> usize {
        let of_layer = |layer| self.num_queries.min(1_usize << (log_leaves - layer - 1));
        let layers = 0..self.dropped_layers(log_leaves);
        layers.map(of_layer).sum()
    }
}

/// The siblings of the dropped layers for the opened `leaves`, which are distinct and ascending, from the rows of
/// all matrices of a tree, in as many passes as it takes. Its lists are off the stack when paths are written.
#[inline(never)]
pub(crate) fn collect_siblings<B: Backend, L: Leaves>(
    hasher: &impl Hasher<B>,
    matrices: impl Iterator<Item = L> + Clone,
    (pass, log_leaves): (&Pass, usize),
    leaves: &Indices,
    siblings: &mut [F],
    arena: &mut [F],
) {
    let arena = workspace::words_mut(arena);
    for number in pass.numbers() {
        let blocks = &Blocks::new(pass, log_leaves, leaves, number);
        if blocks.is_empty() {
            break;
        }
        let joining = |level: usize| {
            let of_height = matrices.clone();
            let of_height = of_height.filter(move |m| m.log_height() + level == log_leaves);
            of_height.map(move |leaves| Below {
                leaves,
                nodes: &blocks.ids,
                log_rows: blocks.dropped - level,
            })
        };
        let size = (blocks.leaves(), blocks.dropped - 1);
        climb::<B, _, _>(hasher, joining, size, arena, |level, layer| {
            blocks.collect(leaves, layer, level, siblings);
        });
    }
}

fn div_ceil(count: usize, parts: NonZero<usize>) -> usize {
    count / parts + usize::from(count % parts > 0)
}

/// Kept digests below which a pass rebuilds, ascending; filled up to whole packed values with the
/// last of them.
#[derive(Debug)]
pub(crate) struct Blocks {
    pub ids: Indices,
    /// How many of them differ.
    count: usize,
    /// log2 of the leaves below each.
    pub dropped: usize,
}

impl Blocks {
    /// The blocks of the pass number `number` for the opened `leaves`, which are distinct and ascending.
    pub fn new(pass: &Pass, log_leaves: usize, leaves: &Indices, number: usize) -> Self {
        let dropped = pass.dropped_layers(log_leaves);
        let most = pass.blocks(log_leaves);
        let ids = leaves.iter().map(|leaf| leaf >> dropped);
        let mut last = None;
        let distinct = ids.filter(|&id| last.replace(id) != Some(id));
        let mut ids: Indices = distinct.skip(number * most).take(most).collect();
        let count = if dropped == 0 { 0 } else { ids.len() };
        if count > 0 {
            let unit = pass.unit();
            let last = ids[count - 1];
            let len = count.next_multiple_of(unit);
            ids.resize(len, last).expect("a multiple of the lanes");
        }
        Self {
            ids,
            count,
            dropped,
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Leaves below all of them.
    pub fn leaves(&self) -> usize {
        self.ids.len() << self.dropped
    }

    /// Where node `index` of dropped layer `level` is among the rebuilt ones.
    fn position(&self, level: usize, index: usize) -> Option<usize> {
        let below = self.dropped - level;
        let id = (index >> below) as u32;
        let at = self.ids[..self.count].binary_search(&id).ok()?;
        Some((at << below) + (index & ((1 << below) - 1)))
    }

    /// Copies the siblings of layer `level` that are among the rebuilt ones, `layer`, into their places.
    pub fn collect(&self, leaves: &Indices, layer: &[u32], level: usize, siblings: &mut [F]) {
        let siblings = workspace::words_mut(siblings).as_chunks_mut::<DIGEST>().0;
        let rows = layer.len() / DIGEST;
        let mut next = 0;
        walk_siblings(&mut leaves.clone(), level + 1, |l, index| {
            if l == level
                && let Some(at) = self.position(level, index)
            {
                siblings[next] = core::array::from_fn(|i| layer[i * rows + at]);
            }
            next += 1;
        });
    }
}
