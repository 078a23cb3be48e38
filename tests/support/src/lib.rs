//! Tests that need more than one crate: the reference prover and the batches it is compared on.

pub mod air;
pub mod audit;
pub mod core;
pub mod machine;
pub mod merge;
pub mod omit;
pub mod params;
pub mod reference;
pub mod retire;
pub mod shapes;
#[cfg(all(feature = "shared", not(test)))]
pub mod shared;
