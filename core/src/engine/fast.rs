//! The phases of the `Fast` profile: extensions stay in the workspace, or columns at the head of their places.

use p3_field::{Field, PrimeCharacteristicRing};

use super::{Engine, set_terminal, terminal};
use crate::air::ProverAir;
use crate::backend::by_width;
use crate::divide::{ROWS, divide, each_column};
use crate::hash::paths::Indices;
use crate::hash::{Hashes, Suite};
use crate::kernels::ntt::Twiddles;
use crate::parts::{part, part_mut, take, take_mut};
use crate::plan::RegionName;
use crate::shape::Round;
use crate::steps::extension::{extend_traces, shift};
use crate::steps::reduce::Skips;
use crate::steps::rows::TableColumns;
use crate::steps::{argue, claims, quotient, reduce, trees};
use crate::workspace::{ColumnsMut, words_mut};
use crate::{D, EF, F};

impl<B: Hashes<S>, A: ProverAir<B>, S: Suite> Engine<'_, B, A, S> {
    /// Extends the traces of a round, bit-reversed in place, unless they stay at home, and commits them.
    pub(super) fn extend_and_commit(&mut self, round: Round) {
        let names = [RegionName::Twiddles, round.home(), round.region()];
        let [twiddles, traces, extensions] = self.places.take(names);
        let twiddles = Twiddles::view(twiddles, self.shape.log_twiddles());
        let twiddles = (!self.at_home).then_some(&twiddles);
        extend_traces::<B>(self.shape, round, twiddles, traces, extensions);
        self.commit_round(round);
    }

    /// Builds the Merkle trees of a round over its extensions; nothing for a round without matrices.
    fn commit_round(&mut self, round: Round) {
        if self.shape.has_round(round) && self.hashed[round as usize] {
            let names = [round.region(), round.digests(), round.scratch()];
            let [extensions, digests, scratch] = self.places.take(names);
            let (digests, scratch) = (words_mut(digests), words_mut(scratch));
            trees::commit_round::<B>(
                self.shape,
                &self.hasher,
                round,
                extensions,
                digests,
                scratch,
            );
        }
    }

    /// Generates, extends and commits the permutation traces.
    pub(super) fn argue_fast(&mut self) {
        let shape = self.shape;
        let [
            twiddles,
            main,
            preprocessed,
            public,
            mut permutation,
            terminals,
            scratch,
        ] = self.places.take([
            RegionName::Twiddles,
            RegionName::Trace,
            RegionName::PreprocessedTrace,
            RegionName::PublicValues,
            RegionName::Permutation,
            RegionName::Terminals,
            RegionName::ArgueScratch,
        ]);
        let twiddles = Twiddles::view(twiddles, shape.log_twiddles());
        let (mut main, mut preprocessed, mut public) = (&*main, &*preprocessed, &*public);
        for (table, (planned, air)) in shape.tables().iter().zip(self.airs).enumerate() {
            let (layout, height) = (&planned.layout, planned.height());
            let traces = TableColumns {
                table: planned,
                main: take(&mut main, layout.main_width * height),
                preprocessed: take(&mut preprocessed, layout.preprocessed_width * height),
                stride: height,
                public_values: take(&mut public, layout.num_public_values),
                messages: self.lookup.messages(layout),
            };
            if !layout.has_lookups() {
                continue;
            }
            let stride = 1 << shape.log_lde(planned);
            let out = take_mut(&mut permutation, planned.permutation_base_width() * stride);
            let work = (0..height, ColumnsMut::new(out, stride, height));
            divide::<B, _>(work, ROWS, scratch, &|(rows, mut out), scratch| {
                by_width!(
                    height,
                    argue::fast::generate,
                    <B, A>(air, &traces, rows, &mut out, scratch)
                );
            });
            let sum = argue::accumulate(out, stride, planned.log_height());
            set_terminal(terminals, table, sum);
            if self.at_home {
                continue;
            }
            each_column::<B>(out, stride, |slot| {
                B::extend(&twiddles, slot, shape.log_blowup(), F::GENERATOR);
            });
        }
        self.commit_round(Round::Permutation);
    }

    /// Computes, extends and commits the quotients.
    pub(super) fn quotient_fast(&mut self, alpha: EF) {
        let shape = self.shape;
        let [
            twiddles,
            main,
            preprocessed,
            permutation,
            public,
            terminals,
            mut quotients,
            scratch,
        ] = self.places.take([
            RegionName::Twiddles,
            RegionName::Main,
            RegionName::Preprocessed,
            RegionName::Permutation,
            RegionName::PublicValues,
            RegionName::Terminals,
            RegionName::Quotient,
            RegionName::QuotientScratch,
        ]);
        let twiddles = Twiddles::view(twiddles, shape.log_twiddles());
        let (mut main, mut preprocessed) = (&*main, &*preprocessed);
        let (mut permutation, mut public) = (&*permutation, &*public);
        for (table, (planned, air)) in shape.tables().iter().zip(self.airs).enumerate() {
            let (layout, stride) = (&planned.layout, 1 << shape.log_lde(planned));
            let inputs = quotient::fast::ExtendedTable {
                columns: TableColumns {
                    table: planned,
                    main: take(&mut main, layout.main_width * stride),
                    preprocessed: take(&mut preprocessed, layout.preprocessed_width * stride),
                    stride,
                    public_values: take(&mut public, layout.num_public_values),
                    messages: self.lookup.messages(layout),
                },
                permutation: take(&mut permutation, planned.permutation_base_width() * stride),
                terminal: terminal(planned, terminals, table),
                alpha,
            };
            for chunk in 0..planned.num_chunks() {
                let (height, out) = (planned.height(), take_mut(&mut quotients, D * stride));
                let work = (0..height, ColumnsMut::new(out, stride, height));
                divide::<B, _>(work, ROWS, scratch, &|(rows, mut out), scratch| {
                    by_width!(
                        height,
                        quotient::fast::evaluate,
                        <B, A>(air, &inputs, &twiddles, chunk, rows, &mut out, scratch)
                    );
                });
                let shift = F::GENERATOR / quotient::chunk_shift(planned, chunk);
                each_column::<B>(out, stride, |slot| {
                    B::extend(&twiddles, slot, shape.log_blowup(), shift);
                });
            }
        }
        self.commit_round(Round::Quotient);
    }

    /// Copies the quotient chunks, moved home: what they are committed as begins on the coset of the generator.
    pub(super) fn keep_quotients_fast(&mut self, mut out: &mut [F]) {
        let shape = self.shape;
        let [twiddles, quotients] = self
            .places
            .take([RegionName::Twiddles, RegionName::Quotient]);
        let twiddles = Twiddles::view(twiddles, shape.log_twiddles());
        for matrix in shape.round(Round::Quotient) {
            let (stride, height) = (
                1 << matrix.log_lde,
                1 << (matrix.log_lde - shape.log_blowup()),
            );
            let kept = take_mut(&mut out, matrix.width * height);
            let slots = part(quotients, matrix.extension()).chunks_exact(stride);
            for (column, slot) in kept.chunks_exact_mut(height).zip(slots) {
                column.copy_from_slice(&slot[..height]);
            }
            shift::<B>(&twiddles, kept, height, F::GENERATOR, F::ONE);
        }
    }

    /// Takes quotient chunks that were kept, extends them unless they stay at home, and commits them.
    pub(super) fn restore_quotients_fast(&mut self, mut kept: &[F]) {
        let shape = self.shape;
        let [twiddles, quotients] = self
            .places
            .take([RegionName::Twiddles, RegionName::Quotient]);
        let twiddles = Twiddles::view(twiddles, shape.log_twiddles());
        for matrix in shape.round(Round::Quotient) {
            let height = 1 << (matrix.log_lde - shape.log_blowup());
            let own = take(&mut kept, matrix.width * height);
            let slots = part_mut(quotients, matrix.extension());
            let slots = slots.chunks_exact_mut(1 << matrix.log_lde);
            for (slot, column) in slots.zip(own.chunks_exact(height)) {
                slot[..height].copy_from_slice(column);
                if !self.at_home {
                    B::extend(&twiddles, slot, shape.log_blowup(), F::GENERATOR);
                }
            }
        }
        self.commit_round(Round::Quotient);
    }

    /// The point that generates the coset which the columns in the workspace begin on.
    fn coset(&self) -> F {
        if self.at_home { F::ONE } else { F::GENERATOR }
    }

    /// Evaluates every column.
    pub(super) fn evaluate_fast(&mut self, zeta: EF) {
        let coset = self.coset();
        let [
            twiddles,
            main,
            quotients,
            preprocessed,
            permutation,
            openings,
            scratch,
        ] = self.places.take([
            RegionName::Twiddles,
            RegionName::Main,
            RegionName::Quotient,
            RegionName::Preprocessed,
            RegionName::Permutation,
            RegionName::Openings,
            RegionName::EvaluateScratch,
        ]);
        let extensions = [&*main, &*quotients, &*preprocessed, &*permutation];
        let twiddles = Twiddles::view(twiddles, self.shape.log_twiddles());
        let columns = (extensions, coset);
        claims::fast::evaluate::<B>(self.shape, columns, &twiddles, zeta, openings, scratch);
    }

    /// Combines all openings of a height.
    pub(super) fn reduce_fast(&mut self, zeta: EF, batching: (EF, Skips<'_>)) {
        let coset = self.coset();
        let [
            twiddles,
            main,
            quotients,
            preprocessed,
            permutation,
            openings,
            codewords,
            scratch,
        ] = self.places.take([
            RegionName::Twiddles,
            RegionName::Main,
            RegionName::Quotient,
            RegionName::Preprocessed,
            RegionName::Permutation,
            RegionName::Openings,
            RegionName::Codewords,
            RegionName::ReduceScratch,
        ]);
        let extensions = [&*main, &*quotients, &*preprocessed, &*permutation];
        let twiddles = Twiddles::view(twiddles, self.shape.log_twiddles());
        let columns = (extensions, coset);
        reduce::fast::reduce::<B>(
            self.shape, columns, &twiddles, zeta, batching, openings, codewords, scratch,
        );
    }

    /// Rebuilds the siblings for `indices` that the trees of a round have not kept: [`Engine::round_siblings`].
    pub fn collect_siblings(&mut self, round: Round, indices: &Indices) {
        let (shape, pass) = (self.shape, self.pass());
        let [extensions, scratch] = self.places.take([round.region(), RegionName::OpenScratch]);
        trees::collect_siblings::<B>(
            shape,
            &self.hasher,
            (round, &pass),
            extensions,
            indices,
            scratch,
        );
    }

    /// The extensions of a round.
    pub fn extensions(&self, round: Round) -> &[F] {
        self.places.read(round.region())
    }
}
