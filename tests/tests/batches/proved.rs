//! A program through the core, batch by batch: in both orders the bytes of what knows them, which their
//! verifiers accept.

use std::ops::RangeInclusive;

use tranche_backend::Chosen;
use tranche_core::Prover;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::retire::{BatchKind, Order, Retire, RetireError, RunPlan, Worker};
use tranche_core::shape::Profile;
use tranche_machine::batches::{
    BODY, BODY_TABLES, CLOSING, RunShape, WalkError, WholeRun, WholeTables,
};
use tranche_machine::hash::MachineSuite;
use tranche_test_support::core::{PROFILES, buffer};
use tranche_test_support::machine::run::{Surveyed, body, survey, traces};
use tranche_test_support::params::PARAMS;
use tranche_test_support::reference::Batch;
use tranche_test_support::retire::crew::Threads;
use tranche_test_support::retire::{Run, naive};

use crate::guest;
use crate::honest::FACTORS;

/// The proof that the core makes of a run.
fn prove(
    run: &Surveyed<'_>,
    order: Order,
    profile: Profile,
    workers: usize,
) -> Result<Vec<u8>, RetireError<WalkError, core::convert::Infallible>> {
    let tables = run.tables();
    let plans = [BODY, CLOSING].map(|kind| {
        let plan = tables.plan_in::<Chosen, _>(kind, profile);
        plan.expect("a plan of a kind of batch")
    });
    let kinds = [BODY, CLOSING].map(|kind| BatchKind {
        plan: &plans[kind],
        airs: tables.airs(kind),
    });
    let sequence: Vec<u8> = (0..tables.batches())
        .map(|batch| tables.kind(batch) as u8)
        .collect();
    let plan = RunPlan::new::<Chosen>(order, &kinds, &sequence).expect("a plan of a run");
    let mut store = buffer(plan.store_len());
    let mut retire = Retire::<Chosen, _, _>::new(&plan, Poseidon2::instance(), &mut store[..])
        .expect("a store of the plan's length");
    let mut rooms: Vec<_> = (0..workers)
        .map(|_| (buffer(plan.workspace_len()), run.storage()))
        .collect();
    let mut workers: Vec<_> = rooms
        .iter_mut()
        .map(|(workspace, storage)| {
            let walk = run.walk(&tables, storage);
            Worker::new(&plan, &mut workspace[..], walk).expect("a workspace of the plan's length")
        })
        .collect();
    let mut bytes = Vec::new();
    retire.prove(&Threads, &mut workers, &mut bytes, |_| {})?;
    Ok(bytes)
}

#[test]
fn both_orders_have_the_bytes_of_their_oracles() {
    let program = guest("sha256");
    let run = survey(program, b"abc", body(program, 8));
    assert!(run.shape.batches >= 16);
    compare(&run, BODY_TABLES, 1..=3);
}

/// With tables of products and quotients.
#[test]
fn both_orders_have_the_bytes_of_their_oracles_with_extensions() {
    let program = guest("modexp");
    let run = survey(program, &FACTORS, body(program, 12));
    assert!(run.shape.batches >= 8);
    // No public input, so no table of it.
    compare(&run, BODY_TABLES + 2, 2..=2);
}

/// Compares the proofs of a run whose bodies have so many tables, by each of these numbers of workers.
fn compare(run: &Surveyed<'_>, body_tables: usize, workers: RangeInclusive<usize>) {
    let tables = run.tables();
    let mut storage = run.storage();
    let all = traces(&mut run.walk(&tables, &mut storage));
    let batch = Batch {
        carved: vec![false; all.tables.len()],
        airs: all.tables,
        traces: all.main,
        publics: all.public,
        params: PARAMS,
        statement: Some(tables.statement()),
        suite: Poseidon2::BABY_BEAR,
    };
    let oracle = Run::cut(batch, &vec![body_tables; tables.bodies()]);
    let shared = oracle.prove_batch();
    oracle
        .verify_shared(&shared)
        .expect("a proof in shared order");
    let forked = naive::prove(&oracle).encode();
    oracle.verify(&forked).expect("a proof in forked order");
    for profile in PROFILES {
        for (order, expected) in [(Order::Shared, &shared), (Order::Forked, &forked)] {
            for workers in workers.clone() {
                let got = prove(run, order, profile, workers).expect("a proof");
                let first = got.iter().zip(expected).position(|(a, b)| a != b);
                let equal = (first, got.len()) == (None, expected.len());
                assert!(
                    equal,
                    "{order:?}, {profile:?}, {workers} workers: {first:?} is the first byte that differs"
                );
            }
        }
    }
}

/// A run in one batch has the bytes of the plain `prove_batch`, at the heights of a common mix and at the least.
#[test]
fn a_whole_run_has_the_bytes_of_plonky3() {
    let program = guest("sha256");
    let common = survey(program, b"abc", body(program, 14));
    let least = RunShape::holding(&common.run.rows, program.rom_log2()).expect("heights");
    assert!(least.cpu < 14 && least.shift < common.shape.body.shift);
    for run in [survey(program, b"abc", least), common] {
        let tables = run.tables();
        let whole = WholeTables::new(&tables).expect("one batch");
        let mut storage = run.storage();
        let all = traces(&mut run.walk(&tables, &mut storage));
        let batch = Batch {
            carved: vec![false; all.tables.len()],
            airs: all.tables,
            traces: all.main,
            publics: all.public,
            params: PARAMS,
            statement: Some(whole.statement()),
            suite: Poseidon2::BABY_BEAR,
        };
        let expected = batch.prove();
        batch.verify(&expected).expect("a proof");
        for profile in PROFILES {
            let plan = whole.plan_in::<Chosen, _>(profile).expect("a plan");
            let mut workspace = buffer(plan.workspace_len());
            let mut prover = Prover::<Chosen, _>::new(
                &plan,
                whole.airs(),
                Poseidon2::instance(),
                &mut workspace[..],
            )
            .expect("a workspace of the plan's length");
            let mut storage = run.storage();
            let mut bytes = Vec::new();
            let mut batch = WholeRun::new(&whole, run.walk(&tables, &mut storage));
            prover.prove(&mut batch, &mut bytes).expect("a proof");
            assert!(bytes == expected, "{profile:?}");
        }
    }
    let several = survey(program, b"abc", body(program, 10));
    assert!(WholeTables::new(&several.tables()).is_none());
}

/// Another input than the surveyed one is no proof.
#[test]
fn an_execution_that_is_another_is_refused() {
    let program = guest("sha256");
    let mut run = survey(program, b"abc", body(program, 8));
    run.input = b"abd".to_vec();
    for order in [Order::Shared, Order::Forked] {
        for workers in 1..=2 {
            let refused = prove(&run, order, Profile::Fast, workers).unwrap_err();
            let diverged = matches!(
                refused,
                RetireError::Trace {
                    error: WalkError::Diverged { .. },
                    ..
                }
            );
            assert!(diverged, "{refused}");
        }
    }
}
