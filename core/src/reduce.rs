//! The reduce phase: all openings of a height batched into one codeword.
//!
//! `r(x) = sum_j alpha^j (y_j - f_j(x)) / (z_j - x)`, `j` counting the (column, point) pairs of that
//! height in opening order. A matrix is combined once, `M(x) = sum_i alpha^i f_i(x)`, and enters as
//! `alpha^offset (M(z) - M(x))` at each of its points, so the denominators multiply once a row.

use p3_field::{Algebra, Field, PackedValue, PrimeCharacteristicRing};

use crate::backend::{Backend, ScalarBackend};
use crate::evaluate::{Extensions, zetas};
use crate::ext::{Ext, challenge, coordinates};
use crate::ntt::Twiddles;
use crate::plan::{CHUNK, Opened, Plan};
use crate::quotient::points;
use crate::{D, EF, F};

/// Field elements of scratch: powers of alpha for the widest matrix, denominators at two points,
/// their prefix products.
pub(crate) fn scratch_len<const N: usize>(plan: &Plan<N>) -> usize {
    D * max_width(plan) + 4 * D * (1 << plan.log_max_lde()).min(CHUNK)
}

fn max_width<const N: usize>(plan: &Plan<N>) -> usize {
    plan.opened().map(|matrix| matrix.width).max().unwrap_or(0)
}

/// Writes one codeword per height into `codewords`, tallest first.
///
/// `openings` holds the claimed openings; each matrix's first claims are replaced by their
/// combination.
pub(crate) fn reduce<B: Backend, const N: usize>(
    plan: &Plan<N>,
    extensions: Extensions<'_>,
    twiddles: &Twiddles<'_>,
    zeta: EF,
    alpha: EF,
    openings: &mut [F],
    codewords: &mut [F],
    scratch: &mut [F],
) {
    let width = max_width(plan);
    let (powers, scratch) = scratch.split_at_mut(D * width);
    let mut power = EF::ONE;
    for i in 0..width {
        for (d, coordinate) in coordinates(power).into_iter().enumerate() {
            powers[d * width + i] = coordinate;
        }
        power *= alpha;
    }
    let powers: [&[F]; D] = core::array::from_fn(|d| &powers[d * width..(d + 1) * width]);
    for matrix in plan.opened() {
        for point in 0..matrix.points() {
            let claims = openings[matrix.claims(point)].as_chunks_mut::<D>().0;
            let horner = |sum, claim: &[F; D]| sum * alpha + challenge(*claim);
            claims[0] = coordinates(claims.iter().rev().fold(EF::ZERO, horner));
        }
    }
    for log_lde in (0..=plan.log_max_lde()).filter(|&h| plan.has_log_lde(h)) {
        let batch = Batch {
            zetas: zetas(zeta, log_lde - plan.log_blowup()),
            alpha,
            powers,
            openings,
            extensions,
            log_lde,
        };
        let at = plan.codeword_offset(log_lde);
        let codeword = &mut codewords[at..at + (D << log_lde)];
        let matrices = plan.opened().filter(move |m| m.log_lde == log_lde);
        if 1 << log_lde >= B::P::WIDTH {
            batch.fill::<B>(matrices, twiddles, codeword, scratch);
        } else {
            batch.fill::<ScalarBackend>(matrices, twiddles, codeword, scratch);
        }
    }
}

/// What the codeword of one height is made from.
struct Batch<'a> {
    zetas: [EF; 2],
    alpha: EF,
    powers: [&'a [F]; D],
    openings: &'a [F],
    extensions: Extensions<'a>,
    log_lde: usize,
}

impl Batch<'_> {
    fn fill<B: Backend>(
        &self,
        matrices: impl Iterator<Item = Opened> + Clone,
        twiddles: &Twiddles<'_>,
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
        for start in (0..stride).step_by(rows) {
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
                self.add_matrix::<B>(&matrix, offset, start, groups, sums);
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
        matrix: &Opened,
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

/// Row groups that are combined together, so that a column is read in longer runs.
const TILE: usize = 4;

/// `sum_i column_i * powers[i]` for `T` row groups: the portable kernel.
pub fn combine_columns<B: Backend, const T: usize>(
    columns: &[F],
    stride: usize,
    row: usize,
    powers: [&[F]; D],
    sums: &mut [[B::P; D]; T],
) {
    const BATCH: usize = 8;
    let rows = T * B::P::WIDTH;
    let batches = columns.chunks_exact(BATCH * stride);
    let first_rest = BATCH * batches.len();
    let rest = batches.remainder();
    for (i, batch) in batches.enumerate() {
        // The columns of the next batch: they are far apart.
        for column in BATCH * (i + 1)..BATCH * (i + 2) {
            let at = column * stride + row;
            if let Some(values) = columns.get(at..at + rows) {
                B::prefetch(values);
            }
        }
        let powers: [&[F; BATCH]; D] =
            powers.map(|p| p[BATCH * i..].first_chunk().expect("a batch of powers"));
        let batch: [&[B::P]; BATCH] = core::array::from_fn(|j| {
            let at = j * stride + row;
            B::P::pack_slice(&batch[at..at + rows])
        });
        for (t, sum) in sums.iter_mut().enumerate() {
            let values = batch.map(|column| column[t]);
            for d in 0..D {
                sum[d] += B::P::mixed_dot_product(&values, powers[d]);
            }
        }
    }
    for (i, column) in rest.chunks_exact(stride).enumerate() {
        let column = B::P::pack_slice(&column[row..row + rows]);
        for (sum, &value) in sums.iter_mut().zip(column) {
            for d in 0..D {
                sum[d] += value * powers[d][first_rest + i];
            }
        }
    }
}
