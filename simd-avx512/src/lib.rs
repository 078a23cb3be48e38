//! The backend of `tranche-core` for x86-64 processors with AVX-512: 16 lanes of BabyBear.
//!
//! The packing is p3-monty-31's. The transforms and BLAKE3 are this crate's own, and Poseidon2 where the
//! processor has 52-bit multiply-adds (IFMA); the other kernels are those that the core derives from a packing.
//! On other architectures this crate is empty.
#![no_std]
#![cfg(target_arch = "x86_64")]

#[cfg(not(all(target_feature = "avx512f", target_feature = "avx2")))]
compile_error!(
    "tranche-simd-avx512 needs AVX-512: build with RUSTFLAGS=\"-C target-cpu=native\" on a processor \
     that has it, or with RUSTFLAGS=\"-C target-feature=+avx2,+avx512f\""
);

#[cfg(all(target_feature = "avx512f", target_feature = "avx2"))]
mod backend;
#[cfg(all(target_feature = "avx512f", target_feature = "avx2"))]
mod blake3;
#[cfg(all(target_feature = "avx512f", target_feature = "avx2"))]
mod intrinsics;
#[cfg(all(target_feature = "avx512f", target_feature = "avx2"))]
mod ntt;
#[cfg(all(target_feature = "avx512dq", target_feature = "avx512ifma"))]
mod poseidon2;
#[cfg(all(target_feature = "avx512f", target_feature = "avx2"))]
pub use backend::Avx512;
