//! The arithmetic that programs prove with, chosen in this one place when they are built.
//!
//! All backends give the same bytes. What is linked into a whole chooses: the host program, the C library,
//! the firmware images, and the tests, which run their suite over what was chosen; every library below is
//! generic over its [`Backend`]. A new backend is a crate, a dependency and a line here, and a line in
//! `tests/cross`.
//!
//! With the feature `threads` (which needs an operating system) the threads of a [`Team`] work on one proof; without it,
//! as on a device, nothing of that is there.
#![no_std]

#[cfg(feature = "threads")]
extern crate std;

#[cfg(feature = "threads")]
mod team;

use tranche_core::Backend;

#[cfg(feature = "threads")]
pub use team::{Team, Threaded};

/// The backend for the processor that this program is built for.
#[cfg(not(feature = "threads"))]
pub type Chosen = Lanes;
/// The backend for the processor that this program is built for, with its threads.
#[cfg(feature = "threads")]
pub type Chosen = Threaded<Lanes>;

/// The arithmetic of one thread: the first whose instructions the build has.
///
/// With AVX2, Plonky3's packing hashes twice as fast as the portable one.
type Lanes = cfg_select! {
    all(target_arch = "x86_64", target_feature = "avx512f") => tranche_simd_avx512::Avx512,
    all(target_arch = "aarch64", target_feature = "neon") => tranche_simd_neon::Neon,
    target_feature = "avx2" => tranche_core::DefaultBackend,
    any(target_feature = "sse2", target_feature = "simd128") => tranche_core::PortableBackend,
    _ => tranche_core::ScalarBackend,
};

/// The name of [`Chosen`], as reports give it.
pub const NAME: &str = Chosen::NAME;
