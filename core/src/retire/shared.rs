//! The shared order: the run as one batch of all its tables, in Plonky3's own order.
//!
//! Each round has one root for each batch; a challenge needs those of all batches, so the run is walked once
//! for each: main roots, permutation roots, quotient roots, claims, codewords, openings. The bytes are those
//! that `prove_batch` writes for all tables of the run where each batch is a group of the main, the
//! permutation and the quotient round, and the preprocessed round is one.

use embedded_io::Write;
use p3_field::PrimeCharacteristicRing;

use super::error::RetireError;
use super::store::{Layout, paths_len, row_bytes};
use super::walk::{Challenges, Error};
use super::{Retire, Run};
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

impl<'a, B: Hashes<S>, A: ProverAir<B>, const N: usize, S: Suite> Retire<'a, B, A, N, S> {
    /// Proves a run in shared order. Returns the number of proof bytes written.
    pub(super) fn prove_shared<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        sink: W,
    ) -> Result<u64, Error<R, W>> {
        let mut sink = Sink::new(sink);
        let layout = self.plan.layout().expect("planned");
        let (plan, params) = (self.plan, *self.plan.params());
        let mut main = self.hasher.transcript();
        let mut drawn = Drawn::default();

        let hashed = [Round::Main, Round::Preprocessed];
        self.walk(run, &layout, true, &hashed, |mut visit| {
            visit.engine.commit(Round::Main);
            hashed.into_iter().for_each(|round| visit.keep_roots(round));
            visit.keep_trees(Round::Main);
            Ok(())
        })?;
        self.begin_shared(run, &layout, &mut main);
        if plan.has_lookups() {
            let bits = params.lookup_pow_bits.into();
            drawn.lookup_witness = self.hasher.grind(&mut main, bits);
            drawn.lookup = Some((main.sample_ext(), main.sample_ext()));
            self.walk(run, &layout, false, &[Round::Permutation], |mut visit| {
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
            })?;
            self.observe_roots(&layout, Round::Permutation, &mut main);
            for terminal in self.terminals(&layout).flatten() {
                main.observe_ext(terminal);
            }
        }
        drawn.constraint = main.sample_ext();
        self.walk(run, &layout, false, &[Round::Quotient], |mut visit| {
            visit.set_lookup(drawn.lookup);
            visit.engine.commit(Round::Main);
            visit.engine.argue();
            visit.engine.quotient(drawn.constraint);
            visit.keep_roots(Round::Quotient);
            visit.keep_trees(Round::Quotient);
            Ok(())
        })?;
        self.observe_roots(&layout, Round::Quotient, &mut main);
        let bits = params.ood_pow_bits.into();
        drawn.ood_witness = self.hasher.grind(&mut main, bits);
        drawn.zeta = main.sample_ext();
        self.write_commitments(&layout, &mut sink)
            .map_err(RetireError::Sink)?;

        self.claim_all(run, &layout, &drawn, &mut sink)?;
        self.observe_claims(&layout, &mut main);
        let bits = params.batch_pow_bits.into();
        drawn.batch_witness = self.hasher.grind(&mut main, bits);
        drawn.batching = main.sample_ext();

        self.reduce_all::<R, W>(run, &layout, &drawn)?;
        let mut low = self.accumulators(&layout);
        let mut outcome = fold_down(&mut low, &mut main, &params);
        sink.field(drawn.batch_witness)
            .and_then(|()| write_fold_commitments(&low, &outcome, params.cap_height, &mut sink))
            .map_err(RetireError::Sink)?;

        self.open_shared::<R, W>(run, &layout, &drawn, &outcome.indices)?;
        self.write_openings(&layout, &mut sink)
            .and_then(|()| self.write_rest(&layout, &mut outcome, &drawn, &mut sink))
            .map_err(RetireError::Sink)?;
        Ok(sink.written())
    }

    /// The shape of each batch.
    fn shapes(&self) -> impl Iterator<Item = BatchShape<'a>> + Clone + use<'a, B, A, N, S> {
        let plan = self.plan;
        (0..plan.batches()).map(move |batch| plan.shape(batch))
    }

    /// The rounds that the run has.
    fn rounds(&self) -> impl Iterator<Item = Round> + Clone + use<'a, B, A, N, S> {
        let shapes = self.shapes();
        let has = move |round: &Round| shapes.clone().any(|shape| shape.has_round(*round));
        Round::ALL.into_iter().filter(has)
    }

    /// The transcript up to the last main root.
    fn begin_shared<R: Run>(&self, run: &R, layout: &Layout, main: &mut S::Transcript<'a>) {
        let plan = self.plan;
        if let Some(statement) = run.statement() {
            main.observe_slice(&statement.elements());
        }
        let tables = self.shapes().flat_map(BatchShape::tables);
        let seeded = tables.clone().map(SeededTable::new);
        transcript::seed_batch(main, seeded, plan.params());
        for table in tables {
            main.observe_ext(EF::from_usize(table.log_height()));
        }
        self.observe_roots(layout, Round::Main, main);
        for batch in 0..plan.batches() {
            let values = run.public_values(batch);
            let values = values.as_ref().iter();
            values.for_each(|values| main.observe_slice(values));
        }
        if self.rounds().any(|round| round == Round::Preprocessed) {
            self.observe_roots(layout, Round::Preprocessed, main);
        }
    }

    /// Observes the commitment to a round: its roots, behind their number.
    fn observe_roots(&self, layout: &Layout, round: Round, main: &mut S::Transcript<'a>) {
        main.observe(F::from_usize(self.roots(layout, round).count()));
        let digests = self.roots(layout, round).flatten();
        digests.for_each(|digest| main.observe_digest(digest));
    }

    /// The terminal of each table of the run; `None` where the AIR declares no interaction.
    fn terminals(&self, layout: &Layout) -> impl Iterator<Item = Option<EF>> + '_ {
        self.slots(layout).flat_map(|(shape, slot)| {
            let kept = self.store[slot.terminals].as_chunks::<D>().0;
            let tables = shape.tables().iter().enumerate();
            tables.map(|(table, planned)| {
                let has_lookups = planned.layout.has_lookups();
                has_lookups.then(|| challenge(kept[table]))
            })
        })
    }

    /// `BatchCommitments`: main, permutation, quotient chunks, no randomization.
    fn write_commitments<W: Write>(
        &self,
        layout: &Layout,
        sink: &mut Sink<W>,
    ) -> Result<(), W::Error> {
        self.write_caps(layout, Round::Main, sink)?;
        if self.plan.has_lookups() {
            sink.some()?;
            self.write_caps(layout, Round::Permutation, sink)?;
        } else {
            sink.none()?;
        }
        self.write_caps(layout, Round::Quotient, sink)?;
        sink.none()
    }

    fn write_caps<W: Write>(
        &self,
        layout: &Layout,
        round: Round,
        sink: &mut Sink<W>,
    ) -> Result<(), W::Error> {
        sink.length(self.roots(layout, round).count())?;
        for cap in self.roots(layout, round) {
            sink.length(cap.len())?;
            cap.iter().try_for_each(|digest| sink.digest(digest))?;
        }
        Ok(())
    }

    /// The fourth walk: the claims of each batch are written and kept.
    fn claim_all<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        layout: &Layout,
        drawn: &Drawn,
        sink: &mut Sink<W>,
    ) -> Result<(), Error<R, W>> {
        let tables = self.shapes().map(|shape| shape.tables().len()).sum();
        sink.length(tables).map_err(RetireError::Sink)?;
        self.walk(run, layout, false, &[], |mut visit| {
            visit.set_lookup(drawn.lookup);
            let engine = visit.engine;
            engine.commit(Round::Main);
            engine.argue();
            engine.quotient(drawn.constraint);
            engine.evaluate(drawn.zeta);
            visit.store[visit.slot.claims.clone()].copy_from_slice(engine.openings());
            write_table_claims(engine.shape, engine.openings(), sink).map_err(RetireError::Sink)
        })
    }

    /// Seeds the opening argument, and observes all claims in opening order.
    fn observe_claims(&self, layout: &Layout, main: &mut S::Transcript<'a>) {
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
            for (shape, slot) in self.slots(layout) {
                let claims = &self.store[slot.claims];
                for matrix in shape.round(round) {
                    let points = 0..matrix.points();
                    points.for_each(|point| main.observe_slice(&claims[matrix.claims(point)]));
                }
            }
        }
    }

    /// The fifth walk: the codewords of each batch, added up.
    fn reduce_all<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        layout: &Layout,
        drawn: &Drawn,
    ) -> Result<(), Error<R, W>> {
        let plan = self.plan;
        let folds = plan.folds();
        let (mut all, mut before) = (Pairs::default(), Pairs::default());
        self.shapes().for_each(|shape| all.add(shape));
        self.store[layout.accumulators.clone()].fill(F::ZERO);
        self.walk(run, layout, false, &[], |mut visit| {
            visit.set_lookup(drawn.lookup);
            let engine = visit.engine;
            engine.commit(Round::Main);
            engine.argue();
            engine.quotient(drawn.constraint);
            engine.set_openings(&visit.store[visit.slot.claims.clone()]);
            // Before a batch's pairs of a round stand those of all batches in the rounds before, and
            // those of the batches before it in this round; its own are counted with it.
            let mut own = Pairs::default();
            own.add(engine.shape);
            let skips = |round: Round, log_lde: usize| {
                let earlier = Round::ALL.into_iter().take_while(|&r| r != round);
                let others = earlier.map(|r| all.get(r, log_lde) - own.get(r, log_lde));
                others.sum::<u64>() + before.get(round, log_lde)
            };
            engine.reduce(drawn.zeta, drawn.batching, &skips);
            before.add(engine.shape);
            let accumulators = &mut visit.store[layout.accumulators.clone()];
            let own = (engine.shape.folds(), engine.reduced());
            folds.add::<B>(accumulators, own, EF::ONE);
            Ok(())
        })
    }

    /// The sixth walk: rows and paths of each batch, into the store.
    fn open_shared<R: Run, W: Write>(
        &mut self,
        run: &mut R,
        layout: &Layout,
        drawn: &Drawn,
        indices: &Indices,
    ) -> Result<(), Error<R, W>> {
        let log_max = self.plan.folds().log_max();
        let mut first_bytes = [0; Round::ALL.len()];
        let mut paths = layout.paths.clone();
        let hashed = self.hashed_to_open();
        self.walk(run, layout, false, hashed, |mut visit| {
            visit.set_lookup(drawn.lookup);
            let engine = &mut *visit.engine;
            engine.commit(Round::Main);
            engine.argue();
            engine.quotient(drawn.constraint);
            engine.begin_openings();
            let shape = engine.shape;
            let shift = log_max - shape.log_max_lde();
            let indices: Indices = indices.iter().map(|index| index >> shift).collect();
            if !visit.restore_trees(&indices) {
                let batch = visit.batch;
                return Err(RetireError::Changed { batch });
            }
            let engine = visit.engine;
            for round in Round::ALL.into_iter().filter(|&r| shape.has_round(r)) {
                let number = round as usize;
                let rows = workspace::bytes_mut(&mut visit.store[layout.rows[number].clone()]);
                let (len, first) = (row_bytes(shape, round), &mut first_bytes[number]);
                let opened = open_rows(engine, round, &indices, |query, row| {
                    let start = query * layout.row_bytes[number] + *first;
                    row.write(&mut Sink::new(&mut rows[start..start + len]))
                });
                opened.expect("room for the rows");
                *first += len;
                let (lengths, bytes) = visit.store[paths[number].clone()].split_at_mut(1);
                let mut sink = Sink::new(workspace::bytes_mut(bytes));
                write_round_paths(engine, round, &indices, &mut sink).expect("room for the paths");
                workspace::words_mut(lengths)[0] = sink.written() as u32;
                paths[number].start += paths_len(shape, round);
            }
            Ok(())
        })
    }

    /// The openings of the inputs: one `BatchMultiOpening` a round, behind their number.
    fn write_openings<W: Write>(
        &self,
        layout: &Layout,
        sink: &mut Sink<W>,
    ) -> Result<(), W::Error> {
        let queries = usize::from(self.plan.params().num_queries);
        sink.length(self.rounds().count())?;
        for round in self.rounds() {
            let matrices = self.shapes().map(|shape| shape.round(round).count()).sum();
            let rows = workspace::bytes(&self.store[layout.rows[round as usize].clone()]);
            let row_bytes = layout.row_bytes[round as usize];
            sink.length(queries)?;
            for query in 0..queries {
                sink.length(matrices)?;
                sink.bytes(&rows[query * row_bytes..][..row_bytes])?;
            }
            let with_round = self.shapes().filter(|shape| shape.has_round(round));
            sink.length(with_round.clone().count())?;
            let mut rest = &self.store[layout.paths[round as usize].clone()];
            for shape in with_round {
                let (paths, after) = rest.split_at(paths_len(shape, round));
                let len = workspace::words(paths)[0] as usize;
                sink.bytes(&workspace::bytes(&paths[1..])[..len])?;
                rest = after;
            }
        }
        Ok(())
    }

    /// What follows the openings of the inputs.
    fn write_rest<W: Write>(
        &mut self,
        layout: &Layout,
        outcome: &mut FoldOutcome,
        drawn: &Drawn,
        sink: &mut Sink<W>,
    ) -> Result<(), W::Error> {
        let cap_height = self.plan.params().cap_height;
        let mut low = self.accumulators(layout);
        write_fold_openings(&mut low, &mut outcome.indices, cap_height, sink)?;
        write_final_polynomial(&low, outcome, sink)?;
        let tables = self.shapes().flat_map(BatchShape::tables);
        sink.length(tables.clone().count())?;
        for terminal in self.terminals(layout) {
            match terminal {
                Some(terminal) => {
                    sink.some()?;
                    sink.ext(terminal)?;
                }
                None => sink.none()?,
            }
        }
        sink.length(tables.clone().count())?;
        for table in tables {
            sink.varint(u64::from(table.spec.log_height))?;
        }
        match drawn.lookup {
            Some(_) => {
                sink.some()?;
                sink.field(drawn.lookup_witness)?;
            }
            None => sink.none()?,
        }
        sink.field(drawn.ood_witness)?;
        sink.flush()
    }
}

/// (column, point) pairs of some batches, by round and log2 of the extension's rows.
#[derive(Default)]
struct Pairs([[u64; u32::BITS as usize]; Round::ALL.len()]);

impl Pairs {
    /// Adds those of one more batch.
    fn add(&mut self, shape: BatchShape<'_>) {
        for matrix in shape.opened() {
            let pairs = (matrix.width * matrix.points()) as u64;
            self.0[matrix.round as usize][matrix.log_lde] += pairs;
        }
    }

    const fn get(&self, round: Round, log_lde: usize) -> u64 {
        self.0[round as usize][log_lde]
    }
}
