//! The hash suites of this build, chosen by a number at run time: each is a feature, and a build without it
//! has no code of its own for it.

use tranche_backend::Chosen;
#[cfg(feature = "blake3")]
use tranche_core::hash::blake3::Blake3;
#[cfg(feature = "poseidon2")]
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_machine::EpochProver;
use tranche_machine::hash::Hash;

#[cfg(not(any(feature = "poseidon2", feature = "blake3")))]
compile_error!("no hash suite: at least one of the features `poseidon2` and `blake3` is needed");

/// The suites, by their numbers; the first is the one of a request by default.
pub const BUILT: &[Hash] = &[
    #[cfg(feature = "poseidon2")]
    Hash::Poseidon2,
    #[cfg(feature = "blake3")]
    Hash::Blake3,
];

/// Evaluates an expression, a result, in which a name is the suite that a [`Hash`](enum@Hash) names; a suite that
/// this build has not is [`HashNotBuilt`](crate::error::TrancheError::HashNotBuilt).
macro_rules! with_suite {
    ($hash:expr, $suite:ident => $body:expr) => {
        match $hash {
            #[cfg(feature = "poseidon2")]
            tranche_machine::hash::Hash::Poseidon2 => {
                type $suite = tranche_core::hash::poseidon2::Poseidon2;
                $body
            }
            #[cfg(feature = "blake3")]
            tranche_machine::hash::Hash::Blake3 => {
                type $suite = tranche_core::hash::blake3::Blake3;
                $body
            }
            #[cfg(not(all(feature = "poseidon2", feature = "blake3")))]
            _ => Err($crate::error::TrancheError::HashNotBuilt),
        }
    };
}
pub(crate) use with_suite;

/// The prover of a session, of whichever suite. It lives in the session's buffer, which has room for the larger.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is no heap to put one into
pub enum SuiteProver<'a> {
    /// Hashes with Poseidon2.
    #[cfg(feature = "poseidon2")]
    Poseidon2(EpochProver<'a, Chosen, Poseidon2>),
    /// Hashes with BLAKE3.
    #[cfg(feature = "blake3")]
    Blake3(EpochProver<'a, Chosen, Blake3>),
}

#[cfg(feature = "poseidon2")]
impl<'a> From<EpochProver<'a, Chosen, Poseidon2>> for SuiteProver<'a> {
    fn from(prover: EpochProver<'a, Chosen, Poseidon2>) -> Self {
        Self::Poseidon2(prover)
    }
}

#[cfg(feature = "blake3")]
impl<'a> From<EpochProver<'a, Chosen, Blake3>> for SuiteProver<'a> {
    fn from(prover: EpochProver<'a, Chosen, Blake3>) -> Self {
        Self::Blake3(prover)
    }
}
