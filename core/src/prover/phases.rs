//! The steps of a proof, as types that turn into one another.

use embedded_io::Write;
use heapless::Vec;
use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::{Prover, extend_traces, openings};
use crate::air::{MAX_BUSES, MAX_MESSAGE_WIDTH, Messages, ProverAir};
use crate::backend::{Backend, ScalarBackend};
use crate::challenger::Challenger;
use crate::ntt::{self, Twiddles};
use crate::plan::{MAX_LOG_HEIGHT, MAX_QUERIES, Name, Phase, Plan, Round};
use crate::sink::Sink;
use crate::transcript::{self, MatrixShape, TableShape};
use crate::{D, EF, F, Statement, TraceMut, evaluate, logup, quotient, reduce};

/// What every state carries.
#[derive(Debug)]
pub(super) struct Base<'s, 'a, B, A, const N: usize> {
    pub(super) prover: &'s mut Prover<'a, B, A, N>,
    challenger: Challenger<'a>,
}

impl<B: Backend, A: ProverAir<B>, const N: usize> Base<'_, '_, B, A, N> {
    /// Observes a round's commitment: its roots, behind their number when the plan is carved.
    fn observe_round(&mut self, round: Round) {
        if self.prover.plan.is_carved() {
            self.challenger
                .observe(F::from_usize(self.prover.trees(round).count()));
        }
        for digest in self.prover.roots(round) {
            self.challenger.observe_slice(&digest);
        }
    }

    fn grind(&mut self, bits: u8) -> F {
        self.challenger.grind::<B::P>(bits as usize)
    }
}

/// A batch whose main traces are being written.
#[derive(Debug)]
pub struct Traces<'s, 'a, B, A, const N: usize>(pub(super) Base<'s, 'a, B, A, N>);

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize> Traces<'s, 'a, B, A, N> {
    pub(super) fn new(prover: &'s mut Prover<'a, B, A, N>, statement: Option<&Statement>) -> Self {
        let mut challenger = Challenger::new(prover.permutation);
        if let Some(statement) = statement {
            challenger.observe_slice(&statement.tag);
            challenger.observe_slice(&statement.digest);
        }
        Self(Base { prover, challenger })
    }

    /// Number of tables.
    pub fn len(&self) -> usize {
        self.0.prover.plan.tables().len()
    }

    /// Whether there are no tables: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The main trace of table `table`; its writer writes every element.
    ///
    /// # Panics
    /// When the plan has no such table.
    pub fn trace_mut(&mut self, table: usize) -> TraceMut<'_> {
        let tables = self.0.prover.plan.tables();
        let size = |t: usize| tables[t].layout.main_width * tables[t].height();
        let (start, len) = ((0..table).map(size).sum::<usize>(), size(table));
        let [traces] = self
            .0
            .prover
            .plan
            .regions()
            .split(self.0.prover.words, [Name::Trace]);
        TraceMut::new(&mut traces[start..start + len], tables[table].height())
    }

    /// Extends and commits the main traces, and draws the LogUp challenges.
    ///
    /// `public_values` has one slice per table.
    ///
    /// # Errors
    /// When the public values do not have the plan's shape.
    pub fn commit(
        self,
        public_values: &[&[F]],
    ) -> Result<Committed<'s, 'a, B, A, N>, super::ProveError> {
        Phase::Commit.log();
        let Self(mut base) = self;
        let prover = &mut *base.prover;
        let plan = prover.plan;
        check_public_values(plan, public_values)?;
        let names = [Name::Twiddles, Name::Trace, Name::Main, Name::PublicValues];
        let [twiddles, traces, extensions, public] = plan.regions().split(prover.words, names);
        let mut slots = public.iter_mut();
        for (value, slot) in public_values.iter().copied().flatten().zip(&mut slots) {
            *slot = *value;
        }
        let twiddles = Twiddles::view(twiddles, plan.log_max_lde());
        extend_traces::<B, N>(plan, Round::Main, &twiddles, traces, extensions);
        prover.commit_round(Round::Main);

        let shapes = plan.tables().iter().map(|table| TableShape {
            main_width: table.layout.main_width,
            preprocessed_width: table.layout.preprocessed_width,
            num_public_values: table.layout.num_public_values,
            has_lookups: table.layout.has_lookups(),
        });
        transcript::seed_batch(&mut base.challenger, shapes, plan.params());
        for table in plan.tables() {
            base.challenger
                .observe_ext(EF::from_usize(table.log_height()));
        }
        base.observe_round(Round::Main);
        public_values
            .iter()
            .for_each(|values| base.challenger.observe_slice(values));
        if plan.has_preprocessed() {
            base.observe_round(Round::Preprocessed);
        }
        let mut lookup = Lookup::default();
        if plan.has_lookups() {
            lookup.witness = base.grind(plan.params().lookup_pow_bits);
            lookup.draw(&mut base.challenger, plan);
        }
        Ok(Committed { base, lookup })
    }
}

/// Public values have one slice per table, of the length that its AIR reads.
pub(super) fn check_public_values<const N: usize>(
    plan: &Plan<N>,
    public_values: &[&[F]],
) -> Result<(), super::ProveError> {
    let (expected, got) = (plan.tables().len(), public_values.len());
    if expected != got {
        return Err(super::ProveError::PublicValueSlices { expected, got });
    }
    for (table, (planned, values)) in plan.tables().iter().zip(public_values).enumerate() {
        let (expected, got) = (planned.layout.num_public_values, values.len());
        if expected != got {
            return Err(super::ProveError::PublicValues {
                table,
                expected,
                got,
            });
        }
    }
    Ok(())
}

/// The LogUp challenges, laid out for use.
#[derive(Clone, Debug, Default)]
struct Lookup {
    witness: F,
    prefixes: Vec<EF, MAX_BUSES>,
    beta_powers: Vec<EF, MAX_MESSAGE_WIDTH>,
}

impl Lookup {
    /// Draws `alpha` and `beta`: `prefix[bus] = alpha + (bus + 1) beta^W`.
    fn draw<const N: usize>(&mut self, challenger: &mut Challenger<'_>, plan: &Plan<N>) {
        let (alpha, beta) = (challenger.sample_ext(), challenger.sample_ext());
        self.beta_powers
            .extend(beta.powers().take(plan.message_width()));
        let gamma = beta.exp_u64(plan.message_width() as u64);
        let prefixes = (0..plan.num_buses()).scan(alpha, |prefix, _| {
            *prefix += gamma;
            Some(*prefix)
        });
        self.prefixes.extend(prefixes);
    }

    fn messages<'m, const N: usize>(&'m self, plan: &'m Plan<N>, table: usize) -> Messages<'m> {
        Messages {
            layout: &plan.tables()[table].layout,
            prefixes: &self.prefixes,
            beta_powers: &self.beta_powers,
        }
    }
}

/// A batch whose main traces are committed.
#[derive(Debug)]
pub struct Committed<'s, 'a, B, A, const N: usize> {
    base: Base<'s, 'a, B, A, N>,
    lookup: Lookup,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize> Committed<'s, 'a, B, A, N> {
    /// The digests of the main commitment, group after group.
    pub fn main_commitment(&self) -> impl Iterator<Item = crate::Digest> + '_ {
        self.base.prover.roots(Round::Main)
    }

    /// Generates, extends and commits the permutation traces, and draws the constraint challenge.
    pub fn argue(self) -> Argued<'s, 'a, B, A, N> {
        Phase::Argue.log();
        let Self { mut base, lookup } = self;
        let prover = &mut *base.prover;
        let plan = prover.plan;
        let names = [
            Name::Twiddles,
            Name::Trace,
            Name::PreprocessedTrace,
            Name::PublicValues,
            Name::Permutation,
            Name::ArgueScratch,
        ];
        let [twiddles, main, preprocessed, public, permutation, scratch] =
            plan.regions().split(prover.words, names);
        let twiddles = Twiddles::view(twiddles, plan.log_max_lde());
        let (mut main, mut preprocessed, mut public) = (&*main, &*preprocessed, &*public);
        let mut terminals = Vec::<Option<EF>, N>::new();
        let mut slots = plan.round(Round::Permutation);
        for (table, (planned, air)) in plan.tables().iter().zip(prover.airs).enumerate() {
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
        if plan.has_lookups() {
            prover.commit_round(Round::Permutation);
            base.observe_round(Round::Permutation);
            for terminal in terminals.iter().flatten() {
                base.challenger.observe_ext(*terminal);
            }
        }
        let alpha = base.challenger.sample_ext();
        Argued {
            base,
            lookup,
            terminals,
            alpha,
        }
    }
}

/// Splits the first `len` elements off.
pub(super) fn take<'a>(rest: &mut &'a [F], len: usize) -> &'a [F] {
    let (first, after) = rest.split_at(len);
    *rest = after;
    first
}

/// A batch whose permutation traces are committed.
#[derive(Debug)]
pub struct Argued<'s, 'a, B, A, const N: usize> {
    base: Base<'s, 'a, B, A, N>,
    lookup: Lookup,
    terminals: Vec<Option<EF>, N>,
    alpha: EF,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize> Argued<'s, 'a, B, A, N> {
    /// The terminal of each table; `None` where the AIR declares no interaction.
    pub fn terminals(&self) -> &[Option<EF>] {
        &self.terminals
    }

    /// Computes, extends and commits the quotients, and draws the out-of-domain point.
    pub fn quotient(self) -> Quotients<'s, 'a, B, A, N> {
        Phase::Quotient.log();
        let Self {
            mut base,
            lookup,
            terminals,
            alpha,
        } = self;
        let prover = &mut *base.prover;
        let plan = prover.plan;
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
        ] = plan.regions().split(prover.words, names);
        let twiddles = Twiddles::view(twiddles, plan.log_max_lde());
        let extension = |round: Round, table: usize| {
            plan.round(round)
                .find(|m| m.table == table)
                .map_or(0..0, |m| m.extension())
        };
        let mut public = &*public;
        for (table, (planned, air)) in plan.tables().iter().zip(prover.airs).enumerate() {
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
        prover.commit_round(Round::Quotient);
        base.observe_round(Round::Quotient);
        let ood_witness = base.grind(plan.params().ood_pow_bits);
        let zeta = base.challenger.sample_ext();
        let witnesses = Witnesses {
            lookup: lookup.witness,
            ood: ood_witness,
        };
        Quotients {
            base,
            terminals,
            witnesses,
            zeta,
        }
    }
}

/// Proofs of work that the batch carries outside its opening argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witnesses {
    pub lookup: F,
    pub ood: F,
}

/// A batch whose quotients are committed.
#[derive(Debug)]
pub struct Quotients<'s, 'a, B, A, const N: usize> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Vec<Option<EF>, N>,
    witnesses: Witnesses,
    zeta: EF,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize> Quotients<'s, 'a, B, A, N> {
    /// Evaluates every column, and writes commitments and openings to the sink.
    ///
    /// # Errors
    /// What the sink returns.
    pub fn evaluate<W: Write>(self, sink: W) -> Result<Evaluated<'s, 'a, B, A, N, W>, W::Error> {
        Phase::Evaluate.log();
        let Self {
            mut base,
            terminals,
            witnesses,
            zeta,
        } = self;
        let prover = &mut *base.prover;
        let plan = prover.plan;
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
        ] = plan.regions().split(prover.words, names);
        let extensions = [&*main, &*quotients, &*preprocessed, &*permutation];
        let twiddles = Twiddles::view(twiddles, plan.log_max_lde());
        evaluate::evaluate::<B, N>(plan, extensions, &twiddles, zeta, openings, scratch);

        let mut sink = Sink::new(sink);
        openings::write_commitments(prover, &mut sink)?;
        openings::write_claims(plan, prover.region(Name::Openings), &mut sink)?;

        let rounds = Round::ALL
            .into_iter()
            .filter(|&round| plan.has_round(round));
        let shapes = rounds.map(|round| {
            plan.round(round).map(|m| MatrixShape {
                num_points: m.points(),
                width: m.width,
            })
        });
        transcript::seed_pcs(&mut base.challenger, shapes, plan.params());
        base.challenger
            .observe_slice(base.prover.region(Name::Openings));
        Ok(Evaluated {
            base,
            terminals,
            witnesses,
            zeta,
            sink,
        })
    }
}

/// A batch whose columns are evaluated; commitments and openings are written.
#[derive(Debug)]
pub struct Evaluated<'s, 'a, B, A, const N: usize, W> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Vec<Option<EF>, N>,
    witnesses: Witnesses,
    zeta: EF,
    sink: Sink<W>,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize, W: Write> Evaluated<'s, 'a, B, A, N, W> {
    /// Draws the batching challenge and combines all openings of a height into one codeword.
    pub fn reduce(self) -> Reduced<'s, 'a, B, A, N, W> {
        Phase::Reduce.log();
        let Self {
            mut base,
            terminals,
            witnesses,
            zeta,
            sink,
        } = self;
        let batch_witness = base.grind(base.prover.plan.params().batch_pow_bits);
        let alpha = base.challenger.sample_ext();
        let prover = &mut *base.prover;
        let plan = prover.plan;
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
        ] = plan.regions().split(prover.words, names);
        let extensions = [&*main, &*quotients, &*preprocessed, &*permutation];
        let twiddles = Twiddles::view(twiddles, plan.log_max_lde());
        reduce::reduce::<B, N>(
            plan, extensions, &twiddles, zeta, alpha, openings, codewords, scratch,
        );
        Reduced {
            base,
            terminals,
            witnesses,
            batch_witness,
            sink,
        }
    }
}

/// A batch whose openings are combined into codewords.
#[derive(Debug)]
pub struct Reduced<'s, 'a, B, A, const N: usize, W> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Vec<Option<EF>, N>,
    witnesses: Witnesses,
    batch_witness: F,
    sink: Sink<W>,
}

/// What the low-degree test adds to a proof besides its trees and openings.
#[derive(Clone, Debug)]
pub(super) struct FriOutcome {
    pub batch_witness: F,
    pub commit_witnesses: Vec<F, MAX_LOG_HEIGHT>,
    pub query_witness: F,
    pub indices: Vec<u32, MAX_QUERIES>,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize, W: Write> Reduced<'s, 'a, B, A, N, W> {
    /// Folds and commits the codewords down to the final polynomial, and draws the queries.
    pub fn fold(self) -> Folded<'s, 'a, B, A, N, W> {
        Phase::Fold.log();
        let Self {
            mut base,
            terminals,
            witnesses,
            batch_witness,
            sink,
        } = self;
        let plan = base.prover.plan;
        let params = plan.params();
        let log_max = plan.log_max_lde();
        transcript::seed_fri(&mut base.challenger, plan.log_arities(), params, log_max);
        let mut commit_witnesses = Vec::new();
        for round in 0..plan.log_arities().len() {
            let tree = base.prover.commit_fold(round);
            for digest in tree.cap(params.cap_height as usize) {
                base.challenger.observe_slice(&digest);
            }
            let witness = base
                .challenger
                .grind::<B::P>(params.commit_pow_bits as usize);
            commit_witnesses.push(witness).expect("one per round");
            let beta = base.challenger.sample_ext();
            base.prover.fold(round, beta);
        }
        base.prover.interpolate_final();
        for coefficient in base.prover.final_polynomial() {
            base.challenger.observe_ext(coefficient);
        }
        let query_witness = base.grind(params.query_pow_bits);
        let challenger = &mut base.challenger;
        let draw = |_| challenger.sample_bits(log_max) as u32;
        let indices = (0..params.num_queries).map(draw).collect();
        let fri = FriOutcome {
            batch_witness,
            commit_witnesses,
            query_witness,
            indices,
        };
        Folded {
            base,
            terminals,
            witnesses,
            fri,
            sink,
        }
    }
}

/// A batch whose low-degree test is run; the queries are drawn.
#[derive(Debug)]
pub struct Folded<'s, 'a, B, A, const N: usize, W> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Vec<Option<EF>, N>,
    witnesses: Witnesses,
    fri: FriOutcome,
    sink: Sink<W>,
}

impl<B: Backend, A: ProverAir<B>, const N: usize, W: Write> Folded<'_, '_, B, A, N, W> {
    /// Answers the queries: the rest of the proof. Returns the number of all bytes written.
    ///
    /// # Errors
    /// What the sink returns.
    pub fn open(self) -> Result<u64, W::Error> {
        Phase::Open.log();
        let Self {
            base,
            terminals,
            witnesses,
            fri,
            mut sink,
        } = self;
        openings::write_fri(base.prover, &fri, &mut sink)?;
        openings::write_tail(base.prover.plan, &terminals, &witnesses, &mut sink)?;
        sink.flush()?;
        Ok(sink.written())
    }
}
