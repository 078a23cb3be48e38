//! The phases of a proof over the workspace: each step, on the regions that the plan gives it.
//!
//! Challenges come in, roots, terminals and claims can be read; when which challenge is drawn is the
//! business of an order of proof, [`crate::prover`]. Whether extensions stay (`Fast`) or are made again
//! (`Compact`) is decided here, once a phase.

mod compact;
mod fast;
mod folding;
mod kept;

pub(crate) use folding::Folding;
pub use kept::Kept;

use core::ops::Range;

use p3_field::PrimeCharacteristicRing;

use crate::Digest;
use crate::air::ProverAir;
use crate::hash::rebuild::Pass;
use crate::hash::tree::{Tree, digests};
use crate::hash::{Hashes, Suite};
use crate::kernels::ext::{challenge, coordinates};
use crate::kernels::ntt::Twiddles;
use crate::parts::{split, take};
use crate::plan::{Phase, Places, Plan, RegionName, Room};
use crate::shape::{BatchShape, Profile, Round, TablePlan};
use crate::steps::extension::reverse_traces;
use crate::steps::lookup::LookupChallenges;
use crate::steps::reduce::Skips;
use crate::{D, EF, F, TraceMut, workspace};

/// One batch at a time, in one workspace.
#[derive(Debug)]
pub(crate) struct Engine<'a, B: Hashes<S>, A, S: Suite> {
    pub shape: BatchShape<'a>,
    pub airs: &'a [A],
    pub hasher: B::Hasher<'a>,
    places: Places<'a>,
    room: &'a Room,
    /// Challenges of the current batch.
    lookup: LookupChallenges,
    /// Whether the workspace holds the roots of unity.
    has_twiddles: bool,
    /// The rounds whose trees are wanted.
    hashed: [bool; Round::ALL.len()],
    /// Whether columns stay on the trace domain, which `Compact` never leaves.
    at_home: bool,
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Engine<'a, B, A, S> {
    /// `words` has at least the elements that the plan's regions need.
    pub fn new<const N: usize>(
        plan: &'a Plan<N, S>,
        airs: &'a [A],
        suite: &'a S,
        words: &'a mut [F],
    ) -> Self {
        Self {
            shape: plan.shape(),
            airs,
            hasher: B::hasher(suite),
            places: Places::new(plan.regions(), words),
            room: plan.room(),
            lookup: LookupChallenges::default(),
            has_twiddles: false,
            hashed: [true; Round::ALL.len()],
            at_home: false,
        }
    }

    /// From now on only the trees of these rounds are made. Roots and openings of the others are void.
    pub fn hash_only(&mut self, rounds: &[Round]) {
        self.hashed = Round::ALL.map(|round| rounds.contains(&round));
    }

    /// From now on columns are not extended: no round can be hashed then, no quotient computed and no
    /// row opened, but claims and codewords can be made of columns and kept quotients.
    pub fn stay_home(&mut self) {
        self.at_home = true;
    }

    /// Overwrites everything with zeros.
    pub fn wipe(&mut self) {
        workspace::wipe(self.places.words());
        self.lookup.clear();
        self.has_twiddles = false;
    }

    /// Gives the words back.
    pub fn into_words(self) -> &'a mut [F] {
        self.places.into_words()
    }

    /// All words, as they are.
    #[cfg(test)]
    pub fn words(&mut self) -> &[F] {
        self.places.words()
    }

    /// Begins the next batch, or what all batches share.
    pub fn begin(&mut self) {
        self.places.enter(Phase::Commit);
        self.lookup.clear();
        if self.has_twiddles {
            return;
        }
        let [twiddles] = self.places.take([RegionName::Twiddles]);
        Twiddles::fill(twiddles, self.shape.log_twiddles(), B::fill_lane_table);
        self.has_twiddles = true;
    }

    /// The trace of a table in a round: main or preprocessed.
    pub fn trace_mut(&mut self, round: Round, table: usize) -> TraceMut<'_> {
        let tables = self.shape.tables();
        let size = |t: usize| round.width(&tables[t]) * tables[t].height();
        let (start, len) = ((0..table).map(size).sum::<usize>(), size(table));
        let [traces] = self.places.take([round.home()]);
        TraceMut::new(&mut traces[start..start + len], tables[table].height())
    }

    /// The traces of a round, table after table.
    pub fn traces(&self, round: Round) -> &[F] {
        self.places.read(round.home())
    }

    /// Bit-reverses the traces of a round in place: into the prover's order, or back.
    pub fn reverse_traces(&mut self, round: Round) {
        let [traces] = self.places.take([round.home()]);
        reverse_traces::<B>(self.shape, round, traces);
    }

    /// Copies the public values of all tables.
    pub fn set_public_values(&mut self, values: &[&[F]]) {
        let [slots] = self.places.take([RegionName::PublicValues]);
        for (value, slot) in values.iter().copied().flatten().zip(slots) {
            *slot = *value;
        }
    }

    /// Commits to the written traces of a round.
    pub fn commit(&mut self, round: Round) {
        match self.shape.profile() {
            Profile::Fast => self.extend_and_commit(round),
            Profile::Compact => {
                self.reverse_traces(round);
                self.commit_homes(round);
            }
        }
    }

    /// Takes the LogUp challenges.
    ///
    /// `numbers` are those of the batch's buses among all buses that share the challenges, and `width` is
    /// that of the widest message on any of them.
    pub fn set_lookup(
        &mut self,
        (alpha, beta): (EF, EF),
        width: usize,
        numbers: impl Iterator<Item = u64>,
    ) {
        self.lookup.set(alpha, beta, width, numbers);
    }

    /// Generates permutation traces and commits to them; leaves the terminals.
    pub fn argue(&mut self) {
        self.places.enter(Phase::Argue);
        match self.shape.profile() {
            Profile::Fast => self.argue_fast(),
            Profile::Compact => self.argue_compact(),
        }
    }

    /// The terminal of each table; `None` where the AIR declares no interaction.
    pub fn terminals(&self) -> impl ExactSizeIterator<Item = Option<EF>> + '_ {
        let terminals = self.places.read(RegionName::Terminals).as_chunks::<D>().0;
        let tables = self.shape.tables().iter().enumerate();
        tables.map(|(table, planned)| {
            let has_lookups = planned.layout.has_lookups();
            has_lookups.then(|| challenge(terminals[table]))
        })
    }

    /// Computes the quotients under the constraint challenge and commits to them.
    pub fn quotient(&mut self, alpha: EF) {
        self.places.enter(Phase::Quotient);
        match self.shape.profile() {
            Profile::Fast => self.quotient_fast(alpha),
            Profile::Compact => self.quotient_compact(alpha),
        }
    }

    /// Copies the quotients, on the trace domain.
    pub fn keep_quotients(&mut self, out: &mut [F]) {
        match self.shape.profile() {
            Profile::Fast => self.keep_quotients_fast(out),
            Profile::Compact => out.copy_from_slice(self.places.read(RegionName::Quotient)),
        }
    }

    /// Takes kept quotients in place of [`Engine::quotient`].
    pub fn restore_quotients(&mut self, kept: &[F]) {
        self.places.enter(Phase::Quotient);
        match self.shape.profile() {
            Profile::Fast => self.restore_quotients_fast(kept),
            Profile::Compact => self.restore_quotients_compact(kept),
        }
    }

    /// Evaluates every column at `zeta`, and at the next row's point where it is opened there.
    pub fn evaluate(&mut self, zeta: EF) {
        self.places.enter(Phase::Evaluate);
        match self.shape.profile() {
            Profile::Fast => self.evaluate_fast(zeta),
            Profile::Compact => self.evaluate_compact(zeta),
        }
    }

    /// The claimed openings, in opening order.
    pub fn openings(&self) -> &[F] {
        self.places.read(RegionName::Openings)
    }

    /// Takes the claimed openings, in opening order, in place of [`Engine::evaluate`].
    pub fn set_openings(&mut self, claims: &[F]) {
        self.places.enter(Phase::Evaluate);
        let [openings] = self.places.take([RegionName::Openings]);
        openings.copy_from_slice(claims);
    }

    /// Combines all openings of a height into one codeword, weighted by powers of `alpha`; `skips` are the
    /// pairs of other batches among them.
    pub fn reduce(&mut self, zeta: EF, alpha: EF, skips: Skips<'_>) {
        self.places.enter(Phase::Reduce);
        match self.shape.profile() {
            Profile::Fast => self.reduce_fast(zeta, (alpha, skips)),
            Profile::Compact => self.reduce_compact(zeta, (alpha, skips)),
        }
    }

    /// The codewords of the batch, tallest first.
    pub fn reduced(&self) -> &[F] {
        self.places.read(RegionName::Codewords)
    }

    /// Begins to answer the queries.
    pub fn begin_openings(&mut self) {
        self.places.enter(Phase::Open);
    }

    /// What one pass of the open phase answers.
    pub fn pass(&self) -> Pass {
        self.shape.pass(self.room.passes)
    }

    /// What the last pass over a round left.
    pub fn collected(&self) -> &[F] {
        self.places.read(RegionName::OpenScratch)
    }

    /// The siblings of a round that its trees have not kept, tree after tree, behind the rows where these are collected
    /// too.
    pub fn round_siblings(&self, round: Round) -> &[Digest] {
        let rows = match self.shape.profile() {
            Profile::Fast => 0,
            Profile::Compact => self.pass().queries * self.shape.row_width(round),
        };
        digests(split(self.collected(), rows).1)
    }

    /// The trees of a round, one per group, with the tables of the group.
    pub fn trees(&self, round: Round) -> impl Iterator<Item = (Range<usize>, Tree<'_>)> + '_ {
        let shape = self.shape;
        let mut rest = workspace::words(self.places.read(round.digests()));
        shape.groups(round).map(move |group| {
            let log_leaves = shape.log_leaves(round, &group);
            let digests = take(&mut rest, shape.tree_len(log_leaves));
            let dropped = shape.dropped_layers(log_leaves);
            (group, Tree::new(digests, dropped))
        })
    }

    /// The published digests of a round, group after group.
    pub fn roots(&self, round: Round) -> impl Iterator<Item = Digest> + '_ {
        let cap_height = self.shape.params().cap_height as usize;
        self.trees(round).flat_map(move |(_, tree)| {
            let level = tree.path_levels(cap_height);
            (0..1 << (tree.log_leaves() - level)).map(move |i| tree.digest(level, i))
        })
    }
}

/// Field elements of the quotients of a batch, as they are kept.
pub(crate) fn quotients_len(shape: BatchShape<'_>) -> usize {
    let chunks = shape.round(Round::Quotient);
    chunks.map(|m| m.home(shape.log_blowup()).len()).sum()
}

/// Leaves a table's terminal.
fn set_terminal(terminals: &mut [F], table: usize, terminal: EF) {
    terminals.as_chunks_mut::<D>().0[table] = coordinates(terminal);
}

/// A table's terminal, or zero for one without lookups.
fn terminal(planned: &TablePlan, terminals: &[F], table: usize) -> EF {
    match planned.layout.has_lookups() {
        true => challenge(terminals.as_chunks::<D>().0[table]),
        false => EF::ZERO,
    }
}
