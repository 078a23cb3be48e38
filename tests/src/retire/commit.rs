//! Commitments to matrices.

use p3_commit::{Mmcs, Pcs};
use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_uni_stark::StarkGenericConfig;
use p3_util::{log2_strict_usize, reverse_bits_len};
use tranche_core::verifier::{Challenger, PlainConfig, Root, Tree};
use tranche_core::{EF, F};

pub type PlainPcs = <PlainConfig as StarkGenericConfig>::Pcs;
pub type Data = <PlainPcs as Pcs<EF, Challenger>>::ProverData;
pub type Domain = <PlainPcs as Pcs<EF, Challenger>>::Domain;

/// Commits traces.
pub fn commit(pcs: &PlainPcs, traces: impl Iterator<Item = RowMajorMatrix<F>>) -> (Root, Data) {
    let on_domain =
        |trace: RowMajorMatrix<F>| (domain(pcs, log2_strict_usize(trace.height())), trace);
    Pcs::<EF, Challenger>::commit(pcs, traces.map(on_domain)).expect("traces that can be committed")
}

/// The domain of a trace.
pub fn domain(pcs: &PlainPcs, log_height: usize) -> Domain {
    Pcs::<EF, Challenger>::natural_domain_for_degree(pcs, 1 << log_height)
}

/// A commitment to the same matrices with `slope * (x - 1)` added to the last column of the first.
pub fn sloped(tree: &Tree, data: &Data, slope: F) -> (Root, Data) {
    let matrices = tree.get_matrices(data).into_iter().cloned();
    let mut matrices: Vec<_> = matrices.collect();
    let width = matrices[0].width();
    let points = coset_points(log2_strict_usize(matrices[0].height()));
    for (row, x) in matrices[0].values.chunks_mut(width).zip(points) {
        row[width - 1] += slope * (x - F::ONE);
    }
    tree.commit(matrices)
}

/// The points of the extension's rows: the coset of `2^log_height` points, bit-reversed.
pub fn coset_points(log_height: usize) -> impl Iterator<Item = F> {
    let generator = F::two_adic_generator(log_height);
    (0..1 << log_height)
        .map(move |i| F::GENERATOR * generator.exp_u64(reverse_bits_len(i, log_height) as u64))
}
