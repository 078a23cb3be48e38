//! Permutation traces that are generated, absorbed into a tree and dropped: their accumulators stay.

use core::mem::take;
use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use super::accumulate;
use super::fractions::Output;
use crate::air::ProverAir;
use crate::backend::Backend;
use crate::hash::Hasher;
use crate::hash::builder::Builder;
use crate::parts::{part_mut, split_mut};
use crate::shape::{CommittedMatrix, Round};
use crate::steps::extension::shift;
use crate::steps::homes::{Homes, column_groups};
use crate::steps::trees::absorb_home;
use crate::{D, EF, F};

/// Sums up one permutation trace without storing it: its accumulator goes home. Returns its terminal.
pub(crate) fn sum_up<B: Backend, A: ProverAir<B>>(
    homes: &mut Homes<'_, A>,
    matrix: &CommittedMatrix<'_>,
    scratch: &mut [F],
) -> EF {
    let table = matrix.planned;
    let (height, log_height) = (table.height(), table.log_height());
    let accumulators = take(&mut homes.columns[Round::Permutation as usize]);
    let home = part_mut(accumulators, matrix.home(homes.shape.log_blowup()));
    let output = Output {
        rows: 0..height,
        columns: 0..0,
        values: &mut [],
        stride: height,
        totals: Some(&mut *home),
    };
    homes.generate::<B>(matrix.table, output, scratch);
    let terminal = accumulate(home, height, log_height);
    homes.columns[Round::Permutation as usize] = accumulators;
    terminal
}

/// Generates one permutation trace and absorbs it at the rows of some blocks of its extension; with the first of them
/// its accumulator goes home. Returns the sum of that then.
pub(crate) fn generate<B: Backend, A: ProverAir<B>>(
    homes: &mut Homes<'_, A>,
    hasher: &impl Hasher<B>,
    builder: &mut Builder<'_>,
    (matrix, blocks): (&CommittedMatrix<'_>, Range<usize>),
    columns: &mut [F],
    scratch: &mut [F],
) -> Option<EF> {
    let shape = homes.shape;
    let table = matrix.planned;
    let (height, log_height) = (table.height(), table.log_height());
    let home = matrix.home(shape.log_blowup());
    let mut terminal = None;
    for group in column_groups(table, columns.len()) {
        let (values, _) = split_mut(columns, group.len() * D * height);
        let first = group.start == 0;
        let totals = first && blocks.start == 0;
        let accumulators = take(&mut homes.columns[Round::Permutation as usize]);
        let output = Output {
            rows: 0..height,
            columns: group.clone(),
            values,
            stride: height,
            totals: totals.then(|| part_mut(accumulators, home.clone())),
        };
        homes.generate::<B>(matrix.table, output, scratch);
        if totals {
            let home = part_mut(accumulators, home.clone());
            terminal = Some(accumulate(home, height, log_height));
        }
        homes.columns[Round::Permutation as usize] = accumulators;
        if first {
            absorb_home::<B, A>(homes, hasher, builder, matrix, blocks.clone());
        }
        let mut from = F::ONE;
        for (place, block) in blocks.clone().enumerate() {
            let to = homes.coset(matrix, block);
            shift::<B>(&homes.twiddles, values, height, from, to);
            let rows = place * height..(place + 1) * height;
            builder.absorb::<B>(hasher, values, height, rows);
            from = to;
        }
        builder.advance(group.len() * D);
    }
    terminal
}
