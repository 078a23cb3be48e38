//! The steps that close a proof: evaluate, reduce, fold, open.

use embedded_io::Write;

use super::folding::{self, FoldOutcome, fold_down};
use super::openings;
use super::phases::{Base, Quotients, Witnesses};
use super::transcript::{self, MatrixShape};
use crate::air::ProverAir;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite, Transcript};
use crate::plan::Phase;
use crate::shape::Round;
use crate::sink::Sink;
use crate::steps::reduce::alone;
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
        base.engine.reduce(zeta, alpha, &alone);
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
        let params = base.engine.shape.params();
        let fri = fold_down(base.engine, &mut base.challenger, params);
        Folded {
            base,
            witnesses,
            batch_witness,
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
    batch_witness: F,
    fri: FoldOutcome,
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
        let cap_height = engine.shape.params().cap_height;
        engine.begin_openings();
        sink.field(self.batch_witness)?;
        folding::write_fold_commitments(engine, &self.fri, cap_height, sink)?;
        openings::write_input_openings(engine, &self.fri.indices, sink)?;
        folding::write_fold_openings(engine, &mut self.fri.indices, cap_height, sink)?;
        folding::write_final_polynomial(engine, &self.fri, sink)?;
        openings::write_tail(engine, &self.witnesses, sink)?;
        sink.flush()?;
        Ok(sink.written())
    }
}
