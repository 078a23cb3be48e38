//! Carved tables: a Merkle tree of its own for each of them inside one commitment.
//!
//! Plonky3 is generic in how a round's matrices are committed (`p3_commit::Mmcs`). [`SplitMmcs`]
//! cuts some rounds into groups and keeps one tree per group: in a batch with carved tables the main
//! round, where each carved table and each run of tables between them is a group; in a run of several
//! batches the main, the permutation and the quotient round, where each batch is one. Every other round is
//! one group. The commitment is the list of roots, observed as its length followed by the roots in order.
//!
//! A round opens at indices into its tallest matrix. A group whose tallest matrix is 2^s times
//! shorter is opened at `index >> s`, as a shorter matrix inside a single tree would be.
//!
//! Opening panics where Plonky3's trees do (indices out of range, on the prover's side only);
//! verifying never panics.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use p3_commit::{BatchOpening, BatchOpeningRef, Mmcs};
use p3_matrix::{Dimensions, Matrix};
use p3_merkle_tree::MerkleTreeError;
use p3_util::log2_ceil_usize;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::F;

/// How rounds are cut into groups: each by the list of its matrices' widths, by which a round is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carving {
    cuts: Vec<Cut>,
    /// Positions of the carved tables' groups in the main round.
    carved: Vec<usize>,
}

/// The groups of one round, as the widths of their matrices.
type Cut = Vec<Vec<usize>>;

impl Carving {
    /// A carving of the main round whose tables have these widths: each carved table is a group, and so is
    /// each run of tables between them.
    ///
    /// `carved` has one flag per table; missing flags mean that a table is not carved.
    pub fn new(widths: Vec<usize>, carved: &[bool]) -> Self {
        let (mut cut, mut groups, mut open) = (Cut::new(), Vec::new(), false);
        for (table, width) in widths.into_iter().enumerate() {
            let is_carved = carved.get(table) == Some(&true);
            match cut.last_mut() {
                Some(group) if open && !is_carved => group.push(width),
                _ => cut.push(vec![width]),
            }
            if is_carved {
                groups.push(cut.len() - 1);
            }
            open = !is_carved;
        }
        Self {
            cuts: vec![cut],
            carved: groups,
        }
    }

    /// A carving of some rounds whose groups are batches, given as the widths of each batch's matrices.
    ///
    /// A batch without matrices in a round is no group of it. Of two rounds with the same widths the first
    /// says how both are cut.
    pub fn of_batches(rounds: impl IntoIterator<Item = Vec<Vec<usize>>>) -> Self {
        let groups = |mut cut: Cut| {
            cut.retain(|widths| !widths.is_empty());
            cut
        };
        Self {
            cuts: rounds.into_iter().map(groups).collect(),
            carved: Vec::new(),
        }
    }

    /// The groups of a round whose matrices have these widths, as ranges of matrices in order; one group
    /// when no cut is known for them.
    pub fn groups(
        &self,
        widths: impl ExactSizeIterator<Item = usize> + Clone,
    ) -> Vec<Range<usize>> {
        let is_of = |cut: &&Cut| widths.clone().eq(cut.iter().flatten().copied());
        let Some(cut) = self.cuts.iter().find(is_of) else {
            let whole = 0..widths.len();
            return vec![whole];
        };
        let ends = cut.iter().scan(0, |end, group| {
            let start = *end;
            *end += group.len();
            Some(start..*end)
        });
        ends.collect()
    }

    /// Positions of the carved tables' groups in the main round, in the order of the tables.
    pub fn carved_groups(&self) -> impl Iterator<Item = usize> {
        self.carved.iter().copied()
    }
}

/// The commitment to a round: one root per group, in the order of the groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roots<R>(pub Vec<R>);

/// Why a carved round's opening was refused.
#[derive(Debug, Error)]
pub enum SplitError {
    /// The commitment has not one root per group.
    #[error("{got} roots for {expected} groups")]
    RootCount {
        /// Groups of the round.
        expected: usize,
        /// Roots in the commitment.
        got: usize,
    },
    /// The opening has not one Merkle proof per group.
    #[error("{got} Merkle proofs for {expected} groups")]
    ProofCount {
        /// Groups of the round.
        expected: usize,
        /// Merkle proofs in the opening.
        got: usize,
    },
    /// A query opens another number of matrices than the round has.
    #[error("a query opens {got} rows of {expected} matrices")]
    RowCount {
        /// Matrices of the round.
        expected: usize,
        /// Rows that the query opens.
        got: usize,
    },
    /// One group's Merkle proof was refused.
    #[error("group {group}: {error}")]
    Group {
        /// Position of the group in the round.
        group: usize,
        /// The tree's reason.
        error: MerkleTreeError,
    },
}

/// Merkle trees over the groups of a round.
#[derive(Clone, Debug)]
pub struct SplitMmcs<T> {
    tree: T,
    carving: Carving,
}

impl<T> SplitMmcs<T> {
    /// Commits each group with `tree`.
    pub const fn new(tree: T, carving: Carving) -> Self {
        Self { tree, carving }
    }

    /// The groups of a round and, for each, how far its indices are shifted.
    fn shifted_groups(&self, dimensions: &[Dimensions]) -> Vec<(Range<usize>, usize)> {
        let log_height = |tables: &[Dimensions]| {
            log2_ceil_usize(tables.iter().map(|d| d.height).max().unwrap_or(0))
        };
        let tallest = log_height(dimensions);
        self.carving
            .groups(dimensions.iter().map(|d| d.width))
            .into_iter()
            .map(|group| (group.clone(), tallest - log_height(&dimensions[group])))
            .collect()
    }
}

impl<T: Mmcs<F>> SplitMmcs<T> {
    /// The group trees of a committed round and, for each, how far its indices are shifted.
    fn shifted_trees<'a, M: Matrix<F>>(
        &self,
        trees: &'a [T::ProverData<M>],
    ) -> Vec<(&'a T::ProverData<M>, usize)> {
        let log_height = |tree| log2_ceil_usize(self.tree.get_max_height(tree));
        let tallest = trees.iter().map(log_height).max().unwrap_or(0);
        trees
            .iter()
            .map(|tree| (tree, tallest - log_height(tree)))
            .collect()
    }
}

/// Refuses another number of roots or Merkle proofs than there are groups.
fn check_counts(groups: usize, roots: usize, proofs: usize) -> Result<(), SplitError> {
    if roots != groups {
        return Err(SplitError::RootCount {
            expected: groups,
            got: roots,
        });
    }
    if proofs != groups {
        return Err(SplitError::ProofCount {
            expected: groups,
            got: proofs,
        });
    }
    Ok(())
}

/// Refuses a query that opens another number of rows than the round has matrices.
const fn check_rows(matrices: usize, rows: usize) -> Result<(), SplitError> {
    if rows != matrices {
        return Err(SplitError::RowCount {
            expected: matrices,
            got: rows,
        });
    }
    Ok(())
}

impl<T: Mmcs<F, Error = MerkleTreeError>> Mmcs<F> for SplitMmcs<T> {
    type ProverData<M> = Vec<T::ProverData<M>>;
    type Commitment = Roots<T::Commitment>;
    type Proof = Vec<T::Proof>;
    type MultiProof = Vec<T::MultiProof>;
    type Error = SplitError;

    fn commit<M: Matrix<F>>(&self, inputs: Vec<M>) -> (Self::Commitment, Self::ProverData<M>) {
        let groups = self.carving.groups(inputs.iter().map(Matrix::width));
        let mut inputs = inputs.into_iter();
        let (roots, trees) = groups
            .into_iter()
            .map(|group| {
                self.tree
                    .commit(inputs.by_ref().take(group.len()).collect())
            })
            .unzip();
        (Roots(roots), trees)
    }

    fn open_batch<M: Matrix<F>>(
        &self,
        index: usize,
        trees: &Self::ProverData<M>,
    ) -> BatchOpening<F, Self> {
        let mut rows = Vec::new();
        let mut proofs = Vec::with_capacity(trees.len());
        for (tree, shift) in self.shifted_trees(trees) {
            let (group_rows, proof) = self.tree.open_batch(index >> shift, tree).unpack();
            rows.extend(group_rows);
            proofs.push(proof);
        }
        BatchOpening::new(rows, proofs)
    }

    fn get_matrices<'a, M: Matrix<F>>(&self, trees: &'a Self::ProverData<M>) -> Vec<&'a M> {
        trees
            .iter()
            .flat_map(|tree| self.tree.get_matrices(tree))
            .collect()
    }

    fn verify_batch(
        &self,
        commit: &Self::Commitment,
        dimensions: &[Dimensions],
        index: usize,
        opening: BatchOpeningRef<'_, F, Self>,
    ) -> Result<(), Self::Error> {
        let groups = self.shifted_groups(dimensions);
        let (rows, proofs) = opening.unpack();
        check_counts(groups.len(), commit.0.len(), proofs.len())?;
        check_rows(dimensions.len(), rows.len())?;
        for (group, (((tables, shift), root), proof)) in
            groups.into_iter().zip(&commit.0).zip(proofs).enumerate()
        {
            let opening = BatchOpeningRef::new(&rows[tables.clone()], proof);
            self.tree
                .verify_batch(root, &dimensions[tables], index >> shift, opening)
                .map_err(|error| SplitError::Group { group, error })?;
        }
        Ok(())
    }

    fn open_multi_batch<M: Matrix<F>>(
        &self,
        indices: &[usize],
        trees: &Self::ProverData<M>,
    ) -> (Vec<Vec<Vec<F>>>, Self::MultiProof) {
        let mut rows = vec![Vec::new(); indices.len()];
        let mut proofs = Vec::with_capacity(trees.len());
        for (tree, shift) in self.shifted_trees(trees) {
            let shifted: Vec<usize> = indices.iter().map(|index| index >> shift).collect();
            let (group_rows, proof) = self.tree.open_multi_batch(&shifted, tree);
            for (query, group_rows) in rows.iter_mut().zip(group_rows) {
                query.extend(group_rows);
            }
            proofs.push(proof);
        }
        (rows, proofs)
    }

    fn verify_multi_batch<R: AsRef<[F]> + PartialEq>(
        &self,
        commit: &Self::Commitment,
        dimensions: &[Dimensions],
        indices: &[usize],
        opened_values: &[Vec<R>],
        proofs: &Self::MultiProof,
    ) -> Result<(), Self::Error> {
        let groups = self.shifted_groups(dimensions);
        check_counts(groups.len(), commit.0.len(), proofs.len())?;
        for rows in opened_values {
            check_rows(dimensions.len(), rows.len())?;
        }
        for (group, (((tables, shift), root), proof)) in
            groups.into_iter().zip(&commit.0).zip(proofs).enumerate()
        {
            let shifted: Vec<usize> = indices.iter().map(|index| index >> shift).collect();
            let rows: Vec<Vec<&[F]>> = opened_values
                .iter()
                .map(|rows| rows[tables.clone()].iter().map(AsRef::as_ref).collect())
                .collect();
            self.tree
                .verify_multi_batch(root, &dimensions[tables], &shifted, &rows, proof)
                .map_err(|error| SplitError::Group { group, error })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last matrix of each group.
    fn groups(carving: &Carving, widths: &[usize]) -> Vec<(usize, usize)> {
        let groups = carving.groups(widths.iter().copied());
        groups
            .into_iter()
            .map(|group| (group.start, group.end - 1))
            .collect()
    }

    #[test]
    fn carved_tables_stand_alone_and_the_runs_between_them_stay_together() {
        let of = |carved: &[bool]| {
            let widths: Vec<usize> = (1..=carved.len()).collect();
            groups(&Carving::new(widths.clone(), carved), &widths)
        };
        assert_eq!(of(&[false, false, false]), [(0, 2)]);
        assert_eq!(of(&[false, false, true]), [(0, 1), (2, 2)]);
        assert_eq!(
            of(&[true, true, false, false, true]),
            [(0, 0), (1, 1), (2, 3), (4, 4)]
        );
        assert_eq!(of(&[true, false]), [(0, 0), (1, 1)]);
    }

    #[test]
    fn only_a_round_with_the_main_widths_is_carved() {
        let carving = Carving::new(vec![3, 5], &[false, true]);
        assert_eq!(groups(&carving, &[3, 5]), [(0, 0), (1, 1)]);
        assert_eq!(groups(&carving, &[5, 3]), [(0, 1)]);
        assert_eq!(groups(&carving, &[3, 5, 4]), [(0, 2)]);
    }

    #[test]
    fn carved_groups_follow_the_tables() {
        let carving = Carving::new(vec![1, 2, 3, 4], &[false, true, false, true]);
        assert_eq!(carving.carved_groups().collect::<Vec<_>>(), [1, 3]);
    }
}
