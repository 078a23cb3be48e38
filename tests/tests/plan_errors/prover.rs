//! What a prover, or one batch, is refused for.

use embedded_io::SliceWriteError;
use p3_field::PrimeCharacteristicRing;
use tranche_core::hash::poseidon2::{Kernels, Poseidon2};
use tranche_core::prover::{BatchError, FillError, ProverSetupError};
use tranche_core::shape::Profile;
use tranche_core::{
    Backend, Batch, DefaultBackend, F, Params, Plan, PlanError, Prover, ScalarBackend, TableSpec,
    TraceMut,
};
use tranche_test_support::core::buffer;
use tranche_test_support::shapes::QUICK;

use crate::odd::{Odd, global, plan_of, pushes};

#[test]
fn setting_a_prover_up() {
    let airs = [Odd::default(), Odd::default()];
    let plan = plan_of(&airs, &[TableSpec::new(3); 2], QUICK).expect("a plan");
    let needed = plan.workspace_len();
    let mut memory = buffer(needed);
    let mut setup = |airs: &[Odd], len| {
        let memory = &mut memory[..len];
        Prover::<DefaultBackend, _>::new(&plan, airs, &Poseidon2::BABY_BEAR, memory).err()
    };
    assert_eq!(setup(&airs, needed), None);
    assert_eq!(
        setup(&airs[1..], needed),
        Some(ProverSetupError::AirCount {
            expected: 2,
            got: 1
        })
    );
    let wider = Odd {
        width: 2,
        ..Odd::default()
    };
    assert_eq!(
        setup(&[Odd::default(), wider], needed),
        Some(ProverSetupError::OtherAir { table: 1 })
    );
    assert_eq!(
        setup(&[pushes(vec![global("bus", 1)]), Odd::default()], needed),
        Some(ProverSetupError::OtherAir { table: 0 })
    );
    let Some(ProverSetupError::Workspace(small)) = setup(&airs, needed - 1) else {
        panic!("one byte fewer is too small")
    };
    assert_eq!((small.needed, small.got), (needed, needed - 1));
}

#[test]
fn a_plan_is_for_the_lanes_of_its_backend() {
    let airs = [Odd::default()];
    let plan = plan_of(&airs, &[TableSpec::new(3)], QUICK).expect("a plan");
    let mut memory = buffer(plan.workspace_len());
    let poseidon2 = Poseidon2::BABY_BEAR;
    let scalar = Prover::<ScalarBackend, _>::new(&plan, &airs, &poseidon2, &mut memory[..]).err();
    // A target without a packing has one lane either way.
    let expected = plan.lanes();
    let refused = (expected > 1).then_some(ProverSetupError::Lanes { expected, got: 1 });
    assert_eq!(scalar, refused);
}

/// The default backend, with a table of roots of its own length.
#[derive(Clone, Copy, Debug, Default)]
struct LongerTable;

impl Backend for LongerTable {
    type P = <DefaultBackend as Backend>::P;

    const NAME: &'static str = "longer table";

    fn lane_table_len(log_column: usize) -> usize {
        DefaultBackend::lane_table_len(log_column) + 16
    }
}

impl Kernels for LongerTable {
    type Permutation<'p> = &'p Poseidon2;
}

#[test]
fn a_plan_is_for_the_table_of_roots_of_its_backend() {
    let airs = [Odd::default()];
    let plan = plan_of(&airs, &[TableSpec::new(3)], QUICK).expect("a plan");
    let longer = Plan::<3>::new::<LongerTable, _>(&airs, &[TableSpec::new(3)], QUICK)
        .expect("a plan with a longer table");
    assert_eq!(plan.lanes(), longer.lanes());
    assert_eq!(longer.lane_table_len(), plan.lane_table_len() + 16);
    let mut memory = buffer(longer.workspace_len());
    let poseidon2 = Poseidon2::BABY_BEAR;
    // A table longer than its region would be cut short by the next one.
    let refused = Prover::<LongerTable, _>::new(&plan, &airs, &poseidon2, &mut memory[..]).err();
    let (expected, got) = (plan.lane_table_len(), longer.lane_table_len());
    assert_eq!(refused, Some(ProverSetupError::LaneTable { expected, got }));
    let control = Prover::<LongerTable, _>::new(&longer, &airs, &poseidon2, &mut memory[..]).err();
    assert_eq!(control, None);
}

#[test]
fn proving() {
    let airs = [Odd {
        publics: 2,
        preprocessed: 1,
        ..Odd::default()
    }];
    let plan = plan_of(&airs, &[TableSpec::new(3)], QUICK).expect("a plan");
    let mut memory = buffer(plan.workspace_len());
    let poseidon2 = Poseidon2::BABY_BEAR;
    let mut prover = Prover::<DefaultBackend, _>::new(&plan, &airs, &poseidon2, &mut memory[..])
        .expect("a workspace of the plan's length");
    let mut sink = vec![0; 1 << 16];
    let mut prove = |prover: &mut Prover<'_, _, _>, publics: &[&[F]], room: usize| {
        let zero = |_, mut trace: TraceMut<'_>| trace.values_mut().fill(F::ZERO);
        prover.prove_batch(None, publics, zero, &mut sink[..room])
    };
    let publics = &[&[F::ONE, F::TWO][..]][..];
    assert_eq!(
        prove(&mut prover, publics, 1 << 16),
        Err(BatchError::NotPrepared)
    );
    prover
        .preprocessed_mut(0)
        .expect("a column")
        .values_mut()
        .fill(F::ONE);
    assert_eq!(
        prove(&mut prover, publics, 1 << 16),
        Err(BatchError::NotPrepared)
    );
    prover.prepare();
    let len = prove(&mut prover, publics, 1 << 16).expect("the control") as usize;
    assert_eq!(prove(&mut prover, publics, len), Ok(len as u64));
    assert_eq!(
        prove(&mut prover, publics, len - 1),
        Err(BatchError::Sink(SliceWriteError::Full))
    );
    assert_eq!(
        prove(&mut prover, &[], len),
        Err(BatchError::PublicValueSlices {
            expected: 1,
            got: 0
        })
    );
    assert_eq!(
        prove(&mut prover, &[&[F::ONE]], len),
        Err(BatchError::PublicValues {
            table: 0,
            expected: 2,
            got: 1
        })
    );
    prover
        .preprocessed_mut(0)
        .expect("a column")
        .values_mut()
        .fill(F::TWO);
    assert_eq!(
        prove(&mut prover, publics, len),
        Err(BatchError::NotPrepared)
    );
}

/// A batch of [`Odd`] tables, which are nothing but zeros.
struct Zeros {
    airs: [Odd; 1],
    specs: [TableSpec; 1],
    params: Params,
    /// What the trace of each table comes to.
    filled: Result<(), &'static str>,
}

impl Batch for Zeros {
    type Air = Odd;
    type Error = &'static str;

    fn airs(&self) -> &[Odd] {
        &self.airs
    }

    fn specs(&self) -> impl Iterator<Item = TableSpec> {
        self.specs.into_iter()
    }

    fn params(&self) -> Params {
        self.params
    }

    fn public_values(&self) -> impl AsRef<[&[F]]> {
        [&[F::ONE][..]]
    }

    fn fill_preprocessed(&self, _: usize, trace: &mut TraceMut<'_>) {
        trace.values_mut().fill(F::ONE);
    }

    fn fill(&mut self, _: usize, trace: &mut TraceMut<'_>) -> Result<(), &'static str> {
        trace.values_mut().fill(F::ZERO);
        self.filled
    }
}

#[test]
fn batches() {
    let airs = [Odd {
        publics: 1,
        preprocessed: 1,
        ..Odd::default()
    }];
    let mut batch = Zeros {
        airs: airs.clone(),
        specs: [TableSpec::new(3)],
        params: QUICK,
        filled: Ok(()),
    };
    let plan = Plan::<3>::of::<DefaultBackend, _>(&batch, Profile::Fast).expect("a plan");
    let none = Plan::<0>::of::<DefaultBackend, _>(&batch, Profile::Fast).err();
    assert_eq!(none, Some(PlanError::TooManyTables { capacity: 0 }));
    let mut memory = buffer(plan.workspace_len());
    let poseidon2 = Poseidon2::BABY_BEAR;
    let mut prover = Prover::<DefaultBackend, _>::new(&plan, &airs, &poseidon2, &mut memory[..])
        .expect("a workspace of the plan's length");
    let mut sink = vec![0; 1 << 16];
    let len = prover
        .prove(&mut batch, &mut sink[..])
        .expect("the control") as usize;
    // Of the preprocessed trace, nothing is left; it is written again.
    let first = sink[..len].to_vec();
    prover.wipe();
    assert_eq!(prover.prove(&mut batch, &mut sink[..len]), Ok(len as u64));
    assert!(sink[..len] == first);
    assert_eq!(
        prover.prove(&mut batch, &mut sink[..len - 1]),
        Err(FillError::Batch(BatchError::Sink(SliceWriteError::Full)))
    );

    batch.filled = Err("no trace");
    assert_eq!(
        prover.prove(&mut batch, &mut sink[..]),
        Err(FillError::Trace("no trace"))
    );
    batch.filled = Ok(());
    let other = Err(FillError::Batch(BatchError::OtherTables));
    batch.specs = [TableSpec::new(4)];
    assert_eq!(prover.prove(&mut batch, &mut sink[..]), other);
    batch.specs = [TableSpec::new(3)];
    batch.params = Params {
        num_queries: QUICK.num_queries + 1,
        ..QUICK
    };
    assert_eq!(prover.prove(&mut batch, &mut sink[..]), other);
}
