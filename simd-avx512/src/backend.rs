//! The backend itself.

use p3_baby_bear::PackedBabyBearAVX512;
use tranche_core::Backend;

/// The permutation with 52-bit multiply-adds.
#[cfg(all(target_feature = "avx512dq", target_feature = "avx512ifma"))]
type Permutation<'p> = crate::poseidon2::Constants;

/// Without them, the core's over the packing.
#[cfg(not(all(target_feature = "avx512dq", target_feature = "avx512ifma")))]
type Permutation<'p> = &'p tranche_core::poseidon2::Poseidon2;

/// 16 lanes in 512-bit registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Avx512;

impl Backend for Avx512 {
    type P = PackedBabyBearAVX512;
    type Permutation<'p> = Permutation<'p>;

    const NAME: &'static str = "avx512";
}
