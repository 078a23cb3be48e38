//! The evaluate phase: every column at the out-of-domain point, and at the point of the next row.
//!
//! Barycentric interpolation over the coset `gH`, the first `n` places of a bit-reversed extension:
//! `f(z) = (z^n - g^n) / (n g^n) * sum_i x_i / (z - x_i) f(x_i)`. The weights of one stretch of rows
//! serve all columns of that height, at both points in one walk over the column.

use p3_field::{Field, PackedFieldPow2, PackedValue, PrimeCharacteristicRing, TwoAdicField};

use crate::backend::{Backend, ScalarBackend};
use crate::ext::{Ext, coordinates};
use crate::ntt::Twiddles;
use crate::plan::{CHUNK, Opened, Plan, Round};
use crate::quotient::points;
use crate::{D, EF, F};

/// Field elements of scratch: weights at two points, and their prefix products.
pub(crate) fn scratch_len<const N: usize>(plan: &Plan<N>) -> usize {
    let tallest = plan.tables().iter().map(|t| t.height()).max().unwrap_or(0);
    4 * D * tallest.min(CHUNK)
}

/// The extensions of all rounds, in [`Round::ALL`]'s order.
pub(crate) type Extensions<'a> = [&'a [F]; Round::ALL.len()];

/// The out-of-domain point, and that of the row after it for a trace of `2^log_height` rows.
pub(crate) fn zetas(zeta: EF, log_height: usize) -> [EF; 2] {
    [zeta, zeta * F::two_adic_generator(log_height)]
}

/// Writes every claimed opening into `openings`.
pub(crate) fn evaluate<B: Backend, const N: usize>(
    plan: &Plan<N>,
    extensions: Extensions<'_>,
    twiddles: &Twiddles<'_>,
    zeta: EF,
    openings: &mut [F],
    scratch: &mut [F],
) {
    openings.fill(F::ZERO);
    for log_lde in (0..=plan.log_max_lde()).filter(|&h| plan.has_log_lde(h)) {
        let log_height = log_lde - plan.log_blowup();
        let points = zetas(zeta, log_height);
        let matrices = plan.opened().filter(move |m| m.log_lde == log_lde);
        if 1 << log_height >= B::P::WIDTH {
            sum::<B>(
                matrices, extensions, twiddles, points, log_height, openings, scratch,
            );
        } else {
            sum::<ScalarBackend>(
                matrices, extensions, twiddles, points, log_height, openings, scratch,
            );
        }
    }
    for matrix in plan.opened() {
        let log_height = matrix.log_lde - plan.log_blowup();
        let shift = F::GENERATOR.exp_power_of_2(log_height);
        let scale = shift.inverse().div_2exp_u64(log_height as u64);
        for (point, z) in zetas(zeta, log_height)
            .into_iter()
            .enumerate()
            .take(matrix.points())
        {
            let factor = (z.exp_power_of_2(log_height) - shift) * scale;
            for claim in openings[matrix.claims(point)].as_chunks_mut::<D>().0 {
                *claim = coordinates(crate::ext::challenge(*claim) * factor);
            }
        }
    }
}

/// Adds `sum_i x_i / (z - x_i) f(x_i)` to every column's claims.
fn sum<B: Backend>(
    matrices: impl Iterator<Item = Opened> + Clone,
    extensions: Extensions<'_>,
    twiddles: &Twiddles<'_>,
    zetas: [EF; 2],
    log_height: usize,
    openings: &mut [F],
    scratch: &mut [F],
) {
    let width = B::P::WIDTH;
    let rows = (1 << log_height).min(CHUNK);
    let groups = rows / width;
    let packed = B::P::pack_slice_mut(&mut scratch[..4 * D * rows])
        .as_chunks_mut::<D>()
        .0;
    let (weights, prefix) = packed.split_at_mut(2 * groups);
    for start in (0..1 << log_height).step_by(rows) {
        for (point, weights) in weights.chunks_exact_mut(groups).enumerate() {
            let z = Ext::<B::P>::broadcast(zetas[point]);
            for (group, weight) in weights.iter_mut().enumerate() {
                let x = points(twiddles, F::GENERATOR, start + group * width);
                *weight = (z - Ext::from_base(x)).0;
            }
        }
        B::batch_invert(weights, prefix);
        for weights in weights.chunks_exact_mut(groups) {
            for (group, weight) in weights.iter_mut().enumerate() {
                let x = points(twiddles, F::GENERATOR, start + group * width);
                *weight = Ext(*weight).scale(x).0;
            }
        }
        for matrix in matrices.clone() {
            let extension = &extensions[matrix.round as usize][matrix.extension()];
            for (c, column) in extension.chunks_exact(1 << matrix.log_lde).enumerate() {
                let following = ((c + 1) << matrix.log_lde) + start;
                if let Some(following) = extension.get(following..following + rows) {
                    B::prefetch(following);
                }
                let column = B::P::pack_slice(&column[start..start + rows]);
                for (point, weights) in weights
                    .chunks_exact(groups)
                    .enumerate()
                    .take(matrix.points())
                {
                    let total = dot(column, weights);
                    let at = matrix.claims(point).start + c * D;
                    for (slot, value) in openings[at..at + D].iter_mut().zip(total) {
                        *slot += value;
                    }
                }
            }
        }
    }
}

/// `sum_i column_i * weights_i`, all lanes added up.
pub(crate) fn dot<P: PackedFieldPow2<Scalar = F>>(column: &[P], weights: &[[P; D]]) -> [F; D] {
    let mut total = [P::ZERO; D];
    let (fours, rest) = column.as_chunks::<4>();
    let (weight_fours, weight_rest) = weights.as_chunks::<4>();
    for (c, w) in fours.iter().zip(weight_fours) {
        for (d, total) in total.iter_mut().enumerate() {
            *total += P::dot_product(c, &[w[0][d], w[1][d], w[2][d], w[3][d]]);
        }
    }
    for (&c, w) in rest.iter().zip(weight_rest) {
        for (d, total) in total.iter_mut().enumerate() {
            *total += c * w[d];
        }
    }
    total.map(sum_lanes)
}

/// The sum of all lanes: halves are added up while there are any.
fn sum_lanes<P: PackedFieldPow2<Scalar = F>>(x: P) -> F {
    let mut sum = x;
    let mut block = P::WIDTH / 2;
    while block > 0 {
        let (low, high) = sum.interleave(sum, block);
        sum = low + high;
        block /= 2;
    }
    sum.extract(0)
}
