//! Plonky3 configurations for a plan: every type that `p3_batch_stark` is generic in, fixed once.
//!
//! BabyBear and its degree-4 binomial extension; trees and transcript of the suite ([`Plonky3Suite`]); two-adic FRI
//! with the plan's [`Params`]. [`PlainConfig`] keeps one Merkle tree per round, [`CarvedConfig`]
//! one per group of tables ([`SplitMmcs`]). Nothing here panics.

use core::borrow::Borrow;
use core::slice;

use p3_batch_stark::config::PcsProof;
use p3_batch_stark::{Commitment, CommonData};
use p3_challenger::CanObserve;
use p3_commit::{ExtensionMmcs, Pcs};
use p3_dft::Radix2DitParallel;
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_uni_stark::{StarkConfig, StarkGenericConfig};

use super::split_mmcs::{Carving, SplitMmcs};
use super::suite::{Plonky3Suite, Root};
use crate::hash::blake3::Blake3;
use crate::hash::poseidon2::Poseidon2;
use crate::{EF, F, Params, Statement};

/// One Merkle tree over a layer of the low-degree test.
pub(super) type FriTree<T> = ExtensionMmcs<F, EF, T>;
type FriPcs<M, T> = TwoAdicFriPcs<F, Radix2DitParallel<F>, M, FriTree<T>>;

/// A configuration whose input rounds are committed with `M`.
type Config<S, M> =
    StarkConfig<FriPcs<M, <S as Plonky3Suite>::Tree>, EF, <S as Plonky3Suite>::Challenger>;

/// A suite with its two configurations.
pub trait Configured: Plonky3Suite {
    /// One Merkle tree per round.
    type Plain: Configuration<Suite = Self>;
    /// One Merkle tree per group of tables in the main round, one in every other round.
    type Carved: Carves<Suite = Self>;
}

/// One Merkle tree per round.
pub type PlainConfig<S = Poseidon2> = <S as Configured>::Plain;
/// One Merkle tree per group of tables in the main round, one in every other round.
pub type CarvedConfig<S = Poseidon2> = <S as Configured>::Carved;

/// A Plonky3 configuration that a plan can be verified under.
pub trait Configuration:
    StarkGenericConfig<
        Pcs: Pcs<
            EF,
            <<Self as Configuration>::Suite as Plonky3Suite>::Challenger,
            Domain = TwoAdicMultiplicativeCoset<F>,
        >,
        Challenge = EF,
        Challenger = <<Self as Configuration>::Suite as Plonky3Suite>::Challenger,
    >
{
    /// The hash suite.
    type Suite: Configured;

    /// What a key keeps: [`CommonData`] of this configuration. It has a name of its own because rustdoc
    /// 1.95 crashes on the auto traits of a type that holds `CommonData` of a generic one.
    type Common: Borrow<CommonData<Self>> + From<CommonData<Self>>;

    /// The configuration of a plan. With a statement, the transcript of every proof first observes
    /// its elements.
    fn new(
        params: &Params,
        suite: &Self::Suite,
        carving: &Carving,
        statement: Option<&Statement>,
    ) -> Self;

    /// The roots that a commitment to a round consists of, in the order of its groups.
    fn roots(commitment: &Commitment<Self>) -> &[Root<Self::Suite>];

    /// The commitments to the layers of the low-degree test, in the order of the folds.
    fn layers(proof: &PcsProof<Self>) -> &[Root<Self::Suite>];
}

/// A configuration that keeps one tree per group of tables.
pub trait Carves: Configuration {}

/// The configurations of a suite. A macro, because a suite is not determined by its types.
macro_rules! configured {
    ($suite:ty) => {
        impl Configured for $suite {
            type Plain = Config<Self, <Self as Plonky3Suite>::Tree>;
            type Carved = Config<Self, SplitMmcs<<Self as Plonky3Suite>::Tree>>;
        }

        impl Configuration for PlainConfig<$suite> {
            type Suite = $suite;
            type Common = CommonData<Self>;

            fn new(
                params: &Params,
                suite: &$suite,
                _carving: &Carving,
                statement: Option<&Statement>,
            ) -> Self {
                build(params, suite, statement, |tree| tree)
            }

            fn roots(commitment: &Commitment<Self>) -> &[Root<$suite>] {
                slice::from_ref(commitment)
            }

            fn layers(proof: &PcsProof<Self>) -> &[Root<$suite>] {
                &proof.commit_phase_commits
            }
        }

        impl Configuration for CarvedConfig<$suite> {
            type Suite = $suite;
            type Common = CommonData<Self>;

            fn new(
                params: &Params,
                suite: &$suite,
                carving: &Carving,
                statement: Option<&Statement>,
            ) -> Self {
                build(params, suite, statement, |tree| {
                    SplitMmcs::new(tree, carving.clone())
                })
            }

            fn roots(commitment: &Commitment<Self>) -> &[Root<$suite>] {
                &commitment.0
            }

            fn layers(proof: &PcsProof<Self>) -> &[Root<$suite>] {
                &proof.commit_phase_commits
            }
        }

        impl Carves for CarvedConfig<$suite> {}
    };
}

configured!(Poseidon2);
configured!(Blake3);

/// Assembles a configuration whose input rounds are committed with `input(tree)`.
fn build<S: Plonky3Suite, M>(
    params: &Params,
    suite: &S,
    statement: Option<&Statement>,
    input: impl FnOnce(S::Tree) -> M,
) -> Config<S, M>
where
    FriPcs<M, S::Tree>: Clone,
{
    let tree = suite.tree(params.cap_height.into());
    let fri = fri_parameters(params, &tree);
    let mut challenger = suite.challenger();
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
pub(super) fn fri_parameters<T: Clone>(params: &Params, tree: &T) -> FriParameters<FriTree<T>> {
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
