//! What several test programs make of the generics for the tables of tests: built here, and in none of them again.
//!
//! At the optimisation level of these packages a generic function is built once, in the first crate that needs it with
//! its types; crates above use that one. Nothing here is called.

use tranche as _;
use tranche_backend::Chosen;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::retire::{Keep, Order};
use tranche_core::shape::Profile;
use tranche_core::verifier::{Configured, ForkedError, Root, VerifyError};
use tranche_core::{DefaultBackend, ScalarBackend};

use tranche_machine::EpochTable;
use tranche_machine::batches::RunTable;
use tranche_machine::merge::MergeTable;

use crate::air::TestAir;
use crate::omit::Omitting;
use crate::reference::Batch;
use crate::retire::Run;

/// Provers and verifiers of one suite.
pub struct Shared<S: Configured> {
    /// The core's prover of a batch, in backends that are tested again and again.
    pub core: [fn(&Batch<TestAir, S>, Profile) -> Vec<u8>; 2],
    /// Plonky3's.
    pub plonky3: fn(&Batch<TestAir, S>) -> Vec<u8>,
    /// Plonky3's verifier.
    pub verify: fn(&Batch<TestAir, S>, &[u8]) -> Result<Vec<Root<S>>, VerifyError>,
    /// The core's prover of a run.
    pub run: fn(&Run<TestAir, S>, Order, Keep, Profile) -> Vec<u8>,
    /// The verifier of a run with forked challenges.
    pub verify_run: fn(&Run<TestAir, S>, &[u8]) -> Result<(), ForkedError>,
}

macro_rules! shared {
    () => {
        Shared {
            core: [
                Batch::core_prove::<DefaultBackend>,
                Batch::core_prove::<ScalarBackend>,
            ],
            plonky3: Batch::prove,
            verify: Batch::verify,
            run: Run::core_prove::<Chosen>,
            verify_run: Run::verify,
        }
    };
}

/// Plonky3's prover and verifier of batches of these tables.
pub type Reference<A, S = Poseidon2> = (
    fn(&Batch<A, S>) -> Vec<u8>,
    fn(&Batch<A, S>, &[u8]) -> Result<Vec<Root<S>>, VerifyError>,
);

/// Of epochs.
pub static EPOCHS: Reference<EpochTable<'static>> = (Batch::prove, Batch::verify);
/// Of merges.
pub static MERGES: Reference<MergeTable<'static>> = (Batch::prove, Batch::verify);
/// Of epochs whose tables lack checks.
pub static FORGED_EPOCHS: Reference<Omitting<EpochTable<'static>>> = (Batch::prove, Batch::verify);
/// Of runs whose tables lack checks.
pub static FORGED_RUNS: Reference<Omitting<RunTable<'static>>> = (Batch::prove, Batch::verify);

/// Of Poseidon2.
pub static POSEIDON2: Shared<Poseidon2> = shared!();
/// Of BLAKE3.
pub static BLAKE3: Shared<Blake3> = shared!();
