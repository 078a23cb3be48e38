//! Commitments to matrices.

use p3_air::Air;
use p3_batch_stark::folder::ProverConstraintFolderWithLookups;
use p3_challenger::CanSample;
use p3_commit::{ExtensionMmcs, Mmcs, Pcs};
use p3_dft::Radix2DitParallel;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_uni_stark::StarkConfig;
use p3_util::{log2_strict_usize, reverse_bits_len};
use tranche_core::verifier::{Plonky3Suite, Root};
use tranche_core::{EF, F, Params};

use crate::reference::{ReferenceAir, ReferenceSuite};

pub type Challenger<S> = <S as Plonky3Suite>::Challenger;
pub type Tree<S> = <S as Plonky3Suite>::Tree;
/// Trees over codewords of challenges.
pub type FriTree<S> = ExtensionMmcs<F, EF, Tree<S>>;
pub type PlainPcs<S> = TwoAdicFriPcs<F, Radix2DitParallel<F>, Tree<S>, FriTree<S>>;
pub type Config<S> = StarkConfig<PlainPcs<S>, EF, Challenger<S>>;
pub type Data<S> = <Tree<S> as Mmcs<F>>::ProverData<RowMajorMatrix<F>>;
pub type Domain = TwoAdicMultiplicativeCoset<F>;

/// Suites that Plonky3's pieces can be put together with, one by one.
pub trait NaiveSuite: ReferenceSuite + Plonky3Suite<Challenger: CanSample<EF>> {}

impl<S: ReferenceSuite + Plonky3Suite<Challenger: CanSample<EF>>> NaiveSuite for S {}

/// AIRs that the naive prover proves: every `Air` over `InteractionBuilder` is one.
pub trait NaiveAir<S: NaiveSuite>:
    ReferenceAir<S> + for<'a> Air<ProverConstraintFolderWithLookups<'a, Config<S>>>
{
}

impl<A, S: NaiveSuite> NaiveAir<S> for A where
    A: ReferenceAir<S> + for<'a> Air<ProverConstraintFolderWithLookups<'a, Config<S>>>
{
}

/// The low-degree test, its layers committed with `tree`.
pub fn fri<S: NaiveSuite>(params: &Params, tree: &Tree<S>) -> FriParameters<FriTree<S>> {
    FriParameters {
        log_blowup: params.log_blowup.into(),
        log_final_poly_len: params.log_final_poly_len.into(),
        max_log_arity: params.max_log_arity.into(),
        num_queries: params.num_queries.into(),
        batch_proof_of_work_bits: params.batch_pow_bits.into(),
        commit_proof_of_work_bits: params.commit_pow_bits.into(),
        query_proof_of_work_bits: params.query_pow_bits.into(),
        mmcs: FriTree::<S>::new(tree.clone()),
    }
}

/// Commits traces.
pub fn commit<S: NaiveSuite>(
    pcs: &PlainPcs<S>,
    traces: impl Iterator<Item = RowMajorMatrix<F>>,
) -> (Root<S>, Data<S>) {
    let on_domain =
        |trace: RowMajorMatrix<F>| (domain::<S>(pcs, log2_strict_usize(trace.height())), trace);
    Pcs::<EF, Challenger<S>>::commit(pcs, traces.map(on_domain))
        .expect("traces that can be committed")
}

/// The domain of a trace.
pub fn domain<S: NaiveSuite>(pcs: &PlainPcs<S>, log_height: usize) -> Domain {
    Pcs::<EF, Challenger<S>>::natural_domain_for_degree(pcs, 1 << log_height)
}

/// A commitment to the same matrices with `slope * (x - 1)` added to the last column of the first.
pub fn sloped<S: NaiveSuite>(tree: &Tree<S>, data: &Data<S>, slope: F) -> (Root<S>, Data<S>) {
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
