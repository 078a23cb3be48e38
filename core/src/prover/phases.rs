//! The steps up to the last commitment: commit, argue, quotient. [`super::closing`] has the rest.

use p3_field::PrimeCharacteristicRing;

use super::BatchError;
use super::transcript::{self, SeededTable};
use crate::Digest;
use crate::air::ProverAir;
use crate::engine::Engine;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::plan::Phase;
use crate::shape::{BatchShape, Round};
use crate::{EF, F, Statement, TraceMut};

/// What every state carries.
#[derive(Debug)]
pub(super) struct Base<'s, 'a, B: Hashes<S>, A, S: Suite> {
    pub(super) engine: &'s mut Engine<'a, B, A, S>,
    pub(super) challenger: S::Transcript<'a>,
}

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite> Base<'_, '_, B, A, S> {
    /// Observes a round's commitment: its roots, behind their number when the plan is carved.
    fn observe_round(&mut self, round: Round) {
        if self.engine.shape.is_carved() {
            self.challenger
                .observe(F::from_usize(self.engine.trees(round).count()));
        }
        for digest in self.engine.roots(round) {
            self.challenger.observe_digest(&digest);
        }
    }

    pub(super) fn grind(&mut self, bits: u8) -> F {
        let Self { engine, challenger } = self;
        engine.hasher.grind(challenger, bits as usize)
    }
}

/// A batch whose main traces are being written.
#[derive(Debug)]
pub struct Traces<'s, 'a, B: Hashes<S>, A, S: Suite = Poseidon2>(pub(super) Base<'s, 'a, B, A, S>);

impl<'s, 'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Traces<'s, 'a, B, A, S> {
    pub(super) fn new(engine: &'s mut Engine<'a, B, A, S>, statement: Option<&Statement>) -> Self {
        let mut challenger = engine.hasher.transcript();
        if let Some(statement) = statement {
            challenger.observe_slice(&statement.elements());
        }
        Self(Base { engine, challenger })
    }

    /// Number of tables.
    pub fn len(&self) -> usize {
        self.0.engine.shape.tables().len()
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
        self.0.engine.trace_mut(Round::Main, table)
    }

    /// Extends and commits the main traces, and draws the LogUp challenges.
    ///
    /// `public_values` has one slice per table.
    ///
    /// # Errors
    /// When the public values do not have the plan's shape.
    pub fn commit(self, public_values: &[&[F]]) -> Result<Committed<'s, 'a, B, A, S>, BatchError> {
        Phase::Commit.log();
        let Self(mut base) = self;
        let shape = base.engine.shape;
        check_public_values(shape, public_values)?;
        base.engine.set_public_values(public_values);
        base.engine.commit(Round::Main);

        let shapes = shape.tables().iter().map(SeededTable::new);
        transcript::seed_batch(&mut base.challenger, shapes, shape.params());
        for table in shape.tables() {
            base.challenger
                .observe_ext(EF::from_usize(table.log_height()));
        }
        base.observe_round(Round::Main);
        public_values
            .iter()
            .for_each(|values| base.challenger.observe_slice(values));
        if shape.has_preprocessed() {
            base.observe_round(Round::Preprocessed);
        }
        let mut witnesses = Witnesses::default();
        if shape.has_lookups() {
            witnesses.lookup = base.grind(shape.params().lookup_pow_bits);
            let challenges = (base.challenger.sample_ext(), base.challenger.sample_ext());
            let numbers = 0..shape.num_buses() as u64;
            base.engine
                .set_lookup(challenges, shape.message_width(), numbers);
        }
        Ok(Committed { base, witnesses })
    }
}

/// Public values have one slice per table, of the length that its AIR reads.
pub(crate) fn check_public_values(
    shape: BatchShape<'_>,
    public_values: &[&[F]],
) -> Result<(), BatchError> {
    let (expected, got) = (shape.tables().len(), public_values.len());
    if expected != got {
        return Err(BatchError::PublicValueSlices { expected, got });
    }
    for (table, (planned, values)) in shape.tables().iter().zip(public_values).enumerate() {
        let (expected, got) = (planned.layout.num_public_values, values.len());
        if expected != got {
            return Err(BatchError::PublicValues {
                table,
                expected,
                got,
            });
        }
    }
    Ok(())
}

/// Proofs of work that the batch carries outside its opening argument.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Witnesses {
    pub lookup: F,
    pub ood: F,
}

/// A batch whose main traces are committed.
#[derive(Debug)]
pub struct Committed<'s, 'a, B: Hashes<S>, A, S: Suite = Poseidon2> {
    base: Base<'s, 'a, B, A, S>,
    witnesses: Witnesses,
}

impl<'s, 'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Committed<'s, 'a, B, A, S> {
    /// The digests of the main commitment, group after group.
    pub fn main_commitment(&self) -> impl Iterator<Item = Digest> + '_ {
        self.base.engine.roots(Round::Main)
    }

    /// Generates, extends and commits the permutation traces, and draws the constraint challenge.
    pub fn argue(self) -> Argued<'s, 'a, B, A, S> {
        Phase::Argue.log();
        let Self {
            mut base,
            witnesses,
        } = self;
        base.engine.argue();
        if base.engine.shape.has_lookups() {
            base.observe_round(Round::Permutation);
            for terminal in base.engine.terminals().flatten() {
                base.challenger.observe_ext(terminal);
            }
        }
        let alpha = base.challenger.sample_ext();
        Argued {
            base,
            witnesses,
            alpha,
        }
    }
}

/// A batch whose permutation traces are committed.
#[derive(Debug)]
pub struct Argued<'s, 'a, B: Hashes<S>, A, S: Suite = Poseidon2> {
    base: Base<'s, 'a, B, A, S>,
    witnesses: Witnesses,
    alpha: EF,
}

impl<'s, 'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Argued<'s, 'a, B, A, S> {
    /// The terminal of each table; `None` where the AIR declares no interaction.
    pub fn terminals(&self) -> impl ExactSizeIterator<Item = Option<EF>> + '_ {
        self.base.engine.terminals()
    }

    /// Computes, extends and commits the quotients, and draws the out-of-domain point.
    pub fn quotient(self) -> Quotients<'s, 'a, B, A, S> {
        Phase::Quotient.log();
        let Self {
            mut base,
            mut witnesses,
            alpha,
        } = self;
        base.engine.quotient(alpha);
        base.observe_round(Round::Quotient);
        witnesses.ood = base.grind(base.engine.shape.params().ood_pow_bits);
        let zeta = base.challenger.sample_ext();
        Quotients {
            base,
            witnesses,
            zeta,
        }
    }
}

/// A batch whose quotients are committed.
#[derive(Debug)]
pub struct Quotients<'s, 'a, B: Hashes<S>, A, S: Suite = Poseidon2> {
    pub(super) base: Base<'s, 'a, B, A, S>,
    pub(super) witnesses: Witnesses,
    pub(super) zeta: EF,
}
