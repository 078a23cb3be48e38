//! The phases of the `Compact` profile: what stays are the homes of all matrices.

use super::{Engine, set_terminal, terminal};
use crate::air::ProverAir;
use crate::hash::paths::Indices;
use crate::hash::{Hashes, Suite};
use crate::kernels::ntt::Twiddles;
use crate::parts::{split_mut, take_mut};
use crate::plan::RegionName;
use crate::shape::Round;
use crate::steps::argue::fractions::generator_len;
use crate::steps::homes::Homes;
use crate::steps::reduce::Skips;
use crate::steps::trees::states_len;
use crate::steps::{argue, claims, opening, quotient, reduce, trees};
use crate::workspace::words_mut;
use crate::{EF, F};

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Engine<'a, B, A, S> {
    /// Commits to the extensions of a round that is at home as a whole.
    pub(super) fn commit_homes(&mut self, round: Round) {
        if !self.hashed[round as usize] {
            return;
        }
        let (shape, hasher) = (self.shape, &self.hasher);
        let names = [
            RegionName::Twiddles,
            round.home(),
            round.digests(),
            round.scratch(),
        ];
        let [twiddles, columns, digests, scratch] = self.places.take(names);
        let twiddles = Twiddles::view(twiddles, shape.log_twiddles());
        let mut digests = words_mut(digests);
        for group in shape.groups(round) {
            let tree_len = shape.tree_len(shape.log_leaves(round, &group));
            let room = (take_mut(&mut digests, tree_len), &mut *scratch);
            trees::commit_homes::<B>(shape, hasher, &twiddles, (round, &group), columns, room);
        }
    }

    /// Generates permutation traces, and commits to their extensions if their tree is wanted.
    pub(super) fn argue_compact(&mut self) {
        let (shape, hasher) = (self.shape, &self.hasher);
        let [
            twiddles,
            main,
            preprocessed,
            public_values,
            accumulators,
            digests,
            terminals,
            scratch,
        ] = self.places.take([
            RegionName::Twiddles,
            RegionName::Trace,
            RegionName::PreprocessedTrace,
            RegionName::PublicValues,
            RegionName::Accumulators,
            RegionName::PermutationDigests,
            RegionName::Terminals,
            RegionName::ArgueScratch,
        ]);
        let mut homes = Homes {
            shape,
            airs: self.airs,
            lookup: &self.lookup,
            twiddles: Twiddles::view(twiddles, shape.log_twiddles()),
            columns: [main, &mut [], preprocessed, accumulators],
            public_values,
        };
        let digests = words_mut(digests);
        let (scratch, rest) = split_mut(scratch, generator_len(shape));
        if !self.hashed[Round::Permutation as usize] {
            for matrix in shape.round(Round::Permutation) {
                let sum = argue::compact::sum_up::<B, A>(&mut homes, &matrix, scratch);
                set_terminal(terminals, matrix.table, sum);
            }
            return;
        }
        let at_once = self.room.argue_blocks;
        for group in shape.groups(Round::Permutation) {
            let len = states_len::<S>(shape, (Round::Permutation, &group), at_once);
            let (arena, columns) = split_mut(rest, len);
            trees::grow::<B, _>(
                shape,
                hasher,
                (Round::Permutation, &group),
                at_once,
                (arena, &mut *digests),
                |builder, matrix, blocks| {
                    let of = (matrix, blocks);
                    let sum = argue::compact::generate::<B, A>(
                        &mut homes, hasher, builder, of, columns, scratch,
                    );
                    if let Some(sum) = sum {
                        set_terminal(terminals, matrix.table, sum);
                    }
                },
            );
        }
    }

    /// Computes the quotient chunks and commits to their extensions.
    pub(super) fn quotient_compact(&mut self, alpha: EF) {
        let shape = self.shape;
        let [
            twiddles,
            main,
            preprocessed,
            public_values,
            accumulators,
            terminals,
            quotients,
            scratch,
        ] = self.places.take([
            RegionName::Twiddles,
            RegionName::Trace,
            RegionName::PreprocessedTrace,
            RegionName::PublicValues,
            RegionName::Accumulators,
            RegionName::Terminals,
            RegionName::Quotient,
            RegionName::QuotientScratch,
        ]);
        let mut homes = Homes {
            shape,
            airs: self.airs,
            lookup: &self.lookup,
            twiddles: Twiddles::view(twiddles, shape.log_twiddles()),
            columns: [main, &mut [], preprocessed, accumulators],
            public_values,
        };
        let (scratch, columns) = split_mut(scratch, quotient::compact::work_len(shape));
        let (columns, _) = split_mut(columns, self.room.quotient);
        let mut rest = quotients;
        for (table, planned) in shape.tables().iter().enumerate() {
            let out = take_mut(&mut rest, planned.quotient_base_width() * planned.height());
            let challenges = (terminal(planned, terminals, table), alpha);
            quotient::compact::evaluate::<B, A>(
                &mut homes, table, challenges, out, columns, scratch,
            );
        }
        self.commit_homes(Round::Quotient);
    }

    /// Takes quotient chunks that were kept, and commits to their extensions if their tree is wanted.
    pub(super) fn restore_quotients_compact(&mut self, kept: &[F]) {
        let [quotients] = self.places.take([RegionName::Quotient]);
        quotients.copy_from_slice(kept);
        self.commit_homes(Round::Quotient);
    }

    /// Evaluates every column.
    pub(super) fn evaluate_compact(&mut self, zeta: EF) {
        let names = [RegionName::Openings, RegionName::EvaluateScratch];
        let (homes, [openings, scratch]) = self.homes_with_accumulators(names);
        claims::compact::evaluate::<B, A>(&homes, zeta, openings, scratch);
    }

    /// Combines all openings of a height into the coefficients of one codeword.
    pub(super) fn reduce_compact(&mut self, zeta: EF, batching: (EF, Skips<'_>)) {
        let names = [RegionName::Codewords, RegionName::ReduceScratch];
        let (homes, [codewords, scratch]) = self.homes_with_accumulators(names);
        reduce::compact::reduce::<B, A>(&homes, zeta, batching, codewords, scratch);
    }

    /// One pass of the open phase over a round: see [`opening::collect`].
    pub fn collect_rows(
        &mut self,
        round: Round,
        indices: &Indices,
        queries: &[u32],
        number: usize,
    ) {
        let pass = self.pass();
        let (mut homes, hasher, [scratch]) = self.homes([RegionName::OpenScratch]);
        let asked = (indices, queries, number);
        opening::collect::<B, A, _>(&mut homes, hasher, round, &pass, asked, scratch);
    }

    /// All homes and two other regions, until the codewords are folded.
    fn homes_with_accumulators(
        &mut self,
        [first, second]: [RegionName; 2],
    ) -> (Homes<'_, A>, [&mut [F]; 2]) {
        let names = [RegionName::Accumulators, first, second];
        let (mut homes, _, [accumulators, first, second]) = self.homes(names);
        homes.columns[Round::Permutation as usize] = accumulators;
        (homes, [first, second])
    }

    /// All homes but those of accumulators, the hasher, and some other regions.
    fn homes<const K: usize>(
        &mut self,
        others: [RegionName; K],
    ) -> (Homes<'_, A>, &B::Hasher<'a>, [&mut [F]; K]) {
        let names = [
            RegionName::Twiddles,
            RegionName::PublicValues,
            RegionName::Trace,
            RegionName::Quotient,
            RegionName::PreprocessedTrace,
        ];
        let (homes, others) = self.places.take_both(names, others);
        let [twiddles, public_values, main, quotient, preprocessed] = homes;
        let homes = Homes {
            shape: self.shape,
            airs: self.airs,
            lookup: &self.lookup,
            twiddles: Twiddles::view(twiddles, self.shape.log_twiddles()),
            columns: [main, quotient, preprocessed, &mut []],
            public_values,
        };
        (homes, &self.hasher, others)
    }
}
