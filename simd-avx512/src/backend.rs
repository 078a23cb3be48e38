//! The backend itself.

use p3_baby_bear::PackedBabyBearAVX512;
use tranche_core::hash::{blake3, poseidon2};
use tranche_core::kernels::ntt::Twiddles;
use tranche_core::{Backend, F};

use crate::{intrinsics, ntt};

/// The permutation with 52-bit multiply-adds.
#[cfg(all(target_feature = "avx512dq", target_feature = "avx512ifma"))]
type Permutation<'p> = crate::poseidon2::Permutation;

/// Without them, the core's over the packing.
#[cfg(not(all(target_feature = "avx512dq", target_feature = "avx512ifma")))]
type Permutation<'p> = &'p poseidon2::Poseidon2;

/// 16 lanes in 512-bit registers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Avx512;

impl poseidon2::Kernels for Avx512 {
    type Permutation<'p> = Permutation<'p>;
}

impl blake3::Kernels for Avx512 {
    type Vector = intrinsics::Words;
}

impl Backend for Avx512 {
    type P = PackedBabyBearAVX512;

    const NAME: &'static str = "avx512";

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

    #[inline]
    fn prefetch(values: &[F]) {
        intrinsics::prefetch(values);
    }

    #[inline]
    fn prefetch_mut(values: &mut [F]) {
        intrinsics::prefetch_mut(values);
    }
}
