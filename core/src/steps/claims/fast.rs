//! Claims from extensions, or from columns at the head of their places.
//!
//! Barycentric interpolation over a coset `sH`, `gH` in the first `n` places of a bit-reversed extension:
//! `f(z) = (z^n - s^n) / (n s^n) * sum_i x_i / (z - x_i) f(x_i)`. The weights of one stretch of rows
//! serve all columns of that height, at both points in one walk over the column.

use p3_field::{PackedValue, PrimeCharacteristicRing};

use super::{scale, zetas};
use crate::backend::{Backend, by_width};
use crate::kernels::combine::dot;
use crate::kernels::ext::Ext;
use crate::kernels::ntt::{Twiddles, points};
use crate::parts::{part, split_mut};
use crate::shape::{BatchShape, CommittedMatrix, Round};
use crate::steps::CHUNK;
use crate::{D, EF, F};

/// Field elements of scratch: weights at two points, and their prefix products.
pub(crate) fn scratch_len(shape: BatchShape<'_>) -> usize {
    let tallest = shape.tables().iter().map(|t| t.height()).max().unwrap_or(0);
    4 * D * tallest.min(CHUNK)
}

/// The extensions of all rounds, in [`Round::ALL`]'s order.
pub(crate) type Extensions<'a> = [&'a [F]; Round::ALL.len()];

/// Writes every claimed opening into `openings`; `coset` is the point that generates the coset which columns
/// begin on.
pub(crate) fn evaluate<B: Backend>(
    shape: BatchShape<'_>,
    (extensions, coset): (Extensions<'_>, F),
    twiddles: &Twiddles<'_>,
    zeta: EF,
    openings: &mut [F],
    scratch: &mut [F],
) {
    openings.fill(F::ZERO);
    for log_lde in (0..=shape.log_max_lde()).filter(|&h| shape.has_log_lde(h)) {
        let log_height = log_lde - shape.log_blowup();
        let points = zetas(zeta, log_height);
        let matrices = shape.opened().filter(move |m| m.log_lde == log_lde);
        by_width!(
            1 << log_height,
            sum,
            <B>(matrices, (extensions, coset), twiddles, points, log_height, openings, scratch)
        );
    }
    scale(shape, zeta, coset, openings);
}

/// Adds `sum_i x_i / (z - x_i) f(x_i)` to every column's claims.
fn sum<'m, B: Backend>(
    matrices: impl Iterator<Item = CommittedMatrix<'m>> + Clone,
    (extensions, coset): (Extensions<'_>, F),
    twiddles: &Twiddles<'_>,
    zetas: [EF; 2],
    log_height: usize,
    openings: &mut [F],
    scratch: &mut [F],
) {
    let width = B::P::WIDTH;
    let rows = (1 << log_height).min(CHUNK);
    let groups = rows / width;
    let (scratch, _) = split_mut(scratch, 4 * D * rows);
    let packed = B::P::pack_slice_mut(scratch).as_chunks_mut::<D>().0;
    let (weights, prefix) = split_mut(packed, 2 * groups);
    for start in (0..1 << log_height).step_by(rows) {
        for (point, weights) in weights.chunks_exact_mut(groups).enumerate() {
            let z = Ext::<B::P>::broadcast(zetas[point]);
            for (group, weight) in weights.iter_mut().enumerate() {
                let x = points(twiddles, coset, start + group * width);
                *weight = (z - Ext::from_base(x)).0;
            }
        }
        B::batch_invert(weights, prefix);
        for weights in weights.chunks_exact_mut(groups) {
            for (group, weight) in weights.iter_mut().enumerate() {
                let x = points(twiddles, coset, start + group * width);
                *weight = Ext(*weight).scale(x).0;
            }
        }
        for matrix in matrices.clone() {
            let extension = part(extensions[matrix.round as usize], matrix.extension());
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
