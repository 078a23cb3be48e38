//! The regions of [`Profile::Compact`](super::Profile::Compact).
//!
//! What stays are traces on their own domains, accumulators, quotient chunks, reduced and folded
//! codewords as coefficients, and the digests of every tree from layer [`DROPPED_LAYERS`] up. On top
//! of that each phase has one scratch region. Three of those hold permutation columns, as many as
//! there is room for; with all of them at once a phase walks the table once, else once a group.
//!
//! Opened rows leave in the order of the queries, so a pass of the open phase has
//! `queries / passes * columns` elements for rows and `min(queries * 2^d, leaves) / passes` sponge
//! states of rows whose digests were dropped, `d` layers of them.

use super::{D, DIGEST, Name, Phase, Plan, Regions, Round, TablePlan};
use crate::Params;
use crate::compact::{claims, fractions, hash};
use crate::ntt::Twiddles;
use crate::plan::fast::openings_len;
use crate::quotient;

/// Layers of a tree that are computed again around the queries, at most.
const DROPPED_LAYERS: usize = 4;
/// Passes of the open phase, at most.
const MAX_PASSES: usize = 4;
/// The part of the `Fast` workspace up to which memory is traded for time.
const FAST_SHARE: (usize, usize) = (1, 4);
/// Leaves of a folded codeword that are hashed at a time.
pub(crate) const FOLD_BLOCK: usize = 1 << 10;
/// Columns that are gathered from their extensions and hashed at a time.
pub(crate) const STAGED: usize = DIGEST;

/// How `Compact` divides what it has not enough room for at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    /// Field elements for permutation columns in the argue phase.
    pub argue: usize,
    /// The same in the quotient phase.
    pub quotient: usize,
    /// The same in the open phase.
    pub open: usize,
    /// Passes of the open phase.
    pub passes: usize,
}

/// Layers of a tree of `2^log_leaves` leaves that are not kept.
///
/// The cap is kept, and the leaves below a kept digest are of one coset.
pub(super) fn dropped_layers(params: &Params, log_leaves: usize) -> usize {
    let kept = params.cap_height.max(params.log_blowup) as usize;
    log_leaves.saturating_sub(kept).min(DROPPED_LAYERS)
}

/// Divides the room so that the workspace has few elements, but as many as a quarter of `fast`, and
/// places everything.
pub(super) fn regions<const N: usize>(plan: &Plan<N>, fast: usize) -> (Room, Regions) {
    let lookups = || plan.tables.iter().filter(|t| t.layout.has_lookups());
    let one = |table: &TablePlan| D * table.height();
    let least = lookups().map(one).max().unwrap_or(0);
    let most = lookups().map(|t| one(t) * t.layout.num_columns).max();
    let most = most.unwrap_or(0);
    let mut room = Room {
        argue: least,
        quotient: least,
        open: least,
        passes: MAX_PASSES,
    };
    let end = |room: &Room| place(plan, room).len();
    let target = end(&room).max(fast * FAST_SHARE.0 / FAST_SHARE.1);
    room.passes = 1;
    while end(&room) > target {
        room.passes *= 2;
    }
    let regions = place(plan, &room);
    let columns = |name, fixed: usize| {
        let left = target - regions.get(name).offset;
        left.saturating_sub(fixed).clamp(least, most)
    };
    let none = Room {
        passes: room.passes,
        ..Room::default()
    };
    room.argue = columns(Name::ArgueScratch, argue_scratch(plan, &none));
    room.quotient = columns(Name::QuotientScratch, quotient_work(plan));
    room.open = columns(Name::OpenScratch, input_scratch(plan, &none));
    (room, place(plan, &room))
}

fn place<const N: usize>(plan: &Plan<N>, room: &Room) -> Regions {
    use Phase::{Argue, Commit, Evaluate, Fold, Open, Quotient, Reduce};
    let log_column = plan.log_max_height();
    let twiddles = Twiddles::len(log_column, log_column, plan.lanes);
    let home = |round| -> usize {
        let matrices = plan.round(round);
        matrices.map(|m| m.home(plan.log_blowup()).len()).sum()
    };
    let digests = |round| -> usize {
        let trees = plan.groups(round);
        trees
            .map(|group| plan.tree_len(plan.log_leaves(round, &group)))
            .sum()
    };
    let public = plan.tables.iter().map(|t| t.layout.num_public_values).sum();
    let heights = (0..=plan.log_max_lde()).filter(|&h| plan.has_log_lde(h));
    let polynomials = heights.map(|h| D << (h - plan.log_blowup())).sum();
    let (mut folded, mut folded_digests) = (0, 0);
    let mut log_height = plan.log_max_lde();
    for &log_arity in &plan.log_arities {
        log_height -= log_arity as usize;
        folded += D << (log_height - plan.log_blowup());
        folded_digests += plan.tree_len(log_height);
    }
    let main_arena = arena(plan, Round::Main).max(arena(plan, Round::Preprocessed));
    let mut regions = Regions::default();
    for (name, len, first, last) in [
        (Name::Twiddles, twiddles, Commit, Open),
        (
            Name::PreprocessedTrace,
            home(Round::Preprocessed),
            Commit,
            Open,
        ),
        (
            Name::PreprocessedDigests,
            digests(Round::Preprocessed),
            Commit,
            Open,
        ),
        (Name::Trace, home(Round::Main), Commit, Open),
        (Name::PublicValues, public, Commit, Open),
        (Name::MainDigests, digests(Round::Main), Commit, Open),
        (Name::CommitScratch, main_arena, Commit, Commit),
        (Name::Accumulators, home(Round::Permutation), Argue, Open),
        (
            Name::PermutationDigests,
            digests(Round::Permutation),
            Argue,
            Open,
        ),
        (Name::ArgueScratch, argue_scratch(plan, room), Argue, Argue),
        (Name::Quotient, home(Round::Quotient), Quotient, Open),
        (
            Name::QuotientDigests,
            digests(Round::Quotient),
            Quotient,
            Open,
        ),
        (
            Name::QuotientScratch,
            (quotient_work(plan) + room.quotient).max(arena(plan, Round::Quotient)),
            Quotient,
            Quotient,
        ),
        (Name::Codewords, polynomials, Reduce, Open),
        (Name::Folded, folded, Fold, Open),
        (Name::FoldedDigests, folded_digests, Fold, Open),
        (Name::Openings, openings_len(plan), Evaluate, Reduce),
        (
            Name::EvaluateScratch,
            claims::evaluate_scratch_len(plan),
            Evaluate,
            Evaluate,
        ),
        (
            Name::ReduceScratch,
            claims::reduce_scratch_len(plan),
            Reduce,
            Reduce,
        ),
        (Name::FoldScratch, fold_scratch(plan), Fold, Fold),
        (Name::OpenScratch, open_scratch(plan, room), Open, Open),
    ] {
        regions.place(name, len, first, last);
    }
    regions
}

/// Sponge states of the largest tree of a round.
fn arena<const N: usize>(plan: &Plan<N>, round: Round) -> usize {
    let trees = plan.groups(round);
    let arenas = trees.map(|group| hash::arena_len(1 << plan.log_leaves(round, &group)));
    arenas.max().unwrap_or(0)
}

/// What generating permutation columns takes besides the columns.
pub(crate) fn generator_len<const N: usize>(plan: &Plan<N>) -> usize {
    let lookups = plan.tables.iter().filter(|t| t.layout.has_lookups());
    let scratch = lookups.map(|t| fractions::scratch_len(t, plan.lanes));
    scratch.max().unwrap_or(0)
}

fn argue_scratch<const N: usize>(plan: &Plan<N>, room: &Room) -> usize {
    generator_len(plan) + arena(plan, Round::Permutation) + room.argue
}

/// What quotients take besides permutation columns; the generator's scratch is used before.
pub(crate) fn quotient_work<const N: usize>(plan: &Plan<N>) -> usize {
    let scratch = plan.tables.iter();
    let scratch = scratch.map(|t| quotient::scratch_len(t, plan.lanes));
    scratch.max().unwrap_or(0).max(generator_len(plan))
}

fn fold_scratch<const N: usize>(plan: &Plan<N>) -> usize {
    let log_codeword = plan.log_max_lde();
    (D << log_codeword) + hash::arena_len(FOLD_BLOCK.min(1 << log_codeword))
}

fn open_scratch<const N: usize>(plan: &Plan<N>, room: &Room) -> usize {
    let log_codeword = plan.log_max_lde();
    let pass = Pass::new(plan, room.passes);
    let log_leaves = log_codeword - plan.log_arities.first().map_or(0, |&a| a as usize);
    let folds = (D << log_codeword) + pass.siblings_len(log_leaves) + pass.arena_len(log_leaves);
    folds.max(input_scratch(plan, room))
}

/// Rows, siblings, states, and permutation columns.
fn input_scratch<const N: usize>(plan: &Plan<N>, room: &Room) -> usize {
    let pass = Pass::new(plan, room.passes);
    let rounds = Round::ALL.into_iter();
    let (mut rows, mut siblings, mut arena) = (0, 0, 0);
    for round in rounds {
        rows = rows.max(pass.queries * plan.row_width(round));
        let mut of_round = 0;
        for group in plan.groups(round) {
            let log_leaves = plan.log_leaves(round, &group);
            of_round += pass.siblings_len(log_leaves);
            arena = arena.max(pass.arena_len(log_leaves));
        }
        siblings = siblings.max(of_round);
    }
    rows + siblings + arena + generator_len(plan) + room.open
}

/// What one pass of the open phase answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    params: Params,
    lanes: usize,
    passes: usize,
    /// Queries whose rows it writes, at most.
    pub queries: usize,
}

impl Pass {
    fn new<const N: usize>(plan: &Plan<N>, passes: usize) -> Self {
        Self {
            params: plan.params,
            lanes: plan.lanes,
            passes,
            queries: (plan.params.num_queries as usize).div_ceil(passes),
        }
    }

    /// Kept digests of a tree below which it rebuilds the dropped layers, at most: a multiple of
    /// half the lanes, so that every dropped layer is whole packed values.
    pub fn blocks(&self, log_leaves: usize) -> usize {
        let dropped = dropped_layers(&self.params, log_leaves);
        let blocks = (self.params.num_queries as usize).min(1 << (log_leaves - dropped));
        let unit = (self.lanes / 2).max(1);
        blocks.div_ceil(self.passes).next_multiple_of(unit)
    }

    /// Sponge states of the rows below those digests, and the columns gathered for them.
    pub fn arena_len(&self, log_leaves: usize) -> usize {
        let rows = self.blocks(log_leaves) << dropped_layers(&self.params, log_leaves);
        hash::arena_len(rows) + STAGED * rows
    }

    /// Digests of the dropped layers that authentication paths contain, at most.
    pub fn siblings_len(&self, log_leaves: usize) -> usize {
        let of_layer =
            |layer| (self.params.num_queries as usize).min(1_usize << (log_leaves - layer - 1));
        let layers = 0..dropped_layers(&self.params, log_leaves);
        DIGEST * layers.map(of_layer).sum::<usize>()
    }
}

impl<const N: usize> Plan<N> {
    /// What one pass of the open phase answers.
    pub(crate) fn pass(&self) -> Pass {
        Pass::new(self, self.room.passes)
    }

    /// Elements of all rows that one query opens in a round.
    pub(crate) fn row_width(&self, round: Round) -> usize {
        self.round(round).map(|matrix| matrix.width).sum()
    }
}
