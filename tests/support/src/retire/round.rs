//! A round of a batch.

use p3_commit::Mmcs;
use p3_field::Field;
use p3_matrix::Matrix;
use p3_matrix::bitrev::BitReversibleMatrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_matrix::interpolation::Interpolate;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{Plonky3Suite, Root};
use tranche_core::{EF, F};

use super::commit::{Data, Tree};

/// A round of a batch: its tree, and the points at which each matrix is opened.
pub struct Round<S: Plonky3Suite = Poseidon2> {
    pub(super) root: Root<S>,
    pub(super) data: Data<S>,
    /// Matrix by matrix.
    pub points: Vec<Vec<EF>>,
    /// Matrix by matrix, point by point, column by column.
    pub claims: Vec<Vec<Vec<EF>>>,
}

/// The columns of an extension at a point.
pub(super) fn evaluate(extension: &RowMajorMatrix<F>, point: EF) -> Vec<EF> {
    let natural = extension.as_view().bit_reverse_rows();
    let natural = natural.to_row_major_matrix();
    natural.interpolate_coset(F::GENERATOR, point)
}

impl<S: Plonky3Suite> Round<S> {
    pub(super) fn new(
        tree: &Tree<S>,
        (root, data): (Root<S>, Data<S>),
        points: Vec<Vec<EF>>,
    ) -> Self {
        let claims = tree.get_matrices(&data).into_iter().zip(&points);
        let claims = claims.map(|(matrix, points)| {
            let at = |&point: &EF| evaluate(matrix, point);
            points.iter().map(at).collect()
        });
        Self {
            claims: claims.collect(),
            root,
            data,
            points,
        }
    }
}
