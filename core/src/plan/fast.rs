//! The regions of [`Profile::Fast`](super::Profile::Fast): every extension and every digest stays.

use super::{D, Name, Phase, Plan, Regions, tree_len};
use crate::ntt::Twiddles;

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
    codewords: usize,
    folded: usize,
    folded_digests: usize,
}

/// Places everything.
pub(super) fn regions<const N: usize>(plan: &Plan<N>) -> Regions {
    use Phase::{Argue, Commit, Evaluate, Fold, Open, Quotient, Reduce};
    let sizes = Sizes::new(plan);
    let twiddles = Twiddles::len(plan.log_max_lde(), plan.log_max_height(), plan.lanes);
    let mut regions = Regions::default();
    for (name, len, first, last) in [
        (Name::Twiddles, twiddles, Commit, Open),
        (
            Name::PreprocessedTrace,
            sizes.preprocessed_trace,
            Commit,
            Open,
        ),
        (Name::Preprocessed, sizes.preprocessed, Commit, Open),
        (
            Name::PreprocessedDigests,
            sizes.preprocessed_digests,
            Commit,
            Open,
        ),
        (Name::Trace, sizes.trace, Commit, Argue),
        (Name::PublicValues, sizes.public_values, Commit, Quotient),
        (Name::Main, sizes.main, Commit, Open),
        (Name::MainDigests, sizes.main_digests, Commit, Open),
        (Name::Permutation, sizes.permutation, Argue, Open),
        (
            Name::PermutationDigests,
            sizes.permutation_digests,
            Argue,
            Open,
        ),
        (Name::ArgueScratch, sizes.argue_scratch, Argue, Argue),
        (Name::Quotient, sizes.quotient, Quotient, Open),
        (
            Name::QuotientDigests,
            sizes.quotient_digests,
            Quotient,
            Open,
        ),
        (
            Name::QuotientScratch,
            sizes.quotient_scratch,
            Quotient,
            Quotient,
        ),
        (Name::Openings, openings_len(plan), Evaluate, Reduce),
        (
            Name::EvaluateScratch,
            crate::evaluate::scratch_len(plan),
            Evaluate,
            Evaluate,
        ),
        (Name::Codewords, sizes.codewords, Reduce, Open),
        (
            Name::ReduceScratch,
            crate::reduce::scratch_len(plan),
            Reduce,
            Reduce,
        ),
        (Name::Folded, sizes.folded, Fold, Open),
        (Name::FoldedDigests, sizes.folded_digests, Fold, Open),
    ] {
        regions.place(name, len, first, last);
    }
    regions
}

/// Field elements of all claimed openings.
pub(super) fn openings_len<const N: usize>(plan: &Plan<N>) -> usize {
    plan.opened().map(|m| D * m.width * m.points()).sum()
}

impl Sizes {
    fn new<const N: usize>(plan: &Plan<N>) -> Self {
        let mut sizes = Self::default();
        let (mut tallest_preprocessed, mut tallest_permutation) = (None, None);
        for (t, table) in plan.tables.iter().enumerate() {
            let (layout, height) = (&table.layout, table.height());
            let (log_lde, lde) = (plan.log_lde(t), height << plan.log_blowup());
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
                let scratch = crate::logup::scratch_len(table, plan.lanes);
                sizes.argue_scratch = sizes.argue_scratch.max(scratch);
            }
            sizes.quotient += table.num_chunks() * D * lde;
            let scratch = crate::quotient::scratch_len(table, plan.lanes);
            sizes.quotient_scratch = sizes.quotient_scratch.max(scratch);
        }
        for group in plan.main_groups() {
            let tallest = group.map(|t| plan.log_lde(t)).max().unwrap_or(0);
            sizes.main_digests += tree_len(tallest);
        }
        sizes.preprocessed_digests = tallest_preprocessed.map_or(0, tree_len);
        sizes.permutation_digests = tallest_permutation.map_or(0, tree_len);
        sizes.quotient_digests = tree_len(plan.log_max_lde());
        let heights = (0..=plan.log_max_lde()).filter(|&h| plan.has_log_lde(h));
        sizes.codewords = heights.map(|h| D << h).sum();
        let mut log_height = plan.log_max_lde();
        for &log_arity in &plan.log_arities {
            log_height -= log_arity as usize;
            sizes.folded += D << log_height;
            sizes.folded_digests += tree_len(log_height);
        }
        sizes
    }
}
