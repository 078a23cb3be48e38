//! Vectors and the instructions on them: the one module of this crate that holds unsafe code.
//!
//! A vector is its lanes and nothing more: any bits are one. What lanes stand for, and how far they are
//! reduced, is in the types of the modules that use them.

#![allow(unsafe_code)]

use core::arch::x86_64::*;
use core::mem::transmute;

use p3_baby_bear::PackedBabyBearAVX512;
use tranche_core::F;

/// Words in a vector.
pub(crate) const LANES: usize = 16;

/// Executes instructions on vectors.
macro_rules! on_vectors {
    ($instructions:expr) => {
        // SAFETY: this crate does not build without the instructions; they read and write registers alone,
        // and every bit pattern of a vector is one.
        unsafe { $instructions }
    };
}

/// 16 words of 32 bits.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Words(__m512i);

impl Words {
    /// A word in every lane.
    #[inline(always)]
    pub fn splat(word: u32) -> Self {
        Self(on_vectors!(_mm512_set1_epi32(word.cast_signed())))
    }

    /// One lane after the other.
    #[inline(always)]
    pub fn new(words: [u32; LANES]) -> Self {
        Self(on_vectors!(transmute::<[u32; LANES], __m512i>(words)))
    }

    /// One lane after the other.
    #[inline(always)]
    pub fn to_array(self) -> [u32; LANES] {
        on_vectors!(transmute::<__m512i, [u32; LANES]>(self.0))
    }

    /// Field elements as they are stored: in Montgomery form, below the modulus.
    #[inline(always)]
    pub fn stored(elements: PackedBabyBearAVX512) -> Self {
        // A packed value is a transparent array of transparent words.
        Self(on_vectors!(transmute::<PackedBabyBearAVX512, __m512i>(
            elements
        )))
    }

    /// The field elements that are stored so, of words below the modulus.
    #[inline(always)]
    pub fn to_elements(self) -> PackedBabyBearAVX512 {
        on_vectors!(transmute::<__m512i, PackedBabyBearAVX512>(self.0))
    }

    /// Sums modulo `2^32`.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_add_epi32(self.0, other.0)))
    }

    /// Differences modulo `2^32`.
    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_sub_epi32(self.0, other.0)))
    }

    /// Differences in bits.
    #[inline(always)]
    pub fn xor(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_xor_si512(self.0, other.0)))
    }

    /// The low `N` bits of each word above the others.
    #[inline(always)]
    pub fn rotate_right<const N: i32>(self) -> Self {
        Self(on_vectors!(_mm512_ror_epi32::<N>(self.0)))
    }

    /// The smaller words.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_min_epu32(self.0, other.0)))
    }

    /// Low words of products.
    #[inline(always)]
    pub fn mul_low(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_mullo_epi32(self.0, other.0)))
    }

    /// Products of even lanes, in 64 bits each.
    #[inline(always)]
    pub fn mul_even(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_mul_epu32(self.0, other.0)))
    }

    /// Odd lanes in even places.
    #[inline(always)]
    pub fn odd_to_even(self) -> Self {
        Self(on_vectors!(_mm512_castps_si512(_mm512_movehdup_ps(
            _mm512_castsi512_ps(self.0)
        ))))
    }

    /// The high words of products of even and of odd lanes, in their lanes.
    ///
    /// By intrinsics it becomes a permutation of two registers, which takes longer.
    #[inline(always)]
    pub fn high_words(even: Self, odd: Self) -> Self {
        let mut words = odd.0;
        on_vectors!(core::arch::asm!(
            "vmovshdup {words}{{{mask}}}, {even}",
            words = inout(zmm_reg) words,
            even = in(zmm_reg) even.0,
            mask = in(kreg) 0x5555_u16,
            options(pure, nomem, nostack, preserves_flags),
        ));
        Self(words)
    }

    /// Even lanes of `even`, and even lanes of `odd` in odd places.
    #[inline(always)]
    #[cfg(all(target_feature = "avx512dq", target_feature = "avx512ifma"))]
    pub fn interleave_even(even: Pairs, odd: Pairs) -> Self {
        Self(on_vectors!(_mm512_castps_si512(_mm512_mask_moveldup_ps(
            _mm512_castsi512_ps(even.0),
            0xaaaa,
            _mm512_castsi512_ps(odd.0)
        ))))
    }

    /// Element `i` of vector `j` becomes element `j` of vector `i`.
    #[inline(always)]
    pub fn transpose(x: &[Self; LANES]) -> [Self; LANES] {
        use core::array::from_fn;
        // Pairs of words, then of pairs: vector 4 j + k holds the words k + 4 m of vectors 4 j to 4 j + 3.
        let pairs: [__m512i; LANES] = from_fn(|i| {
            let (a, b) = (x[i & !1].0, x[i | 1].0);
            if i % 2 == 0 {
                on_vectors!(_mm512_unpacklo_epi32(a, b))
            } else {
                on_vectors!(_mm512_unpackhi_epi32(a, b))
            }
        });
        let fours: [__m512i; LANES] = from_fn(|i| {
            let first = (i & !3) + (i & 2) / 2;
            let (a, b) = (pairs[first], pairs[first + 2]);
            if i % 2 == 0 {
                on_vectors!(_mm512_unpacklo_epi64(a, b))
            } else {
                on_vectors!(_mm512_unpackhi_epi64(a, b))
            }
        });
        // Their quarters, m even and m odd, of the first eight vectors and of the last.
        let halves: [__m512i; LANES] = from_fn(|i| {
            let (k, m) = (i % 4, i / 4);
            let (a, b) = (fours[8 * (m / 2) + k], fours[8 * (m / 2) + 4 + k]);
            if m % 2 == 0 {
                on_vectors!(_mm512_shuffle_i32x4::<0x88>(a, b))
            } else {
                on_vectors!(_mm512_shuffle_i32x4::<0xdd>(a, b))
            }
        });
        from_fn(|i| {
            let (k, m) = (i % 4, i / 4);
            let (a, b) = (halves[4 * (m % 2) + k], halves[8 + 4 * (m % 2) + k]);
            Self(if m < 2 {
                on_vectors!(_mm512_shuffle_i32x4::<0x88>(a, b))
            } else {
                on_vectors!(_mm512_shuffle_i32x4::<0xdd>(a, b))
            })
        })
    }
}

/// 8 words of 64 bits, in each a pair of lanes.
#[cfg(all(target_feature = "avx512dq", target_feature = "avx512ifma"))]
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Pairs(__m512i);

#[cfg(all(target_feature = "avx512dq", target_feature = "avx512ifma"))]
impl Pairs {
    /// A word in every lane.
    #[inline(always)]
    pub fn splat(word: u64) -> Self {
        Self(on_vectors!(_mm512_set1_epi64(word.cast_signed())))
    }

    /// The even lanes of 32 bits.
    #[inline(always)]
    pub fn even(words: Words) -> Self {
        let low = Self::splat(u32::MAX.into());
        Self(on_vectors!(_mm512_and_si512(words.0, low.0)))
    }

    /// The odd lanes of 32 bits.
    #[inline(always)]
    pub fn odd(words: Words) -> Self {
        Self(words.0).shift_right::<32>()
    }

    /// One lane after the other.
    #[cfg(test)]
    pub fn to_array(self) -> [u64; LANES / 2] {
        on_vectors!(transmute::<__m512i, [u64; LANES / 2]>(self.0))
    }

    /// Sums modulo `2^64`.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_add_epi64(self.0, other.0)))
    }

    /// Differences modulo `2^64`.
    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_sub_epi64(self.0, other.0)))
    }

    /// Times `2^BITS` modulo `2^64`.
    #[inline(always)]
    pub fn shift_left<const BITS: u32>(self) -> Self {
        Self(on_vectors!(_mm512_slli_epi64::<BITS>(self.0)))
    }

    /// Over `2^BITS`, rounded down.
    #[inline(always)]
    pub fn shift_right<const BITS: u32>(self) -> Self {
        Self(on_vectors!(_mm512_srli_epi64::<BITS>(self.0)))
    }

    /// Products modulo `2^64`.
    #[inline(always)]
    #[cfg(any(test, target_feature = "sse4a"))]
    pub fn mul_low(self, other: Self) -> Self {
        Self(on_vectors!(_mm512_mullo_epi64(self.0, other.0)))
    }

    /// `self`, plus the bits from 52 on of a product of the low 52 bits of both.
    #[inline(always)]
    pub fn add_high_52(self, a: Self, b: Self) -> Self {
        Self(on_vectors!(_mm512_madd52hi_epu64(self.0, a.0, b.0)))
    }

    /// `self`, plus the low 52 bits of such a product.
    #[inline(always)]
    pub fn add_low_52(self, a: Self, b: Self) -> Self {
        Self(on_vectors!(_mm512_madd52lo_epu64(self.0, a.0, b.0)))
    }
}

/// Asks for cache lines that are read soon.
#[inline(always)]
pub(crate) fn prefetch(values: &[F]) {
    prefetch_lines::<_MM_HINT_T0>(values);
}

/// Asks for cache lines that are written soon.
#[inline(always)]
pub(crate) fn prefetch_mut(values: &mut [F]) {
    prefetch_lines::<_MM_HINT_ET0>(values);
}

#[inline(always)]
fn prefetch_lines<const HINT: i32>(values: &[F]) {
    const LINE_ELEMENTS: usize = 64 / size_of::<F>();
    for line in values.chunks(LINE_ELEMENTS) {
        // SAFETY: a prefetch reads nothing, whatever the address.
        unsafe {
            _mm_prefetch::<HINT>(line.as_ptr().cast());
        }
    }
}
