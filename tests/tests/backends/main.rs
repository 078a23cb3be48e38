//! One conformance suite, included once for every backend that this build has.
//!
//! Kernels are compared with naive scalar code, on zeros, ones, minus ones and random elements, at
//! widths that leave odd remainders; whole proofs are compared with Plonky3's bytes.

mod choice;
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
            crate::proofs::tests!($backend);
        }
    };
}

suite!(scalar, tranche_core::ScalarBackend);
suite!(portable, tranche_core::PortableBackend);
// The packing of the backends below is Plonky3's too; once is enough.
#[cfg(all(target_feature = "avx2", not(target_feature = "avx512f")))]
suite!(plonky3, tranche_core::DefaultBackend);
#[cfg(all(target_arch = "x86_64", target_feature = "avx512f"))]
suite!(avx512, tranche_simd_avx512::Avx512);
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
suite!(neon, tranche_simd_neon::Neon);
