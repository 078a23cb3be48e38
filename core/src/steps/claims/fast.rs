//! Claims from extensions, or from columns at the head of their places.
//!
//! Barycentric interpolation over a coset `sH`, `gH` in the first `n` places of a bit-reversed extension:
//! `f(z) = (z^n - s^n) / (n s^n) * sum_i x_i / (z - x_i) f(x_i)`. The weights of one stretch of rows
//! serve all columns of that height, at both points in one walk over the column.

use p3_field::{PackedValue, PrimeCharacteristicRing};

use super::{scale, zetas};
use crate::backend::{Backend, by_width};
use crate::divide::{Divide, divide};
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
    // Each piece makes the weights again: there are no more of them than threads.
    let grain = openings.len().div_ceil(B::threads());
    let claims = Claims {
        shape,
        start: 0,
        openings: &mut *openings,
    };
    divide::<B, _>(claims, grain, scratch, &|mut claims, scratch| {
        for log_lde in (0..=shape.log_max_lde()).filter(|&h| shape.has_log_lde(h)) {
            let log_height = log_lde - shape.log_blowup();
            by_width!(
                1 << log_height,
                sum,
                <B>(&mut claims, (extensions, coset), twiddles, zeta, log_height, scratch)
            );
        }
    });
    scale(shape, zeta, coset, openings);
}

/// The claims of some matrices that follow one another.
struct Claims<'a> {
    shape: BatchShape<'a>,
    /// Where they start among all.
    start: usize,
    openings: &'a mut [F],
}

impl<'a> Claims<'a> {
    /// The matrices.
    fn matrices(&self) -> impl Iterator<Item = CommittedMatrix<'a>> + use<'a> {
        let claims = self.start..self.start + self.openings.len();
        let opened = self.shape.opened();
        opened.filter(move |matrix| claims.contains(&matrix.claims(0).start))
    }
}

impl Divide for Claims<'_> {
    fn units(&self) -> usize {
        self.openings.len()
    }

    fn cut(&self, units: usize) -> usize {
        let starts = self.matrices().map(|m| m.claims(0).start - self.start);
        starts
            .min_by_key(|start| start.abs_diff(units))
            .unwrap_or(0)
    }

    fn divide(self, units: usize) -> (Self, Self) {
        let (first, second) = split_mut(self.openings, units);
        let claims = |start, openings| Self {
            shape: self.shape,
            start,
            openings,
        };
        (
            claims(self.start, first),
            claims(self.start + units, second),
        )
    }
}

/// Adds `sum_i x_i / (z - x_i) f(x_i)` to the claims of every column of one height.
fn sum<B: Backend>(
    claims: &mut Claims<'_>,
    (extensions, coset): (Extensions<'_>, F),
    twiddles: &Twiddles<'_>,
    zeta: EF,
    log_height: usize,
    scratch: &mut [F],
) {
    let log_lde = log_height + claims.shape.log_blowup();
    let zetas = zetas(zeta, log_height);
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
        for matrix in claims.matrices().filter(|m| m.log_lde == log_lde) {
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
                    let at = matrix.claims(point).start + c * D - claims.start;
                    for (slot, value) in claims.openings[at..at + D].iter_mut().zip(total) {
                        *slot += value;
                    }
                }
            }
        }
    }
}
