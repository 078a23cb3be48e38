//! The backend itself.

use p3_baby_bear::PackedBabyBearNeon;
use tranche_core::hash::{blake3, poseidon2};
use tranche_core::kernels::ntt::Twiddles;
use tranche_core::{Backend, F};

use crate::{intrinsics, ntt};

/// 4 lanes in 128-bit registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neon;

impl Backend for Neon {
    type P = PackedBabyBearNeon;

    const NAME: &'static str = "neon";

    fn lane_table_len(log_column: usize) -> usize {
        ntt::table_len(log_column)
    }

    fn fill_lane_table(table: &mut [u32], roots: &[F]) {
        ntt::fill_table(table, roots);
    }

    fn coset_ntt(twiddles: &Twiddles<'_>, column: &mut [F], shift: F) {
        if column.len() >= ntt::BLOCK {
            ntt::coset_ntt(twiddles, column, shift);
        } else {
            tranche_core::kernels::ntt::coset_ntt::<F>(twiddles, column, shift);
        }
    }

    fn intt(twiddles: &Twiddles<'_>, column: &mut [F]) {
        if column.len() >= ntt::BLOCK {
            ntt::intt(twiddles, column);
        } else {
            tranche_core::kernels::ntt::intt::<F>(twiddles, column);
        }
    }
}

impl poseidon2::Kernels for Neon {
    type Permutation<'p> = crate::poseidon2::Constants;
}

impl blake3::Kernels for Neon {
    type Vector = intrinsics::Words;
}
