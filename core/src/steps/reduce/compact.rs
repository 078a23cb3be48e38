//! Reduced codewords as coefficients, from columns on the trace domain.
//!
//! All columns of a height that are opened at one point are first added up, weighted by the batching
//! challenge; with `S` that sum, its part of the codeword is `(S(X) - S(z)) / (X - z)`, which divides
//! evenly, coefficient by coefficient. Permutation columns are generated a stretch of rows at a time
//! and used at once.

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::{Skips, TILE, max_width, split_powers};
use crate::air::ProverAir;
use crate::backend::{Backend, by_width};
use crate::kernels::ext::{Ext, challenge, coordinates};
use crate::parts::{split_mut, take_mut};
use crate::shape::BatchShape;
use crate::steps::claims::zetas;
use crate::steps::homes::{Homes, STRETCH, generated_len};
use crate::{D, EF, F};

/// Field elements of scratch that [`reduce`] needs.
pub(crate) fn scratch_len(shape: BatchShape<'_>) -> usize {
    let rows = STRETCH.min(1 << shape.log_max_height());
    D * max_width(shape) + (D << shape.log_max_height()) + 2 * D * rows + generated_len(shape)
}

/// Writes the coefficients of one codeword per height into `codewords`, tallest first.
///
/// Coefficient `i` of a codeword is scaled by the `i`-th power of the coset's generator: they are
/// those of the polynomial that takes the codeword's values on the subgroup.
pub(crate) fn reduce<B: Backend, A: ProverAir<B>>(
    homes: &Homes<'_, A>,
    zeta: EF,
    (alpha, skips): (EF, Skips<'_>),
    codewords: &mut [F],
    scratch: &mut [F],
) {
    let shape = homes.shape;
    let (powers, scratch) = split_powers(shape, alpha, scratch);
    let mut rest = codewords;
    let heights = (0..=shape.log_max_lde()).rev();
    for log_lde in heights.filter(|&h| shape.has_log_lde(h)) {
        let log_height = log_lde - shape.log_blowup();
        let here = take_mut(&mut rest, D << log_height);
        let (next, scratch) = split_mut(scratch, D << log_height);
        let mut sums = [&mut *here, &mut *next];
        by_width!(
            1 << log_height,
            combine,
            <B, B, A>(homes, (alpha, skips), powers, log_height, &mut sums, scratch)
        );
        for column in sums
            .into_iter()
            .flat_map(|columns| columns.chunks_exact_mut(1 << log_height))
        {
            B::intt(&homes.twiddles, column);
        }
        divide(here, next, zetas(zeta, log_height));
    }
}

/// Adds up the columns of one height, those opened at zeta and those opened at the next row's point.
fn combine<S: Backend, B: Backend, A: ProverAir<B>>(
    homes: &Homes<'_, A>,
    (alpha, skips): (EF, Skips<'_>),
    powers: [&[F]; D],
    log_height: usize,
    out: &mut [&mut [F]; 2],
    scratch: &mut [F],
) {
    let shape = homes.shape;
    let log_lde = log_height + shape.log_blowup();
    let width = S::P::WIDTH;
    let rows = (1 << log_height).min(STRETCH);
    let groups = rows / width;
    let (sums, scratch) = split_mut(scratch, 2 * D * rows);
    let sums = S::P::pack_slice_mut(sums).as_chunks_mut::<D>().0;
    for start in (0..1 << log_height).step_by(rows) {
        sums.fill(Ext::ZERO.0);
        let mut offset = EF::ONE;
        for matrix in shape.opened().filter(|m| m.log_lde == log_lde) {
            let from = offset * alpha.exp_u64(skips(matrix.round, log_lde));
            let weights = [from, from * alpha.exp_u64(matrix.width as u64)];
            let weights = weights.map(Ext::<S::P>::broadcast);
            homes.visit::<B>(&matrix, start, rows, scratch, |stretch| {
                let mut add = |first: usize, combined: &[[S::P; D]]| {
                    for (i, &combined) in combined.iter().enumerate() {
                        for (point, &weight) in weights.iter().enumerate().take(matrix.points()) {
                            let sum = &mut sums[point * groups + first + i];
                            *sum = (Ext(*sum) + Ext(combined) * weight).0;
                        }
                    }
                };
                let powers = powers.map(|p| &p[stretch.first..]);
                let row = |group: usize| stretch.row + group * width;
                let (columns, stride) = (stretch.columns, stretch.stride);
                let tiles = groups - groups % TILE;
                for group in (0..tiles).step_by(TILE) {
                    let mut combined = [[S::P::ZERO; D]; TILE];
                    S::combine_columns(columns, stride, row(group), powers, &mut combined);
                    add(group, &combined);
                }
                for group in tiles..groups {
                    let mut combined = [[S::P::ZERO; D]; 1];
                    S::combine_columns(columns, stride, row(group), powers, &mut combined);
                    add(group, &combined);
                }
            });
            offset *= alpha.exp_u64((matrix.width * matrix.points()) as u64);
        }
        for (sums, out) in sums.chunks_exact(groups).zip(out.iter_mut()) {
            for (group, &sum) in sums.iter().enumerate() {
                Ext(sum).store(out, 1 << log_height, start + group * width);
            }
        }
    }
}

/// `(a(X) - a(z_0)) / (X - z_0) + (b(X) - b(z_1)) / (X - z_1)` in place of `a`, scaled.
fn divide(a: &mut [F], b: &[F], [z0, z1]: [EF; 2]) {
    let n = b.len() / D;
    let get = |columns: &[F], i: usize| challenge(core::array::from_fn(|d| columns[d * n + i]));
    let (mut quotient_a, mut quotient_b) = (EF::ZERO, EF::ZERO);
    for i in (0..n).rev() {
        // Coefficient i of the quotients is known before coefficient i of a is needed.
        let coefficient = quotient_a + quotient_b;
        quotient_a = get(a, i) + z0 * quotient_a;
        quotient_b = get(b, i) + z1 * quotient_b;
        for (d, coordinate) in coordinates(coefficient).into_iter().enumerate() {
            a[d * n + i] = coordinate;
        }
    }
    for column in a.chunks_exact_mut(n) {
        let mut power = F::ONE;
        for value in column {
            *value *= power;
            power *= F::GENERATOR;
        }
    }
}
