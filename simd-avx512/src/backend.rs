//! The backend itself.

use p3_baby_bear::PackedBabyBearAVX512;
use tranche_core::Backend;

/// 16 lanes in 512-bit registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Avx512;

impl Backend for Avx512 {
    type P = PackedBabyBearAVX512;

    const NAME: &'static str = "avx512";
}
