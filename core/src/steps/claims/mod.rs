//! The evaluate phase: every column at the out-of-domain point, and at the point of the next row.

pub(crate) mod compact;
pub(crate) mod fast;

use p3_field::{Field, PrimeCharacteristicRing, TwoAdicField};

use crate::kernels::ext::{challenge, coordinates};
use crate::parts::part_mut;
use crate::shape::BatchShape;
use crate::{D, EF, F};

/// The out-of-domain point, and that of the row after it for a trace of `2^log_height` rows.
pub(crate) fn zetas(zeta: EF, log_height: usize) -> [EF; 2] {
    [zeta, zeta * F::two_adic_generator(log_height)]
}

/// Multiplies every claim by `(z^n - s) / (n s)`, what its barycentric sum over the coset lacks; `s`
/// is the `n`-th power of the coset's generator `shift`.
fn scale(shape: BatchShape<'_>, zeta: EF, shift: F, openings: &mut [F]) {
    for matrix in shape.opened() {
        let log_height = matrix.log_lde - shape.log_blowup();
        let shift = shift.exp_power_of_2(log_height);
        let scale = shift.inverse().div_2exp_u64(log_height as u64);
        for (point, z) in zetas(zeta, log_height)
            .into_iter()
            .enumerate()
            .take(matrix.points())
        {
            let factor = (z.exp_power_of_2(log_height) - shift) * scale;
            for claim in part_mut(openings, matrix.claims(point))
                .as_chunks_mut::<D>()
                .0
            {
                *claim = coordinates(challenge(*claim) * factor);
            }
        }
    }
}
