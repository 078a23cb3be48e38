//! The arithmetic that the prover is monomorphised with.
//!
//! A backend names a packing of the field and may replace each hot kernel; every kernel has a
//! portable default over the packing. All kernels are exact: two backends give the same bytes.

use p3_field::{Field, InjectiveMonomial, PackedFieldPow2};

use crate::poseidon2::Poseidon2;
use crate::{D, F, ntt, reduce};

/// A packing of `WIDTH` (a power of two) base field elements into one value.
pub trait Packed: PackedFieldPow2<Scalar = F> + InjectiveMonomial<7> {}
impl<P: PackedFieldPow2<Scalar = F> + InjectiveMonomial<7>> Packed for P {}

/// Field arithmetic of the prover: a packing and the hot kernels over it.
pub trait Backend: Copy + Default + Send + Sync + 'static {
    /// The packed field.
    type P: Packed;

    /// The name that programs print.
    const NAME: &'static str;

    /// Permutes `WIDTH` Poseidon2 states at once; element `i` of the state holds lane-wise states.
    #[inline]
    fn permute(perm: &Poseidon2, state: &mut [Self::P; 16]) {
        perm.permute(state);
    }

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
        reduce::combine_columns(columns, stride, row, powers, sums);
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

    const NAME: &'static str = "scalar";
}
