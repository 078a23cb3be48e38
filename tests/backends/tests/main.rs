//! One conformance suite, included once for every backend that this build has: those of every target,
//! and the one that its programs are given.
//!
//! Kernels are compared with naive scalar code, on zeros, ones, minus ones and random elements, at
//! widths that leave odd remainders; whole proofs are compared with Plonky3's bytes.

mod blake3;
mod choice;
mod epoch;
mod kernels;
mod naive;
mod packing;
mod proofs;

/// The suite for one backend.
macro_rules! suite {
    ($name:ident, $backend:ty) => {
        mod $name {
            crate::packing::tests!($backend);
            crate::kernels::tests!($backend);
            crate::blake3::tests!($backend);
            crate::proofs::tests!($backend);
        }
    };
}

suite!(scalar, tranche_core::ScalarBackend);
suite!(portable, tranche_core::PortableBackend);
suite!(chosen, tranche_backend::Chosen);
