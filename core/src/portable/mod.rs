//! Portable SIMD: 8 lanes of BabyBear over the `wide` crate, which compiles to SSE2, AVX2, NEON, WASM
//! SIMD or plain code, whatever the target has.
//!
//! Elements are in Montgomery form `x * 2^32 mod p`, canonical in `0..p`, as p3-monty-31 keeps them.
//! A sum of at most four products `C < 4p^2` is reduced at once: with `q = C * p^-1 mod 2^32`, the low
//! halves of `C` and `q p` agree, so `C / 2^32 = hi(C) - hi(q p) (mod p)` (Montgomery 1985).
//! Differences are taken in signed form and `p` is added where the sign is set, which SSE2 does in
//! three instructions and an unsigned minimum in eight. Nothing here panics.

mod arithmetic;
mod lanes;

pub use lanes::Lanes;

use p3_field::PackedValue;

use crate::backend::Backend;
use crate::hash::blake3;
use crate::hash::poseidon2::{self, Permute, Poseidon2};

/// 8 lanes of `wide`, for targets without a backend of their own.
#[derive(Clone, Copy, Debug, Default)]
pub struct PortableBackend;

impl Backend for PortableBackend {
    type P = Lanes;

    const NAME: &'static str = "portable";
}

impl poseidon2::Kernels for PortableBackend {
    type Permutation<'p> = OneByOne<'p>;
}

impl blake3::Kernels for PortableBackend {
    type Vector = wide::u32x8;
}

/// One state after the other: with SSE2, whose products are two lanes wide, eight states side by
/// side take longer (1,090 ns a state against 910 on Zen 5).
#[derive(Clone, Copy, Debug)]
pub struct OneByOne<'p>(&'p Poseidon2);

impl<'p> From<&'p Poseidon2> for OneByOne<'p> {
    fn from(poseidon2: &'p Poseidon2) -> Self {
        Self(poseidon2)
    }
}

impl Permute<Lanes> for OneByOne<'_> {
    #[inline]
    fn permute(&self, state: &mut [Lanes; poseidon2::WIDTH]) {
        for lane in 0..Lanes::WIDTH {
            let mut one = state.map(|x| x.extract(lane));
            self.0.permute(&mut one);
            for (packed, x) in state.iter_mut().zip(one) {
                packed.as_slice_mut()[lane] = x;
            }
        }
    }
}
