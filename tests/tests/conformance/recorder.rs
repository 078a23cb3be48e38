//! The verifier's challenger, written down: what it absorbs, and where it draws.

use std::sync::{Arc, Mutex};

use p3_batch_stark::{BatchProof, ProverData};
use p3_challenger::{CanObserve, CanSample, CanSampleBits, FieldChallenger, GrindingChallenger};
use p3_commit::ExtensionMmcs;
use p3_dft::Radix2DitParallel;
use p3_field::PrimeCharacteristicRing;
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_matrix::Matrix;
use p3_uni_stark::StarkConfig;
use tranche_core::verifier::{
    CarvedConfig, Carving, Challenger, Compress, Hash, Root, Roots, SplitMmcs, Tree, permutation,
};
use tranche_core::{EF, F, Params};
use tranche_test_support::air::TestAir;
use tranche_test_support::reference::Batch;

/// What a transcript does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Absorbs an element.
    Absorb(F),
    /// Draws a challenge.
    Draw,
}

/// The verifier's challenger, which writes down its steps.
#[derive(Clone)]
struct Recorder {
    inner: Challenger,
    steps: Arc<Mutex<Vec<Step>>>,
}

impl Recorder {
    fn write(&self, step: Step) {
        self.steps.lock().expect("one thread").push(step);
    }

    /// Absorbs elements, which have to be what the real challenger absorbs of `value`.
    fn absorb<T>(&mut self, value: T, elements: Vec<F>)
    where
        Challenger: CanObserve<T>,
    {
        let mut real = self.inner.clone();
        real.observe(value);
        elements.into_iter().for_each(|x| self.observe(x));
        let (mut ours, mut real): (Challenger, _) = (self.inner.clone(), real);
        let drawn: (F, F) = (ours.sample(), real.sample());
        assert_eq!(drawn.0, drawn.1, "the recorder absorbs something else");
    }
}

impl CanObserve<F> for Recorder {
    fn observe(&mut self, value: F) {
        self.write(Step::Absorb(value));
        self.inner.observe(value);
    }
}

impl CanObserve<Root> for Recorder {
    fn observe(&mut self, root: Root) {
        let elements = root.roots().as_flattened().to_vec();
        self.absorb(root, elements);
    }
}

impl CanObserve<Roots<Root>> for Recorder {
    fn observe(&mut self, roots: Roots<Root>) {
        let mut elements = vec![F::from_usize(roots.0.len())];
        for root in &roots.0 {
            elements.extend(root.roots().as_flattened());
        }
        self.absorb(roots, elements);
    }
}

impl CanSample<F> for Recorder {
    fn sample(&mut self) -> F {
        self.write(Step::Draw);
        self.inner.sample()
    }
}

impl CanSample<EF> for Recorder {
    fn sample(&mut self) -> EF {
        self.write(Step::Draw);
        self.inner.sample()
    }
}

impl CanSampleBits<usize> for Recorder {
    fn sample_bits(&mut self, bits: usize) -> usize {
        self.write(Step::Draw);
        self.inner.sample_bits(bits)
    }
}

impl FieldChallenger<F> for Recorder {}

impl GrindingChallenger for Recorder {
    type Witness = F;

    fn grind(&mut self, _bits: usize) -> F {
        unreachable!("a verifier does not grind")
    }
}

type FriTree = ExtensionMmcs<F, EF, Tree>;
type RecordedPcs = TwoAdicFriPcs<F, Radix2DitParallel<F>, SplitMmcs<Tree>, FriTree>;
type RecordedConfig = StarkConfig<RecordedPcs, EF, Recorder>;
/// A carved proof.
pub type Proof = BatchProof<CarvedConfig>;

/// The low-degree test of `params`, its layers committed with `mmcs`.
pub fn fri_parameters<M>(params: &Params, mmcs: M) -> FriParameters<M> {
    FriParameters {
        log_blowup: params.log_blowup.into(),
        log_final_poly_len: params.log_final_poly_len.into(),
        max_log_arity: params.max_log_arity.into(),
        num_queries: params.num_queries.into(),
        batch_proof_of_work_bits: params.batch_pow_bits.into(),
        commit_proof_of_work_bits: params.commit_pow_bits.into(),
        query_proof_of_work_bits: params.query_pow_bits.into(),
        mmcs,
    }
}

/// The steps of Plonky3's verifier on a proof of `batch`, and whether it accepts.
pub fn recorded(batch: &Batch<TestAir>, proof: &Proof) -> (Vec<Step>, bool) {
    let permutation = permutation(&batch.suite);
    let tree = Tree::new(
        Hash::new(permutation.clone()),
        Compress::new(permutation.clone()),
        batch.params.cap_height.into(),
    );
    let fri = fri_parameters(&batch.params, FriTree::new(tree.clone()));
    let widths = batch.traces.iter().map(Matrix::width).collect();
    let mmcs = SplitMmcs::new(tree, Carving::new(widths, &batch.carved));
    let steps = Arc::default();
    let mut challenger = Recorder {
        inner: Challenger::new(permutation),
        steps: Arc::clone(&steps),
    };
    for element in batch.statement.iter().flat_map(|s| s.elements()) {
        challenger.observe(element);
    }
    let pcs = RecordedPcs::new(Radix2DitParallel::default(), mmcs, fri);
    let config = RecordedConfig::new(pcs, challenger)
        .with_lookup_proof_of_work_bits(batch.params.lookup_pow_bits.into())
        .with_ood_proof_of_work_bits(batch.params.ood_pow_bits.into());
    let data = ProverData::from_airs_and_degrees(&config, &batch.airs, &batch.log_heights())
        .expect("preprocessed columns");
    let bytes = postcard::to_allocvec(proof).expect("a proof is always encodable");
    let proof: BatchProof<RecordedConfig> = postcard::from_bytes(&bytes).expect("the same fields");
    let common = &data.common;
    let accepted =
        p3_batch_stark::verify_batch(&config, &batch.airs, &proof, &batch.publics, common).is_ok();
    let steps = steps.lock().expect("one thread").clone();
    (steps, accepted)
}
