//! The arithmetic that epochs are proved with, chosen in this one place when a program is built.
//!
//! All backends give the same bytes; firmware that wants another than its target's takes it itself.

use tranche_core::Backend as _;

/// The backend for the processor that this program is built for.
#[cfg(all(target_arch = "x86_64", target_feature = "avx512f"))]
pub type Backend = tranche_simd_avx512::Avx512;

/// The backend for the processor that this program is built for.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
pub type Backend = tranche_simd_neon::Neon;

/// The backend for the processor that this program is built for: with AVX2, Plonky3's packing hashes
/// twice as fast as the portable one.
#[cfg(all(target_feature = "avx2", not(target_feature = "avx512f")))]
pub type Backend = tranche_core::DefaultBackend;

/// The backend for the processor that this program is built for.
#[cfg(any(
    all(target_feature = "sse2", not(target_feature = "avx2")),
    target_feature = "simd128"
))]
pub type Backend = tranche_core::PortableBackend;

/// The backend for the processor that this program is built for.
#[cfg(not(any(
    target_feature = "sse2",
    all(target_arch = "aarch64", target_feature = "neon"),
    target_feature = "simd128"
)))]
pub type Backend = tranche_core::ScalarBackend;

/// The name of [`Backend`], as reports give it.
pub const fn name() -> &'static str {
    Backend::NAME
}
