//! Hashes that Plonky3's verifier computes, counted, against the plan's expectation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use p3_batch_stark::{BatchProof, ProverData};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::Field;
use p3_fri::TwoAdicFriPcs;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::{CryptographicPermutation, PaddingFreeSponge, TruncatedPermutation};
use p3_uni_stark::StarkConfig;
use tranche_core::verifier::{Challenger, Permutation, permutation};
use tranche_core::{EF, F, Params, ScalarBackend};
use tranche_test_support::shapes::{QUICK, Shape};

use super::recorder::fri_parameters;

/// The permutation, which counts how often it is computed.
#[derive(Clone)]
struct Counted {
    inner: Permutation,
    count: Arc<AtomicUsize>,
}

impl<T: Clone> p3_symmetric::Permutation<T> for Counted
where
    Permutation: p3_symmetric::Permutation<T>,
{
    fn permute_mut(&self, state: &mut T) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.inner.permute_mut(state);
    }
}

impl<T: Clone> CryptographicPermutation<T> for Counted where Permutation: CryptographicPermutation<T>
{}

type Packed = <F as Field>::Packing;
type Hash = PaddingFreeSponge<Counted, 16, 8, 8>;
type Compress = TruncatedPermutation<Counted, 2, 8, 16>;
type Tree = MerkleTreeMmcs<Packed, Packed, Hash, Compress, 2, 8>;
type FriTree = ExtensionMmcs<F, EF, Tree>;
type Pcs = TwoAdicFriPcs<F, Radix2DitParallel<F>, Tree, FriTree>;
type Config = StarkConfig<Pcs, EF, Challenger>;

/// Hashes of trees that the verifier of a proof of `shape` computes, and how many were expected.
fn counted(shape: &Shape) -> (usize, f64) {
    let batch = shape.batch();
    let counted = Counted {
        inner: permutation(&batch.suite),
        count: Arc::default(),
    };
    let tree = Tree::new(
        Hash::new(counted.clone()),
        Compress::new(counted.clone()),
        batch.params.cap_height.into(),
    );
    let fri = fri_parameters(&batch.params, FriTree::new(tree.clone()));
    let mut challenger = Challenger::new(permutation(&batch.suite));
    for element in batch.statement.iter().flat_map(|s| s.elements()) {
        p3_challenger::CanObserve::observe(&mut challenger, element);
    }
    let pcs = Pcs::new(Radix2DitParallel::default(), tree, fri);
    let config = Config::new(pcs, challenger)
        .with_lookup_proof_of_work_bits(batch.params.lookup_pow_bits.into())
        .with_ood_proof_of_work_bits(batch.params.ood_pow_bits.into());
    let data = ProverData::from_airs_and_degrees(&config, &batch.airs, &batch.log_heights())
        .expect("preprocessed columns");
    let proof: BatchProof<Config> = postcard::from_bytes(&batch.prove()).expect("the same fields");
    // The commitment to the preprocessed columns is the key's.
    counted.count.store(0, Ordering::Relaxed);
    p3_batch_stark::verify_batch(&config, &batch.airs, &proof, &batch.publics, &data.common)
        .expect("a proof");
    let plan = batch.plan::<ScalarBackend>().expect("a plan");
    (
        counted.count.load(Ordering::Relaxed),
        plan.expected_hashes(),
    )
}

#[test]
fn a_verifier_hashes_as_often_as_expected() {
    for (num_queries, cap_height, max_log_arity) in [(1, 0, 1), (40, 0, 1), (40, 2, 3), (200, 1, 2)]
    {
        let shape = Shape::everything(Params {
            num_queries,
            cap_height,
            max_log_arity,
            ..QUICK
        });
        let (counted, expected) = counted(&shape);
        let ratio = counted as f64 / expected;
        // One query is no matter of chance.
        let margin = if num_queries == 1 { 1e-9 } else { 0.04 };
        assert!(
            (ratio - 1.0).abs() <= margin,
            "{counted}, {expected} expected"
        );
    }
}
