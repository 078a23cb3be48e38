//! The backend itself.

use p3_baby_bear::PackedBabyBearNeon;
use tranche_core::Backend;
use tranche_core::hash::blake3;
use tranche_core::hash::poseidon2::{self, Poseidon2};

/// 4 lanes in 128-bit registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neon;

impl Backend for Neon {
    type P = PackedBabyBearNeon;

    const NAME: &'static str = "neon";
}

impl poseidon2::Kernels for Neon {
    type Permutation<'p> = &'p Poseidon2;
}

impl blake3::Kernels for Neon {
    type Vector = wide::u32x4;
}
