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
use super::fork::argue_again;
use super::line::Line;
use super::run::Run;
use super::store::Leaves;
use super::transcript::{self, observe_tag};
use super::walk::{Error, Proving, batches};
use super::worker::{Challenges, Wanted};
use crate::F;
use crate::air::ProverAir;
use crate::hash::paths::Indices;
use crate::hash::{Hashes, Suite, Transcript};
use crate::prover::folding::{
    fold_down, write_final_polynomial, write_fold_commitments, write_fold_openings,
};
use crate::shape::Round;
use crate::steps::reduce::alone;

/// What the walk that argues wants of the columns.
pub(super) const ARGUED: Wanted<'static> =
    Wanted::Extensions(&[Round::Permutation, Round::Quotient]);

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
        let mut line = self.begin();
        line.write(&mut self.sink).map_err(RetireError::Sink)?;

        self.argue_all(&line)?;

        let (main, challenges) = (&mut line.main, line.challenges);
        self.join(main, challenges)?;
        let (mut low, sink) = self.accumulators();
        let mut outcome = fold_down(&mut low, main, &params);
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

    /// The main line of the transcript up to the LogUp challenges.
    fn begin(&self) -> Line<S::Transcript<'a>> {
        let run = &self.workers[0].run;
        Line::begin::<B, _, _, _, _>(self.plan, &self.hasher, run, |round, observe| {
            self.roots(round).flatten().for_each(observe);
        })
    }

    /// The second walk: each batch in its fork, which leaves its digest, its constraint challenge, and its
    /// codewords or what they are made from.
    fn argue_all(&mut self, line: &Line<S::Transcript<'a>>) -> Result<(), Error<R, W>> {
        let (hasher, params) = (self.hasher.clone(), *self.plan.params());
        self.walk_again(
            ARGUED,
            Leaves::Argument,
            |visit| visit.argue(line, &hasher, &params),
            |turn| turn.write_argument(),
            |again| {
                let (fork, store) = (line.fork(again.batch), again.store);
                let left = [again.claims, again.proof];
                let claims = again.slot.claims.clone();
                let drawn = argue_again::<S>(fork, again.shape, &params, left, |i, claim| {
                    if let Some(kept) = store[claims.clone()].get_mut(i) {
                        *kept = claim;
                    }
                })?;
                again.slot.keep_drawn(&drawn, store);
                Some(())
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
            |visit| visit.open(challenges, indices, log_max),
            |turn| turn.write_openings(indices, log_max),
        )
    }
}
