//! The packed field that Plonky3's traits ask for, over the arithmetic of the parent module.
//!
//! The traits are `unsafe` because Plonky3 casts between slices of elements and slices of packings.
//! That, and the way back from Montgomery words to elements, is all the unsafe code there is here.
#![allow(unsafe_code)]

use core::array;
use core::iter::{Product, Sum};
use core::mem::transmute;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use p3_field::op_assign_macros::{
    impl_add_assign, impl_add_base_field, impl_div_methods, impl_mul_base_field, impl_mul_methods,
    impl_packed_field_div, impl_sub_assign, impl_sub_base_field, impl_sum_prod_base_field,
    ring_sum,
};
use p3_field::{
    Algebra, Field, InjectiveMonomial, PackedField, PackedFieldPow2, PackedValue,
    PrimeCharacteristicRing, PrimeField32,
};
use wide::u32x8;

use super::arithmetic;
use crate::F;

/// Elements in a packing.
const WIDTH: usize = 8;

/// 8 elements of the base field side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Lanes([F; WIDTH]);

const _: () = assert!(size_of::<Lanes>() == WIDTH * size_of::<F>());
const _: () = assert!(align_of::<Lanes>() == align_of::<F>());
const _: () = assert!(size_of::<F>() == size_of::<u32>() && align_of::<F>() == align_of::<u32>());

impl Lanes {
    /// The Montgomery form of each lane, in `0..p`.
    #[inline(always)]
    fn words(self) -> u32x8 {
        u32x8::new(self.0.map(|x| x.to_unique_u32()))
    }

    /// The inverse of [`Lanes::words`]; every word is in `0..p`, as all of the arithmetic leaves them.
    #[inline(always)]
    fn from_words(words: u32x8) -> Self {
        debug_assert!(words.to_array().iter().all(|&word| word < F::ORDER_U32));
        // SAFETY: `F` is a transparent wrapper of a `u32` that holds this very word (asserted above
        // by size and alignment), and any `u32` is a valid value of it.
        Self(unsafe { transmute::<[u32; WIDTH], [F; WIDTH]>(words.to_array()) })
    }

    const fn broadcast(x: F) -> Self {
        Self([x; WIDTH])
    }
}

impl From<F> for Lanes {
    #[inline]
    fn from(x: F) -> Self {
        Self::broadcast(x)
    }
}

impl Add for Lanes {
    type Output = Self;
    #[inline]
    fn add(self, rhs: Self) -> Self {
        Self::from_words(arithmetic::add(self.words(), rhs.words()))
    }
}

impl Sub for Lanes {
    type Output = Self;
    #[inline]
    fn sub(self, rhs: Self) -> Self {
        Self::from_words(arithmetic::sub(self.words(), rhs.words()))
    }
}

impl Neg for Lanes {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Mul for Lanes {
    type Output = Self;
    #[inline]
    fn mul(self, rhs: Self) -> Self {
        Self::from_words(arithmetic::mul(self.words(), rhs.words()))
    }
}

impl_add_assign!(Lanes);
impl_sub_assign!(Lanes);
impl_mul_methods!(Lanes);
ring_sum!(Lanes);
impl_add_base_field!(Lanes, F);
impl_sub_base_field!(Lanes, F);
impl_mul_base_field!(Lanes, F);
impl_div_methods!(Lanes, F);
impl_packed_field_div!(Lanes);
impl_sum_prod_base_field!(Lanes, F);

impl PrimeCharacteristicRing for Lanes {
    type PrimeSubfield = F;

    const ZERO: Self = Self::broadcast(F::ZERO);
    const ONE: Self = Self::broadcast(F::ONE);
    const TWO: Self = Self::broadcast(F::TWO);
    const NEG_ONE: Self = Self::broadcast(F::NEG_ONE);

    #[inline]
    fn from_prime_subfield(x: F) -> Self {
        x.into()
    }

    #[inline]
    fn halve(&self) -> Self {
        Self::from_words(arithmetic::halve(self.words()))
    }

    #[inline]
    fn div_2exp_u64(&self, exp: u64) -> Self {
        match u32::try_from(exp) {
            Ok(exp @ 0..=27) => Self::from_words(arithmetic::div_2exp(self.words(), exp)),
            _ => *self * F::ONE.div_2exp_u64(exp),
        }
    }

    #[inline]
    fn dot_product<const N: usize>(u: &[Self; N], v: &[Self; N]) -> Self {
        let (u, v) = (u.map(Self::words), v.map(Self::words));
        Self::from_words(arithmetic::dot_product(u, v))
    }
}

impl Algebra<F> for Lanes {
    #[inline]
    fn mixed_dot_product<const N: usize>(a: &[Self; N], f: &[F; N]) -> Self {
        let f = f.map(|x| u32x8::splat(x.to_unique_u32()));
        Self::from_words(arithmetic::dot_product(a.map(Self::words), f))
    }
}

impl InjectiveMonomial<7> for Lanes {}

// SAFETY: `Lanes` is a transparent wrapper of `[F; WIDTH]`.
unsafe impl PackedValue for Lanes {
    type Value = F;

    const WIDTH: usize = WIDTH;

    #[inline]
    fn from_fn<Fn: FnMut(usize) -> F>(f: Fn) -> Self {
        Self(array::from_fn(f))
    }

    #[inline]
    fn from_slice(slice: &[F]) -> &Self {
        assert_eq!(slice.len(), WIDTH);
        // SAFETY: the slice has as many elements as the transparent wrapper has.
        unsafe { &*slice.as_ptr().cast() }
    }

    #[inline]
    fn from_slice_mut(slice: &mut [F]) -> &mut Self {
        assert_eq!(slice.len(), WIDTH);
        // SAFETY: the slice has as many elements as the transparent wrapper has.
        unsafe { &mut *slice.as_mut_ptr().cast() }
    }

    #[inline]
    fn as_slice(&self) -> &[F] {
        &self.0
    }

    #[inline]
    fn as_slice_mut(&mut self) -> &mut [F] {
        &mut self.0
    }
}

// SAFETY: `Lanes` is a transparent wrapper of `[F; WIDTH]`.
unsafe impl PackedField for Lanes {
    type Scalar = F;
}

// SAFETY: `WIDTH` is a power of two.
unsafe impl PackedFieldPow2 for Lanes {
    #[inline]
    fn interleave(&self, other: Self, block_len: usize) -> (Self, Self) {
        match block_len {
            1 => interleave::<1>(*self, other),
            2 => interleave::<2>(*self, other),
            4 => interleave::<4>(*self, other),
            WIDTH => (*self, other),
            _ => panic!("blocks of {block_len} do not divide {WIDTH} lanes"),
        }
    }
}

/// Transposes the 2 × 2 matrices of blocks of `BLOCK` lanes.
#[inline(always)]
fn interleave<const BLOCK: usize>(a: Lanes, b: Lanes) -> (Lanes, Lanes) {
    let from_a = |i: usize| i & BLOCK == 0;
    (
        Lanes(array::from_fn(|i| {
            if from_a(i) { a.0[i] } else { b.0[i - BLOCK] }
        })),
        Lanes(array::from_fn(|i| {
            if from_a(i) { a.0[i + BLOCK] } else { b.0[i] }
        })),
    )
}
