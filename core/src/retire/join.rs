//! What stands between the walks of a run whose batches are made [apart](super::Apart): the coefficients, and the
//! low-degree test over the sum of all codewords.

use core::convert::Infallible;
use core::ops::Range;

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::accumulators::Accumulators;
use super::apart::{digests_of, layout, line_of};
use super::error::{Misfit, RetireError, RetireSetupError};
use super::fork::{Drawn, argue_again};
use super::journal::{field, is_reduced};
use super::line::Line;
use super::plan::RunPlan;
use super::run::Run;
use super::store::{Layout, Leaves};
use super::transcript::{self, observe_tag};
use crate::air::ProverAir;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite, Transcript};
use crate::kernels::ext::challenge;
use crate::prover::folding::{
    FoldOutcome, fold_down, write_final_polynomial, write_fold_commitments, write_fold_openings,
};
use crate::shape::{Profile, Round};
use crate::sink::{FIELD_BYTES, Sink};
use crate::workspace::{self, Buffer};
use crate::{D, EF, F};

/// Joins the batches of a run: [`absorb`](Self::absorb) takes the arguments of all of them in order, [`add`](Self::add) takes
/// them in order again, [`fold`](Self::fold) draws the queries.
#[derive(Debug)]
pub struct Join<'m, 'a, B: Hashes<S>, A, const N: usize, S: Suite = Poseidon2> {
    plan: &'a RunPlan<'a, A, N, S>,
    hasher: B::Hasher<'a>,
    layout: Layout,
    line: Line<S::Transcript<'a>>,
    /// The main line behind the forks.
    main: S::Transcript<'a>,
    /// The low-degree test, and behind it the codewords of one batch.
    store: &'m mut [F],
    low: [Range<usize>; 3],
    codewords: usize,
    /// Roots of unity and scratch.
    workspace: &'m mut [F],
    absorbed: usize,
    added: usize,
    outcome: Option<FoldOutcome>,
}

impl<'m, 'a, B, A, const N: usize, S> Join<'m, 'a, B, A, N, S>
where
    B: Hashes<S>,
    A: ProverAir<B>,
    S: Suite,
{
    /// Begins with the records of [all commitments](super::Apart::commit). `run` is asked for its statement and its public
    /// values; `store` has [`RunPlan::join_store_len`] bytes, `workspace` [`RunPlan::join_workspace_len`].
    ///
    /// # Errors
    /// When the plan is no [apart](super::Apart::new) one, a buffer is too short, or a record does not fit the plan.
    pub fn new<R: Run>(
        plan: &'a RunPlan<'a, A, N, S>,
        suite: &'a S,
        run: &R,
        commitments: &[impl AsRef<[u8]>],
        store: impl Into<Buffer<'m>>,
        workspace: impl Into<Buffer<'m>>,
    ) -> Result<Self, RetireSetupError> {
        let (layout, hasher) = (layout(plan)?, B::hasher(suite));
        let line = line_of::<B, _, _, _, N>(plan, &layout, &hasher, run, commitments)?;
        let alone = plan.join_layout();
        let store = workspace::carve(store, plan.join_store_elements());
        let workspace = workspace::carve(workspace, plan.fold_elements());
        let mut main = line.main.clone();
        observe_tag(&mut main, transcript::JOIN);
        Ok(Self {
            plan,
            hasher,
            layout,
            main,
            line,
            store: store.map_err(RetireSetupError::Store)?,
            codewords: alone.len(),
            low: [alone.accumulators, alone.folded, alone.digests],
            workspace: workspace.map_err(RetireSetupError::Workspace)?,
            absorbed: 0,
            added: 0,
            outcome: None,
        })
    }

    /// Writes what stands before the arguments in the proof: all main roots, and the witness of the LogUp challenges.
    ///
    /// # Errors
    /// The sink's.
    pub fn write_head<W: Write>(
        &self,
        commitments: &[impl AsRef<[u8]>],
        sink: W,
    ) -> Result<(), W::Error> {
        let mut sink = Sink::new(sink);
        sink.length(self.plan.batches())?;
        for (batch, record) in commitments.iter().enumerate().take(self.plan.batches()) {
            let slot = &self.layout.of_kind[self.plan.kind(batch)];
            let cap = digests_of(slot, Round::Main, record.as_ref());
            sink.length(cap.size_hint().0)?;
            for digest in cap {
                sink.digest(&digest)?;
            }
        }
        self.line.write(&mut sink)?;
        sink.flush()
    }

    /// Looks at the record of an [argument](super::Apart::argue) by itself, before any is added: whether its witnesses are
    /// those of its fork and its codewords of low degree. `random` gives elements that whoever made it cannot know, one a fold;
    /// codewords of higher degree pass with a chance of the tallest's elements over those of the field.
    ///
    /// # Errors
    /// When no batch of the plan leaves such a record.
    pub fn examine(
        &mut self,
        batch: usize,
        record: &[u8],
        random: impl FnMut() -> EF,
    ) -> Result<(), Misfit> {
        let misfit = Misfit { walk: 1, batch };
        self.draw(batch, record)?;
        if self.added > 0 {
            return Err(misfit);
        }
        self.accumulators_mut().fill(F::ZERO);
        self.add_codewords(batch, record, EF::ONE)?;
        let is_low = self.accumulators().is_low(random);
        is_low.then_some(()).ok_or(misfit)
    }

    /// Absorbs the fork of the next batch from the record of its [argument](super::Apart::argue); returns its constraint
    /// challenge, and how many bytes of the record stand before those of the proof.
    ///
    /// # Errors
    /// When no batch of the plan leaves such a record.
    pub fn absorb(&mut self, record: &[u8]) -> Result<(EF, usize), Misfit> {
        let (drawn, proof) = self.draw(self.absorbed, record)?;
        self.main.observe_slice(&drawn.digest);
        self.absorbed += 1;
        Ok((drawn.alpha, proof))
    }

    /// What is drawn from the fork of a batch, and how many bytes of the record stand before those of the proof.
    fn draw(&self, batch: usize, record: &[u8]) -> Result<(Drawn, usize), Misfit> {
        let misfit = Misfit { walk: 1, batch };
        if batch >= self.plan.batches() {
            return Err(misfit);
        }
        let shape = self.plan.shape(batch);
        let slot = &self.layout.of_kind[self.plan.kind(batch)];
        let left = slot.left(Leaves::Argument);
        let left: usize = left.iter().map(ExactSizeIterator::len).sum();
        let claims = FIELD_BYTES * left;
        let proof = claims + Leaves::Argument.claims_bytes(shape);
        let parts = record.get(claims..proof).zip(record.get(proof..));
        let (claims, written) = parts.ok_or(misfit)?;
        let (fork, params) = (self.line.fork(batch), self.plan.params());
        let drawn = argue_again::<S>(fork, shape, params, [claims, written], |_, _| ());
        Ok((drawn.ok_or(misfit)?, proof))
    }

    /// Adds the codewords of the next batch, whose record is the one that was absorbed, when all are absorbed.
    ///
    /// # Errors
    /// As [`Self::absorb`]; when some batch is not absorbed.
    pub fn add(&mut self, record: &[u8]) -> Result<(), Misfit> {
        let (batch, plan) = (self.added, self.plan);
        if batch >= plan.batches() || self.absorbed < plan.batches() {
            return Err(Misfit { walk: 1, batch });
        }
        if batch == 0 {
            self.accumulators_mut().fill(F::ZERO);
        }
        let mut main = self.main.clone();
        let coefficient = main.sample_ext();
        self.add_codewords(batch, record, coefficient)?;
        self.main = main;
        self.added += 1;
        Ok(())
    }

    /// Adds the codewords in a record, times `coefficient`.
    fn add_codewords(
        &mut self,
        batch: usize,
        record: &[u8],
        coefficient: EF,
    ) -> Result<(), Misfit> {
        let (plan, misfit) = (self.plan, Misfit { walk: 1, batch });
        let codewords = &self.layout.of_kind[plan.kind(batch)].codewords;
        let bytes = record.get(FIELD_BYTES * codewords.start..FIELD_BYTES * codewords.end);
        let (low, own) = self.store.split_at_mut(self.codewords);
        let own = &mut own[..codewords.len()];
        workspace::bytes_mut(own).copy_from_slice(bytes.ok_or(misfit)?);
        if !workspace::words(own).iter().all(|&word| is_reduced(word)) {
            return Err(misfit);
        }
        let own = (plan.shape(batch).folds(), &*own);
        plan.folds()
            .add::<B>(&mut low[self.low[0].clone()], own, coefficient);
        Ok(())
    }

    fn accumulators_mut(&mut self) -> &mut [F] {
        &mut self.store[self.low[0].clone()]
    }

    /// Folds the sum of all codewords, and writes what that adds to the proof; returns the queries.
    ///
    /// # Errors
    /// [`RetireError::NotMade`] when a batch was not added; the sink's.
    pub fn fold<W: Write>(&mut self, sink: W) -> Result<&[u32], RetireError<Infallible, W::Error>> {
        if self.added < self.plan.batches() {
            return Err(RetireError::NotMade { batch: self.added });
        }
        let params = self.plan.params();
        let mut main = self.main.clone();
        let mut low = self.accumulators();
        let outcome = fold_down(&mut low, &mut main, params);
        let mut sink = Sink::new(sink);
        write_fold_commitments(&low, &outcome, params.cap_height, &mut sink)
            .and_then(|()| write_final_polynomial(&low, &outcome, &mut sink))
            .and_then(|()| sink.flush())
            .map_err(RetireError::Sink)?;
        Ok(&self.outcome.insert(outcome).indices)
    }

    /// Writes what follows the openings of the batches in the proof.
    ///
    /// # Errors
    /// [`RetireError::NotMade`] when nothing was folded; the sink's.
    pub fn write_tail<W: Write>(
        &mut self,
        sink: W,
    ) -> Result<(), RetireError<Infallible, W::Error>> {
        let Some(mut outcome) = self.outcome.clone() else {
            return Err(RetireError::NotMade { batch: self.added });
        };
        let mut sink = Sink::new(sink);
        let cap_height = self.plan.params().cap_height;
        let mut low = self.accumulators();
        write_fold_openings(&mut low, &mut outcome.indices, cap_height, &mut sink)
            .and_then(|()| sink.flush())
            .map_err(RetireError::Sink)
    }

    fn accumulators(&mut self) -> Accumulators<'_, B, B::Hasher<'a>> {
        Accumulators::of(
            self.plan,
            &self.hasher,
            (self.store, self.low.clone()),
            self.workspace,
        )
    }
}

impl<A, const N: usize, S: Suite> RunPlan<'_, A, N, S> {
    /// The codewords in the record of a batch's [argument](super::Apart::argue) at places in the tallest extension of the
    /// run: for each place, tallest first. Nothing where no batch of the plan leaves such a record, and in
    /// [`Profile::Compact`], where a record has coefficients.
    pub fn codewords_at(
        &self,
        batch: usize,
        record: &[u8],
        indices: &[u32],
        mut each: impl FnMut(usize, EF),
    ) -> Option<()> {
        let folds = self.shape(batch).folds();
        if folds.profile == Profile::Compact {
            return None;
        }
        for (query, index) in indices.iter().enumerate() {
            for height in (0..=folds.log_max()).rev().filter(|&h| folds.takes(h)) {
                let shift = self.folds().log_max() - height;
                let (start, index) = (folds.codeword(height).start, (index >> shift) as usize);
                let mut coordinates = [F::ZERO; D];
                for (d, coordinate) in coordinates.iter_mut().enumerate() {
                    let place = FIELD_BYTES * (start + (d << height) + index);
                    *coordinate = field(*record.get(place..)?.first_chunk()?)?;
                }
                each(query, challenge(coordinates));
            }
        }
        Some(())
    }
}
