//! Answering the queries without extensions and without the lowest digests.
//!
//! In a pass every matrix of a round is moved through the cosets of its extension, some columns at a
//! time; the rows of some queries are collected, and the rows below some kept digests are hashed again,
//! which gives the lowest siblings of the authentication paths. With passes enough this takes little
//! room, and with room enough one pass.

use core::mem::take;
use core::ops::Range;

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::super::openings::{Indices, distinct, write_all_siblings, write_paths};
use super::super::{Lookup, Prover};
use crate::air::ProverAir;
use crate::backend::{Backend, Hasher};
use crate::compact::fractions::Output;
use crate::compact::hash::{Builder, arena_len};
use crate::compact::work::{Work, column_groups};
use crate::compact::{fold, shift};
use crate::merkle::{Codeword, walk_siblings};
use crate::ntt::Twiddles;
use crate::plan::{Name, Opened, Plan, Round, STAGED, generator_len};
use crate::sink::Sink;
use crate::{D, DIGEST, F};

/// Kept digests below which a pass rebuilds, ascending; filled up to whole packed values with the
/// last of them.
#[derive(Debug)]
struct Blocks {
    ids: Indices,
    /// How many of them differ.
    count: usize,
    /// log2 of the leaves below each.
    dropped: usize,
}

impl Blocks {
    /// The blocks of pass `pass` for the opened `leaves`, which are distinct and ascending.
    fn new<const N: usize>(
        plan: &Plan<N>,
        log_leaves: usize,
        leaves: &Indices,
        pass: usize,
    ) -> Self {
        let dropped = plan.dropped_layers(log_leaves);
        let most = plan.pass().blocks(log_leaves);
        let ids = leaves.iter().map(|leaf| leaf >> dropped);
        let mut last = None;
        let distinct = ids.filter(|&id| last.replace(id) != Some(id));
        let mut ids: Indices = distinct.skip(pass * most).take(most).collect();
        let count = if dropped == 0 { 0 } else { ids.len() };
        if count > 0 {
            let unit = (plan.lanes() / 2).max(1);
            let last = ids[count - 1];
            let len = count.next_multiple_of(unit);
            ids.resize(len, last).expect("a multiple of the lanes");
        }
        Self {
            ids,
            count,
            dropped,
        }
    }

    const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Leaves below all of them.
    fn leaves(&self) -> usize {
        self.ids.len() << self.dropped
    }

    /// Where node `index` of dropped layer `level` is among the rebuilt ones.
    fn position(&self, level: usize, index: usize) -> Option<usize> {
        let below = self.dropped - level;
        let id = (index >> below) as u32;
        let at = self.ids[..self.count].binary_search(&id).ok()?;
        Some((at << below) + (index & ((1 << below) - 1)))
    }

    /// Copies the siblings of layer `level` that are among the rebuilt ones into their places.
    fn collect(&self, leaves: &Indices, builder: &Builder<'_>, level: usize, siblings: &mut [F]) {
        let siblings = siblings.as_chunks_mut::<DIGEST>().0;
        let (layer, rows) = (builder.layer(), builder.rows());
        let mut next = 0;
        walk_siblings(&mut leaves.clone(), level + 1, |l, index| {
            if l == level
                && let Some(at) = self.position(level, index)
            {
                siblings[next] = core::array::from_fn(|i| layer[i * rows + at]);
            }
            next += 1;
        });
    }
}

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
    /// Moves columns through the cosets of their extension, collects, and absorbs.
    fn gather<B: Backend, A, const N: usize>(
        &mut self,
        work: &Work<'_, A, N>,
        matrix: &Opened,
        columns: &mut [F],
        mut builder: Option<&mut Builder<'_>>,
        hasher: &Hasher<'_, B>,
        home: bool,
    ) {
        let log_blowup = work.plan.log_blowup();
        let log_height = matrix.log_lde - log_blowup;
        let height = 1 << log_height;
        for columns in columns.chunks_mut(STAGED * height) {
            let mut from = F::ONE;
            for block in 0..1 << log_blowup {
                let to = work.coset(matrix, block);
                shift::<B>(&work.twiddles, columns, height, from, to);
                from = to;
                for (c, column) in columns.chunks_exact(height).enumerate() {
                    for (&query, row) in self.queries.iter().zip(self.rows.chunks_mut(self.width)) {
                        let place = query as usize >> self.log_ratio;
                        if place >> log_height == block {
                            row[self.column + c] = column[place & (height - 1)];
                        }
                    }
                    if let Some(builder) = &builder {
                        let len = builder.rows();
                        let below = len / self.blocks.ids.len();
                        let staged = self.staged[c * len..(c + 1) * len].chunks_exact_mut(below);
                        for (&id, staged) in self.blocks.ids.iter().zip(staged) {
                            let place = id as usize * below;
                            if place >> log_height == block {
                                let at = place & (height - 1);
                                staged.copy_from_slice(&column[at..at + below]);
                            }
                        }
                    }
                }
            }
            if home {
                shift::<B>(&work.twiddles, columns, height, from, F::ONE);
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

impl<B: Backend, A: ProverAir<B>, const N: usize> Prover<'_, B, A, N> {
    /// `BatchMultiOpening`: the rows of every matrix for every query, then one pruned proof per tree.
    pub(in crate::prover) fn open_input<W: Write>(
        &mut self,
        round: Round,
        indices: &Indices,
        sink: &mut Sink<W>,
    ) -> Result<(), W::Error> {
        let plan = self.plan;
        let (pass, width) = (plan.pass(), plan.row_width(round));
        let log_max = plan.log_max_lde();
        let siblings_len = |group: &Range<usize>| pass.siblings_len(plan.log_leaves(round, group));
        let siblings_start = pass.queries * width;
        let lookup = self.lookup.clone();
        let matrices = plan.round(round).count();
        sink.length(indices.len())?;
        for number in 0..plan.room().passes {
            let first = (number * pass.queries).min(indices.len());
            let queries = &indices[first..(first + pass.queries).min(indices.len())];
            self.collect_pass(&lookup, round, indices, queries, number);
            let rows = &self.region(Name::OpenScratch)[..queries.len() * width];
            for mut row in rows.chunks_exact(width) {
                sink.length(matrices)?;
                for matrix in plan.round(round) {
                    let (values, rest) = row.split_at(matrix.width);
                    sink.length(values.len())?;
                    sink.fields(values)?;
                    row = rest;
                }
            }
        }
        if plan.is_carved() {
            sink.length(plan.groups(round).count())?;
        }
        let mut siblings = &self.region(Name::OpenScratch)[siblings_start..];
        for (group, tree) in self.trees(round) {
            let log_leaves = tree.log_leaves();
            let reduced = indices.iter().map(|index| index >> (log_max - log_leaves));
            let cap_height = plan.params().cap_height;
            write_paths(&tree, siblings, cap_height, reduced, sink)?;
            siblings = &siblings[siblings_len(&group)..];
        }
        Ok(())
    }

    /// One pass over a round: rows of `queries`, and the siblings that this pass rebuilds.
    fn collect_pass(
        &mut self,
        lookup: &Lookup,
        round: Round,
        indices: &Indices,
        queries: &[u32],
        number: usize,
    ) {
        let plan = self.plan;
        let (pass, width, log_max) = (plan.pass(), plan.row_width(round), plan.log_max_lde());
        let (mut work, hasher, [scratch]) = self.homes(lookup, [Name::OpenScratch]);
        let (rows, scratch) = scratch.split_at_mut(pass.queries * width);
        let (mut siblings, scratch) = {
            let groups = plan.groups(round);
            let len = groups.map(|g| pass.siblings_len(plan.log_leaves(round, &g)));
            scratch.split_at_mut(len.sum())
        };
        let mut first_column = 0;
        for group in plan.groups(round) {
            let log_leaves = plan.log_leaves(round, &group);
            let leaves = indices.iter().map(|index| index >> (log_max - log_leaves));
            let leaves = distinct(leaves);
            let blocks = Blocks::new(plan, log_leaves, &leaves, number);
            let (arena, rest) = scratch.split_at_mut(pass.arena_len(log_leaves));
            let (arena, staged) =
                arena.split_at_mut(arena_len(pass.blocks(log_leaves) << blocks.dropped));
            let (generator, columns) = rest.split_at_mut(generator_len(plan));
            let (own, after) = take(&mut siblings).split_at_mut(pass.siblings_len(log_leaves));
            let mut builder = (!blocks.is_empty()).then(|| Builder::new(arena, blocks.leaves()));
            let group_start = first_column;
            let matrices = || plan.round(round).filter(|m| group.contains(&m.table));
            for level in 0..=log_leaves {
                if level >= blocks.dropped {
                    builder = None;
                }
                if let Some(builder) = &mut builder
                    && level > 0
                {
                    builder.compress::<B>(hasher);
                }
                let of_height = |m: &Opened| m.log_lde + level == log_leaves;
                let any = matrices().any(|m| of_height(&m));
                if let Some(builder) = &mut builder
                    && any
                {
                    builder.begin();
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
                        gather_matrix::<B, A, N>(
                            &mut work,
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
                    if any {
                        builder.end::<B>(hasher);
                    }
                    blocks.collect(&leaves, builder, level, own);
                }
            }
            siblings = after;
        }
    }

    /// The other challenges of every query's leaf in FRI round `round`.
    pub(in crate::prover) fn open_fold<W: Write>(
        &mut self,
        round: usize,
        indices: &Indices,
        sink: &mut Sink<W>,
    ) -> Result<(), W::Error> {
        let plan = self.plan;
        let (source, range) = self.kept_codeword(round);
        let len = D << self.log_codeword(round);
        let names = [Name::Twiddles, source, Name::OpenScratch];
        let [twiddles, coefficients, codeword] = plan.regions().split(self.words, names);
        let twiddles = Twiddles::view(twiddles, plan.log_twiddles());
        let (coefficients, codeword) = (&coefficients[range], &mut codeword[..len]);
        fold::extend::<B>(&twiddles, coefficients, codeword, plan.log_blowup());
        let codeword = Codeword {
            values: codeword,
            log_arity: plan.log_arities()[round] as usize,
        };
        write_all_siblings(&codeword, indices, sink)
    }

    /// Rebuilds the lowest siblings of FRI round `round` from the codeword that [`Self::open_fold`]
    /// left; they follow the longest codeword in the scratch.
    pub(in crate::prover) fn collect_fold(&mut self, round: usize, indices: &Indices) {
        let (plan, hasher) = (self.plan, &self.hasher);
        let (pass, log_leaves) = (plan.pass(), self.log_codeword(round + 1));
        let log_arity = plan.log_arities()[round] as usize;
        let [scratch] = plan.regions().split(self.words, [Name::OpenScratch]);
        let (codeword, scratch) = scratch.split_at_mut(D << plan.log_max_lde());
        let (siblings, arena) = scratch.split_at_mut(pass.siblings_len(log_leaves));
        let codeword = Codeword {
            values: &codeword[..D << (log_leaves + log_arity)],
            log_arity,
        };
        let leaves = distinct(indices.iter().copied());
        for number in 0..plan.room().passes {
            let blocks = Blocks::new(plan, log_leaves, &leaves, number);
            if blocks.is_empty() {
                break;
            }
            let mut builder = Builder::new(arena, blocks.leaves());
            let below = (1 << blocks.dropped) - 1;
            builder.hash_leaves::<B, _>(hasher, codeword, |row| {
                ((blocks.ids[row >> blocks.dropped] as usize) << blocks.dropped) + (row & below)
            });
            for level in 0..blocks.dropped {
                if level > 0 {
                    builder.compress::<B>(hasher);
                }
                blocks.collect(&leaves, &builder, level, siblings);
            }
        }
    }
}

/// Collects from one matrix: from its home, and from the columns that are generated.
fn gather_matrix<B: Backend, A: ProverAir<B>, const N: usize>(
    work: &mut Work<'_, A, N>,
    hasher: &Hasher<'_, B>,
    matrix: &Opened,
    wanted: &mut Wanted<'_>,
    mut builder: Option<&mut Builder<'_>>,
    columns: &mut [F],
    scratch: &mut [F],
) {
    let plan = work.plan;
    let homes = take(&mut work.homes[matrix.round as usize]);
    let home = &mut homes[matrix.home(plan.log_blowup())];
    wanted.gather::<B, A, N>(work, matrix, home, builder.as_deref_mut(), hasher, true);
    work.homes[matrix.round as usize] = homes;
    if matrix.round != Round::Permutation {
        return;
    }
    let table = &plan.tables()[matrix.table];
    let height = table.height();
    for group in column_groups(table.layout.num_columns, height, columns.len()) {
        let values = &mut columns[..group.len() * D * height];
        let output = Output {
            rows: 0..height,
            columns: group,
            values,
            stride: height,
            totals: None,
        };
        work.generate::<B>(matrix.table, output, scratch);
        wanted.gather::<B, A, N>(work, matrix, values, builder.as_deref_mut(), hasher, false);
    }
}
