//! Walks that several workers share: the same bytes whatever their number and whatever the crew, and what ends them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use tranche_backend::Chosen;
use tranche_core::retire::{Alone, Crew, Keep, Order, RetireError, Run};
use tranche_core::{F, TraceMut};
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::core::PROFILES;
use tranche_test_support::retire::crew::{Backwards, Forgetful, Threads};
use tranche_test_support::retire::{Run as TestRun, naive};
use tranche_test_support::shapes::{QUICK, Shape, TableShape};

use super::{ORDERS, keeps};

/// Five batches of two tables and one kind, and a sixth of another, with local interactions of their own.
fn run() -> TestRun<TestAir> {
    let table = |log_height, parts| TableShape {
        log_height,
        parts,
        max_constraint_degree: Some(3),
    };
    let local = || {
        let part = Part::Local {
            width: 2,
            queries: 1,
        };
        table(3, vec![part])
    };
    let power = || table(4, vec![Part::Power { degree: 3 }]);
    let mut tables: Vec<_> = (0..5).flat_map(|_| [local(), power()]).collect();
    tables.push(power());
    let run = TestRun::cut(Shape::new(tables, QUICK).batch(), &[2; 5]);
    assert_eq!(run.sequence(), [0, 0, 0, 0, 0, 1]);
    run
}

#[test]
fn bytes_do_not_depend_on_workers() {
    let run = run();
    for order in ORDERS {
        let expected = match order {
            Order::Forked => naive::prove(&run).encode(),
            Order::Shared => run.prove_batch(),
        };
        for profile in PROFILES {
            for keep in keeps(order) {
                let plan = (order, keep);
                let same = |name, bytes: Vec<u8>| {
                    assert!(bytes == expected, "{plan:?}, {profile:?}, {name}");
                };
                // As many as there are batches of a kind, more than that, and more than batches.
                for workers in [1, 2, 3, 5, 6, 9] {
                    let with = (&Threads, workers);
                    let bytes = run.core_prove_with::<Chosen, _>(plan, profile, with);
                    same(format!("{workers} workers"), bytes);
                }
                let bytes = run.core_prove_with::<Chosen, _>(plan, profile, (&Backwards, 3));
                same("backwards".to_owned(), bytes);
                let bytes = run.core_prove_with::<Chosen, _>(plan, profile, (&Alone, 3));
                same("alone".to_owned(), bytes);
            }
        }
    }
}

/// What goes wrong in batch 2.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// It cannot be filled, from some walk on.
    Fails,
    /// It is another one.
    Changes,
    /// Filling it panics.
    Panics,
}

/// A run whose third batch goes wrong on walk `walk`.
struct Faulty<'r> {
    run: &'r TestRun<TestAir>,
    fault: Fault,
    walk: usize,
    /// Batches that this worker has filled since.
    filled: Vec<usize>,
    /// Batches that were filled by anyone.
    all: &'r AtomicUsize,
}

impl Run for Faulty<'_> {
    type Error = &'static str;

    fn fill(
        &mut self,
        batch: usize,
        table: usize,
        trace: &mut TraceMut<'_>,
    ) -> Result<(), &'static str> {
        if table == 0 {
            self.filled.push(batch);
            self.all.fetch_add(1, Ordering::Relaxed);
        }
        trace.copy_from_rows(&self.run.batches[batch].traces[table].values);
        let walk = self.filled.iter().filter(|&&b| b == batch).count();
        if batch == 2 && walk >= self.walk {
            match self.fault {
                Fault::None => {}
                Fault::Fails => return Err("no trace"),
                Fault::Changes => trace.set(5, 0, trace.get(5, 0) + F::new(1)),
                Fault::Panics => panic!("no trace"),
            }
        }
        Ok(())
    }

    fn public_values(&self, batch: usize) -> impl AsRef<[&[F]]> {
        let values = self.run.batches[batch].publics.iter();
        values.map(Vec::as_slice).collect::<Vec<_>>()
    }
}

fn prove<C: Crew>(
    order: Order,
    (crew, workers): (&C, usize),
    (fault, walk): (Fault, usize),
) -> (
    Result<Vec<u8>, RetireError<&'static str, core::convert::Infallible>>,
    usize,
) {
    let (run, all) = (run(), AtomicUsize::new(0));
    let values = (0..workers).map(|_| Faulty {
        run: &run,
        fault,
        walk,
        filled: vec![],
        all: &all,
    });
    let plan = (order, Keep::default());
    let values = values.collect();
    let proved = run.core_prove_as::<Chosen, _, _>(plan, PROFILES[0], crew, values);
    (proved, all.load(Ordering::Relaxed))
}

#[test]
fn an_error_of_a_worker_ends_the_walk() {
    for order in ORDERS {
        for workers in 1..=4 {
            let with = (&Threads, workers);
            let (control, all) = prove(order, with, (Fault::None, 1));
            assert!(control.is_ok());
            assert_eq!(all % 6, 0, "whole walks");
            for walk in [1, 2] {
                let (refused, made) = prove(order, with, (Fault::Fails, walk));
                let expected = RetireError::Trace {
                    batch: 2,
                    error: "no trace",
                };
                assert_eq!(refused, Err(expected));
                // The round of the batch is the last.
                let rounds = 2 / workers + 1;
                assert_eq!(made, (walk - 1) * 6 + (rounds * workers).min(5));
            }
            let (refused, _) = prove(order, with, (Fault::Changes, 2));
            assert_eq!(refused, Err(RetireError::Changed { batch: 2 }));
        }
    }
}

#[test]
fn a_panic_of_a_worker_ends_the_walk() {
    for order in ORDERS {
        let proved = catch_unwind(AssertUnwindSafe(|| {
            drop(prove(order, (&Threads, 2), (Fault::Panics, 2)));
        }));
        assert!(proved.is_err());
    }
}

#[test]
fn no_worker_and_a_crew_that_forgets() {
    for order in ORDERS {
        let (refused, _) = prove(order, (&Alone, 0), (Fault::None, 1));
        assert_eq!(refused, Err(RetireError::NoWorker));
        let (refused, _) = prove(order, (&Forgetful, 2), (Fault::None, 1));
        assert_eq!(refused, Err(RetireError::NotMade { batch: 1 }));
    }
}
