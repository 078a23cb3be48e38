//! Claims from columns on the trace domain.
//!
//! `f(z) = (z^n - 1) / n * sum_i h_i / (z - h_i) f(h_i)` over the points `h_i` of the trace domain.
//! Permutation columns are generated a stretch of rows at a time and used at once.

use p3_field::{PackedValue, PrimeCharacteristicRing};

use super::{scale, zetas};
use crate::air::ProverAir;
use crate::backend::{Backend, by_width};
use crate::kernels::combine::dot;
use crate::kernels::ext::Ext;
use crate::kernels::ntt::points;
use crate::parts::split_mut;
use crate::shape::BatchShape;
use crate::steps::homes::{Homes, STRETCH, generated_len};
use crate::{D, EF, F};

/// Field elements of scratch that [`evaluate`] needs.
pub(crate) fn scratch_len(shape: BatchShape<'_>) -> usize {
    4 * D * STRETCH.min(1 << shape.log_max_height()) + generated_len(shape)
}

/// Writes every claimed opening into `openings`.
pub(crate) fn evaluate<B: Backend, A: ProverAir<B>>(
    homes: &Homes<'_, A>,
    zeta: EF,
    openings: &mut [F],
    scratch: &mut [F],
) {
    let shape = homes.shape;
    openings.fill(F::ZERO);
    for log_lde in (0..=shape.log_max_lde()).filter(|&h| shape.has_log_lde(h)) {
        let log_height = log_lde - shape.log_blowup();
        by_width!(
            1 << log_height,
            sum,
            <B, B, A>(homes, zeta, log_height, openings, scratch)
        );
    }
    scale(shape, zeta, F::ONE, openings);
}

/// Adds `sum_i h_i / (z - h_i) f(h_i)` to the claims of every column of one height.
///
/// `S` walks the rows; `B` is what the plan was made for.
fn sum<S: Backend, B: Backend, A: ProverAir<B>>(
    homes: &Homes<'_, A>,
    zeta: EF,
    log_height: usize,
    openings: &mut [F],
    scratch: &mut [F],
) {
    let shape = homes.shape;
    let log_lde = log_height + shape.log_blowup();
    let width = S::P::WIDTH;
    let rows = (1 << log_height).min(STRETCH);
    let groups = rows / width;
    let (weights, scratch) = split_mut(scratch, 4 * D * rows);
    let packed = S::P::pack_slice_mut(weights).as_chunks_mut::<D>().0;
    let (weights, prefix) = split_mut(packed, 2 * groups);
    for start in (0..1 << log_height).step_by(rows) {
        let x = |group: usize| points::<S::P>(&homes.twiddles, F::ONE, start + group * width);
        for (weights, z) in weights
            .chunks_exact_mut(groups)
            .zip(zetas(zeta, log_height))
        {
            let z = Ext::<S::P>::broadcast(z);
            for (group, weight) in weights.iter_mut().enumerate() {
                *weight = (z - Ext::from_base(x(group))).0;
            }
        }
        S::batch_invert(weights, prefix);
        for weights in weights.chunks_exact_mut(groups) {
            for (group, weight) in weights.iter_mut().enumerate() {
                *weight = Ext(*weight).scale(x(group)).0;
            }
        }
        for matrix in shape.opened().filter(|m| m.log_lde == log_lde) {
            homes.visit::<B>(&matrix, start, rows, scratch, |stretch| {
                for (c, column) in stretch.columns.chunks_exact(stretch.stride).enumerate() {
                    let column = S::P::pack_slice(&column[stretch.row..stretch.row + rows]);
                    for (point, weights) in weights
                        .chunks_exact(groups)
                        .enumerate()
                        .take(matrix.points())
                    {
                        let at = matrix.claims(point).start + (stretch.first + c) * D;
                        let total = dot(column, weights);
                        for (slot, value) in openings[at..at + D].iter_mut().zip(total) {
                            *slot += value;
                        }
                    }
                }
            });
        }
    }
}
