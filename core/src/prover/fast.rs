//! The steps of the `Fast` profile: extensions stay in the workspace.

use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::phases::{Terminals, take};
use super::{Lookup, Prover};
use crate::air::ProverAir;
use crate::backend::{Backend, ScalarBackend};
use crate::bit_reverse::bit_reverse;
use crate::ntt::{self, Twiddles};
use crate::plan::{Name, Opened, Plan, Round};
use crate::{D, EF, F, evaluate, logup, merkle, quotient, reduce};

impl<B: Backend, A: ProverAir<B>, const N: usize> Prover<'_, B, A, N> {
    /// Extends the traces of a round of `Fast`, bit-reversed in place, and commits them.
    pub(super) fn extend_and_commit(&mut self, round: Round) {
        let names = [Name::Twiddles, round.home(), round.region()];
        let [twiddles, traces, extensions] = self.plan.regions().split(self.words, names);
        let twiddles = Twiddles::view(twiddles, self.plan.log_twiddles());
        extend_traces::<B, N>(self.plan, round, &twiddles, traces, extensions);
        self.commit_round(round);
    }

    /// Builds the Merkle trees of a round over its extensions; nothing for a round without matrices.
    pub(super) fn commit_round(&mut self, round: Round) {
        if !self.plan.has_round(round) {
            return;
        }
        let names = [round.region(), round.digests()];
        let [extensions, digests] = self.plan.regions().split(self.words, names);
        let mut rest = digests;
        for group in self.plan.groups(round) {
            let log_leaves = self.plan.log_leaves(round, &group);
            let (digests, after) = rest.split_at_mut(self.plan.tree_len(log_leaves));
            let matrices = self.plan.round(round).filter(|m| group.contains(&m.table));
            merkle::commit::<B, _>(
                &self.hasher,
                matrices.map(|m| matrix(extensions, &m)),
                digests,
            );
            rest = after;
        }
    }

    /// Generates, extends and commits the permutation traces of `Fast`; their terminals.
    pub(super) fn argue_fast(&mut self, lookup: &Lookup) -> Terminals<N> {
        let plan = self.plan;
        let names = [
            Name::Twiddles,
            Name::Trace,
            Name::PreprocessedTrace,
            Name::PublicValues,
            Name::Permutation,
            Name::ArgueScratch,
        ];
        let [twiddles, main, preprocessed, public, permutation, scratch] =
            plan.regions().split(self.words, names);
        let twiddles = Twiddles::view(twiddles, plan.log_twiddles());
        let (mut main, mut preprocessed, mut public) = (&*main, &*preprocessed, &*public);
        let mut terminals = Terminals::new();
        let mut slots = plan.round(Round::Permutation);
        for (table, (planned, air)) in plan.tables().iter().zip(self.airs).enumerate() {
            let (layout, height) = (&planned.layout, planned.height());
            let inputs = logup::Inputs {
                table: planned,
                main: take(&mut main, layout.main_width * height),
                preprocessed: take(&mut preprocessed, layout.preprocessed_width * height),
                public_values: take(&mut public, layout.num_public_values),
                messages: lookup.messages(plan, table),
            };
            let terminal = layout.has_lookups().then(|| {
                let opened = slots.next().expect("one matrix per table with lookups");
                let out = &mut permutation[opened.extension()];
                let stride = 1 << opened.log_lde;
                let terminal = if height >= B::P::WIDTH {
                    logup::generate::<B, A>(air, &inputs, out, stride, scratch)
                } else {
                    logup::generate::<ScalarBackend, A>(air, &inputs, out, stride, scratch)
                };
                for slot in out.chunks_exact_mut(stride) {
                    ntt::extend::<B>(&twiddles, slot, plan.log_blowup(), F::GENERATOR);
                }
                terminal
            });
            terminals.push(terminal).expect("one per table");
        }
        self.commit_round(Round::Permutation);
        terminals
    }

    /// Computes, extends and commits the quotients of `Fast`.
    pub(super) fn quotient_fast(&mut self, lookup: &Lookup, terminals: &Terminals<N>, alpha: EF) {
        let plan = self.plan;
        let names = [
            Name::Twiddles,
            Name::Main,
            Name::Preprocessed,
            Name::Permutation,
            Name::PublicValues,
            Name::Quotient,
            Name::QuotientScratch,
        ];
        let [
            twiddles,
            main,
            preprocessed,
            permutation,
            public,
            quotients,
            scratch,
        ] = plan.regions().split(self.words, names);
        let twiddles = Twiddles::view(twiddles, plan.log_twiddles());
        let extension = |round: Round, table: usize| {
            plan.round(round)
                .find(|m| m.table == table)
                .map_or(0..0, |m| m.extension())
        };
        let mut public = &*public;
        for (table, (planned, air)) in plan.tables().iter().zip(self.airs).enumerate() {
            let inputs = quotient::Inputs {
                table: planned,
                main: &main[extension(Round::Main, table)],
                preprocessed: &preprocessed[extension(Round::Preprocessed, table)],
                permutation: &permutation[extension(Round::Permutation, table)],
                public_values: take(&mut public, planned.layout.num_public_values),
                messages: lookup.messages(plan, table),
                terminal: terminals[table].unwrap_or(EF::ZERO),
                alpha,
                log_lde: plan.log_lde(table),
            };
            let mut chunks = plan.round(Round::Quotient).filter(|m| m.table == table);
            let start = chunks.next().expect("at least one chunk").extension().start;
            let len = (planned.num_chunks() * D) << plan.log_lde(table);
            let out = &mut quotients[start..start + len];
            if planned.height() >= B::P::WIDTH {
                quotient::evaluate::<B, A>(air, &inputs, &twiddles, out, scratch);
            } else {
                quotient::evaluate::<ScalarBackend, A>(air, &inputs, &twiddles, out, scratch);
            }
            for (chunk, out) in out.chunks_exact_mut(D << plan.log_lde(table)).enumerate() {
                let shift = F::GENERATOR / quotient::chunk_shift(planned, chunk);
                for slot in out.chunks_exact_mut(1 << plan.log_lde(table)) {
                    ntt::extend::<B>(&twiddles, slot, plan.log_blowup(), shift);
                }
            }
        }
        self.commit_round(Round::Quotient);
    }

    /// Evaluates every column of the extensions of `Fast`.
    pub(super) fn evaluate_fast(&mut self, zeta: EF) {
        let plan = self.plan;
        let names = [
            Name::Twiddles,
            Name::Main,
            Name::Quotient,
            Name::Preprocessed,
            Name::Permutation,
            Name::Openings,
            Name::EvaluateScratch,
        ];
        let [
            twiddles,
            main,
            quotients,
            preprocessed,
            permutation,
            openings,
            scratch,
        ] = plan.regions().split(self.words, names);
        let extensions = [&*main, &*quotients, &*preprocessed, &*permutation];
        let twiddles = Twiddles::view(twiddles, plan.log_twiddles());
        evaluate::evaluate::<B, N>(plan, extensions, &twiddles, zeta, openings, scratch);
    }

    /// Combines all openings of a height, from the extensions of `Fast`.
    pub(super) fn reduce_fast(&mut self, zeta: EF, alpha: EF) {
        let plan = self.plan;
        let names = [
            Name::Twiddles,
            Name::Main,
            Name::Quotient,
            Name::Preprocessed,
            Name::Permutation,
            Name::Openings,
            Name::Codewords,
            Name::ReduceScratch,
        ];
        let [
            twiddles,
            main,
            quotients,
            preprocessed,
            permutation,
            openings,
            codewords,
            scratch,
        ] = plan.regions().split(self.words, names);
        let extensions = [&*main, &*quotients, &*preprocessed, &*permutation];
        let twiddles = Twiddles::view(twiddles, plan.log_twiddles());
        reduce::reduce::<B, N>(
            plan, extensions, &twiddles, zeta, alpha, openings, codewords, scratch,
        );
    }
}

/// A matrix of a round, in the round's extensions.
pub(super) fn matrix<'a>(extensions: &'a [F], opened: &Opened) -> merkle::Matrix<'a> {
    merkle::Matrix {
        values: &extensions[opened.extension()],
        log_height: opened.log_lde,
    }
}

/// Bit-reverses every trace in place, and extends it into the round's region.
fn extend_traces<B: Backend, const N: usize>(
    plan: &Plan<N>,
    round: Round,
    twiddles: &Twiddles<'_>,
    traces: &mut [F],
    extensions: &mut [F],
) {
    let mut rest = traces;
    for opened in plan.round(round) {
        let height = 1 << (opened.log_lde - plan.log_blowup());
        let (trace, after) = rest.split_at_mut(opened.width * height);
        let slots = extensions[opened.extension()].chunks_exact_mut(1 << opened.log_lde);
        for (column, slot) in trace.chunks_exact_mut(height).zip(slots) {
            bit_reverse::<B::P>(column);
            slot[..height].copy_from_slice(column);
            ntt::extend::<B>(twiddles, slot, plan.log_blowup(), F::GENERATOR);
        }
        rest = after;
    }
}
