//! The forked order: a batch draws its own constraint challenge, point and batching challenge.
//!
//! Commit each batch, and draw the LogUp challenges from all roots; argue each batch in a fork of the
//! transcript, and keep its codewords; add them under coefficients drawn from all forks, fold, and draw the
//! queries; open each batch at them. A batch is made again in each of the three walks; where codewords are not kept,
//! in one more, behind the coefficients.

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::crew::Crew;
use super::error::RetireError;
use super::journal::{Again, Written, field};
use super::run::Run;
use super::store::{Leaves, Slot, cap_len};
use super::transcript::{self, observe_params, observe_tables, observe_tag};
use super::walk::{Error, Proving, batches, shifted};
use super::worker::{Challenges, Wanted};
use crate::air::ProverAir;
use crate::engine::Engine;
use crate::hash::paths::Indices;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::kernels::ext::coordinates;
use crate::prover::folding::{
    fold_down, write_final_polynomial, write_fold_commitments, write_fold_openings,
};
use crate::prover::openings::{
    write_claims, write_commitment, write_input_openings, write_terminals,
};
use crate::shape::Round;
use crate::sink::Sink;
use crate::steps::reduce::alone;
use crate::{DIGEST, EF, F, Params};

impl<'a, B, A, const N: usize, S, R, C, W> Proving<'_, 'a, B, A, N, S, R, C, W>
where
    B: Hashes<S>,
    A: ProverAir<B>,
    S: Suite,
    R: Run,
    C: Crew,
    W: Write,
{
    /// Proves a run in forked order. Returns the number of proof bytes written.
    pub fn forked(mut self) -> Result<u64, Error<R, W>> {
        let params = *self.plan.params();
        self.commit_all()?;
        self.write_roots().map_err(RetireError::Sink)?;
        let mut main = self.begin();
        let mut challenges = None;
        if self.plan.has_lookups() {
            let bits = params.lookup_pow_bits.into();
            let witness = self.hasher.grind(&mut main, bits);
            challenges = Some((main.sample_ext(), main.sample_ext()));
            let sink = &mut self.sink;
            sink.some()
                .and_then(|()| sink.field(witness))
                .map_err(RetireError::Sink)?;
        } else {
            self.sink.none().map_err(RetireError::Sink)?;
        }

        self.argue_all(&main, challenges)?;

        self.join(&mut main, challenges)?;
        let (mut low, sink) = self.accumulators();
        let mut outcome = fold_down(&mut low, &mut main, &params);
        write_fold_commitments(&low, &outcome, params.cap_height, sink)
            .and_then(|()| write_final_polynomial(&low, &outcome, sink))
            .map_err(RetireError::Sink)?;

        self.open_all(challenges, &outcome.indices)?;
        let (mut low, sink) = self.accumulators();
        write_fold_openings(&mut low, &mut outcome.indices, params.cap_height, sink)
            .and_then(|()| sink.flush())
            .map_err(RetireError::Sink)?;
        Ok(self.sink.written())
    }

    /// Writes the number of batches, and the main cap of each.
    fn write_roots(&mut self) -> Result<(), W::Error> {
        self.sink.length(self.plan.batches())?;
        self.write_caps(Round::Main)
    }

    /// The main line of the transcript up to the last root.
    fn begin(&self) -> S::Transcript<'a> {
        let (plan, run) = (self.plan, &self.workers[0].run);
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
            let digests = self.roots(round).flatten();
            digests.for_each(|digest| main.observe_digest(digest));
        }
        main
    }

    /// The second walk: each batch in its fork, which leaves its digest, its constraint challenge, and its
    /// codewords or what they are made from.
    fn argue_all(
        &mut self,
        main: &S::Transcript<'a>,
        challenges: Challenges,
    ) -> Result<(), Error<R, W>> {
        let (hasher, params) = (self.hasher.clone(), *self.plan.params());
        let keep = self.plan.keep();
        self.walk_again(
            Wanted::Extensions(&[Round::Permutation, Round::Quotient]),
            Leaves::Argument,
            |mut visit| {
                visit.set_lookup(challenges);
                let (engine, slot) = (&mut *visit.engine, visit.slot);
                let shape = engine.shape;
                let mut fork = begin_fork(main, visit.batch);
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
                fork.observe_slice(engine.openings());
                let batch_witness = hasher.grind(&mut fork, params.batch_pow_bits.into());
                let lambda = fork.sample_ext();
                if keep.codewords {
                    engine.reduce(zeta, lambda, &alone);
                    let reduced = engine.reduced();
                    visit.store[slot.codewords.clone()].copy_from_slice(reduced);
                } else {
                    let claims = &mut visit.store[slot.claims.clone()];
                    claims.copy_from_slice(engine.openings());
                    keep_opening([zeta, lambda], slot, visit.store);
                }
                visit.keep_quotients();
                visit.keep_trees(Round::Quotient);
                if shape.has_lookups() {
                    visit.keep_trees(Round::Permutation);
                }
                visit.store[slot.witnesses.clone()].copy_from_slice(&[ood_witness, batch_witness]);
                end_fork(&mut fork, alpha, slot, visit.store);
                Ok(())
            },
            |turn| {
                let witnesses = turn.kept(&turn.slot.witnesses);
                let [ood_witness, batch_witness] = [witnesses[0], witnesses[1]];
                write_argument(turn.engine, ood_witness, turn.sink)?;
                turn.sink.field(batch_witness)
            },
            |again| {
                let fork = begin_fork(main, again.batch);
                argue_again::<S>(again, fork, &params, keep.codewords)
            },
        )
    }

    /// Absorbs the digests of all forks, and adds the codewords under the coefficients drawn then.
    fn join(
        &mut self,
        main: &mut S::Transcript<'a>,
        challenges: Challenges,
    ) -> Result<(), Error<R, W>> {
        observe_tag(main, transcript::JOIN);
        for batch in self.batches() {
            main.observe_slice(&batch.store[batch.slot.fork.clone()]);
        }
        self.store[self.layout.accumulators.clone()].fill(F::ZERO);
        if self.plan.keep().codewords {
            self.add_kept(main);
            return Ok(());
        }
        self.rebuild_all(main, challenges)
    }

    /// Adds the codewords that were kept.
    fn add_kept(&mut self, main: &mut S::Transcript<'a>) {
        let plan = self.plan;
        let (slots, low) = self.store.split_at_mut(self.layout.accumulators.start);
        let accumulators = &mut low[..self.layout.accumulators.len()];
        for batch in batches(plan, &self.layout, slots) {
            let codewords = &batch.store[batch.slot.codewords.clone()];
            let own = (batch.shape.folds(), codewords);
            let coefficient = main.sample_ext();
            plan.folds().add::<B>(accumulators, own, coefficient);
        }
    }

    /// A walk more: the codewords of each batch are made again, and added.
    fn rebuild_all(
        &mut self,
        main: &mut S::Transcript<'a>,
        challenges: Challenges,
    ) -> Result<(), Error<R, W>> {
        let folds = self.plan.folds();
        let accumulators = self.layout.accumulators.clone();
        self.walk(
            Wanted::Columns,
            Leaves::Sums,
            |mut visit| {
                let [alpha] = visit.challenges(&visit.slot.alpha);
                let [zeta, lambda] = visit.challenges(&visit.slot.opening);
                visit.remake(challenges, alpha);
                let engine = visit.engine;
                engine.set_openings(&visit.store[visit.slot.claims.clone()]);
                engine.reduce(zeta, lambda, &alone);
                Ok(())
            },
            |turn| {
                let own = (turn.engine.shape.folds(), turn.engine.reduced());
                let accumulators = &mut turn.store[accumulators.clone()];
                folds.add::<B>(accumulators, own, main.sample_ext());
                Ok(())
            },
        )
    }

    /// The last walk: each batch opened at the queries.
    fn open_all(&mut self, challenges: Challenges, indices: &Indices) -> Result<(), Error<R, W>> {
        let log_max = self.plan.folds().log_max();
        self.walk(
            self.to_open(),
            Leaves::Openings,
            |mut visit| {
                let [alpha] = visit.challenges(&visit.slot.alpha);
                visit.remake(challenges, alpha);
                visit.engine.begin_openings();
                visit.restore_trees(&shifted(
                    indices,
                    log_max - visit.engine.shape.log_max_lde(),
                ))
            },
            |turn| {
                let shift = log_max - turn.engine.shape.log_max_lde();
                write_input_openings(turn.engine, &shifted(indices, shift), turn.sink)
            },
        )
    }
}

/// The fork of a batch before its first root.
fn begin_fork<T: Transcript>(main: &T, batch: usize) -> T {
    let mut fork = main.clone();
    observe_tag(&mut fork, transcript::FORK);
    fork.observe(F::from_usize(batch));
    fork
}

/// Keeps what is drawn from a fork for the other walks: its digest, and its constraint challenge.
fn end_fork(fork: &mut impl Transcript, alpha: EF, slot: &Slot, store: &mut [F]) {
    store[slot.fork.clone()].fill_with(|| fork.sample());
    store[slot.alpha.clone()].copy_from_slice(&coordinates(alpha));
}

/// Keeps the point and the batching challenge of a fork.
fn keep_opening(challenges: [EF; 2], slot: &Slot, store: &mut [F]) {
    let challenges = challenges.map(coordinates);
    store[slot.opening.clone()].copy_from_slice(challenges.as_flattened());
}

/// Draws the challenges of a fork again, from the claims of the batch and from what it wrote.
fn argue_again<S: Suite>(
    again: Again<'_>,
    mut fork: impl Transcript,
    params: &Params,
    codewords: bool,
) -> Option<()> {
    let Again {
        shape,
        store,
        slot,
        claims,
        proof,
        ..
    } = again;
    let (proof, last) = proof.split_last_chunk()?;
    let mut written = Written(proof);
    written.tag(shape.has_lookups())?;
    if shape.has_lookups() {
        observe_cap::<S>(&mut fork, &mut written, cap_len(shape, Round::Permutation))?;
    }
    written.length(shape.tables().len())?;
    for table in shape.tables() {
        let has_lookups = table.layout.has_lookups();
        written.tag(has_lookups)?;
        if has_lookups {
            fork.observe_ext(written.ext()?);
        }
    }
    let alpha = fork.sample_ext();
    observe_cap::<S>(&mut fork, &mut written, cap_len(shape, Round::Quotient))?;
    let witness = written.field()?;
    is_witness(&mut fork, witness, params.ood_pow_bits)?;
    let zeta = fork.sample_ext();
    for (i, &claim) in claims.as_chunks().0.iter().enumerate() {
        let claim = field(claim)?;
        fork.observe(claim);
        if !codewords {
            store[slot.claims.clone()][i] = claim;
        }
    }
    is_witness(&mut fork, field(*last)?, params.batch_pow_bits)?;
    let lambda = fork.sample_ext();
    if !codewords {
        keep_opening([zeta, lambda], slot, store);
    }
    end_fork(&mut fork, alpha, slot, store);
    Some(())
}

/// Observes a cap of so many words as it was written.
fn observe_cap<S: Suite>(
    fork: &mut impl Transcript,
    written: &mut Written<'_>,
    words: usize,
) -> Option<()> {
    written.length(words / DIGEST)?;
    for _ in 0..words / DIGEST {
        fork.observe_digest(&written.digest::<S>()?);
    }
    Some(())
}

/// Observes a proof of work, which has to be one.
fn is_witness(fork: &mut impl Transcript, witness: F, bits: u8) -> Option<()> {
    let canonical = bits > 0 || witness == F::ZERO;
    (fork.check_witness(bits.into(), witness) && canonical).then_some(())
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
