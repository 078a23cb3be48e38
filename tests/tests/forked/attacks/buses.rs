//! Buses of a run: numbered over all tables, and balanced over all batches.

use p3_field::PrimeCharacteristicRing;
use tranche_core::verifier::{ForkedError, Joined};
use tranche_core::{EF, F};
use tranche_test_support::air::{Part, TestAir};
use tranche_test_support::retire::{Deviation, Proof, Run, naive};
use tranche_test_support::shapes::{QUICK, Shape};

use super::suite::{AlteredSuite, in_both_suites};
use crate::runs::{everything_with, table};

in_both_suites!(
    a_bus_that_does_not_balance,
    local_interactions_of_two_batches_that_cancel,
);

fn sum<S: AlteredSuite>(proof: &Proof<S>) -> EF {
    let terminals = proof.batches.iter().flat_map(|part| &part.terminals);
    terminals.flatten().copied().sum()
}

fn a_bus_that_does_not_balance<S: AlteredSuite>() {
    let run = everything_with(S::instance().clone());
    assert_eq!(
        run.verify(&naive::prove(&run).encode()),
        Ok(()),
        "the control"
    );
    let mut open = run;
    open.batches.pop();
    let proof = naive::prove(&open);
    assert_eq!(open.verify(&proof.encode()), Err(ForkedError::Buses));
}

/// Two batches with a local interaction each; the second is the first again.
fn locals<S: AlteredSuite>() -> Run<TestAir, S> {
    let local = || {
        let part = Part::Local {
            width: 2,
            queries: 1,
        };
        table(3, vec![part])
    };
    let batch = Shape::new(vec![local(), local()], QUICK).batch();
    let mut run = Run::cut(batch.with_suite(S::instance().clone()), &[1]);
    run.batches[1] = run.batches[0].clone();
    run
}

/// What one table reads and does not provide, the other provides and does not read. Numbered batch by batch
/// the two interactions would share a bus, and the run would balance.
fn local_interactions_of_two_batches_that_cancel<S: AlteredSuite>() {
    let mut run = locals::<S>();
    assert_eq!(
        run.verify(&naive::prove(&run).encode()),
        Ok(()),
        "the control"
    );

    let last = run.batches[0].traces[0].width - 1;
    run.batches[0].traces[0].values[last] += F::ONE;
    run.batches[1].traces[0].values[last] -= F::ONE;
    let proof = naive::prove(&run);
    assert_ne!(sum(&proof), EF::ZERO);
    assert_eq!(run.verify(&proof.encode()), Err(ForkedError::Buses));

    let deviation = Deviation {
        buses_per_batch: true,
        ..Deviation::default()
    };
    let proof = naive::prove_with(&run, deviation, Joined);
    assert_eq!(sum(&proof), EF::ZERO, "numbered batch by batch they cancel");
    let refusal = ForkedError::Constraints { batch: 1, table: 0 };
    assert_eq!(run.verify(&proof.encode()), Err(refusal));
}
