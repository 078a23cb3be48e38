//! A carved commitment by itself, opened row by row, and beside the rounds that are not carved.

use p3_commit::{BatchOpeningRef, Mmcs};
use p3_field::PrimeCharacteristicRing;
use p3_matrix::dense::RowMajorMatrix;
use p3_matrix::{Dimensions, Matrix};
use tranche_core::F;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{
    CarvedConfig, Carving, Compress, Hash, MAX_PROOF_BYTES, Root, Roots, SplitError, SplitMmcs,
    Tree, decode, permutation,
};
use tranche_test_support::air::Part;
use tranche_test_support::shapes::{QUICK, Shape, TableShape};

type Proofs = <SplitMmcs<Tree> as Mmcs<F>>::Proof;

/// Width and log2 of the rows of each matrix.
const MATRICES: [(usize, usize); 4] = [(2, 3), (1, 1), (3, 2), (2, 0)];
const CARVED: [bool; 4] = [false, false, true, false];
/// With which matrix each group begins.
const GROUPS: [usize; 3] = [0, 2, 3];

fn mmcs() -> SplitMmcs<Tree> {
    let permutation = permutation(&Poseidon2::BABY_BEAR);
    let tree = Tree::new(
        Hash::new(permutation.clone()),
        Compress::new(permutation),
        0,
    );
    let widths = MATRICES.map(|(width, _)| width).to_vec();
    SplitMmcs::new(tree, Carving::new(widths, &CARVED))
}

fn matrices() -> Vec<RowMajorMatrix<F>> {
    let mut next = F::ZERO;
    let mut element = || {
        next += F::ONE;
        next
    };
    MATRICES
        .map(|(width, log_rows)| {
            let values = (0..width << log_rows).map(|_| element()).collect();
            RowMajorMatrix::new(values, width)
        })
        .to_vec()
}

#[test]
fn a_row_is_opened_group_by_group() {
    let (mmcs, matrices) = (mmcs(), matrices());
    let dimensions: Vec<Dimensions> = matrices.iter().map(Matrix::dimensions).collect();
    let (roots, trees) = mmcs.commit(matrices.clone());
    assert_eq!(roots.0.len(), GROUPS.len());
    assert!(mmcs.get_matrices(&trees).into_iter().eq(&matrices));

    let verify = |roots: &Roots<Root>, index, rows: &[Vec<F>], proofs: &Proofs| {
        let opening = BatchOpeningRef::new(rows, proofs);
        mmcs.verify_batch(roots, &dimensions, index, opening)
    };
    for index in 0..8 {
        let (rows, proofs) = mmcs.open_batch(index, &trees).unpack();
        for (matrix, row) in matrices.iter().zip(&rows) {
            let shift = 3 - matrix.height().ilog2();
            let expected = matrix.row(index >> shift).expect("an index into it");
            assert!(expected.into_iter().eq(row.clone()));
        }
        verify(&roots, index, &rows, &proofs).expect("honest");

        let group_of = |result| match result {
            Err(SplitError::Group { group, .. }) => group,
            other => panic!("{other:?}"),
        };
        for (group, table) in GROUPS.into_iter().enumerate() {
            let mut changed = rows.clone();
            changed[table][0] += F::ONE;
            assert_eq!(group_of(verify(&roots, index, &changed, &proofs)), group);
            let mut other = roots.clone();
            other.0[group] = roots.0[(group + 1) % GROUPS.len()].clone();
            assert_eq!(group_of(verify(&other, index, &rows, &proofs)), group);
        }
        // Only the first group has so many rows that the two indices differ.
        assert_eq!(group_of(verify(&roots, index ^ 1, &rows, &proofs)), 0);

        let count_of = |result| match result {
            Err(SplitError::RootCount { expected, got }) => ("roots", expected, got),
            Err(SplitError::ProofCount { expected, got }) => ("proofs", expected, got),
            Err(SplitError::RowCount { expected, got }) => ("rows", expected, got),
            other => panic!("{other:?}"),
        };
        for got in [2, 4] {
            let counted = (0..got).map(|i| roots.0[i % 3].clone());
            let refused = verify(&Roots(counted.collect()), index, &rows, &proofs);
            assert_eq!(count_of(refused), ("roots", 3, got));
            let counted: Proofs = (0..got).map(|i| proofs[i % 3].clone()).collect();
            let refused = verify(&roots, index, &rows, &counted);
            assert_eq!(count_of(refused), ("proofs", 3, got));
        }
        for got in [3, 5] {
            let counted: Vec<_> = (0..got).map(|i| rows[i % 4].clone()).collect();
            let refused = verify(&roots, index, &counted, &proofs);
            assert_eq!(count_of(refused), ("rows", 4, got));
        }
    }
}

/// A table with one column of messages has eight permutation columns. A main round of about that width
/// is still another round, and the only one that is carved.
#[test]
fn the_permutation_round_is_not_taken_for_the_main_round() {
    for width in [4, 6, 8] {
        let mut parts = vec![Part::Local {
            width: 1,
            queries: 1,
        }];
        parts.resize(
            1 + width - parts[0].main_width(),
            Part::Recurrence {
                degree: 2,
                public: false,
            },
        );
        let table = TableShape {
            log_height: 3,
            parts,
            max_constraint_degree: None,
        };
        let mut batch = Shape::new(vec![table.clone(), table], QUICK).batch();
        batch.carved = vec![true, false];
        assert!(batch.traces.iter().all(|trace| trace.width == width));
        let bytes = batch.prove();
        let proof = decode::<CarvedConfig>(&bytes, MAX_PROOF_BYTES).expect("an encoding");
        let permutation = proof.commitments.permutation.expect("messages");
        let roots = (proof.commitments.main.0.len(), permutation.0.len());
        // Of equal widths, which no plan has, both are carved.
        assert_eq!(roots, (2, if width == 8 { 2 } else { 1 }));
        assert_eq!(batch.verify(&bytes).expect("honest").len(), 1);
    }
}
