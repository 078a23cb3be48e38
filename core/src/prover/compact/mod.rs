//! The steps of the `Compact` profile, up to the last fold; [`open`] answers the queries.
//!
//! Each splits the workspace, and moves the homes of the rounds from coset to coset and back.

mod open;

use core::mem::take;
use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use super::phases::Terminals;
use super::{Lookup, Prover};
use crate::air::ProverAir;
use crate::backend::{Backend, Hasher, ScalarBackend};
use crate::compact::fractions::Output;
use crate::compact::hash::{self, Builder};
use crate::compact::quotient::{self, Inputs};
use crate::compact::work::{Work, column_groups};
use crate::compact::{claims, fold, shift};
use crate::logup::accumulate;
use crate::merkle::{Codeword, Matrix, compress_layer, layer_range};
use crate::ntt::Twiddles;
use crate::plan::{FOLD_BLOCK, Name, Opened, Plan, Round, generator_len, quotient_work};
use crate::quotient::chunk_shift;
use crate::{D, DIGEST, EF, F, fri};

/// Grows the tree over the tables `group` of a round from its leaves up to layer `last`.
///
/// `absorb` brings the columns of each matrix, `grown` sees each layer.
fn grow<B: Backend, const N: usize>(
    plan: &Plan<N>,
    hasher: &Hasher<'_, B>,
    (round, group): (Round, &Range<usize>),
    builder: &mut Builder<'_>,
    last: usize,
    mut absorb: impl FnMut(&mut Builder<'_>, &Opened),
    mut grown: impl FnMut(usize, &Builder<'_>),
) {
    let log_leaves = plan.log_leaves(round, group);
    for level in 0..=last {
        if level > 0 {
            builder.compress::<B>(hasher);
        }
        let matrices = || {
            plan.round(round)
                .filter(|m| group.contains(&m.table) && m.log_lde + level == log_leaves)
        };
        if matrices().next().is_some() {
            builder.begin();
            matrices().for_each(|matrix| absorb(builder, &matrix));
            builder.end::<B>(hasher);
        }
        grown(level, builder);
    }
}

/// Copies a layer that is kept into its place among the kept digests.
fn keep<const N: usize>(
    plan: &Plan<N>,
    log_leaves: usize,
    digests: &mut [F],
    level: usize,
    layer: &[F],
) {
    let dropped = plan.dropped_layers(log_leaves);
    if level >= dropped {
        digests[layer_range(log_leaves - dropped, level - dropped)].copy_from_slice(layer);
    }
}

/// Absorbs a matrix's columns from its home, on all cosets of its extension.
fn absorb_home<B: Backend, A, const N: usize>(
    work: &mut Work<'_, A, N>,
    hasher: &Hasher<'_, B>,
    builder: &mut Builder<'_>,
    matrix: &Opened,
) {
    let log_blowup = work.plan.log_blowup();
    let height = 1 << (matrix.log_lde - log_blowup);
    let mut from = F::ONE;
    for block in 0..1 << log_blowup {
        let to = work.coset(matrix, block);
        work.shift::<B>(matrix, from, to);
        let rows = block * height..(block + 1) * height;
        builder.absorb::<B>(hasher, work.home(matrix), height, rows);
        from = to;
    }
    work.shift::<B>(matrix, from, F::ONE);
    builder.advance(work.home(matrix).len() / height);
}

impl<'a, B: Backend, A: ProverAir<B>, const N: usize> Prover<'a, B, A, N> {
    /// Commits to the extensions of a round that is at home as a whole.
    pub(super) fn commit_homes(&mut self, round: Round) {
        let plan = self.plan;
        let scratch = match round {
            Round::Quotient => Name::QuotientScratch,
            _ => Name::CommitScratch,
        };
        let names = [Name::Twiddles, round.home(), round.digests(), scratch];
        let [twiddles, home, mut digests, scratch] = plan.regions().split(self.words, names);
        let mut work = Work {
            plan,
            airs: self.airs,
            lookup: &Lookup::default(),
            twiddles: Twiddles::view(twiddles, plan.log_twiddles()),
            homes: Default::default(),
            public_values: &[],
        };
        work.homes[round as usize] = home;
        for group in plan.groups(round) {
            let log_leaves = plan.log_leaves(round, &group);
            let (tree, rest) = take(&mut digests).split_at_mut(plan.tree_len(log_leaves));
            digests = rest;
            grow::<B, N>(
                plan,
                &self.hasher,
                (round, &group),
                &mut Builder::new(scratch, 1 << log_leaves),
                log_leaves,
                |builder, matrix| {
                    absorb_home::<B, A, N>(&mut work, &self.hasher, builder, matrix);
                },
                |level, builder| keep(plan, log_leaves, tree, level, builder.layer()),
            );
        }
    }

    /// Generates permutation traces and commits to their extensions; their terminals.
    pub(super) fn argue_compact(&mut self, lookup: &Lookup) -> Terminals<N> {
        let (plan, hasher) = (self.plan, &self.hasher);
        let mut terminals = Terminals::new();
        terminals
            .resize(plan.tables().len(), None)
            .expect("one per table");
        let names = [
            Name::Twiddles,
            Name::Trace,
            Name::PreprocessedTrace,
            Name::PublicValues,
            Name::Accumulators,
            Name::PermutationDigests,
            Name::ArgueScratch,
        ];
        let [
            twiddles,
            main,
            preprocessed,
            public_values,
            accumulators,
            digests,
            scratch,
        ] = plan.regions().split(self.words, names);
        let mut work = Work {
            plan,
            airs: self.airs,
            lookup,
            twiddles: Twiddles::view(twiddles, plan.log_twiddles()),
            homes: [main, &mut [], preprocessed, accumulators],
            public_values,
        };
        let (scratch, rest) = scratch.split_at_mut(generator_len(plan));
        for group in plan.groups(Round::Permutation) {
            let log_leaves = plan.log_leaves(Round::Permutation, &group);
            let (arena, columns) = rest.split_at_mut(hash::arena_len(1 << log_leaves));
            let mut builder = Builder::new(arena, 1 << log_leaves);
            let absorb = |builder: &mut Builder<'_>, matrix: &Opened| {
                let terminal =
                    argue_table::<B, A, N>(&mut work, hasher, builder, matrix, columns, scratch);
                terminals[matrix.table] = Some(terminal);
            };
            grow::<B, N>(
                plan,
                hasher,
                (Round::Permutation, &group),
                &mut builder,
                log_leaves,
                absorb,
                |level, builder| keep(plan, log_leaves, digests, level, builder.layer()),
            );
        }
        terminals
    }

    /// Computes the quotient chunks and commits to their extensions.
    pub(super) fn quotient_compact(
        &mut self,
        lookup: &Lookup,
        terminals: &Terminals<N>,
        alpha: EF,
    ) {
        let plan = self.plan;
        let names = [
            Name::Twiddles,
            Name::Trace,
            Name::PreprocessedTrace,
            Name::PublicValues,
            Name::Accumulators,
            Name::Quotient,
            Name::QuotientScratch,
        ];
        let [
            twiddles,
            main,
            preprocessed,
            public_values,
            accumulators,
            quotients,
            scratch,
        ] = plan.regions().split(self.words, names);
        let mut work = Work {
            plan,
            airs: self.airs,
            lookup,
            twiddles: Twiddles::view(twiddles, plan.log_twiddles()),
            homes: [main, &mut [], preprocessed, accumulators],
            public_values,
        };
        let (scratch, columns) = scratch.split_at_mut(quotient_work(plan));
        let columns = &mut columns[..plan.room().quotient];
        let mut rest = quotients;
        for table in 0..plan.tables().len() {
            let len = plan.round(Round::Quotient).filter(|m| m.table == table);
            let len = len.map(|m| m.home(plan.log_blowup()).len()).sum();
            let (out, after) = take(&mut rest).split_at_mut(len);
            rest = after;
            let terminal = terminals[table].unwrap_or(EF::ZERO);
            quotient_table::<B, A, N>(&mut work, table, (terminal, alpha), out, columns, scratch);
        }
        self.commit_homes(Round::Quotient);
    }

    /// Evaluates every column.
    pub(super) fn evaluate_compact(&mut self, lookup: &Lookup, zeta: EF) {
        let names = [Name::Openings, Name::EvaluateScratch];
        let (work, _, [openings, scratch]) = self.homes(lookup, names);
        claims::evaluate::<B, A, N>(&work, zeta, openings, scratch);
    }

    /// Combines all openings of a height into the coefficients of one codeword.
    pub(super) fn reduce_compact(&mut self, lookup: &Lookup, zeta: EF, alpha: EF) {
        let names = [Name::Codewords, Name::ReduceScratch];
        let (work, _, [codewords, scratch]) = self.homes(lookup, names);
        claims::reduce::<B, A, N>(&work, zeta, alpha, codewords, scratch);
    }

    /// All homes, the hasher, and some other regions.
    fn homes<'w, const K: usize>(
        &'w mut self,
        lookup: &'w Lookup,
        others: [Name; K],
    ) -> (Work<'w, A, N>, &'w Hasher<'a, B>, [&'w mut [F]; K]) {
        let plan = self.plan;
        let names = [
            Name::Twiddles,
            Name::PublicValues,
            Name::Trace,
            Name::Quotient,
            Name::PreprocessedTrace,
            Name::Accumulators,
        ];
        // Two splits of one borrow: the homes lie below every other region of these phases.
        let middle = others.map(|name| plan.regions().get(name).offset);
        let middle = middle.into_iter().min().unwrap_or(0);
        let (below, above) = self.words.split_at_mut(middle);
        let [
            twiddles,
            public_values,
            main,
            quotient,
            preprocessed,
            accumulators,
        ] = plan.regions().split(below, names);
        let ranges = others.map(|name| {
            let range = plan.regions().get(name).range();
            range.start - middle..range.end - middle
        });
        let others = above
            .get_disjoint_mut(ranges)
            .expect("regions of one phase are disjoint");
        let work = Work {
            plan,
            airs: self.airs,
            lookup,
            twiddles: Twiddles::view(twiddles, plan.log_twiddles()),
            homes: [main, quotient, preprocessed, accumulators],
            public_values,
        };
        (work, &self.hasher, others)
    }

    /// Commits to the codeword of FRI round `round`.
    pub(super) fn commit_fold_compact(&mut self, round: usize) {
        let plan = self.plan;
        let log_arity = plan.log_arities()[round] as usize;
        let log_leaves = self.log_codeword(round + 1);
        let (source, (_, start)) = (self.kept_codeword(round), self.fold_offsets(round));
        let names = [
            Name::Twiddles,
            source.0,
            Name::FoldedDigests,
            Name::FoldScratch,
        ];
        let [twiddles, coefficients, digests, scratch] = plan.regions().split(self.words, names);
        let digests = &mut digests[start..start + plan.tree_len(log_leaves)];
        let (codeword, arena) = scratch.split_at_mut(D << plan.log_max_lde());
        let codeword = &mut codeword[..D << (log_leaves + log_arity)];
        let twiddles = Twiddles::view(twiddles, plan.log_twiddles());
        let coefficients = &coefficients[source.1];
        fold::extend::<B>(&twiddles, coefficients, codeword, plan.log_blowup());

        let leaves = Codeword {
            values: codeword,
            log_arity,
        };
        let dropped = plan.dropped_layers(log_leaves);
        let block = FOLD_BLOCK.min(1 << log_leaves);
        let kept = 1 << (log_leaves - dropped);
        for first in (0..1 << log_leaves).step_by(block) {
            let mut builder = Builder::new(arena, block);
            builder.hash_leaves::<B, _>(&self.hasher, leaves, |row| first + row);
            (0..dropped).for_each(|_| builder.compress::<B>(&self.hasher));
            let (rows, at) = (builder.rows(), first >> dropped);
            for (column, layer) in digests[..DIGEST * kept]
                .chunks_exact_mut(kept)
                .zip(builder.layer().chunks_exact(rows))
            {
                column[at..at + rows].copy_from_slice(layer);
            }
        }
        for level in 0..log_leaves - dropped {
            let below = layer_range(log_leaves - dropped, level);
            let above = layer_range(log_leaves - dropped, level + 1);
            let rows = above.len() / DIGEST;
            let (below, above) = digests[below.start..above.end].split_at_mut(below.len());
            let none = core::iter::empty::<Matrix<'_>>();
            if rows.is_multiple_of(plan.lanes()) {
                compress_layer::<B, _>(&self.hasher, below, none, above);
            } else {
                compress_layer::<ScalarBackend, _>(&self.hasher.scalar(), below, none, above);
            }
        }
    }

    /// Folds the codeword of `round`, and adds that of the height it reaches.
    pub(super) fn fold_compact(&mut self, round: usize, beta: EF) {
        let plan = self.plan;
        let log_arity = plan.log_arities()[round] as usize;
        let log_to = self.log_codeword(round + 1);
        let from = self.kept_codeword(round);
        let (to, _) = self.fold_offsets(round);
        let kept = D << self.log_kept(log_to);
        let names = [Name::Codewords, Name::Folded];
        let [codewords, folded] = plan.regions().split(self.words, names);
        let (before, out) = folded.split_at_mut(to);
        let source = match from.0 {
            Name::Codewords => &*codewords,
            _ => &*before,
        };
        let out = &mut out[..kept];
        fold::fold(&source[from.1], out, beta, log_arity);
        if plan.has_log_lde(log_to) {
            let at = plan.codeword_offset(log_to) >> plan.log_blowup();
            let addend = &codewords[at..at + kept];
            fri::roll_in::<B>(out, addend, beta.exp_power_of_2(log_arity));
        }
    }

    /// Where the coefficients of the codeword of FRI round `round` are.
    fn kept_codeword(&self, round: usize) -> (Name, Range<usize>) {
        let len = D << self.log_kept(self.log_codeword(round));
        match round.checked_sub(1) {
            None => (Name::Codewords, 0..len),
            Some(before) => {
                let (start, _) = self.fold_offsets(before);
                (Name::Folded, start..start + len)
            }
        }
    }
}

/// Generates one permutation trace and absorbs it; its accumulator goes home. Returns its terminal.
fn argue_table<B: Backend, A: ProverAir<B>, const N: usize>(
    work: &mut Work<'_, A, N>,
    hasher: &Hasher<'_, B>,
    builder: &mut Builder<'_>,
    matrix: &Opened,
    columns: &mut [F],
    scratch: &mut [F],
) -> EF {
    let plan = work.plan;
    let table = &plan.tables()[matrix.table];
    let (height, log_height) = (table.height(), table.log_height());
    let home = matrix.home(plan.log_blowup());
    let mut terminal = EF::ZERO;
    for group in column_groups(table.layout.num_columns, height, columns.len()) {
        let values = &mut columns[..group.len() * D * height];
        let first = group.start == 0;
        let accumulators = take(&mut work.homes[Round::Permutation as usize]);
        let output = Output {
            rows: 0..height,
            columns: group.clone(),
            values,
            stride: height,
            totals: first.then(|| &mut accumulators[home.clone()]),
        };
        work.generate::<B>(matrix.table, output, scratch);
        if first {
            terminal = accumulate(&mut accumulators[home.clone()], height, log_height);
        }
        work.homes[Round::Permutation as usize] = accumulators;
        if first {
            absorb_home::<B, A, N>(work, hasher, builder, matrix);
        }
        let mut from = F::ONE;
        for block in 0..1 << plan.log_blowup() {
            let to = work.coset(matrix, block);
            shift::<B>(&work.twiddles, values, height, from, to);
            let rows = block * height..(block + 1) * height;
            builder.absorb::<B>(hasher, values, height, rows);
            from = to;
        }
        builder.advance(group.len() * D);
    }
    terminal
}

/// Computes one table's quotient chunks at home.
fn quotient_table<B: Backend, A: ProverAir<B>, const N: usize>(
    work: &mut Work<'_, A, N>,
    table: usize,
    (terminal, alpha): (EF, EF),
    out: &mut [F],
    columns: &mut [F],
    scratch: &mut [F],
) {
    let plan = work.plan;
    let planned = &plan.tables()[table];
    let (height, num_columns) = (planned.height(), planned.layout.num_columns);
    let traces = |first: bool| {
        plan.opened().filter(move |m| {
            let round = match m.round {
                Round::Main | Round::Preprocessed => true,
                Round::Permutation => first,
                Round::Quotient => false,
            };
            m.table == table && round
        })
    };
    let whole = (num_columns == 0).then_some(0..0);
    for group in whole
        .into_iter()
        .chain(column_groups(num_columns, height, columns.len()))
    {
        let values = &mut columns[..group.len() * D * height];
        let first = group.start == 0;
        if !group.is_empty() {
            let output = Output {
                rows: 0..height,
                columns: group.clone(),
                values,
                stride: height,
                totals: None,
            };
            work.generate::<B>(table, output, scratch);
        }
        let mut from = F::ONE;
        for (chunk, out) in out.chunks_exact_mut(D * height).enumerate() {
            let to = chunk_shift(planned, chunk);
            traces(first).for_each(|matrix| work.shift::<B>(&matrix, from, to));
            shift::<B>(&work.twiddles, values, height, from, to);
            let inputs = Inputs {
                table: work.traces(table),
                accumulator: work.columns(Round::Permutation, table),
                fractions: values,
                group: group.clone(),
                terminal,
                alpha,
                chunk,
            };
            let (air, twiddles) = (&work.airs[table], &work.twiddles);
            if height >= plan.lanes() {
                quotient::add::<B, A>(air, &inputs, twiddles, out, scratch);
            } else {
                quotient::add::<ScalarBackend, A>(air, &inputs, twiddles, out, scratch);
            }
            from = to;
        }
        traces(first).for_each(|matrix| work.shift::<B>(&matrix, from, F::ONE));
    }
    for (chunk, out) in out.chunks_exact_mut(D * height).enumerate() {
        let from = chunk_shift(planned, chunk);
        shift::<B>(&work.twiddles, out, height, from, F::ONE);
    }
}
