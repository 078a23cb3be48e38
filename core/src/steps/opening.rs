//! Rows and lowest siblings for the queries, without extensions and without the lowest digests.
//!
//! In a pass every matrix of a round is moved through the cosets of its extension, some columns at a
//! time; the rows of some queries are collected, and the rows below some kept digests are hashed again,
//! which gives the lowest siblings of the authentication paths.

use core::mem::take;

use super::argue::accumulate;
use super::argue::fractions::{Output, generator_len};
use super::extension::through_cosets;
use super::homes::{Homes, column_groups};
use crate::air::ProverAir;
use crate::backend::Backend;
use crate::hash::Hasher;
use crate::hash::builder::Builder;
use crate::hash::paths::{Indices, distinct};
use crate::hash::rebuild::{Blocks, Pass, STAGED};
use crate::parts::{part_mut, split_mut, take_mut};
use crate::shape::{CommittedMatrix, Round};
use crate::{D, F};

/// What one pass collects of a matrix.
struct Wanted<'w> {
    /// Places of the queries in the tallest extension.
    queries: &'w [u32],
    /// log2 of how many times taller that is than the matrix's.
    log_ratio: usize,
    /// Rows of the queries, `width` elements each.
    rows: &'w mut [F],
    width: usize,
    /// Where the next column goes in each row.
    column: usize,
    /// The rows that are hashed again: [`STAGED`] columns.
    staged: &'w mut [F],
    blocks: &'w Blocks,
}

impl Wanted<'_> {
    /// Takes what is wanted of column `c` of those that are staged, on the coset of block `block`; `rebuilt` rows are
    /// hashed again.
    fn take(&mut self, c: usize, block: usize, column: &[F], rebuilt: Option<usize>) {
        let log_height = column.len().trailing_zeros();
        let at =
            |place: usize| (place >> log_height == block).then_some(place & (column.len() - 1));
        for (&query, row) in self.queries.iter().zip(self.rows.chunks_mut(self.width)) {
            if let Some(at) = at(query as usize >> self.log_ratio) {
                row[self.column + c] = column[at];
            }
        }
        let Some(len) = rebuilt else {
            return;
        };
        let below = len / self.blocks.ids.len();
        let staged = self.staged[c * len..(c + 1) * len].chunks_exact_mut(below);
        for (&id, staged) in self.blocks.ids.iter().zip(staged) {
            if let Some(at) = at(id as usize * below) {
                staged.copy_from_slice(&column[at..at + below]);
            }
        }
    }

    /// Moves columns through the cosets of their extension, collects, and absorbs. `spare` is free, and `keep` says
    /// whether the columns are needed afterwards.
    fn gather<B: Backend, A>(
        &mut self,
        homes: &Homes<'_, A>,
        matrix: &CommittedMatrix<'_>,
        columns: &mut [F],
        mut builder: Option<&mut Builder<'_>>,
        hasher: &impl Hasher<B>,
        (keep, spare): (bool, &mut [F]),
    ) {
        let log_blowup = homes.shape.log_blowup();
        let height = 1 << (matrix.log_lde - log_blowup);
        for columns in columns.chunks_mut(STAGED * height) {
            let rebuilt = builder.as_ref().map(|builder| builder.rows());
            for (c, column) in columns.chunks_exact_mut(height).enumerate() {
                let cosets = (0..1 << log_blowup).map(|block| homes.coset(matrix, block));
                let take = |block, column: &[F]| self.take(c, block, column, rebuilt);
                through_cosets::<B>(&homes.twiddles, column, cosets, (keep, &mut *spare), take);
            }
            let count = columns.len() / height;
            if let Some(builder) = &mut builder {
                let len = builder.rows();
                builder.absorb::<B>(hasher, &self.staged[..count * len], len, 0..len);
                builder.advance(count);
            }
            self.column += count;
        }
    }
}

/// One pass over a round, into `scratch`: rows of `queries`, then the siblings that this pass rebuilds
/// for all `indices`, tree after tree; the rest of it is room for states and permutation columns.
pub(crate) fn collect<B: Backend, A: ProverAir<B>, H: Hasher<B>>(
    homes: &mut Homes<'_, A>,
    hasher: &H,
    round: Round,
    pass: &Pass,
    (indices, queries, number): (&Indices, &[u32], usize),
    scratch: &mut [F],
) {
    let shape = homes.shape;
    let (width, log_max) = (shape.row_width(round), shape.log_max_lde());
    let (rows, scratch) = split_mut(scratch, pass.queries * width);
    let (mut siblings, scratch) = {
        let groups = shape.groups(round);
        let len = groups.map(|g| pass.siblings_len(shape.log_leaves(round, &g)));
        split_mut(scratch, len.sum())
    };
    let mut first_column = 0;
    for group in shape.groups(round) {
        let log_leaves = shape.log_leaves(round, &group);
        let leaves = indices.iter().map(|index| index >> (log_max - log_leaves));
        let leaves = distinct(leaves);
        let blocks = Blocks::new(pass, log_leaves, &leaves, number);
        let row_width = shape.leaf_width(round, &group);
        let (arena, rest) = split_mut(scratch, pass.arena_len::<H::Suite>(log_leaves, row_width));
        let (arena, staged) = split_mut(arena, pass.states_len::<H::Suite>(log_leaves, row_width));
        let (generator, columns) = split_mut(rest, generator_len(shape));
        let own = take_mut(&mut siblings, pass.siblings_len(log_leaves));
        let mut builder = (!blocks.is_empty())
            .then(|| Builder::new(hasher, arena, blocks.leaves(), |_| row_width));
        let group_start = first_column;
        let matrices = || shape.round(round).filter(|m| group.contains(&m.table));
        for level in 0..=log_leaves {
            if level >= blocks.dropped {
                builder = None;
            }
            if let Some(builder) = &mut builder
                && level > 0
            {
                builder.compress::<B>(hasher);
            }
            let of_height = |m: &CommittedMatrix<'_>| m.log_lde + level == log_leaves;
            let beside = matrices().filter(of_height).map(|m| m.width).sum();
            if let Some(builder) = &mut builder
                && beside > 0
            {
                builder.begin::<B, _>(hasher, beside);
            }
            first_column = group_start;
            for matrix in matrices() {
                if of_height(&matrix) {
                    let mut wanted = Wanted {
                        queries,
                        log_ratio: log_max - matrix.log_lde,
                        rows: &mut *rows,
                        width,
                        column: first_column,
                        staged: &mut *staged,
                        blocks: &blocks,
                    };
                    let builder = builder.as_mut();
                    gather_matrix::<B, A>(
                        homes,
                        hasher,
                        &matrix,
                        &mut wanted,
                        builder,
                        columns,
                        generator,
                    );
                }
                first_column += matrix.width;
            }
            if let Some(builder) = &mut builder {
                if beside > 0 {
                    builder.end::<B>(hasher);
                }
                blocks.collect(&leaves, builder.layer(), level, own);
            }
        }
    }
}

/// Collects from one matrix: from its home, or from the columns that are generated, the accumulator first.
fn gather_matrix<B: Backend, A: ProverAir<B>>(
    homes: &mut Homes<'_, A>,
    hasher: &impl Hasher<B>,
    matrix: &CommittedMatrix<'_>,
    wanted: &mut Wanted<'_>,
    mut builder: Option<&mut Builder<'_>>,
    columns: &mut [F],
    scratch: &mut [F],
) {
    let shape = homes.shape;
    if matrix.round != Round::Permutation {
        let round = take(&mut homes.columns[matrix.round as usize]);
        let home = part_mut(round, matrix.home(shape.log_blowup()));
        wanted.gather::<B, A>(homes, matrix, home, builder, hasher, (true, columns));
        homes.columns[matrix.round as usize] = round;
        return;
    }
    let table = matrix.planned;
    let height = table.height();
    let (spare, columns) = split_mut(columns, height);
    // The accumulator by itself where there is room for one column alone.
    let column = D * height;
    let apart = (columns.len() < 2 * column).then_some(0..0);
    let room = columns.len() - if apart.is_some() { 0 } else { column };
    let mut first = true;
    for group in apart.into_iter().chain(column_groups(table, room)) {
        let (accumulator, values) = match first {
            true => split_mut(columns, column),
            false => (&mut [][..], &mut *columns),
        };
        let (values, _) = split_mut(values, group.len() * column);
        let output = Output {
            rows: 0..height,
            columns: group,
            values,
            stride: height,
            totals: first.then_some(&mut *accumulator),
        };
        homes.generate::<B>(matrix.table, output, scratch);
        let mut gather = |columns: &mut [F]| {
            let builder = builder.as_deref_mut();
            let spare = (false, &mut *spare);
            wanted.gather::<B, A>(homes, matrix, columns, builder, hasher, spare);
        };
        if first {
            let _terminal = accumulate(accumulator, height, table.log_height());
            gather(accumulator);
        }
        gather(values);
        first = false;
    }
}
