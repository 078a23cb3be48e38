//! The regions of [`Profile::Fast`](crate::shape::Profile::Fast): every extension and every digest stays.

use super::{Phase, RegionName, Regions};
use crate::D;
use crate::hash::tree::tree_len;
use crate::kernels::ntt::Twiddles;
use crate::shape::{BatchShape, Round};
use crate::steps::{argue, claims, quotient, reduce};

/// Field elements of the regions that depend on the tables one by one.
#[derive(Default)]
struct Sizes {
    preprocessed_trace: usize,
    preprocessed: usize,
    preprocessed_digests: usize,
    trace: usize,
    public_values: usize,
    main: usize,
    main_digests: usize,
    permutation: usize,
    permutation_digests: usize,
    argue_scratch: usize,
    quotient: usize,
    quotient_digests: usize,
    quotient_scratch: usize,
}

/// Places everything.
pub(super) fn regions(shape: BatchShape<'_>) -> Regions {
    use Phase::{Argue, Commit, Evaluate, Fold, Open, Quotient, Reduce};
    let (sizes, folds) = (Sizes::new(shape), shape.folds());
    let twiddles = Twiddles::len(shape.log_max_lde(), shape.lane_table_len());
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
            sizes.preprocessed_digests,
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
        (RegionName::MainDigests, sizes.main_digests, Commit, Open),
        (RegionName::Permutation, sizes.permutation, Argue, Open),
        (
            RegionName::PermutationDigests,
            sizes.permutation_digests,
            Argue,
            Open,
        ),
        (RegionName::Terminals, shape.terminals_len(), Argue, Open),
        (RegionName::ArgueScratch, sizes.argue_scratch, Argue, Argue),
        (RegionName::Quotient, sizes.quotient, Quotient, Open),
        (
            RegionName::QuotientDigests,
            sizes.quotient_digests,
            Quotient,
            Open,
        ),
        (
            RegionName::QuotientScratch,
            sizes.quotient_scratch,
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
    ] {
        regions.place(name, len, first, last);
    }
    regions
}

impl Sizes {
    fn new(shape: BatchShape<'_>) -> Self {
        let mut sizes = Self::default();
        let (mut tallest_preprocessed, mut tallest_permutation) = (None, None);
        for table in shape.tables() {
            let (layout, height) = (&table.layout, table.height());
            let (log_lde, lde) = (shape.log_lde(table), height << shape.log_blowup());
            sizes.trace += layout.main_width * height;
            sizes.public_values += layout.num_public_values;
            sizes.main += layout.main_width * lde;
            if layout.preprocessed_width > 0 {
                sizes.preprocessed_trace += layout.preprocessed_width * height;
                sizes.preprocessed += layout.preprocessed_width * lde;
                tallest_preprocessed = tallest_preprocessed.max(Some(log_lde));
            }
            if layout.has_lookups() {
                sizes.permutation += table.permutation_base_width() * lde;
                tallest_permutation = tallest_permutation.max(Some(log_lde));
                let scratch = argue::fast::scratch_len(table, shape.lanes());
                sizes.argue_scratch = sizes.argue_scratch.max(scratch);
            }
            sizes.quotient += table.num_chunks() * D * lde;
            let scratch = quotient::scratch_len(table, shape.lanes());
            sizes.quotient_scratch = sizes.quotient_scratch.max(scratch);
        }
        for group in shape.main_groups() {
            sizes.main_digests += tree_len(shape.log_leaves(Round::Main, &group));
        }
        sizes.preprocessed_digests = tallest_preprocessed.map_or(0, tree_len);
        sizes.permutation_digests = tallest_permutation.map_or(0, tree_len);
        sizes.quotient_digests = tree_len(shape.log_max_lde());
        sizes
    }
}
