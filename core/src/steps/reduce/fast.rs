//! Reduced codewords from extensions, or from columns at the head of their places.
//!
//! All columns of a height that are opened at one point are first added up on one coset of the trace domain,
//! weighted by the batching challenge; with `S` that sum, extended, its part of the codeword is
//! `(S(z) - S(x)) / (z - x)`, and `S(z)` is the same sum of the claims.

use core::ops::Range;

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::{Skips, TILE, max_width, split_powers};
use crate::backend::{Backend, by_width};
use crate::divide::{ROWS, divide, each_column};
use crate::kernels::ext::{Ext, challenge, coordinates};
use crate::kernels::ntt::{Twiddles, points};
use crate::parts::{part, split_mut, take_mut};
use crate::shape::{BatchShape, CommittedMatrix};
use crate::steps::CHUNK;
use crate::steps::claims::fast::Extensions;
use crate::steps::claims::zetas;
use crate::workspace::ColumnsMut;
use crate::{D, EF, F};

/// Field elements of scratch: powers of alpha for the widest matrix, the sum of what is opened at the next row's
/// point, denominators at two points, their prefix products.
pub(crate) fn scratch_len(shape: BatchShape<'_>) -> usize {
    let tallest = 1 << shape.log_max_lde();
    D * max_width(shape) + D * tallest + 4 * D * tallest.min(CHUNK)
}

/// Writes one codeword per height into `codewords`, tallest first.
///
/// `coset` is the point that generates the coset which columns begin on, `openings` holds the claims.
pub(crate) fn reduce<B: Backend>(
    shape: BatchShape<'_>,
    (extensions, coset): (Extensions<'_>, F),
    twiddles: &Twiddles<'_>,
    zeta: EF,
    (alpha, skips): (EF, Skips<'_>),
    openings: &[F],
    codewords: &mut [F],
    scratch: &mut [F],
) {
    let (powers, scratch) = split_powers(shape, alpha, scratch);
    let (second, scratch) = split_mut(scratch, D << shape.log_max_lde());
    let mut rest = codewords;
    let heights = (0..=shape.log_max_lde()).rev();
    for log_lde in heights.filter(|&h| shape.has_log_lde(h)) {
        let log_height = log_lde - shape.log_blowup();
        let matrices = shape.opened().filter(move |m| m.log_lde == log_lde);
        let reduction = Reduction {
            alpha,
            skips,
            powers,
            openings,
            extensions,
            log_lde,
        };
        let codeword = take_mut(&mut rest, D << log_lde);
        let (second, _) = split_mut(second, D << log_lde);
        let claims = reduction.combine_claims(matrices.clone());
        let (rows, stride) = (1 << log_height, 1 << log_lde);
        let mut sums = [&mut *codeword, &mut *second];
        let [first, other] = sums.each_mut().map(|s| ColumnsMut::new(s, stride, rows));
        let work = (0..rows, (first, other));
        divide::<B, _>(work, ROWS, scratch, &|(rows, (first, other)), scratch| {
            by_width!(
                1 << log_height,
                reduction.combine,
                <B>(matrices.clone(), rows, [first, other], scratch)
            );
        });
        for sums in sums {
            each_column::<B>(sums, stride, |column| {
                // What is interpolated as if on H has the coefficients c_i coset^i.
                B::extend(twiddles, column, shape.log_blowup(), F::GENERATOR / coset);
            });
        }
        let points = (zetas(zeta, log_height), claims);
        let work = (0..stride, ColumnsMut::new(codeword, stride, stride));
        divide::<B, _>(work, ROWS, scratch, &|(rows, codeword), scratch| {
            by_width!(
                1 << log_lde,
                quotients,
                <B>(points, twiddles, rows, codeword, second, scratch)
            );
        });
    }
}

/// What the codeword of one height is made from.
struct Reduction<'a> {
    alpha: EF,
    skips: Skips<'a>,
    powers: [&'a [F]; D],
    openings: &'a [F],
    extensions: Extensions<'a>,
    log_lde: usize,
}

impl<'a> Reduction<'a> {
    /// Each matrix with the weights of its first columns: of those opened at zeta, and of those opened at the next
    /// row's point.
    fn weighted(
        &self,
        matrices: impl Iterator<Item = CommittedMatrix<'a>>,
    ) -> impl Iterator<Item = (CommittedMatrix<'a>, [EF; 2])> {
        let (alpha, mut offset) = (self.alpha, EF::ONE);
        matrices.map(move |matrix| {
            let skip = (self.skips)(matrix.round, self.log_lde);
            let from = offset * alpha.exp_u64(skip);
            offset *= alpha.exp_u64((matrix.width * matrix.points()) as u64);
            (matrix, [from, from * alpha.exp_u64(matrix.width as u64)])
        })
    }

    /// Adds up all claims: those at zeta, and those at the next row's point.
    fn combine_claims(&self, matrices: impl Iterator<Item = CommittedMatrix<'a>>) -> [EF; 2] {
        let mut sums = [EF::ZERO; 2];
        for (matrix, weights) in self.weighted(matrices) {
            for point in 0..matrix.points() {
                let claims = part(self.openings, matrix.claims(point));
                let claims = claims.as_chunks::<D>().0;
                let horner = |sum, claim: &[F; D]| sum * self.alpha + challenge(*claim);
                sums[point] += claims.iter().rev().fold(EF::ZERO, horner) * weights[point];
            }
        }
        sums
    }

    /// Adds up all columns at some rows, those opened at zeta and those opened at the next row's point, into these
    /// rows of four columns each.
    fn combine<B: Backend>(
        &self,
        matrices: impl Iterator<Item = CommittedMatrix<'a>> + Clone,
        Range { start: first, end }: Range<usize>,
        mut out: [ColumnsMut<'_, F>; 2],
        scratch: &mut [F],
    ) {
        let width = B::P::WIDTH;
        let rows = (end - first).min(CHUNK);
        let groups = rows / width;
        let (scratch, _) = split_mut(scratch, 2 * D * rows);
        let sums = B::P::pack_slice_mut(scratch).as_chunks_mut::<D>().0;
        for start in (first..end).step_by(rows) {
            sums.fill(Ext::ZERO.0);
            for (matrix, weights) in self.weighted(matrices.clone()) {
                self.add_matrix::<B>(&matrix, weights, start, groups, sums);
            }
            for (sums, out) in sums.chunks_exact(groups).zip(out.iter_mut()) {
                for (group, &sum) in sums.iter().enumerate() {
                    Ext(sum).store_in(out, 0, start - first + group * width);
                }
            }
        }
    }

    /// Adds one matrix's columns at each of its points, weighted by powers of alpha from `weights` on.
    fn add_matrix<B: Backend>(
        &self,
        matrix: &CommittedMatrix<'_>,
        weights: [EF; 2],
        start: usize,
        groups: usize,
        sums: &mut [[B::P; D]],
    ) {
        let extension = self.extensions[matrix.round as usize];
        let extension = part(extension, matrix.extension());
        let weights = weights.map(coordinates);
        let stride = 1 << self.log_lde;
        let mut add = |first: usize, combined: &[[B::P; D]]| {
            for (i, &combined) in combined.iter().enumerate() {
                for point in 0..matrix.points() {
                    let sum = &mut sums[point * groups + first + i];
                    let term = Ext(combined).times_challenge(weights[point]);
                    *sum = (Ext(*sum) + term).0;
                }
            }
        };
        let row = |group: usize| start + group * B::P::WIDTH;
        let tiles = groups - groups % TILE;
        for group in (0..tiles).step_by(TILE) {
            let mut combined = [[B::P::ZERO; D]; TILE];
            B::combine_columns(extension, stride, row(group), self.powers, &mut combined);
            add(group, &combined);
        }
        for group in tiles..groups {
            let mut combined = [[B::P::ZERO; D]; 1];
            B::combine_columns(extension, stride, row(group), self.powers, &mut combined);
            add(group, &combined);
        }
    }
}

/// `(a(z_0) - a(x)) / (z_0 - x) + (b(z_1) - b(x)) / (z_1 - x)` in place of `a`, which has some rows of four columns;
/// `b` has all.
fn quotients<B: Backend>(
    (zetas, claims): ([EF; 2], [EF; 2]),
    twiddles: &Twiddles<'_>,
    Range { start: first, end }: Range<usize>,
    mut a: ColumnsMut<'_, F>,
    b: &[F],
    scratch: &mut [F],
) {
    let width = B::P::WIDTH;
    let stride = b.len() / D;
    let rows = (end - first).min(CHUNK);
    let groups = rows / width;
    let (scratch, _) = split_mut(scratch, 4 * D * rows);
    let packed = B::P::pack_slice_mut(scratch).as_chunks_mut::<D>().0;
    let (inverses, prefix) = split_mut(packed, 2 * groups);
    let claims = claims.map(Ext::<B::P>::broadcast);
    for start in (first..end).step_by(rows) {
        for (inverses, z) in inverses.chunks_exact_mut(groups).zip(zetas) {
            let z = Ext::<B::P>::broadcast(z);
            for (group, inverse) in inverses.iter_mut().enumerate() {
                let x = points(twiddles, F::GENERATOR, start + group * width);
                *inverse = (z - Ext::from_base(x)).0;
            }
        }
        B::batch_invert(inverses, prefix);
        for group in 0..groups {
            let row = start + group * width;
            let (value, other) = (
                Ext::load_from(&a, 0, row - first),
                Ext::load(b, stride, row),
            );
            let quotient = (claims[0] - value) * Ext(inverses[group]);
            let other = (claims[1] - other) * Ext(inverses[groups + group]);
            (quotient + other).store_in(&mut a, 0, row - first);
        }
    }
}
