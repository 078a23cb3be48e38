//! Vectors and the instructions on them: the one module of this crate that holds unsafe code.
//!
//! A vector is its lanes and nothing more: any bits are one. What lanes stand for, and how far they are
//! reduced, is in the types of the modules that use them.

#![allow(unsafe_code)]

use core::arch::aarch64::*;
use core::mem::transmute;

use p3_baby_bear::PackedBabyBearNeon;
use tranche_core::F;

/// Words in a vector.
pub(crate) const LANES: usize = 4;

/// Executes instructions on vectors.
macro_rules! on_vectors {
    ($instructions:expr) => {
        // SAFETY: this crate does not build without the instructions; they read and write registers alone,
        // and every bit pattern of a vector is one.
        unsafe { $instructions }
    };
}

/// 4 words of 32 bits; where a sign counts, in two's complement.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Words(int32x4_t);

impl Words {
    /// A word in every lane.
    #[inline(always)]
    pub fn splat(word: i32) -> Self {
        Self(on_vectors!(vdupq_n_s32(word)))
    }

    /// One lane after the other.
    #[inline(always)]
    pub fn new(words: [u32; LANES]) -> Self {
        Self(on_vectors!(transmute::<[u32; LANES], int32x4_t>(words)))
    }

    /// One lane after the other.
    #[inline(always)]
    pub fn to_array(self) -> [u32; LANES] {
        on_vectors!(transmute::<int32x4_t, [u32; LANES]>(self.0))
    }

    /// Field elements as they are stored: in Montgomery form, below the modulus.
    #[inline(always)]
    pub fn stored(elements: PackedBabyBearNeon) -> Self {
        // A packed value is a transparent array of transparent words.
        Self(on_vectors!(transmute::<PackedBabyBearNeon, int32x4_t>(
            elements
        )))
    }

    /// The field elements that are stored so, of words below the modulus.
    #[inline(always)]
    pub fn to_elements(self) -> PackedBabyBearNeon {
        on_vectors!(transmute::<int32x4_t, PackedBabyBearNeon>(self.0))
    }

    /// The word of lane `lane % 4` in every lane.
    #[inline(always)]
    pub fn broadcast(self, lane: usize) -> Self {
        Self(on_vectors!(match lane % LANES {
            0 => vdupq_laneq_s32::<0>(self.0),
            1 => vdupq_laneq_s32::<1>(self.0),
            2 => vdupq_laneq_s32::<2>(self.0),
            _ => vdupq_laneq_s32::<3>(self.0),
        }))
    }

    /// Sums modulo `2^32`.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self(on_vectors!(vaddq_s32(self.0, other.0)))
    }

    /// Differences modulo `2^32`.
    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        Self(on_vectors!(vsubq_s32(self.0, other.0)))
    }

    /// Differences in bits.
    #[inline(always)]
    pub fn xor(self, other: Self) -> Self {
        Self(on_vectors!(veorq_s32(self.0, other.0)))
    }

    /// The smaller words, without sign.
    #[inline(always)]
    pub fn min_unsigned(self, other: Self) -> Self {
        Self(on_vectors!(vreinterpretq_s32_u32(vminq_u32(
            vreinterpretq_u32_s32(self.0),
            vreinterpretq_u32_s32(other.0)
        ))))
    }

    /// The low `N` bits of each word above the others: one instruction or two for the `N` of BLAKE3.
    #[inline(always)]
    pub fn rotate_right<const N: i32>(self) -> Self {
        const BYTES_BY_ONE: [u8; 16] = [1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12];
        Self(on_vectors!(match N {
            16 => vreinterpretq_s32_s16(vrev32q_s16(vreinterpretq_s16_s32(self.0))),
            8 => vreinterpretq_s32_u8(vqtbl1q_u8(
                vreinterpretq_u8_s32(self.0),
                transmute::<[u8; 16], uint8x16_t>(BYTES_BY_ONE)
            )),
            12 => vsriq_n_s32::<12>(vshlq_n_s32::<20>(self.0), self.0),
            7 => vsriq_n_s32::<7>(vshlq_n_s32::<25>(self.0), self.0),
            _ => {
                let words = vreinterpretq_u32_s32(self.0);
                let low = vshlq_u32(words, vdupq_n_s32(32 - N));
                vreinterpretq_s32_u32(vorrq_u32(low, vshlq_u32(words, vdupq_n_s32(-N))))
            }
        }))
    }

    /// Times `2^BITS` modulo `2^32`.
    #[inline(always)]
    pub fn shift_left<const BITS: i32>(self) -> Self {
        Self(on_vectors!(vshlq_n_s32::<BITS>(self.0)))
    }

    /// Over `2^BITS`, rounded down.
    #[inline(always)]
    pub fn shift_right<const BITS: i32>(self) -> Self {
        Self(on_vectors!(vshrq_n_s32::<BITS>(self.0)))
    }

    /// Over `2^BITS`, rounded to the nearest integer, a half up.
    #[inline(always)]
    pub fn shift_right_rounding<const BITS: i32>(self) -> Self {
        Self(on_vectors!(vrshrq_n_s32::<BITS>(self.0)))
    }

    /// Halves of sums, rounded down.
    #[inline(always)]
    pub fn add_halving(self, other: Self) -> Self {
        Self(on_vectors!(vhaddq_s32(self.0, other.0)))
    }

    /// Halves of differences, rounded down.
    #[inline(always)]
    pub fn sub_halving(self, other: Self) -> Self {
        Self(on_vectors!(vhsubq_s32(self.0, other.0)))
    }

    /// Products over `2^31`, rounded down; that of `-2^31` with itself is not one.
    #[inline(always)]
    pub fn mul_high(self, other: Self) -> Self {
        Self(on_vectors!(vqdmulhq_s32(self.0, other.0)))
    }

    /// Low words of products.
    #[inline(always)]
    pub fn mul_low(self, other: Self) -> Self {
        Self(on_vectors!(vmulq_s32(self.0, other.0)))
    }

    /// `self - a b` modulo `2^32`.
    #[inline(always)]
    pub fn sub_mul(self, a: Self, b: Self) -> Self {
        Self(on_vectors!(vmlsq_s32(self.0, a.0, b.0)))
    }

    /// Products over `2^31`, rounded to the nearest integer, a half up; that of `-2^31` with itself is not one.
    #[inline(always)]
    pub fn mul_high_rounding(self, other: Self) -> Self {
        Self(on_vectors!(vqrdmulhq_s32(self.0, other.0)))
    }

    /// Low words of products with lane `LANE` of `factors`.
    #[inline(always)]
    pub fn mul_low_lane<const LANE: i32>(self, factors: Self) -> Self {
        Self(on_vectors!(vmulq_laneq_s32::<LANE>(self.0, factors.0)))
    }

    /// `self - a b` modulo `2^32` for lane `LANE` of `factors` as `b`.
    #[inline(always)]
    pub fn sub_mul_lane<const LANE: i32>(self, a: Self, factors: Self) -> Self {
        Self(on_vectors!(vmlsq_laneq_s32::<LANE>(self.0, a.0, factors.0)))
    }

    /// [`Self::mul_high_rounding`] with lane `LANE` of `factors`.
    #[inline(always)]
    pub fn mul_high_rounding_lane<const LANE: i32>(self, factors: Self) -> Self {
        Self(on_vectors!(vqrdmulhq_laneq_s32::<LANE>(self.0, factors.0)))
    }

    /// Element `i` of vector `j` becomes element `j` of vector `i`.
    #[inline(always)]
    pub fn transpose([a, b, c, d]: [Self; LANES]) -> [Self; LANES] {
        let pairs = |x: Self, y: Self| {
            let (x, y) = (x.0, y.0);
            [on_vectors!(vtrn1q_s32(x, y)), on_vectors!(vtrn2q_s32(x, y))]
                .map(|x| on_vectors!(vreinterpretq_s64_s32(x)))
        };
        let ([even_ab, odd_ab], [even_cd, odd_cd]) = (pairs(a, b), pairs(c, d));
        [
            on_vectors!(vtrn1q_s64(even_ab, even_cd)),
            on_vectors!(vtrn1q_s64(odd_ab, odd_cd)),
            on_vectors!(vtrn2q_s64(even_ab, even_cd)),
            on_vectors!(vtrn2q_s64(odd_ab, odd_cd)),
        ]
        .map(|x| Self(on_vectors!(vreinterpretq_s32_s64(x))))
    }
}

/// 8 words of 16 bits, in two's complement.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct HalfWords(int16x8_t);

impl HalfWords {
    /// The upper halves of words: of those of `a`, then of those of `b`.
    #[inline(always)]
    pub fn upper(a: Words, b: Words) -> Self {
        Self(on_vectors!(vuzp2q_s16(
            vreinterpretq_s16_s32(a.0),
            vreinterpretq_s16_s32(b.0)
        )))
    }

    /// The first four, and the last four, as words.
    #[inline(always)]
    pub fn widen(self) -> [Words; 2] {
        [
            Words(on_vectors!(vmovl_s16(vget_low_s16(self.0)))),
            Words(on_vectors!(vmovl_high_s16(self.0))),
        ]
    }

    /// The last four, then the first four.
    #[inline(always)]
    pub fn swap(self) -> Self {
        Self(on_vectors!(vextq_s16::<4>(self.0, self.0)))
    }

    /// Sums modulo `2^16`.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self(on_vectors!(vaddq_s16(self.0, other.0)))
    }

    /// Products with `factor` over `2^15`, rounded to the nearest integer, a half up.
    #[inline(always)]
    pub fn mul_high_rounding(self, factor: i16) -> Self {
        Self(on_vectors!(vqrdmulhq_s16(self.0, vdupq_n_s16(factor))))
    }

    /// Over `2^BITS`, rounded to the nearest integer, a half up.
    #[inline(always)]
    pub fn shift_right_rounding<const BITS: i32>(self) -> Self {
        Self(on_vectors!(vrshrq_n_s16::<BITS>(self.0)))
    }
}

/// The words of field elements, vector by vector, which may be anything until the transform of a column is
/// done.
pub(crate) fn vectors_mut(column: &mut [F]) -> &mut [[u32; LANES]] {
    let (start, len) = (column.as_mut_ptr(), column.len() / LANES);
    // SAFETY: a field element is a transparent word, any of which may be read, so that these vectors, which
    // need no other alignment, are inside of the column; it is borrowed as long as they are.
    unsafe { core::slice::from_raw_parts_mut(start.cast(), len) }
}
