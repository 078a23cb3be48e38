//! The steps that close a proof: evaluate, reduce, fold, open.

use embedded_io::Write;
use heapless::Vec;

use super::openings::{self, FriOutcome};
use super::phases::{Base, Quotients, Witnesses};
use super::transcript::{self, MatrixShape};
use crate::air::ProverAir;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite, Transcript};
use crate::plan::Phase;
use crate::shape::Round;
use crate::sink::Sink;
use crate::{EF, F};

impl<'s, 'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Quotients<'s, 'a, B, A, S> {
    /// Evaluates every column, and writes commitments and openings to the sink.
    ///
    /// # Errors
    /// What the sink returns.
    pub fn evaluate<W: Write>(self, sink: W) -> Result<Evaluated<'s, 'a, B, A, W, S>, W::Error> {
        Phase::Evaluate.log();
        let Self {
            mut base,
            witnesses,
            zeta,
        } = self;
        let shape = base.engine.shape;
        base.engine.evaluate(zeta);
        let mut sink = Sink::new(sink);
        openings::write_commitments(base.engine, &mut sink)?;
        openings::write_claims(shape, base.engine.openings(), &mut sink)?;

        let rounds = Round::ALL
            .into_iter()
            .filter(|&round| shape.has_round(round));
        let shapes = rounds.map(|round| {
            shape.round(round).map(|m| MatrixShape {
                num_points: m.points(),
                width: m.width,
            })
        });
        transcript::seed_pcs(&mut base.challenger, shapes, shape.params());
        base.challenger.observe_slice(base.engine.openings());
        Ok(Evaluated {
            base,
            witnesses,
            zeta,
            sink,
        })
    }
}

/// A batch whose columns are evaluated; commitments and openings are written.
#[derive(Debug)]
pub struct Evaluated<'s, 'a, B: Hashes<S>, A, W, S: Suite = Poseidon2> {
    base: Base<'s, 'a, B, A, S>,
    witnesses: Witnesses,
    zeta: EF,
    sink: Sink<W>,
}

impl<'s, 'a, B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite> Evaluated<'s, 'a, B, A, W, S> {
    /// Draws the batching challenge and combines all openings of a height into one codeword.
    pub fn reduce(self) -> Reduced<'s, 'a, B, A, W, S> {
        Phase::Reduce.log();
        let Self {
            mut base,
            witnesses,
            zeta,
            sink,
        } = self;
        let batch_witness = base.grind(base.engine.shape.params().batch_pow_bits);
        let alpha = base.challenger.sample_ext();
        base.engine.reduce(zeta, alpha);
        Reduced {
            base,
            witnesses,
            batch_witness,
            sink,
        }
    }
}

/// A batch whose openings are combined into codewords.
#[derive(Debug)]
pub struct Reduced<'s, 'a, B: Hashes<S>, A, W, S: Suite = Poseidon2> {
    base: Base<'s, 'a, B, A, S>,
    witnesses: Witnesses,
    batch_witness: F,
    sink: Sink<W>,
}

impl<'s, 'a, B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite> Reduced<'s, 'a, B, A, W, S> {
    /// Folds and commits the codewords down to the final polynomial, and draws the queries.
    pub fn fold(self) -> Folded<'s, 'a, B, A, W, S> {
        Phase::Fold.log();
        let Self {
            mut base,
            witnesses,
            batch_witness,
            sink,
        } = self;
        let shape = base.engine.shape;
        let params = shape.params();
        let log_max = shape.log_max_lde();
        transcript::seed_fri(&mut base.challenger, shape.log_arities(), params, log_max);
        base.engine.begin_folds();
        let mut commit_witnesses = Vec::new();
        for fold in 0..shape.log_arities().len() {
            base.engine.commit_fold(fold);
            let tree = base.engine.fold_tree(fold);
            for digest in tree.cap(params.cap_height as usize) {
                base.challenger.observe_digest(&digest);
            }
            let witness = base.grind(params.commit_pow_bits);
            commit_witnesses.push(witness).expect("one per fold");
            let beta = base.challenger.sample_ext();
            base.engine.fold(fold, beta);
        }
        base.engine.finish_folds();
        for coefficient in base.engine.final_polynomial() {
            base.challenger.observe_ext(coefficient);
        }
        let query_witness = base.grind(params.query_pow_bits);
        let challenger = &mut base.challenger;
        let draw = |_| challenger.sample_bits(log_max) as u32;
        let indices = (0..params.num_queries).map(draw).collect();
        let fri = FriOutcome {
            batch_witness,
            commit_witnesses,
            query_witness,
            indices,
        };
        Folded {
            base,
            witnesses,
            fri,
            sink,
        }
    }
}

/// A batch whose low-degree test is run; the queries are drawn.
#[derive(Debug)]
pub struct Folded<'s, 'a, B: Hashes<S>, A, W, S: Suite = Poseidon2> {
    base: Base<'s, 'a, B, A, S>,
    witnesses: Witnesses,
    fri: FriOutcome,
    sink: Sink<W>,
}

impl<B: Hashes<S>, A: ProverAir<B>, W: Write, S: Suite> Folded<'_, '_, B, A, W, S> {
    /// Answers the queries: the rest of the proof. Returns the number of all bytes written.
    ///
    /// # Errors
    /// What the sink returns.
    pub fn open(mut self) -> Result<u64, W::Error> {
        self.answer()
    }

    /// Where the state is, since it is large.
    pub(super) fn answer(&mut self) -> Result<u64, W::Error> {
        Phase::Open.log();
        let (engine, sink) = (&mut *self.base.engine, &mut self.sink);
        engine.begin_openings();
        openings::write_input_openings(engine, &self.fri, sink)?;
        openings::write_fold_openings(engine, &mut self.fri, sink)?;
        openings::write_tail(engine, &self.witnesses, sink)?;
        sink.flush()?;
        Ok(sink.written())
    }
}
