//! How long a plan's proofs can be: the sum of what [`crate::prover`] writes, part by part.
//!
//! Every part has a length of its own but one: a pruned multi-opening lists the siblings that the
//! opened leaves do not determine, so their number depends on where the queries fall. Let `s_j` be the
//! distinct nodes above the queries among the `2^j` of a layer. A tree of `2^h` leaves under a cap of
//! `2^c` digests lists `2 s_(j-1) - s_j` siblings in layer `j`, that is
//!
//! ```text
//! s_c + (s_c + ... + s_(h-1)) - s_h
//! ```
//!
//! in all. The queries of a proof are the same in all of its trees, so the bound is the maximum of one
//! linear form in `s_j <= min(queries, 2^j)` and `s_(j-1) <= s_j`. Nothing here panics.

use super::Plan;
use crate::D;
use crate::DIGEST;
use crate::hash::Suite;
use crate::shape::{BatchShape, MAX_LOG_HEIGHT, Round};
use crate::sink::{FIELD_BYTES, varint_len};

const FIELD: u64 = FIELD_BYTES as u64;
const EXT: u64 = D as u64 * FIELD;
const NODE: u64 = DIGEST as u64 * FIELD;
/// The tag of an option.
const TAG: u64 = 1;

impl<const N: usize, S: Suite> Plan<N, S> {
    /// Bytes of the longest proof that a plan's batch can have. No proof has more, and queries that
    /// spread evenly reach it up to a byte or two a tree; in 64 bits, as [`Plan::workspace_bytes`] is.
    pub fn max_proof_len(&self) -> u64 {
        self.shape().max_proof_len()
    }
}

impl BatchShape<'_> {
    fn max_proof_len(self) -> u64 {
        let terminals = self
            .tables
            .iter()
            .map(|table| match table.layout.has_lookups() {
                true => TAG + EXT,
                false => TAG,
            });
        let heights = self.tables.iter().map(|table| varint(table.log_height()));
        let tables = varint(self.tables.len());
        let lookup_witness = if self.has_lookups() { FIELD } else { 0 };
        let tail = tables + sum(terminals) + tables + sum(heights) + TAG + lookup_witness + FIELD;
        self.commitments_len() + self.claims_len() + self.max_fri_len() + tail
    }

    /// `BatchCommitments`.
    fn commitments_len(self) -> u64 {
        let permutation = if self.has_round(Round::Permutation) {
            self.commitment_len(Round::Permutation)
        } else {
            0
        };
        let (main, quotient) = (Round::Main, Round::Quotient);
        self.commitment_len(main) + TAG + permutation + self.commitment_len(quotient) + TAG
    }

    fn commitment_len(self, round: Round) -> u64 {
        let caps = self.groups(round).map(|group| {
            let log_leaves = self.log_leaves(round, &group);
            self.cap_len(log_leaves)
        });
        self.roots_len(round) + sum(caps)
    }

    /// The number of a commitment's trees, where it is a list of them.
    fn roots_len(self, round: Round) -> u64 {
        if self.is_carved() {
            varint(self.groups(round).count())
        } else {
            0
        }
    }

    fn cap_len(self, log_leaves: usize) -> u64 {
        let digests = 1 << log_leaves.min(self.params().cap_height as usize);
        varint(digests) + NODE * digests as u64
    }

    /// `BatchOpenedValues`.
    fn claims_len(self) -> u64 {
        let rows = self.opened().map(|matrix| {
            let row = varint(matrix.width) + EXT * matrix.width as u64;
            // The tag tells whether the next row is there; two rounds say it in another way.
            let tag = match matrix.round {
                Round::Main | Round::Preprocessed => TAG,
                Round::Quotient | Round::Permutation => 0,
            };
            tag + matrix.points() as u64 * row
        });
        let others = self.tables.iter().map(|table| {
            // One tag before the preprocessed row, or two for rows that are not there.
            let preprocessed = match table.layout.preprocessed_width {
                0 => 2 * TAG,
                _ => TAG,
            };
            // Permutation rows that are not there are empty.
            let permutation = match table.layout.has_lookups() {
                true => 0,
                false => 2 * varint(0),
            };
            preprocessed + varint(table.num_chunks()) + TAG + permutation
        });
        varint(self.tables.len()) + sum(rows) + sum(others)
    }

    /// `FriProof`.
    fn max_fri_len(self) -> u64 {
        let queries = self.params().num_queries as usize;
        let per_query = varint(queries);
        let rounds = varint(self.log_arities.len());
        let mut siblings = Siblings::new(queries, self.params().cap_height as usize);
        let mut len = FIELD + rounds + rounds + FIELD * self.log_arities.len() as u64;

        let inputs = Round::ALL.into_iter().filter(|&r| self.has_round(r));
        len += varint(inputs.clone().count());
        for round in inputs {
            let rows = self.round(round);
            let widths = rows.map(|m| varint(m.width) + FIELD * m.width as u64);
            let row = varint(self.round(round).count()) + sum(widths);
            len += per_query + queries as u64 * row + self.roots_len(round);
            for group in self.groups(round) {
                len += siblings.tree(self.log_leaves(round, &group));
            }
        }

        len += rounds;
        let mut log_leaves = self.log_max_lde();
        for &log_arity in self.log_arities {
            log_leaves -= log_arity as usize;
            let others = (1 << log_arity) - 1;
            len += per_query + queries as u64 * (varint(others) + EXT * others as u64);
            len += self.cap_len(log_leaves) + siblings.tree(log_leaves);
        }

        let coefficients = 1 << self.params().log_final_poly_len;
        len += varint(coefficients) + EXT * coefficients as u64 + FIELD;
        len + NODE * siblings.most()
    }
}

fn varint(value: usize) -> u64 {
    varint_len(value as u64) as u64
}

fn sum(lens: impl Iterator<Item = u64>) -> u64 {
    lens.sum()
}

/// The siblings that the trees of a proof list, as a linear form in the opened nodes of each layer.
struct Siblings {
    queries: usize,
    cap_height: usize,
    weights: [i64; MAX_LOG_HEIGHT + 1],
}

impl Siblings {
    const fn new(queries: usize, cap_height: usize) -> Self {
        Self {
            queries,
            cap_height,
            weights: [0; MAX_LOG_HEIGHT + 1],
        }
    }

    /// Nodes that the queries open in a layer of `2^log_len`, at most.
    fn opened(&self, log_len: usize) -> i64 {
        self.queries.min(1 << log_len) as i64
    }

    /// Adds a tree; the bytes of its number of siblings, at most.
    fn tree(&mut self, log_leaves: usize) -> u64 {
        let mut own = Self::new(self.queries, self.cap_height);
        if log_leaves > self.cap_height {
            own.weights[self.cap_height] += 1;
            let below = &mut own.weights[self.cap_height..log_leaves];
            below.iter_mut().for_each(|weight| *weight += 1);
            own.weights[log_leaves] -= 1;
        }
        for (sum, weight) in self.weights.iter_mut().zip(own.weights) {
            *sum += weight;
        }
        varint_len(own.most()) as u64
    }

    /// The most siblings that all trees added list together.
    ///
    /// A layer that counts against the sum has no fewer nodes than the one above it, which is as good
    /// as that one counting so much less; what then counts for the sum is as large as it can be. In the
    /// cap's layer a sum is never negative: each tree adds two there, and takes one away once.
    fn most(&self) -> u64 {
        let (mut total, mut carried) = (0, 0);
        for (log_len, weight) in self.weights.iter().enumerate().rev() {
            let weight = weight + carried;
            total += weight.max(0) * self.opened(log_len);
            carried = weight.min(0);
        }
        total as u64
    }
}

/// The most siblings that one tree of `2^log_leaves` leaves lists.
pub(crate) fn most_siblings(queries: usize, cap_height: usize, log_leaves: usize) -> u64 {
    let mut siblings = Siblings::new(queries, cap_height);
    siblings.tree(log_leaves);
    siblings.most()
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use super::*;
    use crate::hash::paths::{Indices, walk_siblings};

    /// Siblings that trees of these heights list for `indices` of the tallest's leaves.
    fn listed(heights: &[usize], cap_height: usize, indices: &[u32]) -> u64 {
        let tallest = heights.iter().max().unwrap();
        let mut count = 0;
        for height in heights {
            let leaves: BTreeSet<_> = indices.iter().map(|i| i >> (tallest - height)).collect();
            let mut leaves = Indices::from_iter(leaves);
            let levels = height.saturating_sub(cap_height);
            walk_siblings(&mut leaves, levels, |_, _| count += 1);
        }
        count
    }

    /// The most over every choice of `queries` indices, by trying them.
    fn tried(heights: &[usize], cap_height: usize, queries: u32) -> u64 {
        let tallest = *heights.iter().max().unwrap();
        let choices = 1_u32 << (tallest as u32 * queries);
        let indices = |choice: u32| {
            let digit = |q| choice >> (tallest as u32 * q) & ((1 << tallest) - 1);
            (0..queries).map(digit).collect::<Vec<_>>()
        };
        (0..choices)
            .map(|choice| listed(heights, cap_height, &indices(choice)))
            .max()
            .unwrap()
    }

    fn bound(heights: &[usize], cap_height: usize, queries: u32) -> u64 {
        let mut siblings = Siblings::new(queries as usize, cap_height);
        heights.iter().for_each(|&height| {
            siblings.tree(height);
        });
        siblings.most()
    }

    #[test]
    fn the_bound_is_reached_where_taller_trees_outnumber_those_of_a_height() {
        let cases: [&[usize]; 7] = [
            &[4],
            &[4, 4, 3],
            &[4, 4, 4, 3, 2, 1],
            &[3, 2, 1],
            &[4, 2],
            &[1],
            &[0],
        ];
        for heights in cases {
            for queries in 1..=4 {
                for cap_height in 0..=2 {
                    let (bound, tried) = (
                        bound(heights, cap_height, queries),
                        tried(heights, cap_height, queries),
                    );
                    assert_eq!(bound, tried, "{heights:?}, {cap_height}, {queries}");
                }
            }
        }
    }

    #[test]
    fn the_bound_holds_where_they_do_not() {
        let cases: [&[usize]; 5] = [
            &[4, 3, 3],
            &[4, 3, 3, 3],
            &[4, 2, 2, 2],
            &[3, 1, 1, 1, 1],
            &[4, 3, 3, 2, 2, 2],
        ];
        for heights in cases {
            for queries in 1..=4 {
                for cap_height in 0..=2 {
                    let (bound, tried) = (
                        bound(heights, cap_height, queries),
                        tried(heights, cap_height, queries),
                    );
                    assert!(bound >= tried, "{heights:?}, {cap_height}, {queries}");
                    assert!(
                        bound <= tried + 3,
                        "{bound}, {tried}: {heights:?}, {cap_height}, {queries}"
                    );
                }
            }
        }
    }
}
