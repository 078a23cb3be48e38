//! The regions of [`Profile::Fast`](crate::shape::Profile::Fast): every extension stays.
//!
//! So do the digests of every tree, but for the lowest layers of a large one: as many as leave 32 digests for each query
//! in the lowest that stays, [`DROPPED_LAYERS`](crate::hash::tree::DROPPED_LAYERS) at most. They pass by in a scratch
//! of each phase that commits, and those on the paths of the queries are hashed again.

use super::{Phase, RegionName, Regions};
use crate::D;
use crate::hash::tree::commit_arena_len;
use crate::kernels::ntt::Twiddles;
use crate::shape::{BatchShape, Round};
use crate::steps::{argue, claims, quotient, reduce};

/// Field elements of the regions that depend on the tables one by one.
#[derive(Default)]
struct Sizes {
    preprocessed_trace: usize,
    preprocessed: usize,
    trace: usize,
    public_values: usize,
    main: usize,
    permutation: usize,
    argue_scratch: usize,
    quotient: usize,
    quotient_scratch: usize,
}

/// Places everything.
pub(super) fn regions(shape: BatchShape<'_>) -> Regions {
    use Phase::{Argue, Commit, Evaluate, Fold, Open, Quotient, Reduce};
    let (sizes, folds) = (Sizes::new(shape), shape.folds());
    let twiddles = Twiddles::len(shape.log_max_lde(), shape.lane_table_len());
    let digests = |round| shape.digests_len(round);
    let layers = |round| {
        let trees = shape.groups(round);
        let lens = trees.map(|group| {
            let log_leaves = shape.log_leaves(round, &group);
            commit_arena_len(log_leaves, shape.dropped_layers(log_leaves))
        });
        lens.fold(0, usize::max)
    };
    let commit_scratch = layers(Round::Main).max(layers(Round::Preprocessed));
    let mut regions = Regions::default();
    for (name, len, first, last) in [
        (RegionName::Twiddles, twiddles, Commit, Open),
        (
            RegionName::PreprocessedTrace,
            sizes.preprocessed_trace,
            Commit,
            Open,
        ),
        (RegionName::Preprocessed, sizes.preprocessed, Commit, Open),
        (
            RegionName::PreprocessedDigests,
            digests(Round::Preprocessed),
            Commit,
            Open,
        ),
        (RegionName::Trace, sizes.trace, Commit, Argue),
        (
            RegionName::PublicValues,
            sizes.public_values,
            Commit,
            Quotient,
        ),
        (RegionName::Main, sizes.main, Commit, Open),
        (RegionName::MainDigests, digests(Round::Main), Commit, Open),
        (RegionName::CommitScratch, commit_scratch, Commit, Commit),
        (RegionName::Permutation, sizes.permutation, Argue, Open),
        (
            RegionName::PermutationDigests,
            digests(Round::Permutation),
            Argue,
            Open,
        ),
        (RegionName::Terminals, shape.terminals_len(), Argue, Open),
        (
            RegionName::ArgueScratch,
            sizes.argue_scratch.max(layers(Round::Permutation)),
            Argue,
            Argue,
        ),
        (RegionName::Quotient, sizes.quotient, Quotient, Open),
        (
            RegionName::QuotientDigests,
            digests(Round::Quotient),
            Quotient,
            Open,
        ),
        (
            RegionName::QuotientScratch,
            sizes.quotient_scratch.max(layers(Round::Quotient)),
            Quotient,
            Quotient,
        ),
        (RegionName::Openings, shape.openings_len(), Evaluate, Reduce),
        (
            RegionName::EvaluateScratch,
            claims::fast::scratch_len(shape),
            Evaluate,
            Evaluate,
        ),
        (RegionName::Codewords, folds.codewords_len(), Reduce, Open),
        (
            RegionName::ReduceScratch,
            reduce::fast::scratch_len(shape),
            Reduce,
            Reduce,
        ),
        (RegionName::Folded, folds.folded_len(), Fold, Open),
        (RegionName::FoldedDigests, folds.digests_len(), Fold, Open),
        (
            RegionName::FoldScratch,
            folds.commit_scratch_len(),
            Fold,
            Fold,
        ),
        (RegionName::OpenScratch, open_scratch(shape), Open, Open),
    ] {
        regions.place(name, len, first, last);
    }
    regions
}

/// Siblings and layers of the trees that are opened at a time.
fn open_scratch(shape: BatchShape<'_>) -> usize {
    let pass = shape.pass(1);
    let rounds = Round::ALL.into_iter().map(|round| {
        let trees = || {
            let groups = shape.groups(round);
            groups.map(move |group| shape.log_leaves(round, &group))
        };
        let siblings: usize = trees()
            .map(|log_leaves| pass.siblings_len(log_leaves))
            .sum();
        let layers = trees().map(|log_leaves| pass.layers_len(log_leaves));
        siblings + layers.fold(0, usize::max)
    });
    rounds.fold(shape.folds().open_scratch_len(&pass), usize::max)
}

impl Sizes {
    fn new(shape: BatchShape<'_>) -> Self {
        let mut sizes = Self::default();
        for table in shape.tables() {
            let (layout, height) = (&table.layout, table.height());
            let lde = height << shape.log_blowup();
            sizes.trace += layout.main_width * height;
            sizes.public_values += layout.num_public_values;
            sizes.main += layout.main_width * lde;
            if layout.preprocessed_width > 0 {
                sizes.preprocessed_trace += layout.preprocessed_width * height;
                sizes.preprocessed += layout.preprocessed_width * lde;
            }
            if layout.has_lookups() {
                sizes.permutation += table.permutation_base_width() * lde;
                let scratch = argue::fast::scratch_len(table, shape.lanes());
                sizes.argue_scratch = sizes.argue_scratch.max(scratch);
            }
            sizes.quotient += table.num_chunks() * D * lde;
            let scratch = quotient::scratch_len(table, shape.lanes());
            sizes.quotient_scratch = sizes.quotient_scratch.max(scratch);
        }
        sizes
    }
}
