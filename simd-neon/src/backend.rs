//! The backend itself.

use p3_baby_bear::PackedBabyBearNeon;
use tranche_core::Backend;

/// 4 lanes in 128-bit registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neon;

impl Backend for Neon {
    type P = PackedBabyBearNeon;

    const NAME: &'static str = "neon";
}
