//! A worker of a walk: a workspace, a run, and the batch at hand.

use core::convert::Infallible;
use core::mem::take;
use core::ops::Range;

use super::error::{RetireError, RetireSetupError};
use super::plan::RunPlan;
use super::run::Run;
use super::store::{Keep, Slot};
use crate::air::ProverAir;
use crate::engine::{Engine, Kept};
use crate::hash::paths::Indices;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite};
use crate::kernels::ext::challenge;
use crate::prover::phases::check_public_values;
use crate::shape::Round;
use crate::workspace::{self, Buffer};
use crate::{D, DIGEST, EF, F};

/// The LogUp challenges of a run, if it has lookups.
pub(super) type Challenges = Option<(EF, EF)>;

/// Why a batch is not made.
pub(super) type Fault<R> = RetireError<<R as Run>::Error, Infallible>;

/// Makes batches of a run, one at a time, in a workspace of its own.
#[derive(Debug)]
pub struct Worker<'a, B: Hashes<S>, A, R: Run, S: Suite = Poseidon2> {
    /// What it takes traces from.
    pub(super) run: R,
    /// Elements of its workspace.
    elements: usize,
    /// The workspace, while it is no engine's.
    words: &'a mut [F],
    /// What it makes batches of a kind with.
    engine: Option<(usize, Engine<'a, B, A, S>)>,
    /// What became of the batch at hand.
    outcome: Option<Result<(), Fault<R>>>,
}

/// A batch that a worker is to make.
pub(super) struct Task<'t, 'a, B: Hashes<S>, A, R: Run, S: Suite, N> {
    pub worker: &'t mut Worker<'a, B, A, R, S>,
    pub batch: usize,
    /// Whether all but its traces is there.
    pub known: bool,
    /// The numbers of its buses in the run.
    pub numbers: N,
    /// Its part of the store.
    pub store: &'t mut [F],
}

/// What a walk wants of the batches' columns.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'s> {
    /// Their values: claims and codewords are made of them, if quotients are kept.
    Columns,
    /// Their extensions, and the trees of some rounds.
    Extensions(&'s [Round]),
}

/// How the batches of a walk are made.
pub(super) struct Step<'s, 'a, A, const N: usize, S: Suite> {
    pub plan: &'a RunPlan<'a, A, N, S>,
    pub suite: &'a S,
    /// Whether the walk is the one that later ones are compared with.
    pub first: bool,
    pub wanted: Wanted<'s>,
    /// Where what is kept of a batch lies.
    pub slot: &'s Slot,
}

/// One batch of a walk: its main traces and public values are in the workspace.
pub(super) struct Visit<'v, 'a, B: Hashes<S>, A, S: Suite> {
    pub batch: usize,
    pub engine: &'v mut Engine<'a, B, A, S>,
    /// The numbers of its buses in the run.
    numbers: &'v [u64],
    /// Elements of the widest message of the run.
    message_width: usize,
    keep: Keep,
    /// Its part of the store.
    pub store: &'v mut [F],
    /// Where what is kept of it is there.
    pub slot: &'v Slot,
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, R: Run, S: Suite> Worker<'a, B, A, R, S> {
    /// Takes a workspace.
    ///
    /// # Errors
    /// When it is too short (nothing is written then).
    pub fn new<const N: usize>(
        plan: &RunPlan<'_, A, N, S>,
        workspace: impl Into<Buffer<'a>>,
        run: R,
    ) -> Result<Self, RetireSetupError> {
        let elements = plan.workspace_elements();
        let words = workspace::carve(workspace, elements).map_err(RetireSetupError::Workspace)?;
        Ok(Self {
            run,
            elements,
            words,
            engine: None,
            outcome: None,
        })
    }

    /// Elements of its workspace.
    pub(super) const fn elements(&self) -> usize {
        self.elements
    }

    /// The run.
    pub fn run(&mut self) -> &mut R {
        &mut self.run
    }

    /// Overwrites the workspace with zeros, in a way that no compiler drops.
    pub fn wipe(&mut self) {
        workspace::wipe(self.free());
    }

    /// The workspace, of which nothing is wanted any more.
    pub(super) fn free(&mut self) -> &mut [F] {
        if let Some((_, engine)) = self.engine.take() {
            self.words = engine.into_words();
        }
        self.words
    }

    /// What the batch was made with that it was given last, once.
    pub(super) fn made(&mut self, batch: usize) -> Result<&mut Engine<'a, B, A, S>, Fault<R>> {
        match (self.outcome.take(), &mut self.engine) {
            (Some(Ok(())), Some((_, engine))) => Ok(engine),
            (Some(Err(fault)), _) => Err(fault),
            _ => Err(RetireError::NotMade { batch }),
        }
    }
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, R: Run, S: Suite, N: AsRef<[u64]>>
    Task<'_, 'a, B, A, R, S, N>
{
    /// Makes the batch, and shows it to `visit`; says in the worker what became of it.
    pub fn work<const M: usize>(
        self,
        step: &Step<'_, 'a, A, M, S>,
        visit: impl Fn(Visit<'_, 'a, B, A, S>) -> Result<(), Changed>,
    ) {
        let Self {
            worker,
            batch,
            known,
            numbers,
            store,
        } = self;
        let Worker {
            run,
            words,
            engine,
            outcome,
            ..
        } = worker;
        let kind = step.plan.kind(batch);
        if engine.as_ref().is_none_or(|&(of, _)| of != kind) {
            let words = match engine.take() {
                Some((_, engine)) => engine.into_words(),
                None => take(words),
            };
            let of_kind = &step.plan.kinds()[kind];
            let mut new = Engine::new(of_kind.plan, of_kind.airs, step.suite, words);
            match step.wanted {
                Wanted::Extensions(hashed) => new.hash_only(hashed),
                Wanted::Columns => {
                    new.hash_only(&[]);
                    if step.plan.keep().quotients {
                        new.stay_home();
                    }
                }
            }
            new.begin();
            fill_preprocessed(&mut new, run, kind);
            *engine = Some((kind, new));
        }
        let (_, engine) = engine.as_mut().expect("made just now");
        let result = fill(engine, run, batch).and_then(|made| {
            let kept = workspace::words_mut(&mut store[step.slot.fingerprint.clone()]);
            if step.first && !known {
                kept.copy_from_slice(&made);
            } else if *kept != made {
                return Err(RetireError::Changed { batch });
            }
            if known {
                return Ok(());
            }
            let seen = visit(Visit {
                batch,
                engine,
                numbers: numbers.as_ref(),
                message_width: step.plan.message_width(),
                keep: step.plan.keep(),
                store,
                slot: step.slot,
            });
            seen.map_err(|Changed| RetireError::Changed { batch })
        });
        *outcome = Some(result);
    }
}

/// A batch is not the one of an earlier walk.
pub(super) struct Changed;

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite> Visit<'_, '_, B, A, S> {
    /// Commits the main traces, and keeps what later walks need of that.
    pub fn commit(mut self) -> Result<(), Changed> {
        self.engine.commit(Round::Main);
        self.keep_roots(Round::Main);
        self.keep_roots(Round::Preprocessed);
        self.keep_trees(Round::Main);
        Ok(())
    }

    /// Takes the LogUp challenges of the run.
    pub fn set_lookup(&mut self, challenges: Challenges) {
        if let Some(challenges) = challenges {
            let numbers = self.numbers.iter().copied();
            self.engine
                .set_lookup(challenges, self.message_width, numbers);
        }
    }

    /// The challenges that are kept at a place of the slot.
    pub fn challenges<const K: usize>(&self, at: &Range<usize>) -> [EF; K] {
        let kept = self.store[at.clone()].as_chunks::<D>().0;
        core::array::from_fn(|i| challenge(kept[i]))
    }

    /// Makes all columns again, for the constraint challenge `alpha`.
    pub fn remake(&mut self, challenges: Challenges, alpha: EF) {
        self.set_lookup(challenges);
        self.engine.commit(Round::Main);
        self.engine.argue();
        if self.keep.quotients {
            let kept = &self.store[self.slot.quotients.clone()];
            self.engine.restore_quotients(kept);
        } else {
            self.engine.quotient(alpha);
        }
    }

    /// Whether codewords are kept.
    pub const fn keeps_codewords(&self) -> bool {
        self.keep.codewords
    }

    /// Keeps the quotients, if they are kept.
    pub fn keep_quotients(&mut self) {
        if self.keep.quotients {
            let kept = &mut self.store[self.slot.quotients.clone()];
            self.engine.keep_quotients(kept);
        }
    }

    /// Keeps what later walks need of the trees of a round.
    pub fn keep_trees(&mut self, round: Round) {
        if self.keep.trees != Kept::Root {
            let slot = &mut self.store[self.slot.trees[round as usize].clone()];
            let slot = workspace::words_mut(slot);
            self.engine.keep_trees(round, self.keep.trees, slot);
        }
    }

    /// Brings the trees of all rounds back, as far as paths to `indices` need them.
    pub fn restore_trees(&mut self, indices: &Indices) -> Result<(), Changed> {
        let (kept, shape) = (self.keep.trees, self.engine.shape);
        let rounds = [Round::Main, Round::Quotient, Round::Permutation];
        let mut rounds = rounds.into_iter().filter(|&r| shape.has_round(r));
        let same = kept == Kept::Root
            || rounds.all(|round| {
                let slot = &self.store[self.slot.trees[round as usize].clone()];
                let slot = workspace::words(slot);
                self.engine.restore_trees(round, kept, slot, indices)
            });
        if same { Ok(()) } else { Err(Changed) }
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

/// Writes the main traces and the public values of a batch; returns their fingerprint.
fn fill<B: Hashes<S>, A: ProverAir<B>, R: Run, S: Suite>(
    engine: &mut Engine<'_, B, A, S>,
    run: &mut R,
    batch: usize,
) -> Result<[u32; 2], Fault<R>> {
    let shape = engine.shape;
    engine.begin();
    for table in 0..shape.tables().len() {
        run.fill(batch, table, &mut engine.trace_mut(Round::Main, table))
            .map_err(|error| RetireError::Trace { batch, error })?;
    }
    let values = run.public_values(batch);
    let values = values.as_ref();
    check_public_values(shape, values).map_err(|error| RetireError::Batch { batch, error })?;
    engine.set_public_values(values);
    let traces = [engine.traces(Round::Main)];
    Ok(fingerprint(traces.iter().chain(values).copied()))
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

/// The fingerprint that the record of a [commitment](super::Apart::commit) begins with, of the main traces of a batch in one slice
/// and of its public values: tells batches apart that a run makes differently in two walks; binds nobody who means to.
///
/// Source: the multiplicative hash of Firefox, with one word a step; in lanes, so that steps need not wait for
/// each other.
pub fn fingerprint<'v>(values: impl Iterator<Item = &'v [F]>) -> [u32; 2] {
    const MULTIPLIER: u64 = 0x51_7c_c1_b7_27_22_0a_95;
    const LANES: usize = 16;
    let step = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER);
    let mut hashes = [0_u64; LANES];
    for values in values {
        let (chunks, rest) = workspace::words(values).as_chunks::<LANES>();
        for words in chunks.iter().map(|chunk| &chunk[..]).chain([rest]) {
            for (hash, &word) in hashes.iter_mut().zip(words) {
                *hash = step(*hash, word.into());
            }
        }
    }
    let hash = hashes.into_iter().fold(0, step);
    [hash as u32, (hash >> 32) as u32]
}
