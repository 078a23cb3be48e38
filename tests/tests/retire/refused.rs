//! What the prover of runs refuses.

use std::convert::Infallible;
use std::mem::MaybeUninit;

use tranche_backend::Chosen;
use tranche_core::retire::{
    Alone, BatchKind, Keep, Kept, Order, Retire, RetireError, RetireSetupError, Run, RunPlan,
    RunPlanError, Worker,
};
use tranche_core::workspace::WorkspaceTooSmall;
use tranche_core::{F, TraceMut};
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::core::{MAX_TABLES, PROFILES, buffer};
use tranche_test_support::retire::Run as TestRun;
use tranche_test_support::shapes::{QUICK, Shape, TableShape};

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
                let values = Changing {
                    run: &run,
                    walk: 0,
                    changed,
                };
                let plan = (order, Keep::default());
                let proved = run.core_prove_as::<Chosen, _, _>(plan, profile, &Alone, vec![values]);
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
            let values = Changing {
                run: &run,
                walk: 0,
                changed: 0,
            };
            Worker::<Chosen, _, _>::new(&plan, &mut one[..], values)?;
            Retire::<Chosen, _, MAX_TABLES>::new(&plan, &run.suite, &mut other[..])?;
            Ok(())
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

/// A worker whose workspace was made for smaller batches.
#[test]
fn a_worker_of_another_plan() {
    let run = run();
    let plans = run.plans::<Chosen>(PROFILES[0]);
    let kinds = [0, 1].map(|batch| BatchKind {
        plan: &plans[batch],
        airs: &run.batches[batch].airs,
    });
    let plan = |kinds, sequence| RunPlan::new::<Chosen>(Order::Forked, kinds, sequence);
    let plan_of_all = plan(&kinds, &[0, 1]).expect("a plan");
    let smaller = plan(&kinds[..1], &[0]).expect("a plan");
    assert!(smaller.workspace_len() < plan_of_all.workspace_len());
    let mut store = buffer(plan_of_all.store_len());
    let retire = Retire::<Chosen, _, _>::new(&plan_of_all, &run.suite, &mut store[..]);
    let mut retire = retire.expect("a store");
    let mut workspaces = [(); 2].map(|()| buffer(plan_of_all.workspace_len()));
    let [one, other] = &mut workspaces;
    let values = || Changing {
        run: &run,
        walk: 0,
        changed: usize::MAX,
    };
    let first = Worker::new(&plan_of_all, &mut one[..], values()).expect("a workspace");
    let second = Worker::new(&smaller, &mut other[..], values()).expect("a workspace");
    let mut workers = [first, second];
    let mut prove = |workers: &mut [_]| retire.prove(&Alone, workers, &mut Vec::new(), |_| {});
    assert!(prove(&mut workers[..1]).is_ok(), "the control");
    assert_eq!(
        prove(&mut workers),
        Err(RetireError::OtherPlan { worker: 1 })
    );
}

/// What is kept is what the store is longer by, to the byte: of each batch first what is asked for, then the rest.
#[test]
fn a_store_is_as_long_as_what_is_kept() {
    let run = run();
    for (profile, blowup) in [(PROFILES[0], 1 << QUICK.log_blowup), (PROFILES[1], 1)] {
        let plans = run.plans::<Chosen>(profile);
        let kinds = [0, 1].map(|batch| BatchKind {
            plan: &plans[batch],
            airs: &run.batches[batch].airs,
        });
        let store = |order, quotients, codewords| {
            let keep = Keep {
                trees: Kept::Root,
                quotients,
                codewords,
            };
            let plan = RunPlan::keeping::<Chosen>(order, keep, &kinds, &[0, 1]).expect("a plan");
            plan.store_len()
        };
        // One chunk of four columns each, of 8 and of 16 rows; slots are multiples of 64 bytes.
        let quotients = 16 * (8 + 16);
        let codewords = blowup * 16 * (8 + 16);
        let [none, with_quotients, with_codewords, both] =
            [(false, false), (true, false), (false, true), (true, true)]
                .map(|(quotients, codewords)| store(Order::Forked, quotients, codewords));
        assert_eq!(with_quotients, none + quotients);
        // In place of them: claims of two columns and of the four of the chunk, and two challenges.
        let padded = |words: usize| (4 * words).next_multiple_of(64);
        let slot = |words: usize| padded(2 + 8 + 8 + 2 + 4 + words);
        let claims = 4 * (2 + 4) + 8;
        assert_eq!(
            with_codewords + 2 * (slot(claims) - slot(0)),
            none + codewords
        );
        assert_eq!(both, with_codewords + quotients);
        let shared = [false, true].map(|codewords| store(Order::Shared, true, codewords));
        assert_eq!(shared[0], shared[1], "shared order keeps none");
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
