//! The steps up to the last commitment: commit, argue, quotient. [`super::closing`] has the rest.

use heapless::Vec;
use p3_field::{Field, PackedValue, PrimeCharacteristicRing};

use super::{Prover, extend_traces};
use crate::air::{MAX_BUSES, MAX_MESSAGE_WIDTH, Messages, ProverAir};
use crate::backend::{Backend, ScalarBackend};
use crate::challenger::Challenger;
use crate::ntt::{self, Twiddles};
use crate::plan::{Name, Phase, Plan, Round};
use crate::transcript::{self, TableShape};
use crate::{D, EF, F, Statement, TraceMut, logup, quotient};

/// What every state carries.
#[derive(Debug)]
pub(super) struct Base<'s, 'a, B, A, const N: usize> {
    pub(super) prover: &'s mut Prover<'a, B, A, N>,
    pub(super) challenger: Challenger<'a>,
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

    pub(super) fn grind(&mut self, bits: u8) -> F {
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
    pub(super) base: Base<'s, 'a, B, A, N>,
    pub(super) terminals: Vec<Option<EF>, N>,
    pub(super) witnesses: Witnesses,
    pub(super) zeta: EF,
}
