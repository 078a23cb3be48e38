//! The forked order: a batch draws its own constraint challenge, point and batching challenge.
//!
//! Commit each batch, and draw the LogUp challenges from all roots; argue each batch in a fork of the
//! transcript, and keep its codewords; add them under coefficients drawn from all forks, fold, and draw the
//! queries; open each batch at them. A batch is made again in each of the three walks.

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::error::RetireError;
use super::store::Layout;
use super::transcript::{self, observe_params, observe_tables, observe_tag};
use super::walk::{Challenges, Error};
use super::{Retire, Run};
use crate::air::ProverAir;
use crate::engine::Engine;
use crate::hash::paths::Indices;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::kernels::ext::{challenge, coordinates};
use crate::prover::folding::{
    fold_down, write_final_polynomial, write_fold_commitments, write_fold_openings,
};
use crate::prover::openings::{
    write_claims, write_commitment, write_input_openings, write_terminals,
};
use crate::shape::Round;
use crate::sink::Sink;
use crate::steps::reduce::alone;
use crate::{D, F};

impl<'a, B: Hashes<S>, A: ProverAir<B>, const N: usize, S: Suite> Retire<'a, B, A, N, S> {
    /// Proves a run in forked order. Returns the number of proof bytes written.
    pub(super) fn prove_forked<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        sink: W,
    ) -> Result<u64, Error<R, W>> {
        let mut sink = Sink::new(sink);
        let layout = self.plan.layout().expect("planned");
        let params = *self.plan.params();

        let hashed = [Round::Main, Round::Preprocessed];
        self.walk(run, &layout, true, &hashed, |mut visit| {
            visit.engine.commit(Round::Main);
            hashed.into_iter().for_each(|round| visit.keep_roots(round));
            visit.keep_trees(Round::Main);
            Ok(())
        })?;
        self.write_roots(&layout, &mut sink)
            .map_err(RetireError::Sink)?;
        let mut main = self.begin(run, &layout);
        let mut challenges = None;
        if self.plan.has_lookups() {
            let bits = params.lookup_pow_bits.into();
            let witness = self.hasher.grind(&mut main, bits);
            challenges = Some((main.sample_ext(), main.sample_ext()));
            sink.some()
                .and_then(|()| sink.field(witness))
                .map_err(RetireError::Sink)?;
        } else {
            sink.none().map_err(RetireError::Sink)?;
        }

        self.argue_all(run, &layout, &main, challenges, &mut sink)?;

        self.join(&layout, &mut main);
        let mut low = self.accumulators(&layout);
        let mut outcome = fold_down(&mut low, &mut main, &params);
        write_fold_commitments(&low, &outcome, params.cap_height, &mut sink)
            .and_then(|()| write_final_polynomial(&low, &outcome, &mut sink))
            .map_err(RetireError::Sink)?;

        self.open_all(run, &layout, challenges, &outcome.indices, &mut sink)?;
        let mut low = self.accumulators(&layout);
        write_fold_openings(&mut low, &mut outcome.indices, params.cap_height, &mut sink)
            .and_then(|()| sink.flush())
            .map_err(RetireError::Sink)?;
        Ok(sink.written())
    }

    /// Writes the number of batches, and the main cap of each.
    fn write_roots<W: Write>(&self, layout: &Layout, sink: &mut Sink<W>) -> Result<(), W::Error> {
        sink.length(self.plan.batches())?;
        for cap in self.roots(layout, Round::Main) {
            sink.length(cap.len())?;
            cap.iter().try_for_each(|digest| sink.digest(digest))?;
        }
        Ok(())
    }

    /// The main line of the transcript up to the last root.
    fn begin<R: Run>(&self, run: &R, layout: &Layout) -> S::Transcript<'a> {
        let plan = self.plan;
        let mut main = self.hasher.transcript();
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
            let digests = self.roots(layout, round).flatten();
            digests.for_each(|digest| main.observe_digest(digest));
        }
        main
    }

    /// The second walk: each batch in its fork, which leaves its digest, its constraint challenge and its
    /// codewords.
    fn argue_all<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        layout: &Layout,
        main: &S::Transcript<'a>,
        challenges: Challenges,
        sink: &mut Sink<W>,
    ) -> Result<(), Error<R, W>> {
        let (hasher, params) = (self.hasher.clone(), *self.plan.params());
        let hashed = [Round::Permutation, Round::Quotient];
        self.walk(run, layout, false, &hashed, |mut visit| {
            visit.set_lookup(challenges);
            let (engine, slot) = (&mut *visit.engine, visit.slot);
            let shape = engine.shape;
            let mut fork = main.clone();
            observe_tag(&mut fork, transcript::FORK);
            fork.observe(F::from_usize(visit.batch));

            engine.commit(Round::Main);
            engine.argue();
            if shape.has_lookups() {
                observe_round(&mut fork, engine, Round::Permutation);
                let terminals = engine.terminals().flatten();
                terminals.for_each(|terminal| fork.observe_ext(terminal));
            }
            let alpha = fork.sample_ext();
            engine.quotient(alpha);
            observe_round(&mut fork, engine, Round::Quotient);
            let ood_witness = hasher.grind(&mut fork, params.ood_pow_bits.into());
            let zeta = fork.sample_ext();
            engine.evaluate(zeta);
            write_argument(engine, ood_witness, sink).map_err(RetireError::Sink)?;

            fork.observe_slice(engine.openings());
            let batch_witness = hasher.grind(&mut fork, params.batch_pow_bits.into());
            sink.field(batch_witness).map_err(RetireError::Sink)?;
            let lambda = fork.sample_ext();
            engine.reduce(zeta, lambda, &alone);

            let reduced = engine.reduced();
            visit.store[visit.codewords.clone()].copy_from_slice(reduced);
            visit.keep_trees(Round::Quotient);
            if shape.has_lookups() {
                visit.keep_trees(Round::Permutation);
            }
            visit.store[slot.fork.clone()].fill_with(|| fork.sample());
            visit.store[slot.alpha.clone()].copy_from_slice(&coordinates(alpha));
            Ok(())
        })
    }

    /// Absorbs the digests of all forks, and adds the codewords under the coefficients drawn then.
    fn join(&mut self, layout: &Layout, main: &mut S::Transcript<'a>) {
        let plan = self.plan;
        observe_tag(main, transcript::JOIN);
        for (_, slot) in self.slots(layout) {
            main.observe_slice(&self.store[slot.fork]);
        }
        let [codewords, accumulators] = self
            .store
            .get_disjoint_mut([layout.codewords.clone(), layout.accumulators.clone()])
            .expect("regions of the store are disjoint");
        accumulators.fill(F::ZERO);
        let mut rest = &*codewords;
        for batch in 0..plan.batches() {
            let folds = plan.shape(batch).folds();
            let (kept, after) = rest.split_at(folds.codewords_len());
            rest = after;
            let coefficient = main.sample_ext();
            plan.folds()
                .add::<B>(accumulators, (folds, kept), coefficient);
        }
    }

    /// The third walk: each batch opened at the queries.
    fn open_all<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        layout: &Layout,
        challenges: Challenges,
        indices: &Indices,
        sink: &mut Sink<W>,
    ) -> Result<(), Error<R, W>> {
        let log_max = self.plan.folds().log_max();
        let hashed = self.hashed_to_open();
        self.walk(run, layout, false, hashed, |mut visit| {
            visit.set_lookup(challenges);
            let alpha = visit.store[visit.slot.alpha.clone()].as_chunks::<D>().0[0];
            let engine = &mut *visit.engine;
            engine.commit(Round::Main);
            engine.argue();
            engine.quotient(challenge(alpha));
            engine.begin_openings();
            let shift = log_max - engine.shape.log_max_lde();
            let indices = indices.iter().map(|index| index >> shift).collect();
            if !visit.restore_trees(&indices) {
                let batch = visit.batch;
                return Err(RetireError::Changed { batch });
            }
            write_input_openings(visit.engine, &indices, sink).map_err(RetireError::Sink)
        })
    }
}

/// Observes the published digests of a round.
fn observe_round<B: Hashes<S>, A: ProverAir<B>, S: Suite>(
    challenger: &mut impl Transcript,
    engine: &Engine<'_, B, A, S>,
    round: Round,
) {
    engine
        .roots(round)
        .for_each(|digest| challenger.observe_digest(&digest));
}

/// What a fork adds to the proof before its batching challenge.
fn write_argument<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite>(
    engine: &Engine<'_, B, A, S>,
    ood_witness: F,
    sink: &mut Sink<W>,
) -> Result<(), W::Error> {
    if engine.shape.has_lookups() {
        sink.some()?;
        write_commitment(engine, Round::Permutation, sink)?;
    } else {
        sink.none()?;
    }
    write_terminals(engine, sink)?;
    write_commitment(engine, Round::Quotient, sink)?;
    sink.field(ood_witness)?;
    write_claims(engine.shape, engine.openings(), sink)
}
