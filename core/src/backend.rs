//! The arithmetic that the prover is monomorphised with.
//!
//! A backend names a packing of the field and may replace each hot kernel; every kernel has a
//! portable default over the packing. All kernels are exact: two backends give the same bytes.

use core::fmt;

use p3_field::{Field, InjectiveMonomial, PackedFieldPow2};

use crate::poseidon2::{Permute, Poseidon2, WIDTH};
use crate::{D, F, ntt, reduce};

/// A packing of `WIDTH` (a power of two) base field elements into one value.
pub trait Packed: PackedFieldPow2<Scalar = F> + InjectiveMonomial<7> {}
impl<P: PackedFieldPow2<Scalar = F> + InjectiveMonomial<7>> Packed for P {}

/// Field arithmetic of the prover: a packing and the hot kernels over it.
pub trait Backend: Copy + Default + Send + Sync + 'static {
    /// The packed field.
    type P: Packed;

    /// Poseidon2 as this backend permutes with it, `WIDTH` states at once: `&Poseidon2`, or what is
    /// made of its constants beforehand.
    type Permutation<'p>: Permute<Self::P> + From<&'p Poseidon2> + Clone + fmt::Debug;

    /// The name that programs print.
    const NAME: &'static str;

    /// Fills the table of roots for the layers within packed values, `WIDTH log2 WIDTH` elements for each
    /// pair of these, from the bit-reversed `roots`: laid out as the backend's transforms read it.
    #[inline]
    fn fill_lanes(lanes: &mut [F], roots: &[F]) {
        ntt::fill_lanes::<Self::P>(lanes, roots);
    }

    /// Hints that `values` are read soon; does nothing unless the backend knows how.
    #[inline]
    fn prefetch(_values: &[F]) {}

    /// Hints that `values` are overwritten soon.
    #[inline]
    fn prefetch_mut(_values: &mut [F]) {}

    /// Evaluates a polynomial on the coset `shift * H`.
    ///
    /// On entry `column` holds the coefficients in natural order, on exit the evaluations in
    /// bit-reversed order. `twiddles` serves columns of at least this height.
    #[inline]
    fn coset_ntt(twiddles: &ntt::Twiddles<'_>, column: &mut [F], shift: F) {
        ntt::coset_ntt::<Self::P>(twiddles, column, shift);
    }

    /// Interpolates over `H`: the inverse of [`Backend::coset_ntt`] with shift 1.
    #[inline]
    fn intt(twiddles: &ntt::Twiddles<'_>, column: &mut [F]) {
        ntt::intt::<Self::P>(twiddles, column);
    }

    /// Replaces every element of `values` by its inverse; `prefix` has the same length.
    ///
    /// All elements are nonzero.
    #[inline]
    fn batch_invert(values: &mut [[Self::P; D]], prefix: &mut [[Self::P; D]]) {
        crate::ext::batch_invert(values, prefix);
    }

    /// Combines `T` packed row groups of a matrix: adds `sum_i column_i * powers[i]` to `sums`.
    ///
    /// `columns` are columns of `stride` elements; the groups start at row `row`.
    #[inline]
    fn combine_columns<const T: usize>(
        columns: &[F],
        stride: usize,
        row: usize,
        powers: [&[F]; D],
        sums: &mut [[Self::P; D]; T],
    ) {
        reduce::combine_columns::<Self, T>(columns, stride, row, powers, sums);
    }

    /// One FRI fold of a bit-reversed codeword by two, from `codeword` into `out`.
    #[inline]
    fn fri_fold(codeword: &[F], out: &mut [F], inverse_twiddles: &[F], beta: crate::EF) {
        crate::fri::fold::<Self::P>(codeword, out, inverse_twiddles, beta);
    }
}

/// The packing that Plonky3 gives the target: AVX-512, AVX2, NEON, or none.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultBackend;

impl Backend for DefaultBackend {
    type P = <F as Field>::Packing;
    type Permutation<'p> = &'p Poseidon2;

    const NAME: &'static str = match <Self::P as p3_field::PackedValue>::WIDTH {
        16 => "p3-avx512",
        8 => "p3-avx2",
        4 => "p3-neon",
        _ => "p3-scalar",
    };
}

/// Plain scalar arithmetic: small devices, and rows too few to pack.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScalarBackend;

impl Backend for ScalarBackend {
    type P = F;
    type Permutation<'p> = &'p Poseidon2;

    const NAME: &'static str = "scalar";
}

/// A permutation, as a backend permutes with it and as it is.
#[derive(Clone, Debug)]
pub struct Hasher<'p, B: Backend> {
    poseidon2: &'p Poseidon2,
    packed: B::Permutation<'p>,
}

impl<'p, B: Backend> Hasher<'p, B> {
    /// Makes of the constants what the backend needs.
    pub fn new(poseidon2: &'p Poseidon2) -> Self {
        Self {
            poseidon2,
            packed: poseidon2.into(),
        }
    }

    /// Permutes `WIDTH` states at once; element `i` of the state holds lane-wise states.
    #[inline]
    pub fn permute(&self, state: &mut [B::P; WIDTH]) {
        self.packed.permute(state);
    }

    /// The permutation itself.
    pub const fn poseidon2(&self) -> &'p Poseidon2 {
        self.poseidon2
    }

    /// The same one, for states too few to pack.
    pub fn scalar(&self) -> Hasher<'p, ScalarBackend> {
        Hasher::new(self.poseidon2)
    }
}
