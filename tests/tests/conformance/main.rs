//! The core against Plonky3: equal bytes, accepted proofs, and refusals that never panic.

mod absorbed;
mod accepted;
mod carved;
mod equal;
mod hashes;
mod partition;
mod recorder;
mod refused;
