//! Batches of a run made apart: each in memory of its own, from what the others left, wherever that was.
//!
//! A batch is committed, argued and opened by three calls, which know of each other what their records say. A record is
//! what the [journal](super::journal) has of the batch in that walk, byte for byte. What stands between the walks is a
//! [`Join`](super::Join).

use embedded_io::Write;

use super::buses::Numbering;
use super::error::{Misfit, RetireError, RetireSetupError};
use super::forked::ARGUED;
use super::line::Line;
use super::plan::RunPlan;
use super::run::Run;
use super::store::{Keep, Layout, Leaves, Order, Slot};
use super::walk::{COMMITTED, OPENED, Turn};
use super::worker::{Changed, Step, Task, Visit, Wanted, Worker};
use crate::air::ProverAir;
use crate::engine::Kept;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite};
use crate::kernels::ext::coordinates;
use crate::shape::Round;
use crate::sink::{FIELD_BYTES, Sink};
use crate::workspace::{self, Buffer};
use crate::{DIGEST, Digest, EF, F};

impl Keep {
    /// What a record has beside what the order needs: codewords, which whoever joins the batches adds up.
    pub const APART: Self = Self {
        trees: Kept::Root,
        quotients: false,
        codewords: true,
    };
}

/// Makes batches of a run in forked order, one at a time.
#[derive(Debug)]
pub struct Apart<'m, 'a, B: Hashes<S>, A, R: Run, const N: usize, S: Suite = Poseidon2> {
    plan: &'a RunPlan<'a, A, N, S>,
    suite: &'a S,
    hasher: B::Hasher<'a>,
    layout: Layout,
    worker: Worker<'a, B, A, R, S>,
    /// What is kept of the batch at hand.
    store: &'m mut [F],
    /// What was made last: the workspace is ready for more of it.
    last: Option<Leaves>,
}

impl<'m, 'a, B, A, R, const N: usize, S> Apart<'m, 'a, B, A, R, N, S>
where
    B: Hashes<S>,
    A: ProverAir<B>,
    R: Run,
    S: Suite,
{
    /// Takes a workspace, and [`RunPlan::slot_len`] bytes for what is kept of a batch. `run` is asked for the traces of
    /// the batches that are made, and for the public values of all.
    ///
    /// # Errors
    /// When either is too short, or the plan is not in forked order or keeps something else than [`Keep::APART`].
    pub fn new(
        plan: &'a RunPlan<'a, A, N, S>,
        suite: &'a S,
        workspace: impl Into<Buffer<'a>>,
        slot: impl Into<Buffer<'m>>,
        run: R,
    ) -> Result<Self, RetireSetupError> {
        Ok(Self {
            suite,
            hasher: B::hasher(suite),
            layout: layout(plan)?,
            worker: Worker::new(plan, workspace, run)?,
            store: workspace::carve(slot, plan.slot_elements()).map_err(RetireSetupError::Store)?,
            last: None,
            plan,
        })
    }

    /// The run.
    pub fn run(&mut self) -> &mut R {
        self.worker.run()
    }

    /// Commits the main traces of a batch, and writes its record; returns the record's bytes.
    ///
    /// # Errors
    /// When a trace cannot be written or the sink fails.
    pub fn commit<W: Write>(
        &mut self,
        batch: usize,
        sink: W,
    ) -> Result<u64, RetireError<R::Error, W::Error>> {
        self.make(
            batch,
            (COMMITTED, Leaves::Commitment),
            |visit| visit.commit(),
            |_| Ok(()),
            sink,
        )
    }

    /// Argues a batch in its fork, and writes its record; returns the record's bytes. `commitments` are the records of
    /// [all batches](Self::commit), in order.
    ///
    /// # Errors
    /// As [`Self::commit`], and [`RetireError::Record`] for a commitment that does not fit the plan.
    pub fn argue<W: Write>(
        &mut self,
        batch: usize,
        commitments: &[impl AsRef<[u8]>],
        sink: W,
    ) -> Result<u64, RetireError<R::Error, W::Error>> {
        let (line, hasher) = (self.line(commitments)?, self.hasher.clone());
        let params = *self.plan.params();
        self.make(
            batch,
            (ARGUED, Leaves::Argument),
            |visit| visit.argue(&line, &hasher, &params),
            |turn| turn.write_argument(),
            sink,
        )
    }

    /// Opens a batch at the queries, and writes its record; returns the record's bytes. `alpha` is the constraint
    /// challenge of its fork; [`Join`](super::Join) knows both.
    ///
    /// # Errors
    /// As [`Self::argue`], and [`RetireError::Queries`] for queries that are none of the plan's.
    pub fn open<W: Write>(
        &mut self,
        batch: usize,
        commitments: &[impl AsRef<[u8]>],
        alpha: EF,
        indices: &[u32],
        sink: W,
    ) -> Result<u64, RetireError<R::Error, W::Error>> {
        let challenges = self.line(commitments)?.challenges;
        let log_max = self.plan.folds().log_max();
        let fits = indices.len() == usize::from(self.plan.params().num_queries)
            && indices.iter().all(|index| index >> log_max == 0);
        if !fits {
            return Err(RetireError::Queries);
        }
        let indices = indices.iter().copied().collect();
        let slot = &self.layout.of_kind[self.plan.kind(batch)];
        self.store[slot.alpha.clone()].copy_from_slice(&coordinates(alpha));
        self.make(
            batch,
            (OPENED, Leaves::Openings),
            |visit| visit.open(challenges, &indices, log_max),
            |turn| turn.write_openings(&indices, log_max),
            sink,
        )
    }

    fn line<E>(
        &self,
        commitments: &[impl AsRef<[u8]>],
    ) -> Result<Line<S::Transcript<'a>>, RetireError<R::Error, E>> {
        let run = &self.worker.run;
        let line =
            line_of::<B, _, _, _, N>(self.plan, &self.layout, &self.hasher, run, commitments);
        line.map_err(|Misfit { walk, batch }| RetireError::Record { walk, batch })
    }

    /// Makes a batch, and writes what it leaves and what it adds to the proof.
    fn make<W: Write>(
        &mut self,
        batch: usize,
        (wanted, leaves): (Wanted<'static>, Leaves),
        visit: impl Fn(Visit<'_, 'a, B, A, S>) -> Result<(), Changed>,
        turn: impl FnOnce(Turn<'_, 'a, B, A, S, &mut W>) -> Result<(), W::Error>,
        mut sink: W,
    ) -> Result<u64, RetireError<R::Error, W::Error>> {
        let plan = self.plan;
        if batch >= plan.batches() {
            return Err(RetireError::NotMade { batch });
        }
        if self.last.replace(leaves) != Some(leaves) {
            self.worker.free();
        }
        let mut numbering = Numbering::new();
        for before in 0..batch {
            let _ = numbering.batch(plan.buses(plan.kind(before)));
        }
        let slot = &self.layout.of_kind[plan.kind(batch)];
        let store = &mut self.store[..slot.len];
        let step = Step {
            plan,
            suite: self.suite,
            // There is no walk to compare it with: what the record says is compared where it goes.
            first: true,
            wanted,
            slot,
        };
        let task = Task {
            worker: &mut self.worker,
            batch,
            known: false,
            numbers: numbering.batch(plan.buses(plan.kind(batch))),
            store,
        };
        task.work(&step, visit);
        let engine = self.worker.made(batch).map_err(RetireError::widen)?;
        let mut out = Sink::new(&mut sink);
        let written = (|| {
            for part in slot.left(leaves) {
                out.bytes(workspace::bytes(&self.store[part]))?;
            }
            if leaves == Leaves::Argument {
                out.bytes(workspace::bytes(engine.openings()))?;
            }
            turn(Turn::new(engine, self.store, slot, &mut out))?;
            out.flush()?;
            Ok(out.written())
        })();
        written.map_err(RetireError::Sink)
    }
}

/// Where the records of a plan's batches have what.
pub(super) fn layout<A, const N: usize, S: Suite>(
    plan: &RunPlan<'_, A, N, S>,
) -> Result<Layout, RetireSetupError> {
    if plan.order() != Order::Forked || plan.keep() != Keep::APART {
        return Err(RetireSetupError::Together);
    }
    Ok(plan.layout().expect("planned"))
}

/// The main line of a run whose batches left these records of their commitments.
pub(super) fn line_of<'a, B, A, R, S, const N: usize>(
    plan: &RunPlan<'_, A, N, S>,
    layout: &Layout,
    hasher: &B::Hasher<'a>,
    run: &R,
    records: &[impl AsRef<[u8]>],
) -> Result<Line<S::Transcript<'a>>, Misfit>
where
    B: Hashes<S>,
    R: Run,
    S: Suite,
{
    let batches = plan.batches();
    let slot = |batch| &layout.of_kind[plan.kind(batch)];
    let fits = |batch: usize| {
        let record = records.get(batch).map(AsRef::as_ref);
        record.is_some_and(|record| is_commitment::<S>(slot(batch), record))
    };
    if let Some(batch) = (0..batches).find(|&batch| !fits(batch)) {
        return Err(Misfit { walk: 0, batch });
    }
    if records.len() > batches {
        let batch = batches;
        return Err(Misfit { walk: 0, batch });
    }
    Ok(Line::begin::<B, _, _, _, N>(
        plan,
        hasher,
        run,
        |round, observe| {
            for (batch, record) in records.iter().enumerate() {
                digests_of(slot(batch), round, record.as_ref()).for_each(|digest| observe(&digest));
            }
        },
    ))
}

/// Whether a record is one of a commitment.
fn is_commitment<S: Suite>(slot: &Slot, record: &[u8]) -> bool {
    let words = slot.left(Leaves::Commitment);
    let words: usize = words.iter().map(ExactSizeIterator::len).sum();
    let rounds = [Round::Main, Round::Preprocessed];
    record.len() == FIELD_BYTES * words
        && rounds
            .into_iter()
            .all(|round| digests_of(slot, round, record).all(|digest| S::are_digests(&digest)))
}

impl<A, const N: usize, S: Suite> RunPlan<'_, A, N, S> {
    /// Whether the commitment of a batch may have left such a record, as far as one can tell without committing.
    pub fn is_commitment(&self, batch: usize, record: &[u8]) -> bool {
        let layout = layout(self);
        layout.is_ok_and(|layout| is_commitment::<S>(&layout.of_kind[self.kind(batch)], record))
    }
}

/// The digests of a round in a record of a commitment.
pub(super) fn digests_of(slot: &Slot, round: Round, record: &[u8]) -> impl Iterator<Item = Digest> {
    let main = &slot.roots[Round::Main as usize];
    let first = slot.fingerprint.len() + if round == Round::Main { 0 } else { main.len() };
    let words = slot.roots[round as usize].len();
    let bytes = &record[FIELD_BYTES * first..FIELD_BYTES * (first + words)];
    let digests = bytes.as_chunks::<{ FIELD_BYTES * DIGEST }>().0.iter();
    digests.map(|bytes| {
        let words = bytes.as_chunks::<FIELD_BYTES>().0;
        core::array::from_fn(|i| u32::from_le_bytes(words[i]))
    })
}
