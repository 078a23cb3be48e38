//! One batch in its fork of the transcript: argued, opened, and read again from what it left.

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::journal::{Written, field};
use super::line::Line;
use super::store::cap_len;
use super::walk::{Turn, shifted};
use super::worker::{Challenges, Changed, Visit};
use crate::air::ProverAir;
use crate::engine::Engine;
use crate::hash::paths::Indices;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::kernels::ext::coordinates;
use crate::prover::openings::{
    write_claims, write_commitment, write_input_openings, write_terminals,
};
use crate::shape::{BatchShape, Round};
use crate::sink::FIELD_BYTES;
use crate::steps::reduce::alone;
use crate::{DIGEST, EF, F, Params};

/// What is drawn from a fork.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    /// Binds the fork.
    pub digest: [F; DIGEST],
    /// The constraint challenge.
    pub alpha: EF,
    /// The point and the batching challenge.
    pub opening: [EF; 2],
}

impl Drawn {
    /// What is drawn last.
    fn end(fork: &mut impl Transcript, alpha: EF, opening: [EF; 2]) -> Self {
        Self {
            digest: core::array::from_fn(|_| fork.sample()),
            alpha,
            opening,
        }
    }
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Visit<'_, 'a, B, A, S> {
    /// Argues the batch in its fork; leaves what is kept of that in its part of the store.
    pub fn argue(
        mut self,
        line: &Line<S::Transcript<'a>>,
        hasher: &B::Hasher<'a>,
        params: &Params,
    ) -> Result<(), Changed> {
        self.set_lookup(line.challenges);
        let keeps_codewords = self.keeps_codewords();
        let (engine, slot) = (&mut *self.engine, self.slot);
        let shape = engine.shape;
        let mut fork = line.fork(self.batch);
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
        if keeps_codewords {
            engine.reduce(zeta, lambda, &alone);
            let reduced = engine.reduced();
            self.store[slot.codewords.clone()].copy_from_slice(reduced);
        } else {
            let claims = &mut self.store[slot.claims.clone()];
            claims.copy_from_slice(engine.openings());
        }
        self.keep_quotients();
        self.keep_trees(Round::Quotient);
        if shape.has_lookups() {
            self.keep_trees(Round::Permutation);
        }
        self.store[slot.witnesses.clone()].copy_from_slice(&[ood_witness, batch_witness]);
        slot.keep_drawn(&Drawn::end(&mut fork, alpha, [zeta, lambda]), self.store);
        Ok(())
    }

    /// Makes all columns of the batch again, and what paths to the queries need; `indices` have `log_max` bits.
    pub fn open(
        mut self,
        challenges: Challenges,
        indices: &Indices,
        log_max: usize,
    ) -> Result<(), Changed> {
        let [alpha] = self.challenges(&self.slot.alpha);
        self.remake(challenges, alpha);
        self.engine.begin_openings();
        let shift = log_max - self.engine.shape.log_max_lde();
        self.restore_trees(&shifted(indices, shift))
    }
}

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite, W: Write> Turn<'_, '_, B, A, S, W> {
    /// Writes what the fork adds to the proof.
    pub fn write_argument(self) -> Result<(), W::Error> {
        let witnesses = self.kept(&self.slot.witnesses);
        let [ood_witness, batch_witness] = [witnesses[0], witnesses[1]];
        let Turn { engine, sink, .. } = self;
        let engine = &*engine;
        if engine.shape.has_lookups() {
            sink.some()?;
            write_commitment(engine, Round::Permutation, sink)?;
        } else {
            sink.none()?;
        }
        write_terminals(engine, sink)?;
        write_commitment(engine, Round::Quotient, sink)?;
        sink.field(ood_witness)?;
        write_claims(engine.shape, engine.openings(), sink)?;
        sink.field(batch_witness)
    }

    /// Writes the rows and paths of the queries; `indices` have `log_max` bits.
    pub fn write_openings(self, indices: &Indices, log_max: usize) -> Result<(), W::Error> {
        let shift = log_max - self.engine.shape.log_max_lde();
        write_input_openings(self.engine, &shifted(indices, shift), self.sink)
    }
}

/// Draws the challenges of a fork again, from the claims of a batch and from what it wrote; `keep` is given each claim
/// with its place.
pub(super) fn argue_again<S: Suite>(
    mut fork: impl Transcript,
    shape: BatchShape<'_>,
    params: &Params,
    [claims, proof]: [&[u8]; 2],
    mut keep: impl FnMut(usize, F),
) -> Option<Drawn> {
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
    for (i, &claim) in claims.as_chunks::<FIELD_BYTES>().0.iter().enumerate() {
        let claim = field(claim)?;
        fork.observe(claim);
        keep(i, claim);
    }
    is_witness(&mut fork, field(*last)?, params.batch_pow_bits)?;
    let lambda = fork.sample_ext();
    Some(Drawn::end(&mut fork, alpha, [zeta, lambda]))
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

impl super::store::Slot {
    /// Keeps what is drawn from a fork for the other walks.
    pub fn keep_drawn(&self, drawn: &Drawn, store: &mut [F]) {
        store[self.fork.clone()].copy_from_slice(&drawn.digest);
        store[self.alpha.clone()].copy_from_slice(&coordinates(drawn.alpha));
        if !self.opening.is_empty() {
            let opening = drawn.opening.map(coordinates);
            store[self.opening.clone()].copy_from_slice(opening.as_flattened());
        }
    }
}
