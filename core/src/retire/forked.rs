//! The forked order: a batch draws its own constraint challenge, point and batching challenge.
//!
//! Commit each batch, and draw the LogUp challenges from all roots; argue each batch in a fork of the
//! transcript, and keep its codewords; add them under coefficients drawn from all forks, fold, and draw the
//! queries; open each batch at them. A batch is made again in each of the three walks.

use core::marker::PhantomData;
use core::ops::Range;

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::accumulators::Accumulators;
use super::buses::Numbering;
use super::error::RetireError;
use super::plan::UNIT;
use super::store::{self, FORK, Layout};
use super::transcript::{self, observe_params, observe_tables, observe_tag};
use super::{Retire, Run};
use crate::air::ProverAir;
use crate::engine::Engine;
use crate::hash::paths::Indices;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::kernels::ext::{challenge, coordinates};
use crate::kernels::ntt::Twiddles;
use crate::prover::folding::{
    fold_down, write_final_polynomial, write_fold_commitments, write_fold_openings,
};
use crate::prover::openings::{
    write_claims, write_commitment, write_input_openings, write_terminals,
};
use crate::prover::phases::check_public_values;
use crate::shape::Round;
use crate::sink::Sink;
use crate::steps::reduce::alone;
use crate::{D, DIGEST, Digest, EF, F, workspace};

/// The LogUp challenges of a run, if it has lookups.
type Challenges = Option<(EF, EF)>;

/// The error of a run's traces or of its sink.
type Error<R, W> = RetireError<<R as Run>::Error, <W as embedded_io::ErrorType>::Error>;

/// One batch of a walk.
struct Visit<'v, 'w, B: Hashes<S>, A, S: Suite> {
    batch: usize,
    engine: &'v mut Engine<'w, B, A, S>,
    numbers: &'v [u64],
    store: &'v mut [F],
    /// Where its published digests and its codewords are in the store.
    roots: Range<usize>,
    codewords: Range<usize>,
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, const N: usize, S: Suite> Retire<'a, B, A, N, S> {
    /// Proves a run in forked order. Returns the number of proof bytes written.
    ///
    /// # Errors
    /// Traces that cannot be written or that change between walks, public values that do not fit, and what the
    /// sink returns; what was written then is no proof.
    pub fn prove_forked<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        sink: W,
    ) -> Result<u64, Error<R, W>> {
        let mut sink = Sink::new(sink);
        let layout = self.plan.layout().expect("planned");
        let params = *self.plan.params();

        self.commit_all(run, &layout)?;
        self.write_roots(&layout, &mut sink)
            .map_err(RetireError::Sink)?;
        let mut main = self.begin(run, &layout);
        let mut challenges = None;
        if self.plan.has_lookups() {
            let witness = self.hasher.grind(&mut main, params.lookup_pow_bits.into());
            challenges = Some((main.sample_ext(), main.sample_ext()));
            sink.some().map_err(RetireError::Sink)?;
            sink.field(witness).map_err(RetireError::Sink)?;
        } else {
            sink.none().map_err(RetireError::Sink)?;
        }

        self.argue_all(run, &layout, &main, challenges, &mut sink)?;

        self.join(&layout, &mut main);
        let mut low = self.accumulators(&layout);
        let mut outcome = fold_down(&mut low, &mut main, &params);
        let written = write_fold_commitments(&low, &outcome, params.cap_height, &mut sink)
            .and_then(|()| write_final_polynomial(&low, &outcome, &mut sink));
        written.map_err(RetireError::Sink)?;

        self.open_all(run, &layout, challenges, &outcome.indices, &mut sink)?;
        let mut low = self.accumulators(&layout);
        write_fold_openings(&mut low, &mut outcome.indices, params.cap_height, &mut sink)
            .and_then(|()| sink.flush())
            .map_err(RetireError::Sink)?;
        Ok(sink.written())
    }

    /// Makes each batch, one after the other, commits to its main traces, and shows it to `visit`.
    fn walk<R: Run, E>(
        &mut self,
        run: &mut R,
        layout: &Layout,
        mut visit: impl FnMut(Visit<'_, '_, B, A, S>) -> Result<(), RetireError<R::Error, E>>,
    ) -> Result<(), RetireError<R::Error, E>> {
        let plan = self.plan;
        let mut numbering = Numbering::new();
        let (mut roots, mut codewords) = (layout.roots.start, layout.codewords.start);
        let mut batch = 0;
        while batch < plan.batches() {
            let kind = plan.kind(batch);
            let of_kind = &plan.kinds()[kind];
            let words = &mut self.workspace[..of_kind.plan.regions().len()];
            let mut engine = Engine::new(of_kind.plan, of_kind.airs, self.suite, words);
            let shape = engine.shape;
            engine.begin();
            if shape.has_preprocessed() {
                for table in 0..shape.tables().len() {
                    if shape.tables()[table].layout.preprocessed_width > 0 {
                        let mut trace = engine.trace_mut(Round::Preprocessed, table);
                        run.fill_preprocessed(kind, table, &mut trace);
                    }
                }
                engine.commit(Round::Preprocessed);
            }
            while batch < plan.batches() && plan.kind(batch) == kind {
                engine.begin();
                for table in 0..shape.tables().len() {
                    run.fill(batch, table, &mut engine.trace_mut(Round::Main, table))
                        .map_err(|error| RetireError::Trace { batch, error })?;
                }
                {
                    let values = run.public_values(batch);
                    let values = values.as_ref();
                    check_public_values(shape, values)
                        .map_err(|error| RetireError::Batch { batch, error })?;
                    engine.set_public_values(values);
                }
                engine.commit(Round::Main);
                let roots_len = store::roots_len(shape);
                let codewords_len = shape.folds().codewords_len();
                visit(Visit {
                    batch,
                    engine: &mut engine,
                    numbers: &numbering.batch(plan.buses(kind)),
                    store: self.store,
                    roots: roots..roots + roots_len,
                    codewords: codewords..codewords + codewords_len,
                })?;
                (roots, codewords) = (roots + roots_len, codewords + codewords_len);
                batch += 1;
            }
        }
        Ok(())
    }

    /// The first walk: the roots of all batches.
    fn commit_all<R: Run, E>(
        &mut self,
        run: &mut R,
        layout: &Layout,
    ) -> Result<(), RetireError<R::Error, E>> {
        self.walk(run, layout, |visit| {
            let roots = workspace::words_mut(&mut visit.store[visit.roots]);
            let digests = visit.engine.roots(Round::Main);
            let digests = digests.chain(visit.engine.roots(Round::Preprocessed));
            for (slot, digest) in roots.as_chunks_mut::<DIGEST>().0.iter_mut().zip(digests) {
                *slot = digest;
            }
            Ok(())
        })
    }

    /// The kept digests of each batch: of its main round, and of its preprocessed one.
    fn roots(&self, layout: &Layout) -> impl Iterator<Item = (&[Digest], &[Digest])> + '_ {
        let mut rest = workspace::words(&self.store[layout.roots.clone()]);
        (0..self.plan.batches()).map(move |batch| {
            let shape = self.plan.shape(batch);
            let (main, after) = rest.split_at(store::cap_len(shape, Round::Main));
            let (preprocessed, after) = after.split_at(store::cap_len(shape, Round::Preprocessed));
            rest = after;
            (main.as_chunks().0, preprocessed.as_chunks().0)
        })
    }

    /// Writes the number of batches, and the main cap of each.
    fn write_roots<W: Write>(&self, layout: &Layout, sink: &mut Sink<W>) -> Result<(), W::Error> {
        sink.length(self.plan.batches())?;
        for (main, _) in self.roots(layout) {
            sink.length(main.len())?;
            for digest in main {
                sink.digest(digest)?;
            }
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
        let roots = || self.roots(layout);
        let roots = roots()
            .map(|(main, _)| main)
            .chain(roots().map(|(_, preprocessed)| preprocessed));
        for digest in roots.flatten() {
            main.observe_digest(digest);
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
        let width = self.plan.message_width();
        let forks = layout.forks.start;
        self.walk(run, layout, |visit| {
            let Visit { batch, engine, .. } = visit;
            if !is_same(engine, &visit.store[visit.roots]) {
                return Err(RetireError::Changed { batch });
            }
            if let Some(challenges) = challenges {
                engine.set_lookup(challenges, width, visit.numbers.iter().copied());
            }
            let shape = engine.shape;
            let mut fork = main.clone();
            observe_tag(&mut fork, transcript::FORK);
            fork.observe(F::from_usize(batch));

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

            let slot = &mut visit.store[forks + batch * FORK..][..FORK];
            let (digest, constraint) = slot.split_at_mut(DIGEST);
            digest.fill_with(|| fork.sample());
            constraint.copy_from_slice(&coordinates(alpha));
            visit.store[visit.codewords].copy_from_slice(engine.reduced());
            Ok(())
        })
    }

    /// Absorbs the digests of all forks, and adds the codewords under the coefficients drawn then.
    fn join(&mut self, layout: &Layout, main: &mut S::Transcript<'a>) {
        let plan = self.plan;
        observe_tag(main, transcript::JOIN);
        for fork in self.store[layout.forks.clone()].chunks_exact(FORK) {
            main.observe_slice(&fork[..DIGEST]);
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

    /// The low-degree test of the run, with its roots of unity in the workspace.
    fn accumulators(&mut self, layout: &Layout) -> Accumulators<'_, B, B::Hasher<'a>> {
        let plan = self.plan;
        let ranges = [
            layout.accumulators.clone(),
            layout.folded.clone(),
            layout.digests.clone(),
        ];
        let [codewords, folded, digests] = self
            .store
            .get_disjoint_mut(ranges)
            .expect("regions of the store are disjoint");
        let twiddles_len = plan.twiddles_len();
        let (twiddles, scratch) = self
            .workspace
            .split_at_mut(twiddles_len.next_multiple_of(UNIT));
        let twiddles = &mut twiddles[..twiddles_len];
        Twiddles::fill(twiddles, plan.log_twiddles(), B::fill_lane_table);
        Accumulators {
            shape: plan.folds(),
            hasher: &self.hasher,
            twiddles: Twiddles::view(twiddles, plan.log_twiddles()),
            codewords,
            folded,
            digests,
            scratch,
            pass: plan.fold_pass(),
            backend: PhantomData,
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
        let width = self.plan.message_width();
        let (log_max, forks) = (self.plan.folds().log_max(), layout.forks.start);
        self.walk(run, layout, |visit| {
            let Visit { batch, engine, .. } = visit;
            if !is_same(engine, &visit.store[visit.roots]) {
                return Err(RetireError::Changed { batch });
            }
            if let Some(challenges) = challenges {
                engine.set_lookup(challenges, width, visit.numbers.iter().copied());
            }
            let alpha = &visit.store[forks + batch * FORK + DIGEST..][..D];
            let alpha = challenge(core::array::from_fn(|d| alpha[d]));
            engine.argue();
            engine.quotient(alpha);
            engine.begin_openings();
            let shift = log_max - engine.shape.log_max_lde();
            let indices = indices.iter().map(|index| index >> shift).collect();
            write_input_openings(engine, &indices, sink).map_err(RetireError::Sink)
        })
    }
}

/// Whether the roots of a batch are those that were kept of it.
fn is_same<B: Hashes<S>, A: ProverAir<B>, S: Suite>(
    engine: &Engine<'_, B, A, S>,
    kept: &[F],
) -> bool {
    let kept = workspace::words(kept).as_chunks::<DIGEST>().0;
    let made = engine
        .roots(Round::Main)
        .chain(engine.roots(Round::Preprocessed));
    made.eq(kept.iter().copied())
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
