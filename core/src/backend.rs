//! The arithmetic that the prover is monomorphised with.
//!
//! A backend names a packing of the field and may replace each hot kernel; every kernel has a
//! portable default over the packing. All kernels are exact: two backends give the same bytes.

use p3_field::{Field, PackedValue, PrimeCharacteristicRing, TwoAdicField};

use crate::kernels::bit_reverse::reverse_bits;
use crate::kernels::{Packed, combine, ext, fold, ntt};
use crate::{D, EF, F};

/// Field arithmetic of the prover: a packing and the hot kernels over it.
pub trait Backend: Copy + Default + Send + Sync + 'static {
    /// The packed field.
    type P: Packed;

    /// The name that programs print.
    const NAME: &'static str;

    /// Words of the table that [`Backend::fill_lane_table`] fills for transforms of up to `2^log_column`
    /// elements.
    #[inline]
    fn lane_table_len(log_column: usize) -> usize {
        ntt::lane_table_len(log_column, Self::P::WIDTH)
    }

    /// Fills the table of roots for the layers within packed values from the bit-reversed `roots`, laid
    /// out as the backend's transforms read it: nothing else does.
    #[inline]
    fn fill_lane_table(table: &mut [u32], roots: &[F]) {
        ntt::fill_lane_table::<Self::P>(table, roots);
    }

    /// Threads that can work on a proof now, the caller's among them: one, unless the backend has more.
    #[inline]
    fn threads() -> usize {
        1
    }

    /// Does two pieces of work that do not depend on each other, one after the other or at the same time; each with
    /// scratch as long as `scratch`, which holds anything before.
    #[inline]
    fn join(
        scratch: &mut [F],
        first: impl FnOnce(&mut [F]) + Send,
        second: impl FnOnce(&mut [F]) + Send,
    ) {
        first(scratch);
        second(scratch);
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

    /// Extends a column in place.
    ///
    /// On entry the first `n` elements of `slot` hold evaluations over `H` in bit-reversed order; on
    /// exit all of `slot`, `n << log_blowup` elements, holds evaluations over `shift * K` in
    /// bit-reversed order, `K` the group of that order. Block `c` of the extension is the coset
    /// `shift * w^rev(c) * H`, so each block is one transform of the same coefficients.
    #[inline]
    fn extend(twiddles: &ntt::Twiddles<'_>, slot: &mut [F], log_blowup: usize, shift: F) {
        let n = slot.len() >> log_blowup;
        let log_lde = slot.len().trailing_zeros() as usize;
        let root = F::two_adic_generator(log_lde);
        let (first, rest) = slot.split_at_mut(n);
        Self::intt(twiddles, first);
        for (c, block) in rest.chunks_exact_mut(n).enumerate() {
            block.copy_from_slice(first);
            let coset = shift * root.exp_u64(reverse_bits(c + 1, log_blowup) as u64);
            Self::coset_ntt(twiddles, block, coset);
        }
        Self::coset_ntt(twiddles, first, shift);
    }

    /// Replaces every element of `values` by its inverse; `prefix` has the same length.
    ///
    /// All elements are nonzero.
    #[inline]
    fn batch_invert(values: &mut [[Self::P; D]], prefix: &mut [[Self::P; D]]) {
        ext::batch_invert(values, prefix);
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
        combine::combine_columns::<Self::P, T>(columns, stride, row, powers, sums, Self::prefetch);
    }

    /// One FRI fold of a bit-reversed codeword by two, from `codeword` into `out`.
    #[inline]
    fn fri_fold(codeword: &[F], out: &mut [F], inverse_twiddles: &[F], beta: EF) {
        fold::fold::<Self::P>(codeword, out, inverse_twiddles, beta);
    }
}

/// The packing that Plonky3 gives the target: AVX-512, AVX2, NEON, or none.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultBackend;

impl Backend for DefaultBackend {
    type P = <F as Field>::Packing;

    const NAME: &'static str = match Self::P::WIDTH {
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

/// Whether `rows` rows are whole packed values.
pub(crate) fn packs<B: Backend>(rows: usize) -> bool {
    rows.is_multiple_of(B::P::WIDTH)
}

/// Calls a function that is generic over a backend, or a method, with the one given if `rows` rows are
/// whole packed values of it, else with the scalar one.
macro_rules! by_width {
    ($rows:expr, $self:ident . $f:ident, <$B:ident $(, $A:ident)*>($($arg:expr),* $(,)?)) => {
        if $crate::backend::packs::<$B>($rows) {
            $self.$f::<$B $(, $A)*>($($arg),*)
        } else {
            $self.$f::<$crate::backend::ScalarBackend $(, $A)*>($($arg),*)
        }
    };
    ($rows:expr, $($f:ident)::+, <$B:ident $(, $A:ident)*>($($arg:expr),* $(,)?)) => {
        if $crate::backend::packs::<$B>($rows) {
            $($f)::+::<$B $(, $A)*>($($arg),*)
        } else {
            $($f)::+::<$crate::backend::ScalarBackend $(, $A)*>($($arg),*)
        }
    };
}
pub(crate) use by_width;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::ntt::Twiddles;

    #[test]
    fn an_extension_agrees_with_its_column_on_a_larger_group() {
        // Extending over H itself (shift 1) repeats the column on the subgroup.
        let mut table = [F::ZERO; Twiddles::len(7, ntt::lane_table_len(5, 1))];
        Twiddles::fill(&mut table, 7, ScalarBackend::fill_lane_table);
        let twiddles = Twiddles::view(&table, 7);
        let mut slot = [F::ZERO; 128];
        for (i, value) in slot[..32].iter_mut().enumerate() {
            *value = F::from_usize(i * i * i + 5);
        }
        let before: [F; 32] = core::array::from_fn(|i| slot[i]);
        ScalarBackend::extend(&twiddles, &mut slot, 2, F::ONE);
        assert_eq!(slot[..32], before);
        assert!(slot[32..].iter().any(|&x| x != F::ZERO));
    }
}
