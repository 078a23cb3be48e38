//! How many hashes a verifier computes for the trees of a proof, as expected of queries at random places.
//!
//! A pruned multi-opening is checked level by level: of `2^l` nodes those above some query are computed once,
//! `2^l (1 - (1 - 2^-l)^q)` of them as expected of q queries. A node costs a compression; a matrix that joins
//! its tree below the tallest costs one more; a row costs the calls of its absorption. The transcript is
//! not counted: it is a few hundred permutations, whatever the heights. Nothing here panics.

use libm::{expm1, log1p};

use super::Plan;
use crate::D;
use crate::hash::Suite;
use crate::shape::{BatchShape, MAX_LOG_HEIGHT, Params, Round};

impl<const N: usize, S: Suite> Plan<N, S> {
    /// Hashes of the trees that a verifier of a proof is expected to compute.
    pub fn expected_hashes(&self) -> f64 {
        let shape = self.shape();
        let folds = fold_hashes::<S>(shape.params(), shape.log_max_lde(), shape.log_arities);
        shape.expected_input_hashes::<S>() + folds
    }
}

impl BatchShape<'_> {
    /// Those of the batch's own trees: of the openings of all rounds, without the low-degree test.
    pub(crate) fn expected_input_hashes<S: Suite>(self) -> f64 {
        let rounds = Round::ALL.into_iter().filter(|&r| self.has_round(r));
        let trees = rounds.flat_map(|round| {
            self.groups(round).map(move |group| {
                let mut widths = [0; MAX_LOG_HEIGHT + 1];
                let own = self.round(round).filter(|m| group.contains(&m.table));
                own.for_each(|matrix| widths[matrix.log_lde] += matrix.width);
                tree_hashes::<S>(self.params(), &widths)
            })
        });
        trees.sum()
    }
}

/// Those of the trees of a low-degree test over codewords of 2^`log_len` values at most.
pub(crate) fn fold_hashes<S: Suite>(params: &Params, log_len: usize, log_arities: &[u8]) -> f64 {
    let mut log_len = log_len;
    let layers = log_arities.iter().map(|&log_arity| {
        log_len = log_len.saturating_sub(log_arity.into());
        let mut widths = [0; MAX_LOG_HEIGHT + 1];
        widths[log_len.min(MAX_LOG_HEIGHT)] = D << log_arity;
        tree_hashes::<S>(params, &widths)
    });
    layers.sum()
}

/// Those of a tree whose rows of 2^l-th height have `widths[l]` elements.
fn tree_hashes<S: Suite>(params: &Params, widths: &[usize; MAX_LOG_HEIGHT + 1]) -> f64 {
    let opened = |log_len: usize| expected_distinct(params.num_queries, log_len);
    let Some(tallest) = widths.iter().rposition(|&width| width > 0) else {
        return 0.0;
    };
    let cap = usize::from(params.cap_height).min(tallest);
    let nodes: f64 = (cap..tallest).map(opened).sum();
    let rows = widths.iter().enumerate().filter(|&(_, &width)| width > 0);
    let rows = rows.map(|(log_len, width)| {
        let joins = f64::from(u8::from(log_len != tallest));
        opened(log_len) * (S::row_hashes(*width) as f64 + joins)
    });
    nodes + rows.sum::<f64>()
}

/// Nodes among 2^`log_len` that `queries` at random places are expected to fall on.
fn expected_distinct(queries: u16, log_len: usize) -> f64 {
    let nodes = (1_u64 << log_len) as f64;
    if nodes <= 1.0 {
        return nodes;
    }
    -nodes * expm1(f64::from(queries) * log1p(-1.0 / nodes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_queries_fall_apart_and_many_on_all() {
        assert!((expected_distinct(1, 10) - 1.0).abs() < 1e-9);
        assert!((expected_distinct(2, 1) - 1.5).abs() < 1e-9);
        assert!((expected_distinct(203, 24) - 203.0).abs() < 0.01);
        assert!((expected_distinct(500, 3) - 8.0).abs() < 1e-9);
        assert!((expected_distinct(9, 0) - 1.0).abs() < 1e-9);
    }
}
