//! Claimed openings and reduced codewords from columns on the trace domain.
//!
//! A claim is `f(z) = (z^n - 1) / n * sum_i h_i / (z - h_i) f(h_i)` over the points `h_i` of the trace
//! domain. All columns of a height that are opened at one point are first added up, weighted by the
//! batching challenge; with `S` that sum, its part of the codeword is `(S(X) - S(z)) / (X - z)`, which
//! divides evenly, coefficient by coefficient. Permutation columns are generated a stretch of rows at a
//! time and used at once.

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::fractions::{self, Output};
use super::work::Work;
use crate::air::ProverAir;
use crate::backend::{Backend, ScalarBackend};
use crate::evaluate::{dot, zetas};
use crate::ext::{Ext, challenge, coordinates};
use crate::plan::{Opened, Plan, Round};
use crate::quotient::points;
use crate::{D, EF, F};

/// Rows of one step.
const ROWS: usize = 256;
/// Row groups that are combined together, so that a column is read in longer runs.
const TILE: usize = 4;

/// Field elements of scratch that [`evaluate`] needs.
pub(crate) fn evaluate_scratch_len<const N: usize>(plan: &Plan<N>) -> usize {
    4 * D * ROWS.min(1 << plan.log_max_height()) + generated_len(plan)
}

/// Field elements of scratch that [`reduce`] needs.
pub(crate) fn reduce_scratch_len<const N: usize>(plan: &Plan<N>) -> usize {
    let rows = ROWS.min(1 << plan.log_max_height());
    D * max_width(plan) + (D << plan.log_max_height()) + 2 * D * rows + generated_len(plan)
}

fn max_width<const N: usize>(plan: &Plan<N>) -> usize {
    plan.opened().map(|matrix| matrix.width).max().unwrap_or(0)
}

/// A stretch of a table's fractions, and what generating them takes.
fn generated_len<const N: usize>(plan: &Plan<N>) -> usize {
    let tables = plan.tables().iter().filter(|t| t.layout.has_lookups());
    let stretches = tables.map(|t| {
        t.layout.num_columns * D * ROWS.min(t.height()) + fractions::scratch_len(t, plan.lanes())
    });
    stretches.max().unwrap_or(0)
}

/// Columns of one stretch of rows.
struct Stretch<'c> {
    /// The number of the first column.
    first: usize,
    columns: &'c [F],
    /// Elements of a column.
    stride: usize,
    /// The first row of the stretch in each column.
    row: usize,
}

impl<A, const N: usize> Work<'_, A, N> {
    /// Visits all columns of a matrix at rows `start..start + rows`.
    fn visit<B: Backend>(
        &self,
        matrix: &Opened,
        start: usize,
        rows: usize,
        scratch: &mut [F],
        mut visit: impl FnMut(Stretch<'_>),
    ) where
        A: ProverAir<B>,
    {
        let table = &self.plan.tables()[matrix.table];
        let columns = self.home(matrix);
        visit(Stretch {
            first: 0,
            columns,
            stride: table.height(),
            row: start,
        });
        if matrix.round == Round::Permutation {
            let columns = 0..table.layout.num_columns;
            let (values, scratch) = scratch.split_at_mut(columns.len() * D * rows);
            let output = Output {
                rows: start..start + rows,
                columns,
                values,
                stride: rows,
                totals: None,
            };
            self.generate::<B>(matrix.table, output, scratch);
            visit(Stretch {
                first: D,
                columns: values,
                stride: rows,
                row: 0,
            });
        }
    }
}

/// Writes every claimed opening into `openings`.
pub(crate) fn evaluate<B: Backend, A: ProverAir<B>, const N: usize>(
    work: &Work<'_, A, N>,
    zeta: EF,
    openings: &mut [F],
    scratch: &mut [F],
) {
    let plan = work.plan;
    openings.fill(F::ZERO);
    for log_lde in (0..=plan.log_max_lde()).filter(|&h| plan.has_log_lde(h)) {
        let log_height = log_lde - plan.log_blowup();
        if 1 << log_height >= B::P::WIDTH {
            sum::<B, B, A, N>(work, zeta, log_height, openings, scratch);
        } else {
            sum::<ScalarBackend, B, A, N>(work, zeta, log_height, openings, scratch);
        }
    }
    for matrix in plan.opened() {
        let log_height = matrix.log_lde - plan.log_blowup();
        for (point, z) in zetas(zeta, log_height)
            .into_iter()
            .enumerate()
            .take(matrix.points())
        {
            let factor =
                (z.exp_power_of_2(log_height) - EF::ONE) * F::ONE.div_2exp_u64(log_height as u64);
            for claim in openings[matrix.claims(point)].as_chunks_mut::<D>().0 {
                *claim = coordinates(challenge(*claim) * factor);
            }
        }
    }
}

/// Adds `sum_i h_i / (z - h_i) f(h_i)` to the claims of every column of one height.
///
/// `S` walks the rows; `B` is what the plan was made for.
fn sum<S: Backend, B: Backend, A: ProverAir<B>, const N: usize>(
    work: &Work<'_, A, N>,
    zeta: EF,
    log_height: usize,
    openings: &mut [F],
    scratch: &mut [F],
) {
    let plan = work.plan;
    let log_lde = log_height + plan.log_blowup();
    let width = S::P::WIDTH;
    let rows = (1 << log_height).min(ROWS);
    let groups = rows / width;
    let (weights, scratch) = scratch.split_at_mut(4 * D * rows);
    let packed = S::P::pack_slice_mut(weights).as_chunks_mut::<D>().0;
    let (weights, prefix) = packed.split_at_mut(2 * groups);
    for start in (0..1 << log_height).step_by(rows) {
        let x = |group: usize| points::<S::P>(&work.twiddles, F::ONE, start + group * width);
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
        for matrix in plan.opened().filter(|m| m.log_lde == log_lde) {
            work.visit::<B>(&matrix, start, rows, scratch, |stretch| {
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

/// Writes the coefficients of one codeword per height into `codewords`, tallest first.
///
/// Coefficient `i` of a codeword is scaled by the `i`-th power of the coset's generator: they are
/// those of the polynomial that takes the codeword's values on the subgroup.
pub(crate) fn reduce<B: Backend, A: ProverAir<B>, const N: usize>(
    work: &Work<'_, A, N>,
    zeta: EF,
    alpha: EF,
    codewords: &mut [F],
    scratch: &mut [F],
) {
    let plan = work.plan;
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
    for log_lde in (0..=plan.log_max_lde()).filter(|&h| plan.has_log_lde(h)) {
        let log_height = log_lde - plan.log_blowup();
        let at = plan.codeword_offset(log_lde) >> plan.log_blowup();
        let here = &mut codewords[at..at + (D << log_height)];
        let (next, scratch) = scratch.split_at_mut(D << log_height);
        let mut sums = [&mut *here, &mut *next];
        if 1 << log_height >= B::P::WIDTH {
            combine::<B, B, A, N>(work, alpha, powers, log_height, &mut sums, scratch);
        } else {
            combine::<ScalarBackend, B, A, N>(work, alpha, powers, log_height, &mut sums, scratch);
        }
        for column in sums
            .into_iter()
            .flat_map(|columns| columns.chunks_exact_mut(1 << log_height))
        {
            B::intt(&work.twiddles, column);
        }
        divide(here, next, zetas(zeta, log_height));
    }
}

/// Adds up the columns of one height, those opened at zeta and those opened at the next row's point.
fn combine<S: Backend, B: Backend, A: ProverAir<B>, const N: usize>(
    work: &Work<'_, A, N>,
    alpha: EF,
    powers: [&[F]; D],
    log_height: usize,
    out: &mut [&mut [F]; 2],
    scratch: &mut [F],
) {
    let plan = work.plan;
    let log_lde = log_height + plan.log_blowup();
    let width = S::P::WIDTH;
    let rows = (1 << log_height).min(ROWS);
    let groups = rows / width;
    let (sums, scratch) = scratch.split_at_mut(2 * D * rows);
    let sums = S::P::pack_slice_mut(sums).as_chunks_mut::<D>().0;
    for start in (0..1 << log_height).step_by(rows) {
        sums.fill(Ext::ZERO.0);
        let mut offset = EF::ONE;
        for matrix in plan.opened().filter(|m| m.log_lde == log_lde) {
            let weights = [offset, offset * alpha.exp_u64(matrix.width as u64)];
            let weights = weights.map(Ext::<S::P>::broadcast);
            work.visit::<B>(&matrix, start, rows, scratch, |stretch| {
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
