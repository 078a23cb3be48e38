//! The backend of `tranche-core` for AArch64 processors with NEON: 4 lanes of BabyBear.
//!
//! The packing is p3-monty-31's. The transforms and both hashes are this crate's own; the other kernels are
//! those that the core derives from a packing.
//! On other architectures this crate is empty.
#![no_std]
#![cfg(target_arch = "aarch64")]

#[cfg(not(target_feature = "neon"))]
compile_error!(
    "tranche-simd-neon needs NEON: build with RUSTFLAGS=\"-C target-feature=+neon\", or for a target \
     that has it"
);

#[cfg(target_feature = "neon")]
mod backend;
#[cfg(target_feature = "neon")]
mod blake3;
#[cfg(target_feature = "neon")]
mod intrinsics;
#[cfg(target_feature = "neon")]
mod ntt;
#[cfg(target_feature = "neon")]
mod poseidon2;
#[cfg(target_feature = "neon")]
mod residue;
#[cfg(target_feature = "neon")]
pub use backend::Neon;
