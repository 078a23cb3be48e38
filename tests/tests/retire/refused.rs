//! What the prover of runs refuses.

use std::convert::Infallible;
use std::mem::MaybeUninit;

use tranche_backend::Chosen;
use tranche_core::retire::{
    BatchKind, Kept, Order, Retire, RetireError, RetireSetupError, Run, RunPlan, RunPlanError,
};
use tranche_core::workspace::WorkspaceTooSmall;
use tranche_core::{F, TraceMut};
use tranche_tests::air::{Part, TestAir};
use tranche_tests::core::{MAX_TABLES, PROFILES};
use tranche_tests::retire::Run as TestRun;
use tranche_tests::shapes::{QUICK, Shape, TableShape};

/// Two batches of one table each.
fn run() -> TestRun<TestAir> {
    let table = |log_height| TableShape {
        log_height,
        parts: vec![Part::Power { degree: 2 }],
        max_constraint_degree: None,
    };
    TestRun::cut(Shape::new(vec![table(3), table(4)], QUICK).batch(), &[1])
}

/// A run whose second batch changes an element from walk `changed` on.
struct Changing<'r> {
    run: &'r TestRun<TestAir>,
    walk: usize,
    changed: usize,
}

impl Run for Changing<'_> {
    type Error = Infallible;

    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), Infallible> {
        self.walk += usize::from((batch, table) == (0, 0));
        trace.copy_from_rows(&self.run.batches[batch].traces[table].values);
        if batch == 1 && self.walk >= self.changed {
            let value = trace.get(5, 0);
            trace.set(5, 0, value + F::new(1));
        }
        Ok(())
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        let values = self.run.batches[batch].publics.iter();
        values.map(Vec::as_slice).collect::<Vec<_>>()
    }
}

#[test]
fn a_run_that_changes_between_walks() {
    let run = run();
    for (order, walks) in [(Order::Forked, 3), (Order::Shared, 5)] {
        for profile in PROFILES {
            for changed in 2..=walks + 1 {
                let mut values = Changing {
                    run: &run,
                    walk: 0,
                    changed,
                };
                let proved =
                    run.core_prove_as::<Chosen, _>((order, Kept::Upper), profile, &mut values);
                if changed <= walks {
                    assert_eq!(proved.err(), Some(RetireError::Changed { batch: 1 }));
                } else {
                    assert!(proved.is_ok(), "the control: no walk sees the change");
                }
            }
        }
    }
}

#[test]
fn buffers_that_are_a_byte_too_short() {
    let run = run();
    for order in [Order::Forked, Order::Shared] {
        let plans = run.plans::<Chosen>(PROFILES[0]);
        let kinds = [0, 1].map(|batch| BatchKind {
            plan: &plans[batch],
            airs: &run.batches[batch].airs,
        });
        let plan = RunPlan::new::<Chosen>(order, &kinds, &[0, 1]).expect("a plan");
        let (workspace, store) = (plan.workspace_len(), plan.store_len());
        let setup = |workspace: usize, store: usize| {
            const GUARD: u8 = 0xa5;
            let mut buffers = [workspace, store].map(|len| vec![MaybeUninit::new(GUARD); len]);
            let [one, other] = &mut buffers;
            Retire::<Chosen, _, MAX_TABLES>::new(&plan, &run.poseidon2, one, other).map(|_| ())
        };
        assert_eq!(setup(workspace, store), Ok(()));
        let short = |needed: usize| WorkspaceTooSmall {
            needed,
            got: needed - 1,
        };
        let refused = RetireSetupError::Workspace(short(workspace));
        assert_eq!(setup(workspace - 1, store), Err(refused));
        let refused = RetireSetupError::Store(short(store));
        assert_eq!(setup(workspace, store - 1), Err(refused));
    }
}

#[test]
fn plans_that_do_not_fit() {
    let run = run();
    let plans = run.plans::<Chosen>(PROFILES[0]);
    let compact = run.plans::<Chosen>(PROFILES[1]);
    let kind = |plan, batch: usize| BatchKind {
        plan,
        airs: &run.batches[batch].airs,
    };
    let refused = |kinds: &[BatchKind<'_, TestAir, MAX_TABLES>], sequence: &[u8]| {
        RunPlan::new::<Chosen>(Order::Forked, kinds, sequence).err()
    };
    let kinds = [kind(&plans[0], 0), kind(&plans[1], 1)];
    assert_eq!(refused(&kinds, &[0, 1, 1]), None);
    assert_eq!(refused(&[], &[0]), Some(RunPlanError::Kinds { got: 0 }));
    assert_eq!(refused(&kinds, &[]), Some(RunPlanError::Batches { got: 0 }));
    let none = RunPlanError::NoKind { batch: 1, kind: 2 };
    assert_eq!(refused(&kinds, &[0, 2]), Some(none));
    let kinds = [kind(&plans[0], 0), kind(&compact[1], 1)];
    let other = RunPlanError::OtherParams { kind: 1 };
    assert_eq!(refused(&kinds, &[0]), Some(other));
}
