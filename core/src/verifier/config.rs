//! Plonky3 configurations for a plan: every type that `p3_batch_stark` is generic in, fixed once.
//!
//! BabyBear and its degree-4 binomial extension; trees and transcript of the suite ([`types`]); two-adic FRI
//! with the plan's [`Params`]. [`PlainConfig`] keeps one Merkle tree per round, [`CarvedConfig`]
//! one per group of tables ([`SplitMmcs`]). Nothing here panics.

use core::borrow::Borrow;

use p3_batch_stark::config::PcsProof;
use p3_batch_stark::{Commitment, CommonData};
use p3_challenger::CanObserve;
use p3_commit::{ExtensionMmcs, Pcs};
use p3_dft::Radix2DitParallel;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_uni_stark::{StarkConfig, StarkGenericConfig};

use super::split_mmcs::{Carving, SplitMmcs};
use super::types::{self, Challenger, Root, Tree};
use crate::hash::poseidon2::Poseidon2;
use crate::{EF, F, Params, Statement};

/// One Merkle tree over a layer of the low-degree test.
pub(super) type FriTree = ExtensionMmcs<F, EF, Tree>;
type FriPcs<M> = TwoAdicFriPcs<F, Radix2DitParallel<F>, M, FriTree>;

/// One Merkle tree per round.
pub type PlainConfig = StarkConfig<FriPcs<Tree>, EF, Challenger>;
/// One Merkle tree per group of tables in the main round, one in every other round.
pub type CarvedConfig = StarkConfig<FriPcs<SplitMmcs>, EF, Challenger>;

/// A Plonky3 configuration that a plan can be verified under.
pub trait Configuration:
    StarkGenericConfig<
        Pcs: Pcs<EF, Challenger, Domain = TwoAdicMultiplicativeCoset<F>>,
        Challenge = EF,
        Challenger = Challenger,
    >
{
    /// What a key keeps: [`CommonData`] of this configuration. It has a name of its own because rustdoc
    /// 1.95 crashes on the auto traits of a type that holds `CommonData` of a generic one.
    type Common: Borrow<CommonData<Self>> + From<CommonData<Self>>;

    /// The configuration of a plan. With a statement, the transcript of every proof first observes
    /// its elements.
    fn new(
        params: &Params,
        poseidon2: &Poseidon2,
        carving: &Carving,
        statement: Option<&Statement>,
    ) -> Self;

    /// The roots that a commitment to a round consists of, in the order of its groups.
    fn roots(commitment: &Commitment<Self>) -> &[Root];

    /// The commitments to the layers of the low-degree test, in the order of the folds.
    fn layers(proof: &PcsProof<Self>) -> &[Root];
}

impl Configuration for PlainConfig {
    type Common = CommonData<Self>;

    fn new(
        params: &Params,
        poseidon2: &Poseidon2,
        _carving: &Carving,
        statement: Option<&Statement>,
    ) -> Self {
        build(params, poseidon2, statement, |tree| tree)
    }

    fn roots(commitment: &Commitment<Self>) -> &[Root] {
        core::slice::from_ref(commitment)
    }

    fn layers(proof: &PcsProof<Self>) -> &[Root] {
        &proof.commit_phase_commits
    }
}

impl Configuration for CarvedConfig {
    type Common = CommonData<Self>;

    fn new(
        params: &Params,
        poseidon2: &Poseidon2,
        carving: &Carving,
        statement: Option<&Statement>,
    ) -> Self {
        build(params, poseidon2, statement, |tree| {
            SplitMmcs::new(tree, carving.clone())
        })
    }

    fn roots(commitment: &Commitment<Self>) -> &[Root] {
        &commitment.0
    }

    fn layers(proof: &PcsProof<Self>) -> &[Root] {
        &proof.commit_phase_commits
    }
}

/// Assembles a configuration whose input rounds are committed with `input(tree)`.
fn build<M>(
    params: &Params,
    poseidon2: &Poseidon2,
    statement: Option<&Statement>,
    input: impl FnOnce(Tree) -> M,
) -> StarkConfig<FriPcs<M>, EF, Challenger>
where
    FriPcs<M>: Clone,
{
    let tree = types::tree(poseidon2, params.cap_height.into());
    let fri = fri_parameters(params, &tree);
    let mut challenger = types::challenger(poseidon2);
    if let Some(statement) = statement {
        for element in statement.elements() {
            challenger.observe(element);
        }
    }
    StarkConfig::new(
        FriPcs::new(Radix2DitParallel::default(), input(tree), fri),
        challenger,
    )
    .with_lookup_proof_of_work_bits(params.lookup_pow_bits.into())
    .with_ood_proof_of_work_bits(params.ood_pow_bits.into())
}

/// The low-degree test of a plan, its layers committed with `tree`.
pub(super) fn fri_parameters(params: &Params, tree: &Tree) -> FriParameters<FriTree> {
    // Each has a place in Plonky3's configuration; another one would not compile without.
    let &Params {
        log_blowup,
        log_final_poly_len,
        max_log_arity,
        cap_height: _,
        num_queries,
        query_pow_bits,
        batch_pow_bits,
        lookup_pow_bits: _,
        commit_pow_bits,
        ood_pow_bits: _,
    } = params;
    FriParameters {
        log_blowup: log_blowup.into(),
        log_final_poly_len: log_final_poly_len.into(),
        max_log_arity: max_log_arity.into(),
        num_queries: num_queries.into(),
        batch_proof_of_work_bits: batch_pow_bits.into(),
        commit_proof_of_work_bits: commit_pow_bits.into(),
        query_proof_of_work_bits: query_pow_bits.into(),
        mmcs: FriTree::new(tree.clone()),
    }
}
