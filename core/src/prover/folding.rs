//! The low-degree test on the workspace: which codeword and which tree belong to which round, and
//! the folds of `Fast`.

use p3_field::PrimeCharacteristicRing;

use super::Prover;
use crate::air::ProverAir;
use crate::backend::Backend;
use crate::ext::challenge;
use crate::merkle::{self, Codeword, Tree};
use crate::ntt::Twiddles;
use crate::plan::{Name, Profile, tree_len};
use crate::{D, EF, F, fri};

impl<B: Backend, A: ProverAir<B>, const N: usize> Prover<'_, B, A, N> {
    /// A region, read only.
    pub(super) fn region(&self, name: Name) -> &[F] {
        &self.words[self.plan.regions().get(name).range()]
    }

    /// log2 of the codeword that FRI round `round` commits to.
    pub(super) fn log_codeword(&self, round: usize) -> usize {
        let folded = self.plan.log_arities()[..round].iter().map(|&a| a as usize);
        self.plan.log_max_lde() - folded.sum::<usize>()
    }

    /// log2 of what is kept of a codeword of `2^log_codeword` elements: all, or its coefficients.
    pub(super) fn log_kept(&self, log_codeword: usize) -> usize {
        match self.plan.profile() {
            Profile::Fast => log_codeword,
            Profile::Compact => log_codeword - self.plan.log_blowup(),
        }
    }

    /// Where the output of FRI round `round` starts among the folded codewords, and its digests.
    pub(super) fn fold_offsets(&self, round: usize) -> (usize, usize) {
        (0..round).fold((0, 0), |(codewords, digests), r| {
            let log_rows = self.log_codeword(r + 1);
            (
                codewords + (D << self.log_kept(log_rows)),
                digests + self.plan.tree_len(log_rows),
            )
        })
    }

    /// The codeword that FRI round `round` commits to, or the last one; in `Compact`, its coefficients.
    pub(super) fn fri_codeword(&self, round: usize) -> &[F] {
        let len = D << self.log_kept(self.log_codeword(round));
        if round == 0 {
            &self.region(Name::Codewords)[..len]
        } else {
            let (start, _) = self.fold_offsets(round - 1);
            &self.region(Name::Folded)[start..start + len]
        }
    }

    /// The tree of FRI round `round`.
    pub(super) fn fri_tree(&self, round: usize) -> Tree<'_> {
        let (_, start) = self.fold_offsets(round);
        let log_leaves = self.log_codeword(round + 1);
        let digests = &self.region(Name::FoldedDigests)[start..];
        let digests = &digests[..self.plan.tree_len(log_leaves)];
        Tree::truncated(digests, self.plan.dropped_layers(log_leaves))
    }

    /// Commits to the codeword of FRI round `round`.
    pub(super) fn commit_fold(&mut self, round: usize) {
        let log_arity = self.plan.log_arities()[round] as usize;
        let len = D << self.log_codeword(round);
        let (_, start) = self.fold_offsets(round);
        let tree = start..start + tree_len(self.log_codeword(round + 1));
        let source = if round == 0 {
            0
        } else {
            self.fold_offsets(round - 1).0
        };
        let names = [Name::Codewords, Name::Folded, Name::FoldedDigests];
        let [codewords, folded, digests] = self.plan.regions().split(self.words, names);
        let codewords = if round == 0 { &*codewords } else { &*folded };
        let leaves = Codeword {
            values: &codewords[source..source + len],
            log_arity,
        };
        merkle::commit::<B, _>(
            &self.hasher,
            core::iter::once(leaves),
            &mut digests[tree.clone()],
        );
    }

    /// Folds the codeword of `round`, and adds the reduced codeword of the height it reaches.
    pub(super) fn fold(&mut self, round: usize, beta: EF) {
        let log_arity = self.plan.log_arities()[round] as usize;
        let (log_from, log_to) = (self.log_codeword(round), self.log_codeword(round + 1));
        let (to, _) = self.fold_offsets(round);
        let from = if round == 0 {
            0
        } else {
            self.fold_offsets(round - 1).0
        };
        let names = [Name::Twiddles, Name::Codewords, Name::Folded];
        let [twiddles, codewords, folded] = self.plan.regions().split(self.words, names);
        let inverse = Twiddles::view(twiddles, self.plan.log_max_lde()).inverse;
        let (before, out) = folded.split_at_mut(to);
        let out = &mut out[..D << log_to];
        let source = if round == 0 { &*codewords } else { &*before };
        let source = &source[from..from + (D << log_from)];
        fri::fold_codeword::<B>(source, out, inverse, beta, log_arity);
        if self.plan.has_log_lde(log_to) {
            let at = self.plan.codeword_offset(log_to);
            let addend = &codewords[at..at + (D << log_to)];
            fri::roll_in::<B>(out, addend, beta.exp_power_of_2(log_arity));
        }
    }

    /// Replaces the head of the last codeword by the final polynomial's coefficients.
    pub(super) fn interpolate_final(&mut self) {
        let rounds = self.plan.log_arities().len();
        let stride = 1 << self.log_codeword(rounds);
        let len = 1 << self.plan.params().log_final_poly_len;
        let start = if rounds == 0 {
            0
        } else {
            self.fold_offsets(rounds - 1).0
        };
        let names = [Name::Twiddles, Name::Codewords, Name::Folded];
        let [twiddles, codewords, folded] = self.plan.regions().split(self.words, names);
        let codeword = if rounds == 0 { codewords } else { folded };
        let twiddles = Twiddles::view(twiddles, self.plan.log_max_lde());
        for column in codeword[start..start + D * stride].chunks_exact_mut(stride) {
            B::intt(&twiddles, &mut column[..len]);
        }
    }

    /// The coefficients of the final polynomial.
    pub(super) fn final_polynomial(&self) -> impl ExactSizeIterator<Item = EF> + '_ {
        let codeword = self.fri_codeword(self.plan.log_arities().len());
        let stride = codeword.len() / D;
        let len = 1 << self.plan.params().log_final_poly_len;
        (0..len).map(move |i| challenge(core::array::from_fn(|d| codeword[d * stride + i])))
    }
}
