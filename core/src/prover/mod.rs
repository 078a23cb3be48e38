//! Plonky3's order of a proof: what is drawn when, from what, and the bytes that leave.
//!
//! A proof is seven steps, each its own state type: [`Traces`] → commit → [`Committed`] → argue →
//! [`Argued`] → quotient → [`Quotients`] → evaluate → [`Evaluated`] → reduce → [`Reduced`] → fold →
//! [`Folded`] → open. [`Prover::prove`] is their composition for a [`Batch`], [`Prover::prove_batch`] for one in
//! parts. No step allocates.

mod batch;
mod check;
mod closing;
mod error;
pub(crate) mod folding;
pub(crate) mod openings;
pub(crate) mod phases;
pub mod transcript;
mod whole;

use embedded_io::Write;
use p3_field::PackedValue;

use crate::Digest;
use crate::air::{Buses, ProverAir, TableLayout};
use crate::backend::Backend;
use crate::engine::Engine;
use crate::hash::poseidon2::Poseidon2;
use crate::hash::{Hashes, Suite};
use crate::plan::Plan;
use crate::shape::{BatchShape, Round};
use crate::workspace::{self, Buffer};
use crate::{F, Statement, TraceMut};

pub use batch::{Batch, FillError};
pub use check::CheckError;
pub use closing::{Evaluated, Folded, Reduced};
pub use error::{BatchError, ProverSetupError};
pub use phases::{Argued, Committed, Quotients, Traces};

/// Proves batches of one plan in one workspace.
#[derive(Debug)]
pub struct Prover<'a, B: Hashes<S>, A, S: Suite = Poseidon2> {
    engine: Engine<'a, B, A, S>,
    /// Whether the preprocessed traces, if there are any, are committed.
    prepared: bool,
}

impl<'a, B: Hashes<S>, A: ProverAir<B>, S: Suite> Prover<'a, B, A, S> {
    /// Takes the workspace.
    ///
    /// # Errors
    /// [`ProverSetupError`] when the buffer has fewer than [`Plan::workspace_len`] bytes (nothing is
    /// written then), or when the plan was made for other AIRs or another backend.
    pub fn new<const N: usize>(
        plan: &'a Plan<N, S>,
        airs: &'a [A],
        suite: &'a S,
        buffer: impl Into<Buffer<'a>>,
    ) -> Result<Self, ProverSetupError> {
        check_setup::<B, A>(plan.shape(), airs, &mut Buses::default())?;
        let words = workspace::carve(buffer, plan.regions().len())?;
        let mut engine = Engine::new(plan, airs, suite, words);
        engine.begin();
        Ok(Self {
            prepared: !engine.shape.has_preprocessed(),
            engine,
        })
    }

    /// Overwrites the whole workspace with zeros, in a way that no compiler drops.
    ///
    /// Main traces and what was computed from them stay in the workspace otherwise: where they are
    /// private, this is the last thing to do before the buffer serves anything else. The prover is then
    /// as [`Prover::new`] made it: preprocessed traces have to be written again.
    pub fn wipe(&mut self) {
        self.engine.wipe();
        self.prepared = !self.engine.shape.has_preprocessed();
    }

    /// The preprocessed trace of a table, to be written before [`Prover::prepare`].
    ///
    /// `None` for a table without preprocessed columns.
    pub fn preprocessed_mut(&mut self, table: usize) -> Option<TraceMut<'_>> {
        let planned = self.engine.shape.tables().get(table)?;
        if planned.layout.preprocessed_width == 0 {
            return None;
        }
        self.engine.begin();
        if self.prepared {
            // Back to natural order, in which the traces of the other tables are still valid.
            self.engine.reverse_traces(Round::Preprocessed);
            self.prepared = false;
        }
        Some(self.engine.trace_mut(Round::Preprocessed, table))
    }

    /// Extends and commits the preprocessed traces, once for all batches.
    ///
    /// Does nothing while they are prepared already.
    pub fn prepare(&mut self) {
        if self.prepared {
            return;
        }
        self.engine.begin();
        self.engine.commit(Round::Preprocessed);
        self.prepared = true;
    }

    /// The commitment to the preprocessed traces: one digest, or `2^cap_height`.
    ///
    /// Empty when there are none.
    pub fn preprocessed_commitment(&self) -> impl Iterator<Item = Digest> + '_ {
        self.engine.roots(Round::Preprocessed)
    }

    /// Starts a batch, seeded with its statement.
    ///
    /// # Errors
    /// When preprocessed traces were written but not prepared.
    pub fn begin(
        &mut self,
        statement: Option<&Statement>,
    ) -> Result<Traces<'_, 'a, B, A, S>, BatchError> {
        if !self.prepared {
            return Err(BatchError::NotPrepared);
        }
        self.engine.begin();
        Ok(Traces::new(&mut self.engine, statement))
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
    ) -> Result<u64, BatchError<W::Error>> {
        let mut traces = self.begin(statement).map_err(BatchError::widen)?;
        for table in 0..traces.len() {
            fill(table, traces.trace_mut(table));
        }
        traces.finish(public_values, sink)
    }
}

/// Whether the plan was made for these AIRs and this backend; leaves the AIRs' buses. A function of its own,
/// so that a device has its stack back before the prover is there.
#[inline(never)]
pub(crate) fn check_setup<B: Backend, A: ProverAir<B>>(
    shape: BatchShape<'_>,
    airs: &[A],
    buses: &mut Buses,
) -> Result<(), ProverSetupError> {
    let (expected, got) = (shape.tables().len(), airs.len());
    if expected != got {
        return Err(ProverSetupError::AirCount { expected, got });
    }
    let (expected, got) = (shape.lanes(), B::P::WIDTH);
    if expected != got {
        return Err(ProverSetupError::Lanes { expected, got });
    }
    let (expected, got) = (
        shape.lane_table_len(),
        B::lane_table_len(shape.log_max_height()),
    );
    if expected != got {
        return Err(ProverSetupError::LaneTable { expected, got });
    }
    for (table, (air, planned)) in airs.iter().zip(shape.tables()).enumerate() {
        let budget = planned.spec.lookup_budget as usize;
        if TableLayout::new(air, buses, budget) != Ok(planned.layout) {
            return Err(ProverSetupError::OtherAir { table });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::mem::MaybeUninit;

    use p3_air::{Air, BaseAir, WindowAccess};
    use p3_field::PrimeCharacteristicRing;
    use p3_lookup::{Count, InteractionBuilder};

    use super::*;
    use crate::plan::Room;
    use crate::shape::Profile;
    use crate::{D, DefaultBackend, Params, TableSpec};

    const MAX_BYTES: usize = 1 << 16;
    const PARAMS: Params = Params {
        num_queries: 3,
        ..Params::BENCHMARK
    };

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
            for _ in 0..3 {
                builder.push_interaction("squares", [square.clone()], 1);
                let provided = Count::provided(-AB::Expr::ONE);
                builder.push_interaction("squares", [square.clone()], provided);
            }
        }
    }

    /// A plan of one table of 64 rows.
    fn planned(profile: Profile) -> Plan<1> {
        let specs = [TableSpec::new(6)];
        Plan::with_profile::<DefaultBackend, _>(&[Squares], &specs, PARAMS, profile)
            .expect("a plan")
    }

    type Tested<'a> = Prover<'a, DefaultBackend, Squares>;

    /// Proves the squares of all rows.
    fn prove(prover: &mut Tested<'_>) -> [u8; MAX_BYTES] {
        let mut proof = [0; MAX_BYTES];
        let mut trace = prover.preprocessed_mut(0).expect("a column");
        (0..64).for_each(|row| trace.set(row, 0, F::from_usize(row)));
        prover.prepare();
        let square = |_, mut trace: TraceMut<'_>| {
            (0..64).for_each(|row| trace.set(row, 0, F::from_usize(row * row)));
        };
        prover
            .prove_batch(None, &[&[]], square, &mut proof[..])
            .expect("room for the proof");
        proof
    }

    #[test]
    fn a_wiped_workspace_is_zero_to_its_last_element() {
        for profile in [Profile::Fast, Profile::Compact] {
            let plan = planned(profile);
            let mut buffer = [MaybeUninit::new(0xa5); 1 << 18];
            let mut prover = Tested::new(&plan, &[Squares], &Poseidon2::BABY_BEAR, &mut buffer)
                .expect("a workspace that is long enough");
            let proofs = [(); 2].map(|()| {
                let proof = prove(&mut prover);
                assert!(prover.engine.words().iter().any(|&word| word != F::ZERO));
                prover.wipe();
                assert!(prover.engine.words().iter().all(|&word| word == F::ZERO));
                assert_eq!(prover.engine.words().len(), plan.regions().len());
                let unprepared = prover.begin(None).map(|_| ());
                assert_eq!(unprepared, Err(BatchError::NotPrepared));
                proof
            });
            assert!(proofs[0] == proofs[1] && proofs[0] != [0; MAX_BYTES]);
        }
    }

    #[test]
    fn bytes_do_not_depend_on_how_room_is_divided() {
        let mut plan = planned(Profile::Compact);
        let columns = plan.tables()[0].layout.num_columns;
        assert!(columns > 2);
        let one = D << 6;
        let expected = {
            let plan = planned(Profile::Fast);
            let mut buffer = [MaybeUninit::new(0xa5); 1 << 18];
            let prover = Tested::new(&plan, &[Squares], &Poseidon2::BABY_BEAR, &mut buffer);
            prove(&mut prover.expect("a workspace that is long enough"))
        };
        for argue_blocks in [1, 2] {
            for at_once in 1..=columns + 1 {
                for passes in [1, 2, 32] {
                    plan.set_room(Room {
                        argue: one * at_once,
                        argue_blocks,
                        quotient: one * at_once,
                        open: one * at_once,
                        passes,
                    });
                    let mut buffer = [MaybeUninit::new(0xa5); 1 << 18];
                    let prover = Tested::new(&plan, &[Squares], &Poseidon2::BABY_BEAR, &mut buffer);
                    let proof = prove(&mut prover.expect("a workspace that is long enough"));
                    assert!(proof == expected, "{:?}", plan.room());
                }
            }
        }
    }
}
