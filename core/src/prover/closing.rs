//! The steps that close a proof: evaluate, reduce, fold, open.

use embedded_io::Write;
use heapless::Vec;

use super::openings;
use super::phases::{Base, Quotients, Witnesses};
use crate::air::ProverAir;
use crate::backend::Backend;
use crate::plan::{MAX_LOG_HEIGHT, MAX_QUERIES, Name, Phase, Profile, Round};
use crate::sink::Sink;
use crate::transcript::{self, MatrixShape};
use crate::{EF, F};

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize> Quotients<'s, 'a, B, A, N> {
    /// Evaluates every column, and writes commitments and openings to the sink.
    ///
    /// # Errors
    /// What the sink returns.
    pub fn evaluate<W: Write>(self, sink: W) -> Result<Evaluated<'s, 'a, B, A, N, W>, W::Error> {
        Phase::Evaluate.log();
        let Self {
            mut base,
            terminals,
            witnesses,
            zeta,
        } = self;
        let prover = &mut *base.prover;
        let plan = prover.plan;
        match plan.profile() {
            Profile::Fast => prover.evaluate_fast(zeta),
            Profile::Compact => prover.evaluate_compact(&prover.lookup.clone(), zeta),
        }
        let mut sink = Sink::new(sink);
        openings::write_commitments(prover, &mut sink)?;
        openings::write_claims(plan, prover.region(Name::Openings), &mut sink)?;

        let rounds = Round::ALL
            .into_iter()
            .filter(|&round| plan.has_round(round));
        let shapes = rounds.map(|round| {
            plan.round(round).map(|m| MatrixShape {
                num_points: m.points(),
                width: m.width,
            })
        });
        transcript::seed_pcs(&mut base.challenger, shapes, plan.params());
        base.challenger
            .observe_slice(base.prover.region(Name::Openings));
        Ok(Evaluated {
            base,
            terminals,
            witnesses,
            zeta,
            sink,
        })
    }
}

/// A batch whose columns are evaluated; commitments and openings are written.
#[derive(Debug)]
pub struct Evaluated<'s, 'a, B: Backend, A, const N: usize, W> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Vec<Option<EF>, N>,
    witnesses: Witnesses,
    zeta: EF,
    sink: Sink<W>,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize, W: Write> Evaluated<'s, 'a, B, A, N, W> {
    /// Draws the batching challenge and combines all openings of a height into one codeword.
    pub fn reduce(self) -> Reduced<'s, 'a, B, A, N, W> {
        Phase::Reduce.log();
        let Self {
            mut base,
            terminals,
            witnesses,
            zeta,
            sink,
        } = self;
        let batch_witness = base.grind(base.prover.plan.params().batch_pow_bits);
        let alpha = base.challenger.sample_ext();
        let prover = &mut *base.prover;
        match prover.plan.profile() {
            Profile::Fast => prover.reduce_fast(zeta, alpha),
            Profile::Compact => prover.reduce_compact(&prover.lookup.clone(), zeta, alpha),
        }
        Reduced {
            base,
            terminals,
            witnesses,
            batch_witness,
            sink,
        }
    }
}

/// A batch whose openings are combined into codewords.
#[derive(Debug)]
pub struct Reduced<'s, 'a, B: Backend, A, const N: usize, W> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Vec<Option<EF>, N>,
    witnesses: Witnesses,
    batch_witness: F,
    sink: Sink<W>,
}

/// What the low-degree test adds to a proof besides its trees and openings.
#[derive(Clone, Debug)]
pub(super) struct FriOutcome {
    pub batch_witness: F,
    pub commit_witnesses: Vec<F, MAX_LOG_HEIGHT>,
    pub query_witness: F,
    pub indices: Vec<u32, MAX_QUERIES>,
}

impl<'s, 'a, B: Backend, A: ProverAir<B>, const N: usize, W: Write> Reduced<'s, 'a, B, A, N, W> {
    /// Folds and commits the codewords down to the final polynomial, and draws the queries.
    pub fn fold(self) -> Folded<'s, 'a, B, A, N, W> {
        Phase::Fold.log();
        let Self {
            mut base,
            terminals,
            witnesses,
            batch_witness,
            sink,
        } = self;
        let plan = base.prover.plan;
        let params = plan.params();
        let log_max = plan.log_max_lde();
        transcript::seed_fri(&mut base.challenger, plan.log_arities(), params, log_max);
        let mut commit_witnesses = Vec::new();
        for round in 0..plan.log_arities().len() {
            match base.prover.plan.profile() {
                Profile::Fast => base.prover.commit_fold(round),
                Profile::Compact => base.prover.commit_fold_compact(round),
            }
            let tree = base.prover.fri_tree(round);
            for digest in tree.cap(params.cap_height as usize) {
                base.challenger.observe_slice(&digest);
            }
            let witness = base
                .challenger
                .grind(&base.prover.hasher, params.commit_pow_bits as usize);
            commit_witnesses.push(witness).expect("one per round");
            let beta = base.challenger.sample_ext();
            match base.prover.plan.profile() {
                Profile::Fast => base.prover.fold(round, beta),
                Profile::Compact => base.prover.fold_compact(round, beta),
            }
        }
        if base.prover.plan.profile() == Profile::Fast {
            base.prover.interpolate_final();
        }
        for coefficient in base.prover.final_polynomial() {
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
            terminals,
            witnesses,
            fri,
            sink,
        }
    }
}

/// A batch whose low-degree test is run; the queries are drawn.
#[derive(Debug)]
pub struct Folded<'s, 'a, B: Backend, A, const N: usize, W> {
    base: Base<'s, 'a, B, A, N>,
    terminals: Vec<Option<EF>, N>,
    witnesses: Witnesses,
    fri: FriOutcome,
    sink: Sink<W>,
}

impl<B: Backend, A: ProverAir<B>, const N: usize, W: Write> Folded<'_, '_, B, A, N, W> {
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
        let (prover, sink) = (&mut *self.base.prover, &mut self.sink);
        openings::write_fri(prover, &mut self.fri, sink)?;
        openings::write_tail(prover.plan, &self.terminals, &self.witnesses, sink)?;
        sink.flush()?;
        Ok(sink.written())
    }
}
