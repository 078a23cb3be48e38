//! Whole proofs: the bytes of Plonky3, with every backend.

use proptest::prelude::*;
use tranche_core::Hashes;
use tranche_core::air::ProverAir;
use tranche_core::hash::blake3::Blake3;
use tranche_test_support::air::TestAir;
use tranche_test_support::core::PROFILES;
use tranche_test_support::reference::{Batch, ReferenceSuite};
use tranche_test_support::shapes::{QUICK, Shape, shapes};

macro_rules! tests {
    ($backend:ty) => {
        #[test]
        fn a_proof_with_everything_in_it() {
            crate::proofs::everything::<$backend>();
        }

        #[test]
        fn proofs_of_random_shapes() {
            crate::proofs::random_shapes::<$backend>();
        }
    };
}
pub(crate) use tests;

fn equal<B: Hashes>(shape: &Shape)
where
    TestAir: ProverAir<B>,
{
    equal_in::<B, _>(&shape.batch(), shape);
}

fn equal_in<B: Hashes<S>, S: ReferenceSuite>(batch: &Batch<TestAir, S>, shape: &Shape)
where
    TestAir: ProverAir<B>,
{
    let plonky3 = batch.prove();
    for profile in PROFILES {
        let ours = batch.core_prove::<B>(profile);
        assert!(
            ours == plonky3,
            "{} with {} differs from Plonky3 in {profile:?} on {shape:?}",
            B::NAME,
            S::NAME,
        );
    }
    batch.verify(&plonky3).expect("an honest proof");
}

pub fn everything<B: Hashes>()
where
    TestAir: ProverAir<B>,
{
    equal::<B>(&Shape::everything(QUICK));
}

pub fn random_shapes<B: Hashes>()
where
    TestAir: ProverAir<B>,
{
    let config = ProptestConfig {
        cases: 16,
        ..Default::default()
    };
    proptest!(config, |(shape in shapes())| equal::<B>(&shape));
}

/// The other suite with the backend of programs alone: its kernels are compared with every backend, and each
/// whole prover takes minutes to compile.
#[test]
fn a_proof_with_everything_in_it_in_blake3() {
    let shape = Shape::everything(QUICK);
    equal_in::<tranche_backend::Chosen, _>(&shape.batch().with_suite(Blake3), &shape);
}
