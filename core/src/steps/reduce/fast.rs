//! Reduced codewords from extensions.
//!
//! A matrix is combined once, `M(x) = sum_i alpha^i f_i(x)`, and enters as
//! `alpha^offset (M(z) - M(x))` at each of its points, so the denominators multiply once a row.

use core::mem::take;
use core::ops::Range;

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::{Skips, TILE, max_width, split_powers};
use crate::backend::{Backend, by_width};
use crate::kernels::ext::{Ext, challenge, coordinates};
use crate::kernels::ntt::{Twiddles, points};
use crate::shape::{BatchShape, CommittedMatrix};
use crate::steps::CHUNK;
use crate::steps::claims::fast::Extensions;
use crate::steps::claims::zetas;
use crate::{D, EF, F};

/// Field elements of scratch: powers of alpha for the widest matrix, denominators at two points,
/// their prefix products.
pub(crate) fn scratch_len(shape: BatchShape<'_>) -> usize {
    D * max_width(shape) + 4 * D * (1 << shape.log_max_lde()).min(CHUNK)
}

/// Writes one codeword per height into `codewords`, tallest first.
///
/// `openings` holds the claimed openings; each matrix's first claims are replaced by their
/// combination.
pub(crate) fn reduce<B: Backend>(
    shape: BatchShape<'_>,
    extensions: Extensions<'_>,
    twiddles: &Twiddles<'_>,
    zeta: EF,
    (alpha, skips): (EF, Skips<'_>),
    openings: &mut [F],
    codewords: &mut [F],
    scratch: &mut [F],
) {
    let (powers, scratch) = split_powers(shape, alpha, scratch);
    for matrix in shape.opened() {
        for point in 0..matrix.points() {
            let claims = openings[matrix.claims(point)].as_chunks_mut::<D>().0;
            let horner = |sum, claim: &[F; D]| sum * alpha + challenge(*claim);
            claims[0] = coordinates(claims.iter().rev().fold(EF::ZERO, horner));
        }
    }
    let mut rest = codewords;
    let heights = (0..=shape.log_max_lde()).rev();
    for log_lde in heights.filter(|&h| shape.has_log_lde(h)) {
        let reduction = Reduction {
            zetas: zetas(zeta, log_lde - shape.log_blowup()),
            alpha,
            skips,
            powers,
            openings,
            extensions,
            log_lde,
        };
        let (codeword, after) = take(&mut rest).split_at_mut(D << log_lde);
        rest = after;
        let matrices = shape.opened().filter(move |m| m.log_lde == log_lde);
        by_width!(
            1 << log_lde,
            reduction.fill,
            <B>(matrices, twiddles, 0..1 << log_lde, codeword, scratch)
        );
    }
}

/// What the codeword of one height is made from.
struct Reduction<'a> {
    zetas: [EF; 2],
    alpha: EF,
    skips: Skips<'a>,
    powers: [&'a [F]; D],
    openings: &'a [F],
    extensions: Extensions<'a>,
    log_lde: usize,
}

impl Reduction<'_> {
    /// Writes the codeword at places `at`, from a multiple of [`CHUNK`] or of its length to another.
    fn fill<B: Backend>(
        &self,
        matrices: impl Iterator<Item = CommittedMatrix> + Clone,
        twiddles: &Twiddles<'_>,
        at: Range<usize>,
        codeword: &mut [F],
        scratch: &mut [F],
    ) {
        let width = B::P::WIDTH;
        let stride = 1 << self.log_lde;
        let rows = stride.min(CHUNK);
        let groups = rows / width;
        let packed = B::P::pack_slice_mut(&mut scratch[..4 * D * rows])
            .as_chunks_mut::<D>()
            .0;
        let (inverses, sums) = packed.split_at_mut(2 * groups);
        for start in at.step_by(rows) {
            for (inverses, z) in inverses.chunks_exact_mut(groups).zip(self.zetas) {
                let z = Ext::<B::P>::broadcast(z);
                for (group, inverse) in inverses.iter_mut().enumerate() {
                    let x = points(twiddles, F::GENERATOR, start + group * width);
                    *inverse = (z - Ext::from_base(x)).0;
                }
            }
            B::batch_invert(inverses, sums);
            sums.fill(Ext::ZERO.0);
            let mut offset = EF::ONE;
            for matrix in matrices.clone() {
                let skip = (self.skips)(matrix.round, self.log_lde);
                let from = offset * self.alpha.exp_u64(skip);
                self.add_matrix::<B>(&matrix, from, start, groups, sums);
                offset *= self.alpha.exp_u64((matrix.width * matrix.points()) as u64);
            }
            for group in 0..groups {
                let at = |point| point * groups + group;
                let term = |point| Ext(sums[at(point)]) * Ext(inverses[at(point)]);
                (term(0) + term(1)).store(codeword, stride, start + group * width);
            }
        }
    }

    /// Adds `alpha^offset (M(z) - M(x))` for each point of one matrix.
    fn add_matrix<B: Backend>(
        &self,
        matrix: &CommittedMatrix,
        offset: EF,
        start: usize,
        groups: usize,
        sums: &mut [[B::P; D]],
    ) {
        let extension = &self.extensions[matrix.round as usize][matrix.extension()];
        let offsets = [offset, offset * self.alpha.exp_u64(matrix.width as u64)];
        let claimed = |point: usize| {
            let claims = self.openings[matrix.claims(point)].as_chunks::<D>().0;
            Ext::<B::P>::broadcast(challenge(claims[0]) * offsets[point])
        };
        let claims = [claimed(0), claimed(matrix.points() - 1)];
        let weights = offsets.map(coordinates);
        let stride = 1 << self.log_lde;
        let mut add = |first: usize, combined: &[[B::P; D]]| {
            for (i, &combined) in combined.iter().enumerate() {
                for point in 0..matrix.points() {
                    let sum = &mut sums[point * groups + first + i];
                    let term = Ext(combined).times_challenge(weights[point]);
                    *sum = (Ext(*sum) + claims[point] - term).0;
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
