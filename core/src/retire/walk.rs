//! A walk over the batches of a run: each is made, shown, and dropped.

use core::marker::PhantomData;
use core::ops::Range;

use super::accumulators::Accumulators;
use super::buses::Numbering;
use super::error::RetireError;
use super::store::{Layout, Slot};
use super::{Retire, Run};
use crate::air::ProverAir;
use crate::engine::{Engine, Kept};
use crate::hash::paths::Indices;
use crate::hash::{Hashes, Suite};
use crate::kernels::ntt::Twiddles;
use crate::prover::phases::check_public_values;
use crate::shape::{BatchShape, Round};
use crate::workspace::ALIGN_ELEMENTS;
use crate::{DIGEST, Digest, EF, F, workspace};

/// The LogUp challenges of a run, if it has lookups.
pub(super) type Challenges = Option<(EF, EF)>;

/// The error of a run's traces or of its sink.
pub(super) type Error<R, W> = RetireError<<R as Run>::Error, <W as embedded_io::ErrorType>::Error>;

/// One batch of a walk: its main traces and public values are in the workspace.
pub(super) struct Visit<'v, 'w, B: Hashes<S>, A, S: Suite> {
    pub batch: usize,
    pub engine: &'v mut Engine<'w, B, A, S>,
    /// The numbers of its buses in the run.
    numbers: &'v [u64],
    /// Elements of the widest message of the run.
    message_width: usize,
    kept: Kept,
    pub store: &'v mut [F],
    /// Where what is kept of it is in the store.
    pub slot: &'v Slot,
    /// Where its codewords are there (forked).
    pub codewords: Range<usize>,
}

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite> Visit<'_, '_, B, A, S> {
    /// Takes the LogUp challenges of the run.
    pub fn set_lookup(&mut self, challenges: Challenges) {
        if let Some(challenges) = challenges {
            let numbers = self.numbers.iter().copied();
            self.engine
                .set_lookup(challenges, self.message_width, numbers);
        }
    }

    /// Keeps what later walks need of the trees of a round.
    pub fn keep_trees(&mut self, round: Round) {
        if self.kept != Kept::Root {
            let slot = &mut self.store[self.slot.trees[round as usize].clone()];
            let slot = workspace::words_mut(slot);
            self.engine.keep_trees(round, self.kept, slot);
        }
    }

    /// Brings the trees of all rounds back, as far as paths to `indices` need them. Whether they fit the batch
    /// as it was made this time.
    pub fn restore_trees(&mut self, indices: &Indices) -> bool {
        let (kept, shape) = (self.kept, self.engine.shape);
        let rounds = [Round::Main, Round::Quotient, Round::Permutation];
        let mut rounds = rounds.into_iter().filter(|&r| shape.has_round(r));
        kept == Kept::Root
            || rounds.all(|round| {
                let slot = &self.store[self.slot.trees[round as usize].clone()];
                let slot = workspace::words(slot);
                self.engine.restore_trees(round, kept, slot, indices)
            })
    }

    /// Keeps the published digests of a round.
    pub fn keep_roots(&mut self, round: Round) {
        let kept = &mut self.store[self.slot.roots[round as usize].clone()];
        let kept = workspace::words_mut(kept).as_chunks_mut::<DIGEST>().0;
        for (slot, digest) in kept.iter_mut().zip(self.engine.roots(round)) {
            *slot = digest;
        }
    }
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, const N: usize, S: Suite> Retire<'a, B, A, N, S> {
    /// Makes each batch, one after the other, and shows it to `visit`; only the trees of the rounds `hashed`
    /// are wanted. The `first` walk leaves the fingerprints that later ones are compared with.
    pub(super) fn walk<R: Run, E>(
        &mut self,
        run: &mut R,
        layout: &Layout,
        first: bool,
        hashed: &[Round],
        mut visit: impl FnMut(Visit<'_, '_, B, A, S>) -> Result<(), RetireError<R::Error, E>>,
    ) -> Result<(), RetireError<R::Error, E>> {
        let plan = self.plan;
        let mut numbering = Numbering::new();
        let (mut start, mut codewords) = (layout.slots.start, layout.codewords.start);
        let mut batch = 0;
        while batch < plan.batches() {
            let kind = plan.kind(batch);
            let of_kind = &plan.kinds()[kind];
            let words = &mut self.workspace[..of_kind.plan.regions().len()];
            let mut engine = Engine::new(of_kind.plan, of_kind.airs, self.suite, words);
            engine.hash_only(hashed);
            let shape = engine.shape;
            engine.begin();
            fill_preprocessed(&mut engine, run, kind);
            while batch < plan.batches() && plan.kind(batch) == kind {
                engine.begin();
                for table in 0..shape.tables().len() {
                    run.fill(batch, table, &mut engine.trace_mut(Round::Main, table))
                        .map_err(|error| RetireError::Trace { batch, error })?;
                }
                let slot = plan.slot(shape, start);
                let made = {
                    let values = run.public_values(batch);
                    let values = values.as_ref();
                    check_public_values(shape, values)
                        .map_err(|error| RetireError::Batch { batch, error })?;
                    engine.set_public_values(values);
                    let values = values.iter().copied().flatten();
                    fingerprint(engine.traces(Round::Main).iter().chain(values))
                };
                let kept = workspace::words_mut(&mut self.store[slot.fingerprint.clone()]);
                if first {
                    kept.copy_from_slice(&made);
                } else if *kept != made {
                    return Err(RetireError::Changed { batch });
                }
                let codewords_len = match layout.codewords.is_empty() {
                    true => 0,
                    false => shape.folds().codewords_len(),
                };
                visit(Visit {
                    batch,
                    engine: &mut engine,
                    numbers: &numbering.batch(plan.buses(kind)),
                    message_width: plan.message_width(),
                    kept: plan.kept(),
                    store: self.store,
                    slot: &slot,
                    codewords: codewords..codewords + codewords_len,
                })?;
                (start, codewords) = (slot.end, codewords + codewords_len);
                batch += 1;
            }
        }
        Ok(())
    }

    /// The rounds whose trees the walk that opens makes from their leaves.
    pub(super) const fn hashed_to_open(&self) -> &'static [Round] {
        match self.plan.kept() {
            Kept::Root => &Round::ALL,
            _ => &[Round::Preprocessed],
        }
    }

    /// The shape and the slot of each batch.
    pub(super) fn slots(
        &self,
        layout: &Layout,
    ) -> impl Iterator<Item = (BatchShape<'a>, Slot)> + use<'a, B, A, N, S> {
        let (plan, mut start) = (self.plan, layout.slots.start);
        (0..plan.batches()).map(move |batch| {
            let shape = plan.shape(batch);
            let slot = plan.slot(shape, start);
            start = slot.end;
            (shape, slot)
        })
    }

    /// The kept digests of a round, batch after batch; of a batch without the round there are none.
    pub(super) fn roots(
        &self,
        layout: &Layout,
        round: Round,
    ) -> impl Iterator<Item = &[Digest]> + '_ {
        self.slots(layout).filter_map(move |(shape, slot)| {
            let kept = &self.store[slot.roots[round as usize].clone()];
            let digests = workspace::words(kept).as_chunks().0;
            shape.has_round(round).then_some(digests)
        })
    }

    /// The low-degree test of the run, with its roots of unity in the workspace.
    pub(super) fn accumulators(&mut self, layout: &Layout) -> Accumulators<'_, B, B::Hasher<'a>> {
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
            .split_at_mut(twiddles_len.next_multiple_of(ALIGN_ELEMENTS));
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
}

/// Writes and commits the preprocessed traces of a kind, if there are any.
fn fill_preprocessed<B: Hashes<S>, A: ProverAir<B>, S: Suite, R: Run>(
    engine: &mut Engine<'_, B, A, S>,
    run: &R,
    kind: usize,
) {
    let shape = engine.shape;
    if !shape.has_preprocessed() {
        return;
    }
    for (table, planned) in shape.tables().iter().enumerate() {
        if planned.layout.preprocessed_width > 0 {
            run.fill_preprocessed(
                kind,
                table,
                &mut engine.trace_mut(Round::Preprocessed, table),
            );
        }
    }
    engine.commit(Round::Preprocessed);
}

/// Tells batches apart that a run makes differently in two walks; binds nobody who means to.
///
/// Source: the multiplicative hash of Firefox, with one word a step.
fn fingerprint<'v>(values: impl Iterator<Item = &'v F>) -> [u32; 2] {
    const MULTIPLIER: u64 = 0x51_7c_c1_b7_27_22_0a_95;
    let hash = values.fold(0_u64, |hash, value| {
        let [word] = workspace::words(core::slice::from_ref(value)) else {
            return hash;
        };
        (hash.rotate_left(5) ^ u64::from(*word)).wrapping_mul(MULTIPLIER)
    });
    [hash as u32, (hash >> 32) as u32]
}
