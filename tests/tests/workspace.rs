//! The workspace: exact, of any alignment, with anything in it, and nobody else's memory.
//!
//! Safe code cannot look at uninitialised bytes, so the guards around a workspace are the workspaces
//! of two other provers, which are ready to prove and would notice. (That the slice which the core
//! carves out of the buffer ends where it should is a unit test next to the carving.)

use std::mem::MaybeUninit;

use p3_air::BaseAir;
use p3_field::PrimeCharacteristicRing;
use proptest::prelude::*;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::prover::ProverSetupError;
use tranche_core::shape::Profile;
use tranche_core::workspace::{ALIGN_BYTES, WorkspaceTooSmall, bytes_for};
use tranche_core::{DefaultBackend, F, Hashes, Params, Plan, Prover};
use tranche_test_support::air::TestAir;
use tranche_test_support::core::{MAX_TABLES, PROFILES, buffer, fill};
use tranche_test_support::reference::{Batch, ReferenceSuite};
use tranche_test_support::shapes::{QUICK, Shape, shapes, sweep};

type TestProver<'a> = Prover<'a, DefaultBackend, TestAir>;

fn plan(batch: &Batch<TestAir>) -> Plan<MAX_TABLES> {
    batch
        .plan::<DefaultBackend>()
        .expect("a plan of a test batch")
}

/// The same tables with other values, which need not satisfy anything to be proved.
fn other_values(batch: &Batch<TestAir>) -> Batch<TestAir> {
    let mut other = batch.clone();
    let values = other.traces.iter_mut().flat_map(|trace| &mut trace.values);
    for (i, value) in values.chain(other.publics.iter_mut().flatten()).enumerate() {
        *value = F::NEG_ONE - value.double() - F::from_usize(i);
    }
    other
}

fn poison(workspace: &mut [MaybeUninit<u8>]) {
    workspace.fill(MaybeUninit::new(0xff));
}

#[test]
fn any_alignment_between_provers_that_would_notice() {
    let batch = Shape::everything(QUICK).batch();
    let plan = plan(&batch);
    let (expected, len) = (batch.prove(), plan.workspace_len());
    for offset in [0, 1, 2, 3, 4, 7, 31, 32, 63, 64, 65] {
        let mut memory = buffer(3 * len + offset);
        poison(&mut memory);
        let (left, rest) = memory[offset..].split_at_mut(len);
        let (middle, right) = rest.split_at_mut(len);
        let mut left = batch.prover::<DefaultBackend>(&plan, left);
        let mut right = batch.prover::<DefaultBackend>(&plan, right);
        assert_eq!(
            batch.prove_with(&mut batch.prover::<DefaultBackend>(&plan, middle)),
            expected
        );
        assert_eq!(batch.prove_with(&mut left), expected, "offset {offset}");
        assert_eq!(batch.prove_with(&mut right), expected, "offset {offset}");
    }
}

#[test]
fn one_byte_fewer_is_refused() {
    for params in sweep() {
        let batch = Shape::everything(params).batch();
        let plan = plan(&batch);
        let needed = plan.workspace_len();
        let mut memory = buffer(needed + ALIGN_BYTES);
        for offset in [0, 1, ALIGN_BYTES - 1] {
            for got in [0, 1, ALIGN_BYTES, needed - 1] {
                let workspace = &mut memory[offset..offset + got];
                let error =
                    TestProver::new(&plan, &batch.airs, &batch.suite, workspace).unwrap_err();
                assert_eq!(
                    error,
                    ProverSetupError::Workspace(WorkspaceTooSmall { needed, got })
                );
            }
            let workspace = &mut memory[offset..offset + needed];
            TestProver::new(&plan, &batch.airs, &batch.suite, workspace)
                .expect("the control: the plan's length is enough");
        }
    }
}

#[test]
fn poisoned_and_used_by_another_plan() {
    let batch = Shape::everything(QUICK).batch();
    let other = Shape {
        carved: 0b11,
        seeded: true,
        ..Shape::everything(sweep()[2])
    }
    .batch();
    let len = plan(&batch)
        .workspace_len()
        .max(plan(&other).workspace_len());
    let (expected, expected_other) = (batch.prove(), other.prove());
    let mut workspace = buffer(len);
    for _ in 0..2 {
        poison(&mut workspace);
        assert_eq!(batch.prove_in::<DefaultBackend>(&mut workspace), expected);
        assert_eq!(
            other.prove_in::<DefaultBackend>(&mut workspace),
            expected_other
        );
        assert_eq!(batch.prove_in::<DefaultBackend>(&mut workspace), expected);
    }
}

/// Regions that a phase needs lie apart, aligned, and fill the workspace to its last element.
fn assert_apart(plan: &Plan<MAX_TABLES>) {
    let regions: Vec<_> = plan
        .regions()
        .iter()
        .filter(|region| region.len > 0)
        .collect();
    for (i, a) in regions.iter().enumerate() {
        assert_eq!(a.offset * size_of::<F>() % ALIGN_BYTES, 0, "{a:?}");
        assert!(a.first <= a.last, "{a:?}");
        for b in &regions[i + 1..] {
            let together = a.first <= b.last && b.first <= a.last;
            let apart = a.range().end <= b.offset || b.range().end <= a.offset;
            assert!(apart || !together, "{a:?} {b:?}");
        }
    }
    let end = regions
        .iter()
        .map(|region| region.range().end)
        .max()
        .expect("regions");
    assert_eq!(plan.regions().len(), end);
    assert_eq!(plan.workspace_len(), bytes_for(end));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn regions_of_a_phase_lie_apart(shape in shapes()) {
        assert_apart(&plan(&shape.batch()));
    }

    /// What one batch leaves behind in a prover does not reach the next one's proof.
    #[test]
    fn reused_with_other_values(shape in shapes()) {
        let batch = shape.batch();
        let plan = plan(&batch);
        let mut workspace = buffer(plan.workspace_len());
        let fresh = batch.prove_with(&mut batch.prover::<DefaultBackend>(&plan, &mut workspace));
        let mut prover = batch.prover::<DefaultBackend>(&plan, &mut workspace);
        let other = other_values(&batch).prove_with(&mut prover);
        prop_assert_ne!(&other, &fresh);
        prop_assert!(batch.prove_with(&mut prover) == fresh);
        // A batch that is begun, written and given up.
        let mut traces = prover.begin(None).expect("prepared");
        for table in 0..traces.len() {
            traces.trace_mut(table).values_mut().fill(F::NEG_ONE);
        }
        prop_assert!(batch.prove_with(&mut prover) == fresh);
    }

    /// A wiped workspace holds no trace, and the prover is as new.
    #[test]
    fn wiped_and_used_again(shape in shapes()) {
        let batch = shape.batch();
        for profile in PROFILES {
            let plan = batch.plan_in::<DefaultBackend>(profile).expect("a plan of a test batch");
            let mut workspace = buffer(plan.workspace_len());
            let mut prover = batch.prover::<DefaultBackend>(&plan, &mut workspace);
            let fresh = batch.prove_with(&mut prover);
            prover.wipe();
            for (table, air) in batch.airs.iter().enumerate() {
                let Some(mut trace) = prover.preprocessed_mut(table) else {
                    continue;
                };
                prop_assert!(trace.values_mut().iter().all(|&value| value == F::ZERO));
                prop_assert!(prover.begin(None).is_err(), "not prepared any more");
                let trace = prover.preprocessed_mut(table).expect("the same table");
                fill(&air.preprocessed_trace().expect("columns"), trace);
            }
            prover.prepare();
            let mut traces = prover.begin(None).expect("prepared");
            for table in 0..traces.len() {
                prop_assert!(traces.trace_mut(table).values_mut().iter().all(|&value| value == F::ZERO));
            }
            prop_assert!(batch.prove_with(&mut prover) == fresh);
        }
    }
}

/// A smaller budget buys the same proof in less memory, down to what the profile can do and not a byte further.
fn assert_within_budgets<S: ReferenceSuite>(batch: &Batch<TestAir, S>)
where
    DefaultBackend: Hashes<S>,
{
    let expected = batch.core_prove::<DefaultBackend>(Profile::Fast);
    let within = |budget| {
        let (specs, params) = (batch.specs(), batch.params);
        Plan::<MAX_TABLES, S>::of_suite_within::<DefaultBackend, _>(
            &batch.airs,
            &specs,
            params,
            Profile::Compact,
            budget,
        )
        .expect("a plan of a test batch")
    };
    let (most, least) = (
        within(usize::MAX).workspace_len(),
        within(0).workspace_len(),
    );
    let default = batch.plan_in::<DefaultBackend>(Profile::Compact);
    assert_eq!(
        default.expect("a plan of a test batch").workspace_len(),
        most
    );
    assert!(least < most, "{least} {most}");
    assert_eq!(within(least - 1).workspace_len(), least);
    for budget in [0, least, least + (most - least) / 2, most - 1, most] {
        let plan = within(budget);
        assert!(plan.workspace_len() <= budget.max(least), "{budget}");
        let mut workspace = buffer(plan.workspace_len());
        let mut prover = batch.prover::<DefaultBackend>(&plan, &mut workspace);
        assert!(batch.prove_with(&mut prover) == expected, "budget {budget}");
    }
}

#[test]
fn the_same_proof_within_smaller_budgets() {
    // Queries enough for rows and siblings to be what takes the most.
    let params = Params {
        num_queries: 200,
        ..QUICK
    };
    let batch = Shape::everything(params).batch();
    assert_within_budgets(&batch);
    assert_within_budgets(&batch.with_suite(Blake3));
}

#[test]
fn the_region_map_is_printed() {
    let batch = Shape::everything(QUICK).batch();
    let plan = plan(&batch);
    let map = plan.regions().to_string();
    assert_eq!(map.lines().count(), 1 + plan.regions().iter().count());
    for (line, region) in map.lines().skip(1).zip(plan.regions().iter()) {
        let (offset, bytes) = (region.offset * size_of::<F>(), region.len * size_of::<F>());
        let (name, first, last) = (region.name, region.first, region.last);
        let phases = if first == last {
            format!("{first:?}")
        } else {
            format!("{first:?} to {last:?}")
        };
        assert_eq!(
            line,
            format!("{offset:>12} {bytes:>12}  {name:?}, {phases}")
        );
    }
}

#[test]
fn other_constants_in_one_workspace() {
    // The permutation is the prover's, not the workspace's.
    let own = Shape {
        own_constants: true,
        ..Shape::everything(QUICK)
    }
    .batch();
    assert!(own.suite != Poseidon2::BABY_BEAR);
    let published = Shape::everything(QUICK).batch();
    let mut workspace = buffer(plan(&own).workspace_len());
    let first = own.prove_in::<DefaultBackend>(&mut workspace);
    assert_ne!(published.prove_in::<DefaultBackend>(&mut workspace), first);
    assert_eq!(own.prove_in::<DefaultBackend>(&mut workspace), first);
}

#[test]
fn preprocessed_traces_prepared_again() {
    let batch = Shape::everything(QUICK).batch();
    let plan = plan(&batch);
    let expected = batch.prove();
    let mut workspace = buffer(plan.workspace_len());
    let mut prover = batch.prover::<DefaultBackend>(&plan, &mut workspace);
    prover.prepare();
    assert_eq!(batch.prove_with(&mut prover), expected);
    // One table is written anew; the others keep what they hold.
    for (table, air) in batch.airs.iter().enumerate() {
        let Some(mut trace) = prover.preprocessed_mut(table) else {
            continue;
        };
        trace.values_mut().fill(F::TWO);
        prover.prepare();
        assert_ne!(batch.prove_with(&mut prover), expected);
        let trace = prover.preprocessed_mut(table).expect("the same table");
        fill(&air.preprocessed_trace().expect("columns"), trace);
        prover.prepare();
        assert_eq!(batch.prove_with(&mut prover), expected);
    }
}
