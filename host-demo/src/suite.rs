//! The hash suite that settings name, as a type.

use tranche_core::verifier::Configured;
use tranche_machine::hash::MachineSuite;

/// A hash suite of the machine that Plonky3 verifies with.
pub trait HostSuite: MachineSuite + Configured {}

impl<S: MachineSuite + Configured> HostSuite for S {}

/// Evaluates an expression in which a name is the suite that a [`Hash`](tranche_machine::hash::Hash) names.
macro_rules! with_suite {
    ($hash:expr, $suite:ident => $body:expr) => {
        match $hash {
            tranche_machine::hash::Hash::Poseidon2 => {
                type $suite = tranche_core::hash::poseidon2::Poseidon2;
                $body
            }
            tranche_machine::hash::Hash::Blake3 => {
                type $suite = tranche_core::hash::blake3::Blake3;
                $body
            }
        }
    };
}
pub(crate) use with_suite;
