//! The regions of [`Profile::Compact`](crate::shape::Profile::Compact).
//!
//! What stays are traces on their own domains, accumulators until they are in the reduced codewords, quotient
//! chunks, reduced and folded codewords as coefficients, and the digests of every tree from layer
//! [`DROPPED_LAYERS`](crate::hash::tree::DROPPED_LAYERS) up. On top of that each phase has one scratch region.
//! Three of those hold permutation columns, as many as there is room for; with all of them at once a phase walks
//! the table once, else once a group.
//!
//! Trees are hashed block by block of the extension, each with its columns on the coset of the block. Permutation columns
//! pass by: each row has a state meanwhile. The rows of all blocks have one at once where that is no more than other
//! phases need; else the columns are made anew for each block.
//!
//! CommittedMatrix rows leave in the order of the queries, so a pass of the open phase has
//! `queries / passes * columns` elements for rows and `min(queries * 2^d, leaves) / passes` sponge
//! states of rows whose digests were dropped, `d` layers of them.

use super::{Phase, RegionName, Regions};
use crate::D;
use crate::hash::Suite;
use crate::kernels::ntt::Twiddles;
use crate::shape::{BatchShape, Round};
use crate::steps::trees::{block_scratch_len, states_len};
use crate::steps::{argue, claims, quotient, reduce};

/// Passes of the open phase, at most, where no budget asks for more.
const MAX_PASSES: usize = 4;
/// Passes of the open phase, at most. More of them would save little: siblings are those of all passes.
const MOST_PASSES: usize = 32;
/// The part of the `Fast` workspace up to which memory is traded for time.
const FAST_SHARE: (usize, usize) = (3, 10);
/// How `Compact` divides what it has not enough room for at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    /// Field elements for permutation columns in the argue phase.
    pub argue: usize,
    /// Blocks of an extension whose rows have states at once there: all, or one.
    pub argue_blocks: usize,
    /// The same in the quotient phase.
    pub quotient: usize,
    /// The same in the open phase.
    pub open: usize,
    /// Passes of the open phase.
    pub passes: usize,
}

/// Divides the room so that the workspace has few elements, but as many as [`FAST_SHARE`] of `fast`, and
/// places everything. Where that is more than `budget` elements, queries are answered in as many more passes
/// as it takes to have no more, up to [`MOST_PASSES`]. In so many elements a phase walks a table as seldom as it can.
pub(super) fn regions<S: Suite>(
    shape: BatchShape<'_>,
    fast: usize,
    budget: usize,
) -> (Room, Regions) {
    let least = one_column(shape);
    let mut room = Room {
        argue: least,
        argue_blocks: 1,
        quotient: least,
        open: least,
        passes: MAX_PASSES,
    };
    let end = |room: &Room| place::<S>(shape, room).len();
    let target = end(&room).max(fast * FAST_SHARE.0 / FAST_SHARE.1);
    let target = target.min(budget);
    room.passes = 1;
    while end(&room) > target && room.passes < MOST_PASSES {
        room.passes *= 2;
    }
    let fits = |room: &Room| end(room) <= target;
    let all_blocks = Room {
        argue_blocks: 1 << shape.log_blowup(),
        ..room
    };
    if fits(&all_blocks) {
        room = all_blocks;
    }
    let lookups = shape.tables().iter().filter(|t| t.layout.has_lookups());
    let columns = lookups.map(|t| D * t.height() * (1 + t.layout.num_columns));
    let most = columns.max().unwrap_or(0);
    let phases: [fn(&mut Room, usize); 3] = [
        |room, len| room.argue = len,
        |room, len| room.quotient = len,
        |room, len| room.open = len,
    ];
    for set in phases {
        let lens = (1..).map(|walks| most.div_ceil(walks));
        let rooms = lens.take_while(|&len| len > least).map(|len| {
            let mut larger = room;
            set(&mut larger, len);
            larger
        });
        room = rooms.clone().find(fits).unwrap_or(room);
    }
    (room, place::<S>(shape, &room))
}

/// Field elements of one permutation column of the tallest table that has some.
fn one_column(shape: BatchShape<'_>) -> usize {
    let lookups = shape.tables().iter().filter(|t| t.layout.has_lookups());
    lookups.map(|t| D * t.height()).max().unwrap_or(0)
}

/// Places everything.
pub(super) fn place<S: Suite>(shape: BatchShape<'_>, room: &Room) -> Regions {
    use Phase::{Argue, Commit, Evaluate, Fold, Open, Quotient, Reduce};
    let log_column = shape.log_max_height();
    let twiddles = Twiddles::len(log_column, shape.lane_table_len());
    let home = |round| -> usize {
        let matrices = shape.round(round);
        matrices.map(|m| m.home(shape.log_blowup()).len()).sum()
    };
    let digests = |round| shape.digests_len(round);
    let public = shape
        .tables()
        .iter()
        .map(|t| t.layout.num_public_values)
        .sum();
    let folds = shape.folds();
    let block = |round| block_scratch_len(shape, round);
    let mut regions = Regions::default();
    for (name, len, first, last) in [
        (RegionName::Twiddles, twiddles, Commit, Open),
        (
            RegionName::PreprocessedTrace,
            home(Round::Preprocessed),
            Commit,
            Open,
        ),
        (
            RegionName::PreprocessedDigests,
            digests(Round::Preprocessed),
            Commit,
            Open,
        ),
        (RegionName::Trace, home(Round::Main), Commit, Open),
        (RegionName::PublicValues, public, Commit, Open),
        (RegionName::MainDigests, digests(Round::Main), Commit, Open),
        (
            RegionName::CommitScratch,
            block(Round::Main).max(block(Round::Preprocessed)),
            Commit,
            Commit,
        ),
        (
            RegionName::PermutationDigests,
            digests(Round::Permutation),
            Argue,
            Open,
        ),
        (RegionName::Terminals, shape.terminals_len(), Argue, Open),
        (
            RegionName::ArgueScratch,
            argue_scratch::<S>(shape, room),
            Argue,
            Argue,
        ),
        (RegionName::Quotient, home(Round::Quotient), Quotient, Open),
        (
            RegionName::QuotientDigests,
            digests(Round::Quotient),
            Quotient,
            Open,
        ),
        (
            RegionName::QuotientScratch,
            (quotient::compact::work_len(shape) + room.quotient).max(block(Round::Quotient)),
            Quotient,
            Quotient,
        ),
        (RegionName::Codewords, folds.codewords_len(), Reduce, Open),
        (RegionName::Folded, folds.folded_len(), Fold, Open),
        (RegionName::FoldedDigests, folds.digests_len(), Fold, Open),
        (RegionName::Openings, shape.openings_len(), Evaluate, Reduce),
        (
            RegionName::EvaluateScratch,
            claims::compact::scratch_len(shape),
            Evaluate,
            Evaluate,
        ),
        (
            RegionName::ReduceScratch,
            reduce::compact::scratch_len(shape),
            Reduce,
            Reduce,
        ),
        (
            RegionName::FoldScratch,
            folds.commit_scratch_len(),
            Fold,
            Fold,
        ),
        (
            RegionName::OpenScratch,
            open_scratch::<S>(shape, room),
            Open,
            Open,
        ),
        // Behind all else, so that what they leave lies together with what is free there.
        (
            RegionName::Accumulators,
            home(Round::Permutation),
            Argue,
            Reduce,
        ),
    ] {
        regions.place(name, len, first, last);
    }
    regions
}

fn argue_scratch<S: Suite>(shape: BatchShape<'_>, room: &Room) -> usize {
    let trees = shape.groups(Round::Permutation);
    let states = trees.map(|group| {
        let of = (Round::Permutation, &group);
        states_len::<S>(shape, of, room.argue_blocks)
    });
    let states = states.max().unwrap_or(0);
    argue::fractions::generator_len(shape) + states + room.argue
}

fn open_scratch<S: Suite>(shape: BatchShape<'_>, room: &Room) -> usize {
    let folds = shape.folds().open_scratch_len(&shape.pass(room.passes));
    folds.max(input_scratch::<S>(shape, room))
}

/// Rows, siblings, states, permutation columns with accumulators, and room to move one coordinate of them.
fn input_scratch<S: Suite>(shape: BatchShape<'_>, room: &Room) -> usize {
    let pass = shape.pass(room.passes);
    let rounds = Round::ALL.into_iter();
    let (mut rows, mut siblings, mut arena) = (0, 0, 0);
    for round in rounds {
        rows = rows.max(pass.queries * shape.row_width(round));
        let mut of_round = 0;
        for group in shape.groups(round) {
            let log_leaves = shape.log_leaves(round, &group);
            of_round += pass.siblings_len(log_leaves);
            arena = arena.max(pass.arena_len::<S>(log_leaves, shape.leaf_width(round, &group)));
        }
        siblings = siblings.max(of_round);
    }
    let spare = one_column(shape) / D;
    rows + siblings + arena + argue::fractions::generator_len(shape) + spare + room.open
}
