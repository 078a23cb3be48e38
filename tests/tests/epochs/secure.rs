//! The default's 100 bits, floors, and budgets.

use std::num::NonZeroUsize;

use tranche::prove::{Fit, Options, fit, prove};
use tranche::verify::{Check, Place, verify, verify_above};
use tranche_core::plan::Profile;

use tranche_machine::settings::{OutOfRange, Settings};
use tranche_machine::setup::{Setup, SetupError};
use tranche_tests::core::PROFILES;

use crate::bundles::*;

const ONE: NonZeroUsize = NonZeroUsize::MIN;

#[test]
fn a_hundred_bits_by_default() {
    let settings = Settings {
        log2_cycles: 10,
        ..Settings::default()
    };
    let setup = Setup::secure(&SPIN, settings, 100.0).unwrap();
    // The range tables' 2^9 rows are the tallest of the smallest merge.
    assert_eq!(setup.settings.params.num_queries, 204);
    let options = Options {
        workers: ONE,
        ..Options::default()
    };
    let mut bundle = Vec::new();
    let execution = run(&SPIN, "none");
    prove(&setup, b"none", &execution, &options, &mut bundle, |_| {}).unwrap();

    let statement = verify(&SPIN, &bundle[..]).unwrap();
    assert!((100.0..101.0).contains(&statement.security_bits));
    // Two proofs, so one bit less against a forgery of either.
    let loss = statement.security_bits - statement.bundle_security_bits;
    assert!((loss - 1.0).abs() < 1e-9, "{loss}");

    let refusal = verify_above(&SPIN, &bundle[..], 101.0).unwrap_err();
    assert_eq!(refusal.place, Place::Header);
    assert!(
        matches!(refusal.check, Check::Security { floor: 101.0, .. }),
        "{refusal}"
    );
}

#[test]
fn too_few_bits_are_not_proved() {
    let setup = Setup::new(&SPIN, SMALL).unwrap();
    let execution = run(&SPIN, "none");
    let options = Options {
        workers: ONE,
        ..Options::default()
    };
    let proved = prove(&setup, b"none", &execution, &options, Vec::new(), |_| {});
    assert!(proved.unwrap_err().to_string().contains("bits"));
}

#[test]
fn queries_do_not_replace_grinding() {
    let params = tranche_core::Params {
        batch_pow_bits: 0,
        ..tranche_core::Params::DEFAULT
    };
    let settings = Settings {
        log2_cycles: 16,
        params,
        ..Settings::default()
    };
    let refused = Setup::secure(&SPIN, settings, 100.0);
    assert!(
        matches!(refused, Err(SetupError::Security { floor: 100.0, .. })),
        "{refused:?}"
    );
}

#[test]
fn settings_have_caps() {
    let settings = Settings {
        arity: 33,
        ..Settings::default()
    };
    let refused = Setup::new(&SPIN, settings).map(|_| ()).unwrap_err();
    assert_eq!(
        refused,
        OutOfRange {
            name: "arity",
            got: 33,
            min: 2,
            max: 32
        }
    );
}

#[test]
fn a_budget_is_kept_to_the_byte() {
    let execution = run(&SPIN, "9");
    let options = Options {
        workers: ONE,
        floor: 0.0,
        ..Options::default()
    };
    let fit = |bytes| fit(&SPIN, b"9", &execution, SMALL, &options, &PROFILES, bytes).unwrap();
    let Fit::TooSmall { needed } = fit(1) else {
        panic!("one byte is enough")
    };
    assert!(matches!(fit(needed - 1), Fit::TooSmall { needed: same } if same == needed));
    for bytes in [needed, 2 * needed, 1 << 30] {
        let Fit::Fits(setup, profile) = fit(bytes) else {
            panic!("{bytes} bytes are not enough")
        };
        let options = Options { profile, ..options };
        let mut bundle = Vec::new();
        let proved = prove(&setup, b"9", &execution, &options, &mut bundle, |_| {}).unwrap();
        assert!(proved.workspace_bytes as u64 <= bytes);
        assert!(check(&SPIN, &bundle).is_ok());
        if bytes == needed {
            assert_eq!(profile, Profile::Compact);
            assert_eq!(proved.workspace_bytes as u64, needed);
        }
    }
    let Fit::Fits(large, Profile::Fast) = fit(1 << 30) else {
        panic!("a gigabyte is not enough")
    };
    let Fit::Fits(small, Profile::Compact) = fit(needed) else {
        panic!("what is needed is not enough")
    };
    assert!(large.settings.log2_cycles > small.settings.log2_cycles);
}
