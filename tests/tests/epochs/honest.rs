//! Honest runs: accepted, whatever the number of workers, the depth of the tree, the exit code.

use p3_field::PrimeCharacteristicRing;
use tranche::epoch::epoch_batch;
use tranche::verify::{Check, Place};
use tranche_core::F;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_machine::EpochTable;
use tranche_machine::hash::Hash;
use tranche_machine::merge::Tree;
use tranche_machine::settings::Settings;
use tranche_test_support::reference::{Batch, ReferenceAir, ReferenceSuite};

use crate::bundles::*;

#[test]
fn a_run_of_many_epochs_by_any_number_of_workers() {
    let execution = run(&SPIN, "10");
    let mut bundles = (1..=3).map(|workers| {
        let (proved, bundle) = prove_claim(&SPIN, SMALL, "10", &execution, workers).unwrap();
        let statement = check(&SPIN, &bundle).unwrap();
        assert_eq!(statement.cycles, execution.cycles);
        assert_eq!(statement.exit_code, 0);
        assert_eq!(statement.output, execution.output);
        assert_eq!(
            (statement.epochs, statement.merges),
            (proved.epochs, proved.merges)
        );
        assert_eq!(proved.bundle_bytes, bundle.len() as u64);
        bundle
    });
    let first = bundles.next().unwrap();
    assert!(
        bundles.all(|bundle| bundle == first),
        "the bundle depends on the number of workers"
    );
}

#[test]
fn trees_of_several_depths() {
    for (arity, depth) in [(2, 4), (4, 2), (16, 1)] {
        let (proved, bundle) =
            prove_claim(&SPIN, Settings { arity, ..SMALL }, "1", &run(&SPIN, "1"), 1).unwrap();
        let tree = Tree::new(proved.epochs, arity.into()).unwrap();
        assert!(
            tree.levels() >= depth,
            "{} epochs, arity {arity}",
            proved.epochs
        );
        let merges: u32 = (1..=tree.levels()).map(|level| tree.nodes(level)).sum();
        assert_eq!(proved.merges, merges);
        let statement = check(&SPIN, &bundle).unwrap();
        assert_eq!(statement.merges, merges);
    }
}

#[test]
fn a_run_that_fails_is_proved_like_any_other() {
    let execution = run(&SPIN, "none");
    assert_eq!(execution.exit_code, 1);
    let statement = check(&SPIN, &bundle(&SPIN, SMALL, "none")).unwrap();
    assert_eq!((statement.exit_code, statement.epochs), (1, 1));
    assert!(statement.output.is_empty());
}

#[test]
fn other_parameters() {
    let caps = tranche_core::Params {
        cap_height: 2,
        max_log_arity: 3,
        log_blowup: 2,
        ..WEAK
    };
    let settings = Settings {
        params: caps,
        ..SMALL
    };
    assert!(check(&SPIN, &bundle(&SPIN, settings, "1")).is_ok());
}

/// A run whose proofs hash with BLAKE3 is proved like any other, whatever the number of workers.
#[test]
fn a_run_of_the_other_suite() {
    for (input, workers) in [("none", 1), ("10", 1), ("10", 3)] {
        let execution = run(&SPIN, input);
        let (_, bundle) = prove_claim(&SPIN, BLAKE3, input, &execution, workers).unwrap();
        let statement = check(&SPIN, &bundle).unwrap();
        assert_eq!(statement.settings.hash, Hash::Blake3);
        assert_eq!(statement.cycles, execution.cycles);
        assert_eq!(statement.output, execution.output);
        assert!(
            bundle == self::bundle(&SPIN, BLAKE3, input),
            "{workers} workers"
        );
        assert!(bundle != self::bundle(&SPIN, SMALL, input));
    }
}

/// A header that names the other suite is refused at the first proof.
#[test]
fn a_bundle_is_of_one_suite() {
    for settings in [SMALL, BLAKE3] {
        let mut parts = Parts::of(&bundle(&SPIN, settings, "none"));
        assert!(check(&SPIN, &parts.sealed()).is_ok(), "the control");
        parts.header[12] ^= 1;
        let refusal = check(&SPIN, &parts.sealed()).unwrap_err();
        assert_eq!(refusal.place, Place::Epoch(1), "{refusal}");
        assert!(matches!(refusal.check, Check::Proof(_)), "{refusal}");
    }
}

#[test]
fn an_epoch_is_a_plonky3_batch() {
    compare_with_plonky3(Poseidon2::BABY_BEAR, SMALL);
    compare_with_plonky3(Blake3, BLAKE3);
    compare_with_plonky3(Poseidon2::BABY_BEAR, crate::metered::settings(&SPIN, "3"));
}

fn compare_with_plonky3<S: ReferenceSuite>(suite: S, settings: Settings)
where
    EpochTable<'static>: ReferenceAir<S>,
{
    let mut parts = Parts::of(&bundle(&SPIN, settings, "3"));
    let last = parts.frames.iter().filter(|(kind, _)| *kind == EPOCH);
    for number in [1, 4, last.count() as u32] {
        let epoch = epoch_batch(&SPIN, b"3", settings, number).unwrap();
        let batch = Batch {
            airs: epoch.airs.to_vec(),
            traces: epoch.traces,
            publics: epoch.publics.to_vec(),
            carved: epoch.specs.iter().map(|spec| spec.carved).collect(),
            params: WEAK,
            statement: Some(epoch.statement),
            suite: suite.clone(),
        };
        assert_eq!(batch.publics[6], [F::from_u32(number)]);
        let proof = &parts.payload(EPOCH, number as usize - 1)[12..];
        assert!(
            proof == batch.prove(),
            "epoch {number} differs from Plonky3's proof"
        );
        assert!(batch.verify(proof).is_ok());
    }
}
