//! The steps up to the last commitment: commit, argue, quotient. [`super::closing`] has the rest.

use embedded_io::Write;
use heapless::Vec;
use p3_field::PrimeCharacteristicRing;

use super::{Folded, ProveError, Prover};
use crate::air::ProverAir;
use crate::backend::Backend;
use crate::challenger::Challenger;
use crate::plan::{Name, Phase, Plan, Profile, Round};
use crate::transcript::{self, TableShape};
use crate::{EF, F, Statement, TraceMut};

/// The terminal of each table, none for one without lookups.
pub(super) type Terminals<const N: usize> = Vec<Option<EF>, N>;

/// What every state carries.
#[derive(Debug)]
pub(super) struct Base<'s, 'a, B: Backend, A, const N: usize> {
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
        self.challenger.grind(&self.prover.hasher, bits as usize)
    }
}

/// A batch whose main traces are being written.
#[derive(Debug)]
pub struct Traces<'s, 'a, B: Backend, A, const N: usize>(pub(super) Base<'s, 'a, B, A, N>);

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize> Traces<'s, 'a, B, A, N> {
    pub(super) fn new(prover: &'s mut Prover<'a, B, A, N>, statement: Option<&Statement>) -> Self {
        prover.lookup.clear();
        let mut challenger = Challenger::new(prover.hasher.poseidon2());
        if let Some(statement) = statement {
            challenger.observe_slice(&statement.elements());
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

    /// The steps that are left, all of them; returns the number of proof bytes written.
    ///
    /// `public_values` has one slice per table.
    ///
    /// # Errors
    /// When the public values do not have the plan's shape, and what the sink returns.
    pub fn finish<W: Write>(
        self,
        public_values: &[&[F]],
        sink: W,
    ) -> Result<u64, ProveError<W::Error>> {
        match self.until_folded(public_values, sink) {
            Ok(ref mut folded) => folded.answer().map_err(ProveError::Sink),
            Err(error) => Err(error),
        }
    }

    /// All steps but the last, whose states are off the stack then: the last needs most of it.
    #[inline(never)]
    fn until_folded<W: Write>(
        self,
        public_values: &[&[F]],
        sink: W,
    ) -> Result<Folded<'s, 'a, B, A, N, W>, ProveError<W::Error>> {
        let quotients = self
            .until_quotients(public_values)
            .map_err(ProveError::widen)?;
        let evaluated = quotients.evaluate(sink).map_err(ProveError::Sink)?;
        Ok(evaluated.reduce().fold())
    }

    #[inline(never)]
    fn until_quotients(
        self,
        public_values: &[&[F]],
    ) -> Result<Quotients<'s, 'a, B, A, N>, ProveError> {
        Ok(self.commit(public_values)?.argue().quotient())
    }

    /// Extends and commits the main traces, and draws the LogUp challenges.
    ///
    /// `public_values` has one slice per table.
    ///
    /// # Errors
    /// When the public values do not have the plan's shape.
    pub fn commit(self, public_values: &[&[F]]) -> Result<Committed<'s, 'a, B, A, N>, ProveError> {
        Phase::Commit.log();
        let Self(mut base) = self;
        let prover = &mut *base.prover;
        let plan = prover.plan;
        check_public_values(plan, public_values)?;
        let [public] = plan.regions().split(prover.words, [Name::PublicValues]);
        for (value, slot) in public_values.iter().copied().flatten().zip(public) {
            *slot = *value;
        }
        prover.commit_traces(Round::Main);

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
        if plan.has_lookups() {
            let witness = base.grind(plan.params().lookup_pow_bits);
            let lookup = &mut base.prover.lookup;
            lookup.draw(witness, &mut base.challenger, plan);
        }
        Ok(Committed { base })
    }
}

/// Public values have one slice per table, of the length that its AIR reads.
pub(super) fn check_public_values<const N: usize>(
    plan: &Plan<N>,
    public_values: &[&[F]],
) -> Result<(), ProveError> {
    let (expected, got) = (plan.tables().len(), public_values.len());
    if expected != got {
        return Err(ProveError::PublicValueSlices { expected, got });
    }
    for (table, (planned, values)) in plan.tables().iter().zip(public_values).enumerate() {
        let (expected, got) = (planned.layout.num_public_values, values.len());
        if expected != got {
            return Err(ProveError::PublicValues {
                table,
                expected,
                got,
            });
        }
    }
    Ok(())
}

/// A batch whose main traces are committed.
#[derive(Debug)]
pub struct Committed<'s, 'a, B: Backend, A, const N: usize> {
    base: Base<'s, 'a, B, A, N>,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize> Committed<'s, 'a, B, A, N> {
    /// The digests of the main commitment, group after group.
    pub fn main_commitment(&self) -> impl Iterator<Item = crate::Digest> + '_ {
        self.base.prover.roots(Round::Main)
    }

    /// Generates, extends and commits the permutation traces, and draws the constraint challenge.
    pub fn argue(self) -> Argued<'s, 'a, B, A, N> {
        Phase::Argue.log();
        let Self { mut base } = self;
        let plan = base.prover.plan;
        let lookup = base.prover.lookup.clone();
        let terminals = match plan.profile() {
            Profile::Fast => base.prover.argue_fast(&lookup),
            Profile::Compact => base.prover.argue_compact(&lookup),
        };
        if plan.has_lookups() {
            base.observe_round(Round::Permutation);
            for terminal in terminals.iter().flatten() {
                base.challenger.observe_ext(*terminal);
            }
        }
        let alpha = base.challenger.sample_ext();
        Argued {
            base,
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
pub struct Argued<'s, 'a, B: Backend, A, const N: usize> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Terminals<N>,
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
            terminals,
            alpha,
        } = self;
        let lookup = &base.prover.lookup.clone();
        let prover = &mut *base.prover;
        match prover.plan.profile() {
            Profile::Fast => prover.quotient_fast(lookup, &terminals, alpha),
            Profile::Compact => prover.quotient_compact(lookup, &terminals, alpha),
        }
        base.observe_round(Round::Quotient);
        let ood_witness = base.grind(base.prover.plan.params().ood_pow_bits);
        let zeta = base.challenger.sample_ext();
        let witnesses = Witnesses {
            lookup: base.prover.lookup.witness,
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
pub struct Quotients<'s, 'a, B: Backend, A, const N: usize> {
    pub(super) base: Base<'s, 'a, B, A, N>,
    pub(super) terminals: Terminals<N>,
    pub(super) witnesses: Witnesses,
    pub(super) zeta: EF,
}
