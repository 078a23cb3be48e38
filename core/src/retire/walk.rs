//! A walk over the batches of a run: each is made, shown, and dropped.

use core::ops::Range;

use embedded_io::Write;
use heapless::Vec;

use super::accumulators::Accumulators;
use super::buses::Numbering;
use super::crew::Crew;
use super::error::RetireError;
use super::journal::{Again, Journal, Made, Stopped, restore};
use super::plan::RunPlan;
use super::run::Run;
use super::store::{Layout, Leaves, MAX_PARTS, Slot};
use super::worker::{Changed, Step, Task, Visit, Wanted, Worker};
use crate::air::ProverAir;
use crate::engine::{Engine, Kept};
use crate::hash::paths::Indices;
use crate::hash::{Hashes, Suite};
use crate::shape::{BatchShape, Round};
use crate::sink::Sink;
use crate::{Digest, F, workspace};

/// The error of a run's traces or of its sink.
pub(super) type Error<R, W> = RetireError<<R as Run>::Error, <W as embedded_io::ErrorType>::Error>;

/// What the walk that commits wants of the columns.
pub(super) const COMMITTED: Wanted<'static> =
    Wanted::Extensions(&[Round::Main, Round::Preprocessed]);

/// What a walk that opens wants where no trees are kept.
pub(super) const OPENED: Wanted<'static> = Wanted::Extensions(&Round::ALL);

/// A run that is being proved.
pub(super) struct Proving<'p, 'a, B: Hashes<S>, A, const N: usize, S: Suite, R: Run, C, W> {
    pub plan: &'a RunPlan<'a, A, N, S>,
    pub suite: &'a S,
    pub hasher: B::Hasher<'a>,
    pub store: &'p mut [F],
    pub layout: Layout,
    pub crew: &'p C,
    /// At least one.
    pub workers: &'p mut [Worker<'a, B, A, R, S>],
    pub sink: Sink<W>,
    /// Is given what each batch leaves.
    pub journal: &'p mut dyn Journal,
    /// Walks so far.
    pub walks: usize,
}

/// A batch that its worker has made and still has, at its turn.
pub(super) struct Turn<'t, 'a, B: Hashes<S>, A, S: Suite, W> {
    pub engine: &'t mut Engine<'a, B, A, S>,
    /// The whole store.
    pub store: &'t mut [F],
    /// Where what is kept of the batch lies in its part of it.
    pub slot: &'t Slot,
    /// First element of this part.
    start: usize,
    pub sink: &'t mut Sink<W>,
}

impl<'t, 'a, B: Hashes<S>, A, S: Suite, W> Turn<'t, 'a, B, A, S, W> {
    /// A batch whose part of the store begins it.
    pub const fn new(
        engine: &'t mut Engine<'a, B, A, S>,
        store: &'t mut [F],
        slot: &'t Slot,
        sink: &'t mut Sink<W>,
    ) -> Self {
        Self {
            engine,
            store,
            slot,
            start: 0,
            sink,
        }
    }

    /// What is kept at a place of the slot.
    pub fn kept(&self, at: &Range<usize>) -> &[F] {
        &self.store[self.start + at.start..self.start + at.end]
    }
}

/// What is kept of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<'s> {
    pub shape: BatchShape<'s>,
    pub slot: &'s Slot,
    pub store: &'s [F],
}

impl<'s> Batch<'s> {
    /// The kept digests of a round, if it has it.
    fn roots(&self, round: Round) -> Option<&'s [Digest]> {
        let kept = &self.store[self.slot.roots[round as usize].clone()];
        let digests = workspace::words(kept).as_chunks().0;
        self.shape.has_round(round).then_some(digests)
    }
}

/// What is kept of each batch.
pub(super) fn batches<'s, A, const N: usize, S: Suite>(
    plan: &'s RunPlan<'_, A, N, S>,
    layout: &'s Layout,
    store: &'s [F],
) -> impl Iterator<Item = Batch<'s>> + Clone {
    let mut rest = store;
    (0..plan.batches()).map(move |batch| {
        let slot = &layout.of_kind[plan.kind(batch)];
        let (store, after) = rest.split_at(slot.len);
        rest = after;
        let shape = plan.shape(batch);
        Batch { shape, slot, store }
    })
}

/// Queries at the places of extensions that are `2^by` times shorter.
pub(super) fn shifted(indices: &Indices, by: usize) -> Indices {
    indices.iter().map(|index| index >> by).collect()
}

impl<'a, B, A, const N: usize, S, R, C, W> Proving<'_, 'a, B, A, N, S, R, C, W>
where
    B: Hashes<S>,
    A: ProverAir<B>,
    S: Suite,
    R: Run,
    C: Crew,
    W: Write,
{
    /// Makes each batch and shows it to `visit`, several at the same time; then, batch after batch, to `turn`.
    /// The first walk leaves the fingerprints that later ones are
    /// compared with.
    pub fn walk(
        &mut self,
        wanted: Wanted<'_>,
        leaves: Leaves,
        visit: impl Fn(Visit<'_, 'a, B, A, S>) -> Result<(), Changed> + Sync,
        turn: impl FnMut(Turn<'_, 'a, B, A, S, W>) -> Result<(), W::Error>,
    ) -> Result<(), Error<R, W>> {
        self.walk_again(wanted, leaves, visit, turn, |_| Some(()))
    }

    /// The same; `again` completes what a record says of a batch.
    pub fn walk_again(
        &mut self,
        wanted: Wanted<'_>,
        leaves: Leaves,
        visit: impl Fn(Visit<'_, 'a, B, A, S>) -> Result<(), Changed> + Sync,
        mut turn: impl FnMut(Turn<'_, 'a, B, A, S, W>) -> Result<(), W::Error>,
        again: impl FnMut(Again<'_>) -> Option<()>,
    ) -> Result<(), Error<R, W>> {
        let plan = self.plan;
        let walk = self.walks;
        self.walks += 1;
        self.workers.iter_mut().for_each(|worker| {
            worker.free();
        });
        let known = self.restore(walk, leaves, again)?;
        let mut numbering = Numbering::new();
        let (mut first, mut start) = (0, 0);
        // The first walk fills all traces: they are compared, and leave what the closing batch pays.
        while walk > 0 && first < known {
            let kind = plan.kind(first);
            let _ = numbering.batch(plan.buses(kind));
            start += self.layout.of_kind[kind].len;
            first += 1;
        }
        while first < plan.batches() {
            let kind = plan.kind(first);
            if first > 0 && plan.kind(first - 1) != kind {
                let (one, others) = self.workers.split_first_mut().expect("at least one");
                for other in others {
                    one.run.take_over(&mut other.run);
                }
            }
            let round = (first..plan.batches()).take(self.workers.len());
            let round = round.take_while(|&batch| plan.kind(batch) == kind);
            let slot = &self.layout.of_kind[kind];
            let step = Step {
                plan,
                suite: self.suite,
                first: walk == 0,
                wanted,
                slot,
            };
            let slots = self.store[start..].chunks_exact_mut(slot.len);
            let tasks = round.clone().zip(self.workers.iter_mut()).zip(slots);
            let tasks = tasks.map(|((batch, worker), store)| Task {
                worker,
                batch,
                known: batch < known,
                numbers: numbering.batch(plan.buses(kind)),
                store,
            });
            self.crew.each(tasks, |task| task.work(&step, &visit));
            for (batch, worker) in round.zip(self.workers.iter_mut()) {
                let engine = worker.made(batch).map_err(RetireError::widen)?;
                if batch >= known {
                    let before = self.sink.written();
                    let turned = turn(Turn {
                        engine,
                        store: self.store,
                        slot,
                        start,
                        sink: &mut self.sink,
                    });
                    turned.map_err(RetireError::Sink)?;
                    let store = &self.store[start..start + slot.len];
                    let parts = slot.left(leaves);
                    let parts = parts.iter().map(|part| &store[part.clone()]);
                    let claims = (leaves == Leaves::Argument).then(|| engine.openings());
                    let left: Vec<_, MAX_PARTS> =
                        parts.chain(claims).map(workspace::bytes).collect();
                    let written = self.sink.written();
                    let taken = self.journal.made(Made {
                        walk,
                        batch,
                        written,
                        wrote: written - before,
                        left: (leaves != Leaves::Sums).then_some(&left),
                    });
                    taken.map_err(|Stopped| RetireError::Stopped { walk, batch })?;
                }
                start += slot.len;
                first += 1;
            }
        }
        Ok(())
    }

    /// Takes what the batches of a walk left from the journal, and writes what they wrote; returns how many there are.
    fn restore(
        &mut self,
        walk: usize,
        leaves: Leaves,
        mut again: impl FnMut(Again<'_>) -> Option<()>,
    ) -> Result<usize, Error<R, W>> {
        let (plan, mut start) = (self.plan, 0);
        if leaves == Leaves::Sums {
            return Ok(0);
        }
        for batch in 0..plan.batches() {
            let found = self.journal.find(walk, batch);
            let found = found.map_err(|Stopped| RetireError::Stopped { walk, batch })?;
            let Some(record) = found else {
                return Ok(batch);
            };
            let slot = &self.layout.of_kind[plan.kind(batch)];
            let (shape, store) = (plan.shape(batch), &mut self.store[start..start + slot.len]);
            let restored = restore::<S>(slot, leaves, record, store);
            let parts = restored.and_then(|rest| {
                let (claims, proof) = rest.split_at_checked(leaves.claims_bytes(shape))?;
                again(Again {
                    batch,
                    shape,
                    store,
                    slot,
                    claims,
                    proof,
                })?;
                Some(proof)
            });
            let proof = parts.ok_or(RetireError::Record { walk, batch })?;
            self.sink.bytes(proof).map_err(RetireError::Sink)?;
            start += slot.len;
        }
        Ok(plan.batches())
    }

    /// The first walk: main roots, and preprocessed ones.
    pub fn commit_all(&mut self) -> Result<(), Error<R, W>> {
        self.walk(
            COMMITTED,
            Leaves::Commitment,
            |visit| visit.commit(),
            |_| Ok(()),
        )
    }

    /// Writes the cap of each batch that has a round.
    pub fn write_caps(&mut self, round: Round) -> Result<(), W::Error> {
        let batches = batches(self.plan, &self.layout, self.store);
        let mut caps = batches.filter_map(|batch| batch.roots(round));
        caps.try_for_each(|cap| {
            self.sink.length(cap.len())?;
            cap.iter().try_for_each(|digest| self.sink.digest(digest))
        })
    }

    /// What the walk that opens wants: trees that were not kept are made from their leaves.
    pub const fn to_open(&self) -> Wanted<'static> {
        match self.plan.keep().trees {
            Kept::Root => OPENED,
            _ => Wanted::Extensions(&[Round::Preprocessed]),
        }
    }

    /// What is kept of each batch.
    pub fn batches(&self) -> impl Iterator<Item = Batch<'_>> + Clone {
        batches(self.plan, &self.layout, self.store)
    }

    /// The kept digests of a round, batch after batch; of a batch without the round there are none.
    pub fn roots(&self, round: Round) -> impl Iterator<Item = &[Digest]> + Clone {
        self.batches().filter_map(move |batch| batch.roots(round))
    }

    /// The low-degree test of the run, with its roots of unity in the first worker's workspace.
    pub fn accumulators(&mut self) -> (Accumulators<'_, B, B::Hasher<'a>>, &mut Sink<W>) {
        let plan = self.plan;
        let layout = &self.layout;
        let ranges = [
            layout.accumulators.clone(),
            layout.folded.clone(),
            layout.digests.clone(),
        ];
        let words = self.workers[0].free();
        let accumulators = Accumulators::of(plan, &self.hasher, (self.store, ranges), words);
        (accumulators, &mut self.sink)
    }
}
