//! The shared order: the run as one batch of all its tables, in Plonky3's own order.
//!
//! Each round has one root for each batch; a challenge needs those of all batches, so the run is walked once
//! for each: main roots, permutation roots, quotient roots, claims, codewords, openings. The bytes are those
//! that `prove_batch` writes for all tables of the run where each batch is a group of the main, the
//! permutation and the quotient round, and the preprocessed round is one.

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::crew::Crew;
use super::error::RetireError;
use super::run::Run;
use super::store::{Leaves, row_bytes};
use super::walk::{Batch, Error, Proving, batches, shifted};
use super::worker::{Challenges, Wanted};
use crate::air::ProverAir;
use crate::hash::paths::Indices;
use crate::hash::{Hasher, Hashes, Suite, Transcript};
use crate::kernels::ext::{challenge, coordinates};
use crate::prover::folding::{
    FoldOutcome, fold_down, write_final_polynomial, write_fold_commitments, write_fold_openings,
};
use crate::prover::openings::{open_rows, write_round_paths, write_table_claims};
use crate::prover::transcript::{self, MatrixShape, SeededTable};
use crate::shape::{BatchShape, Round};
use crate::sink::Sink;
use crate::{D, EF, F, workspace};

/// What the phases of a run draw and grind.
#[derive(Clone, Copy, Debug, Default)]
struct Drawn {
    lookup: Challenges,
    lookup_witness: F,
    constraint: EF,
    ood_witness: F,
    zeta: EF,
    batch_witness: F,
    batching: EF,
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
    /// Proves a run in shared order. Returns the number of proof bytes written.
    pub fn shared(mut self) -> Result<u64, Error<R, W>> {
        let (plan, params) = (self.plan, *self.plan.params());
        let mut main = self.hasher.transcript();
        let mut drawn = Drawn::default();

        self.commit_all()?;
        self.begin_shared(&mut main);
        if plan.has_lookups() {
            let bits = params.lookup_pow_bits.into();
            drawn.lookup_witness = self.hasher.grind(&mut main, bits);
            drawn.lookup = Some((main.sample_ext(), main.sample_ext()));
            self.argue_shared(&drawn)?;
            self.observe_roots(Round::Permutation, &mut main);
            for terminal in self.batches().flat_map(|batch| terminals(&batch)).flatten() {
                main.observe_ext(terminal);
            }
        }
        drawn.constraint = main.sample_ext();
        self.walk(
            Wanted::Extensions(&[Round::Quotient]),
            Leaves::Quotient,
            |mut visit| {
                visit.set_lookup(drawn.lookup);
                visit.engine.commit(Round::Main);
                visit.engine.argue();
                visit.engine.quotient(drawn.constraint);
                visit.keep_roots(Round::Quotient);
                visit.keep_trees(Round::Quotient);
                visit.keep_quotients();
                Ok(())
            },
            |_| Ok(()),
        )?;
        self.observe_roots(Round::Quotient, &mut main);
        let bits = params.ood_pow_bits.into();
        drawn.ood_witness = self.hasher.grind(&mut main, bits);
        drawn.zeta = main.sample_ext();
        self.write_commitments().map_err(RetireError::Sink)?;

        self.claim_all(&drawn)?;
        self.observe_claims(&mut main);
        let bits = params.batch_pow_bits.into();
        drawn.batch_witness = self.hasher.grind(&mut main, bits);
        drawn.batching = main.sample_ext();

        self.reduce_all(&drawn)?;
        let (mut low, sink) = self.accumulators();
        let mut outcome = fold_down(&mut low, &mut main, &params);
        sink.field(drawn.batch_witness)
            .and_then(|()| write_fold_commitments(&low, &outcome, params.cap_height, sink))
            .map_err(RetireError::Sink)?;

        self.open_shared(&drawn, &outcome.indices)?;
        self.write_openings()
            .and_then(|()| self.write_rest(&mut outcome, &drawn))
            .map_err(RetireError::Sink)?;
        Ok(self.sink.written())
    }

    /// The shape of each batch.
    fn shapes(
        &self,
    ) -> impl Iterator<Item = BatchShape<'a>> + Clone + use<'a, B, A, N, S, R, C, W> {
        let plan = self.plan;
        (0..plan.batches()).map(move |batch| plan.shape(batch))
    }

    /// The rounds that the run has.
    fn rounds(&self) -> impl Iterator<Item = Round> + Clone + use<'a, B, A, N, S, R, C, W> {
        let shapes = self.shapes();
        let has = move |round: &Round| shapes.clone().any(|shape| shape.has_round(*round));
        Round::ALL.into_iter().filter(has)
    }

    /// The transcript up to the last main root.
    fn begin_shared(&self, main: &mut S::Transcript<'a>) {
        let (plan, run) = (self.plan, &self.workers[0].run);
        if let Some(statement) = run.statement() {
            main.observe_slice(&statement.elements());
        }
        let tables = self.shapes().flat_map(BatchShape::tables);
        let seeded = tables.clone().map(SeededTable::new);
        transcript::seed_batch(main, seeded, plan.params());
        for table in tables {
            main.observe_ext(EF::from_usize(table.log_height()));
        }
        self.observe_roots(Round::Main, main);
        for batch in 0..plan.batches() {
            let values = run.public_values(batch);
            let values = values.as_ref().iter();
            values.for_each(|values| main.observe_slice(values));
        }
        if self.rounds().any(|round| round == Round::Preprocessed) {
            self.observe_roots(Round::Preprocessed, main);
        }
    }

    /// The second walk: permutation roots and terminals.
    fn argue_shared(&mut self, drawn: &Drawn) -> Result<(), Error<R, W>> {
        self.walk(
            Wanted::Extensions(&[Round::Permutation]),
            Leaves::Permutation,
            |mut visit| {
                visit.set_lookup(drawn.lookup);
                visit.engine.reverse_traces(Round::Main);
                visit.engine.argue();
                visit.keep_roots(Round::Permutation);
                if visit.engine.shape.has_lookups() {
                    visit.keep_trees(Round::Permutation);
                }
                let terminals = visit.engine.terminals();
                let kept = &mut visit.store[visit.slot.terminals.clone()];
                for (slot, terminal) in kept.as_chunks_mut::<D>().0.iter_mut().zip(terminals) {
                    *slot = coordinates(terminal.unwrap_or_default());
                }
                Ok(())
            },
            |_| Ok(()),
        )
    }

    /// Observes the commitment to a round: its roots, behind their number.
    fn observe_roots(&self, round: Round, main: &mut S::Transcript<'a>) {
        main.observe(F::from_usize(self.roots(round).count()));
        let digests = self.roots(round).flatten();
        digests.for_each(|digest| main.observe_digest(digest));
    }

    /// `BatchCommitments`: main, permutation, quotient chunks, no randomization.
    fn write_commitments(&mut self) -> Result<(), W::Error> {
        self.write_round(Round::Main)?;
        if self.plan.has_lookups() {
            self.sink.some()?;
            self.write_round(Round::Permutation)?;
        } else {
            self.sink.none()?;
        }
        self.write_round(Round::Quotient)?;
        self.sink.none()
    }

    /// The caps of a round, behind their number.
    fn write_round(&mut self, round: Round) -> Result<(), W::Error> {
        let caps = self.roots(round).count();
        self.sink.length(caps)?;
        self.write_caps(round)
    }

    /// The fourth walk: the claims of each batch are written and kept.
    fn claim_all(&mut self, drawn: &Drawn) -> Result<(), Error<R, W>> {
        let tables = self.shapes().map(|shape| shape.tables().len()).sum();
        self.sink.length(tables).map_err(RetireError::Sink)?;
        self.walk(
            Wanted::Columns,
            Leaves::Claims,
            |mut visit| {
                visit.remake(drawn.lookup, drawn.constraint);
                let engine = visit.engine;
                engine.evaluate(drawn.zeta);
                visit.store[visit.slot.claims.clone()].copy_from_slice(engine.openings());
                Ok(())
            },
            |turn| write_table_claims(turn.engine.shape, turn.engine.openings(), turn.sink),
        )
    }

    /// Seeds the opening argument, and observes all claims in opening order.
    fn observe_claims(&self, main: &mut S::Transcript<'a>) {
        let shapes = self.shapes();
        let rounds = self.rounds().map(|round| {
            let matrices = shapes.clone().flat_map(move |shape| shape.round(round));
            matrices.map(|matrix| MatrixShape {
                num_points: matrix.points(),
                width: matrix.width,
            })
        });
        transcript::seed_pcs(main, rounds, self.plan.params());
        for round in Round::ALL {
            for batch in self.batches() {
                let claims = &batch.store[batch.slot.claims.clone()];
                for matrix in batch.shape.round(round) {
                    let points = 0..matrix.points();
                    points.for_each(|point| main.observe_slice(&claims[matrix.claims(point)]));
                }
            }
        }
    }

    /// The fifth walk: the codewords of each batch, added up.
    fn reduce_all(&mut self, drawn: &Drawn) -> Result<(), Error<R, W>> {
        let plan = self.plan;
        let folds = plan.folds();
        let pairs_of = |kinds: &[u8]| {
            let mut pairs = Pairs::default();
            for (kind, of_kind) in plan.kinds().iter().enumerate() {
                let count = kinds.iter().filter(|&&k| usize::from(k) == kind).count();
                pairs.add(of_kind.plan.shape(), count);
            }
            pairs
        };
        let all = pairs_of(plan.sequence());
        let accumulators = self.layout.accumulators.clone();
        self.store[accumulators.clone()].fill(F::ZERO);
        self.walk(
            Wanted::Columns,
            Leaves::Sums,
            |mut visit| {
                visit.remake(drawn.lookup, drawn.constraint);
                let engine = visit.engine;
                engine.set_openings(&visit.store[visit.slot.claims.clone()]);
                // Before a batch's pairs of a round stand those of all batches in the rounds before, and
                // those of the batches before it in this round; its own are counted with it.
                let before = pairs_of(&plan.sequence()[..visit.batch]);
                let mut own = Pairs::default();
                own.add(engine.shape, 1);
                let skips = |round: Round, log_lde: usize| {
                    let earlier = Round::ALL.into_iter().take_while(|&r| r != round);
                    let others = earlier.map(|r| all.get(r, log_lde) - own.get(r, log_lde));
                    others.sum::<u64>() + before.get(round, log_lde)
                };
                engine.reduce(drawn.zeta, drawn.batching, &skips);
                Ok(())
            },
            |turn| {
                let own = (turn.engine.shape.folds(), turn.engine.reduced());
                let accumulators = &mut turn.store[accumulators.clone()];
                folds.add::<B>(accumulators, own, EF::ONE);
                Ok(())
            },
        )
    }

    /// The sixth walk: rows and paths of each batch, into the store.
    fn open_shared(&mut self, drawn: &Drawn, indices: &Indices) -> Result<(), Error<R, W>> {
        let log_max = self.plan.folds().log_max();
        self.walk(
            self.to_open(),
            Leaves::Openings,
            |mut visit| {
                visit.remake(drawn.lookup, drawn.constraint);
                let engine = &mut *visit.engine;
                engine.begin_openings();
                let shape = engine.shape;
                let indices = shifted(indices, log_max - shape.log_max_lde());
                visit.restore_trees(&indices)?;
                let (engine, slot) = (visit.engine, visit.slot);
                for round in Round::ALL.into_iter().filter(|&r| shape.has_round(r)) {
                    let rows = &mut visit.store[slot.rows[round as usize].clone()];
                    let mut sink = Sink::new(workspace::bytes_mut(rows));
                    let opened = open_rows(engine, round, &indices, |_, row| row.write(&mut sink));
                    opened.expect("room for the rows");
                    let paths = &mut visit.store[slot.paths[round as usize].clone()];
                    let (length, bytes) = paths.split_at_mut(1);
                    let mut sink = Sink::new(workspace::bytes_mut(bytes));
                    let written = write_round_paths(engine, round, &indices, &mut sink);
                    written.expect("room for the paths");
                    workspace::words_mut(length)[0] = sink.written() as u32;
                }
                Ok(())
            },
            |_| Ok(()),
        )
    }

    /// The openings of the inputs: one `BatchMultiOpening` a round, behind their number.
    fn write_openings(&mut self) -> Result<(), W::Error> {
        let queries = usize::from(self.plan.params().num_queries);
        let rounds = self.rounds();
        self.sink.length(rounds.clone().count())?;
        for round in rounds {
            let matrices = self.shapes().map(|shape| shape.round(round).count()).sum();
            let number = round as usize;
            let sink = &mut self.sink;
            let batches = batches(self.plan, &self.layout, self.store);
            let batches = batches.filter(|batch| batch.shape.has_round(round));
            sink.length(queries)?;
            for query in 0..queries {
                sink.length(matrices)?;
                for batch in batches.clone() {
                    let rows = workspace::bytes(&batch.store[batch.slot.rows[number].clone()]);
                    let len = row_bytes(batch.shape, round);
                    sink.bytes(&rows[query * len..][..len])?;
                }
            }
            sink.length(batches.clone().count())?;
            for batch in batches {
                let paths = &batch.store[batch.slot.paths[number].clone()];
                let len = workspace::words(paths)[0] as usize;
                sink.bytes(&workspace::bytes(&paths[1..])[..len])?;
            }
        }
        Ok(())
    }

    /// What follows the openings of the inputs.
    fn write_rest(&mut self, outcome: &mut FoldOutcome, drawn: &Drawn) -> Result<(), W::Error> {
        let cap_height = self.plan.params().cap_height;
        let (mut low, sink) = self.accumulators();
        write_fold_openings(&mut low, &mut outcome.indices, cap_height, sink)?;
        write_final_polynomial(&low, outcome, sink)?;
        let tables = self.shapes().flat_map(BatchShape::tables);
        self.sink.length(tables.clone().count())?;
        for batch in batches(self.plan, &self.layout, self.store) {
            for terminal in terminals(&batch) {
                match terminal {
                    Some(terminal) => {
                        self.sink.some()?;
                        self.sink.ext(terminal)?;
                    }
                    None => self.sink.none()?,
                }
            }
        }
        self.sink.length(tables.clone().count())?;
        for table in tables {
            self.sink.varint(u64::from(table.spec.log_height))?;
        }
        match drawn.lookup {
            Some(_) => {
                self.sink.some()?;
                self.sink.field(drawn.lookup_witness)?;
            }
            None => self.sink.none()?,
        }
        self.sink.field(drawn.ood_witness)?;
        self.sink.flush()
    }
}

/// The terminal of each table of a batch; `None` where the AIR declares no interaction.
fn terminals<'s>(batch: &Batch<'s>) -> impl Iterator<Item = Option<EF>> + use<'s> {
    let kept = batch.store[batch.slot.terminals.clone()].as_chunks::<D>().0;
    // A batch without lookups keeps none.
    let tables = batch.shape.tables().iter().enumerate();
    tables.map(|(table, planned)| {
        let has_lookups = planned.layout.has_lookups();
        has_lookups.then(|| challenge(kept[table]))
    })
}

/// (column, point) pairs of some batches, by round and log2 of the extension's rows.
#[derive(Default)]
struct Pairs([[u64; u32::BITS as usize]; Round::ALL.len()]);

impl Pairs {
    /// Adds those of `count` more batches.
    fn add(&mut self, shape: BatchShape<'_>, count: usize) {
        for matrix in shape.opened() {
            let pairs = (count * matrix.width * matrix.points()) as u64;
            self.0[matrix.round as usize][matrix.log_lde] += pairs;
        }
    }

    const fn get(&self, round: Round, log_lde: usize) -> u64 {
        self.0[round as usize][log_lde]
    }
}
