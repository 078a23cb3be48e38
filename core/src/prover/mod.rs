//! The prover: one workspace, batch after batch of one plan.
//!
//! A proof is seven steps, each its own state type: [`Traces`] → commit → [`Committed`] → argue →
//! [`Argued`] → quotient → [`Quotients`] → evaluate → [`Evaluated`] → reduce → [`Reduced`] → fold →
//! [`Folded`] → open. [`Prover::prove_batch`] is their composition. No step allocates.

mod check;
mod closing;
mod compact;
mod error;
mod fast;
mod folding;
mod lookup;
mod openings;
mod phases;

use core::mem::MaybeUninit;

use embedded_io::Write;
use p3_field::PackedValue;

use crate::air::{Buses, ProverAir, TableLayout};
use crate::backend::{Backend, Hasher};
use crate::bit_reverse::bit_reverse;
use crate::merkle::Tree;
use crate::ntt::Twiddles;
use crate::plan::{Name, Plan, Profile, Round};
use crate::poseidon2::Poseidon2;
use crate::{Digest, F, Statement, TraceMut, workspace};

pub use check::CheckError;
pub use closing::{Evaluated, Folded, Reduced};
pub use error::{ProveError, SetupError};
pub(crate) use lookup::Lookup;
pub use phases::{Argued, Committed, Quotients, Traces};

/// Proves batches of one plan in one workspace.
///
/// `N` is the plan's room for tables.
#[derive(Debug)]
pub struct Prover<'a, B: Backend, A, const N: usize = 16> {
    plan: &'a Plan<N>,
    airs: &'a [A],
    hasher: Hasher<'a, B>,
    words: &'a mut [F],
    prepared: bool,
    /// Whether the workspace holds the roots of unity.
    has_twiddles: bool,
    /// Challenges of the current batch; here, since every state that carries them moves over the stack.
    lookup: Lookup,
}

impl<'a, B: Backend, A: ProverAir<B>, const N: usize> Prover<'a, B, A, N> {
    /// Takes the workspace.
    ///
    /// # Errors
    /// [`SetupError`] when the buffer has fewer than [`Plan::workspace_len`] bytes (nothing is
    /// written then), or when the plan was made for other AIRs or another backend.
    pub fn new(
        plan: &'a Plan<N>,
        airs: &'a [A],
        permutation: &'a Poseidon2,
        buffer: &'a mut [MaybeUninit<u8>],
    ) -> Result<Self, SetupError> {
        let (expected, got) = (plan.tables().len(), airs.len());
        if expected != got {
            return Err(SetupError::AirCount { expected, got });
        }
        let (expected, got) = (plan.lanes(), B::P::WIDTH);
        if expected != got {
            return Err(SetupError::Lanes { expected, got });
        }
        check_airs::<B, A, N>(plan, airs)?;
        let words = workspace::carve(buffer, plan.regions().len())?;
        let mut prover = Self {
            plan,
            airs,
            hasher: Hasher::new(permutation),
            words,
            prepared: !plan.has_preprocessed(),
            has_twiddles: false,
            lookup: Lookup::default(),
        };
        prover.fill_twiddles();
        Ok(prover)
    }

    fn fill_twiddles(&mut self) {
        if self.has_twiddles {
            return;
        }
        let plan = self.plan;
        let [twiddles] = plan.regions().split(self.words, [Name::Twiddles]);
        Twiddles::fill::<B>(twiddles, plan.log_twiddles(), plan.log_max_height());
        self.has_twiddles = true;
    }

    /// Overwrites the whole workspace with zeros, in a way that no compiler drops.
    ///
    /// Main traces and what was computed from them stay in the workspace otherwise: where they are
    /// private, this is the last thing to do before the buffer serves anything else. The prover is then
    /// as [`Prover::new`] made it: preprocessed traces have to be written again.
    pub fn wipe(&mut self) {
        workspace::wipe(self.words);
        self.lookup = Lookup::default();
        self.prepared = !self.plan.has_preprocessed();
        self.has_twiddles = false;
    }

    /// The preprocessed trace of a table, to be written before [`Prover::prepare`].
    ///
    /// `None` for a table without preprocessed columns.
    pub fn preprocessed_mut(&mut self, table: usize) -> Option<TraceMut<'_>> {
        let tables = self.plan.tables();
        let planned = tables.get(table)?;
        let size = |t: usize| tables[t].layout.preprocessed_width * tables[t].height();
        let (start, len) = ((0..table).map(size).sum::<usize>(), size(table));
        if len == 0 {
            return None;
        }
        if self.prepared {
            // Back to natural order, in which the traces of the other tables are still valid.
            let [traces] = self
                .plan
                .regions()
                .split(self.words, [Name::PreprocessedTrace]);
            reverse_traces::<B, N>(self.plan, Round::Preprocessed, traces);
            self.prepared = false;
        }
        let [traces] = self
            .plan
            .regions()
            .split(self.words, [Name::PreprocessedTrace]);
        Some(TraceMut::new(
            &mut traces[start..start + len],
            planned.height(),
        ))
    }

    /// Extends and commits the preprocessed traces, once for all batches.
    ///
    /// Does nothing while they are prepared already.
    pub fn prepare(&mut self) {
        if self.prepared {
            return;
        }
        self.fill_twiddles();
        self.commit_traces(Round::Preprocessed);
        self.prepared = true;
    }

    /// The commitment to the preprocessed traces: one digest, or `2^cap_height`.
    ///
    /// Empty when there are none.
    pub fn preprocessed_commitment(&self) -> impl Iterator<Item = Digest> + '_ {
        self.roots(Round::Preprocessed)
    }

    /// Starts a batch, seeded with its statement.
    ///
    /// # Errors
    /// When preprocessed traces were written but not prepared.
    pub fn begin(
        &mut self,
        statement: Option<&Statement>,
    ) -> Result<Traces<'_, 'a, B, A, N>, ProveError> {
        if !self.prepared {
            return Err(ProveError::NotPrepared);
        }
        self.fill_twiddles();
        Ok(Traces::new(self, statement))
    }

    /// Proves one batch: all seven steps.
    ///
    /// `fill` writes the main trace of each table; `public_values` has one slice per table. Returns
    /// the number of proof bytes written.
    ///
    /// # Errors
    /// Bad inputs, and what the sink returns.
    pub fn prove_batch<W: Write>(
        &mut self,
        statement: Option<&Statement>,
        public_values: &[&[F]],
        mut fill: impl FnMut(usize, TraceMut<'_>),
        sink: W,
    ) -> Result<u64, ProveError<W::Error>> {
        let mut traces = self.begin(statement).map_err(ProveError::widen)?;
        for table in 0..traces.len() {
            fill(table, traces.trace_mut(table));
        }
        traces.finish(public_values, sink)
    }

    /// Bit-reverses the traces of a round and commits to their extensions.
    fn commit_traces(&mut self, round: Round) {
        match self.plan.profile() {
            Profile::Fast => self.extend_and_commit(round),
            Profile::Compact => {
                let [traces] = self.plan.regions().split(self.words, [round.home()]);
                reverse_traces::<B, N>(self.plan, round, traces);
                self.commit_homes(round);
            }
        }
    }

    /// The trees of a round, one per group, with the tables of the group.
    fn trees(
        &self,
        round: Round,
    ) -> impl Iterator<Item = (core::ops::Range<usize>, Tree<'_>)> + '_ {
        let mut rest = &self.words[self.plan.regions().get(round.digests()).range()];
        self.plan.groups(round).map(move |group| {
            let log_leaves = self.plan.log_leaves(round, &group);
            let (digests, after) = rest.split_at(self.plan.tree_len(log_leaves));
            rest = after;
            let dropped = self.plan.dropped_layers(log_leaves);
            (group, Tree::truncated(digests, dropped))
        })
    }

    /// The published digests of a round, group after group.
    fn roots(&self, round: Round) -> impl Iterator<Item = Digest> + '_ {
        let cap_height = self.plan.params().cap_height as usize;
        self.trees(round).flat_map(move |(_, tree)| {
            let level = tree.path_levels(cap_height);
            (0..1 << (tree.log_leaves() - level)).map(move |i| tree.digest(level, i))
        })
    }
}

/// Whether the plan was made for these AIRs. A function of its own, so that a device has its stack back
/// before the prover is there.
#[inline(never)]
fn check_airs<B: Backend, A: ProverAir<B>, const N: usize>(
    plan: &Plan<N>,
    airs: &[A],
) -> Result<(), SetupError> {
    let mut buses = Buses::default();
    for (table, (air, planned)) in airs.iter().zip(plan.tables()).enumerate() {
        let budget = planned.spec.lookup_budget as usize;
        if TableLayout::new(air, &mut buses, budget) != Ok(planned.layout) {
            return Err(SetupError::OtherAir { table });
        }
    }
    Ok(())
}

/// Bit-reverses every trace in place.
fn reverse_traces<B: Backend, const N: usize>(plan: &Plan<N>, round: Round, traces: &mut [F]) {
    let mut rest = traces;
    for opened in plan.round(round) {
        let height = 1 << (opened.log_lde - plan.log_blowup());
        let (trace, after) = rest.split_at_mut(opened.width * height);
        trace.chunks_exact_mut(height).for_each(bit_reverse::<B::P>);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use p3_air::{Air, BaseAir, WindowAccess};
    use p3_field::PrimeCharacteristicRing;
    use p3_lookup::{Count, InteractionBuilder};

    use super::*;
    use crate::{DefaultBackend, Params, TableSpec};

    /// A preprocessed column that grows, and one that is its square; squares are sent and received.
    struct Squares;

    impl BaseAir<F> for Squares {
        fn width(&self) -> usize {
            1
        }

        fn preprocessed_width(&self) -> usize {
            1
        }
    }

    impl<AB: InteractionBuilder<F = F>> Air<AB> for Squares {
        fn eval(&self, builder: &mut AB) {
            let square: AB::Expr = builder.main().current_slice()[0].into();
            let x: AB::Expr = builder.preprocessed().current_slice()[0].into();
            builder.assert_eq(square.clone(), x.square());
            builder.push_interaction("squares", [square.clone()], 1);
            builder.push_interaction("squares", [square], Count::provided(-AB::Expr::ONE));
        }
    }

    #[test]
    fn a_wiped_workspace_is_zero_to_its_last_element() {
        const MAX_BYTES: usize = 1 << 16;
        let params = Params {
            num_queries: 3,
            ..Params::BENCHMARK
        };
        for profile in [Profile::Fast, Profile::Compact] {
            let (airs, specs) = ([Squares], [TableSpec::new(6)]);
            let plan = Plan::<1>::with_profile::<DefaultBackend, _>(&airs, &specs, params, profile)
                .expect("a plan");
            let mut buffer = [MaybeUninit::new(0xa5); 1 << 18];
            let mut prover = Prover::<DefaultBackend, _, 1>::new(
                &plan,
                &airs,
                &Poseidon2::BABY_BEAR,
                &mut buffer,
            )
            .expect("a workspace that is long enough");
            let mut proofs = [[0; MAX_BYTES]; 2];
            for proof in &mut proofs {
                let mut trace = prover.preprocessed_mut(0).expect("a column");
                (0..64).for_each(|row| trace.set(row, 0, F::from_usize(row)));
                prover.prepare();
                let square = |_, mut trace: TraceMut<'_>| {
                    (0..64).for_each(|row| trace.set(row, 0, F::from_usize(row * row)));
                };
                prover
                    .prove_batch(None, &[&[]], square, &mut proof[..])
                    .expect("room for the proof");
                assert!(prover.words.iter().any(|&word| word != F::ZERO));
                prover.wipe();
                assert!(prover.words.iter().all(|&word| word == F::ZERO));
                assert_eq!(prover.words.len(), plan.regions().len());
                let unprepared = prover.begin(None).map(|_| ());
                assert_eq!(unprepared, Err(ProveError::NotPrepared));
            }
            assert!(proofs[0] == proofs[1] && proofs[0] != [0; MAX_BYTES]);
        }
    }
}
