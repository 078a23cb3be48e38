//! The main line of a run in forked order, up to the challenges that all roots of the run bind.

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::plan::RunPlan;
use super::run::Run;
use super::transcript::{self, observe_params, observe_tables, observe_tag};
use super::worker::Challenges;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::shape::Round;
use crate::sink::Sink;
use crate::{Digest, F};

/// A main line from which the forks of the batches begin.
#[derive(Clone, Debug)]
pub(super) struct Line<T> {
    pub main: T,
    pub challenges: Challenges,
    /// Of the grinding before the challenges, if there are any.
    witness: Option<F>,
}

impl<T: Transcript> Line<T> {
    /// Absorbs statement, shape, public values, and what `roots` shows it of each round; then draws the LogUp
    /// challenges, if the run has lookups.
    pub fn begin<'a, B, A, R, S, const N: usize>(
        plan: &RunPlan<'_, A, N, S>,
        hasher: &B::Hasher<'a>,
        run: &R,
        mut roots: impl FnMut(Round, &mut dyn FnMut(&Digest)),
    ) -> Self
    where
        B: Hashes<S>,
        S: Suite<Transcript<'a> = T>,
        R: Run,
    {
        let mut main = hasher.transcript();
        if let Some(statement) = run.statement() {
            main.observe_slice(&statement.elements());
        }
        observe_tag(&mut main, transcript::RUN);
        observe_params(&mut main, plan.params());
        main.observe(F::from_usize(plan.batches()));
        for batch in 0..plan.batches() {
            observe_tables(&mut main, plan.shape(batch));
        }
        for batch in 0..plan.batches() {
            let values = run.public_values(batch);
            let values = values.as_ref().iter();
            values.for_each(|values| main.observe_slice(values));
        }
        for round in [Round::Main, Round::Preprocessed] {
            roots(round, &mut |digest| main.observe_digest(digest));
        }
        let (mut challenges, mut witness) = (None, None);
        if plan.has_lookups() {
            let bits = plan.params().lookup_pow_bits.into();
            witness = Some(hasher.grind(&mut main, bits));
            challenges = Some((main.sample_ext(), main.sample_ext()));
        }
        Self {
            main,
            challenges,
            witness,
        }
    }

    /// Writes what the challenges were ground with.
    pub fn write<W: Write>(&self, sink: &mut Sink<W>) -> Result<(), W::Error> {
        match self.witness {
            Some(witness) => {
                sink.some()?;
                sink.field(witness)
            }
            None => sink.none(),
        }
    }

    /// The fork of a batch before its first root.
    pub fn fork(&self, batch: usize) -> T {
        let mut fork = self.main.clone();
        observe_tag(&mut fork, transcript::FORK);
        fork.observe(F::from_usize(batch));
        fork
    }
}
