//! Packed values as vectors.

use core::arch::x86_64::{__m512i, _mm512_set1_epi32};
use core::mem::transmute;

use p3_baby_bear::PackedBabyBearAVX512;

/// The words of a packed value: field elements in Montgomery form, all below the modulus.
#[inline]
pub(crate) fn vector(x: PackedBabyBearAVX512) -> __m512i {
    // SAFETY: a packed value is a transparent array of 16 transparent words.
    #[allow(unsafe_code)]
    unsafe {
        transmute::<PackedBabyBearAVX512, __m512i>(x)
    }
}

/// The packed value of such words.
#[inline]
pub(crate) fn packed(words: __m512i) -> PackedBabyBearAVX512 {
    // SAFETY: as above; the callers reduce what they store.
    #[allow(unsafe_code)]
    unsafe {
        transmute::<__m512i, PackedBabyBearAVX512>(words)
    }
}

/// A word in every lane.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn splat32(x: u32) -> __m512i {
    _mm512_set1_epi32(x.cast_signed())
}
