//! The default's 100 bits, floors, and budgets.

use std::num::NonZeroUsize;

use tranche::mix::Sizing;
use tranche::prove::{Budget, Fit, Options, ProveError, fit, prove, secure};
use tranche::verify::{Check, Place, verify, verify_above};
use tranche_core::Params;
use tranche_core::shape::Profile;
use tranche_machine::Program;
use tranche_machine::settings::{OutOfRange, Settings};
use tranche_machine::setup::{Setup, SetupError};
use tranche_test_support::core::PROFILES;
use tranche_test_support::machine::asm::{self, A0, CODE, Segment, ZERO, exit, file, immediate};

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
    assert!(
        matches!(proved, Err(ProveError::Security { term: "query", .. })),
        "{proved:?}"
    );
}

/// No plan reaches a floor that is not a number: not the prover's, not the verifier's.
#[test]
fn a_floor_that_is_no_number_is_never_reached() {
    let nan = f64::NAN;
    let is_nan = |floor: f64| floor.is_nan();
    let secure = Setup::secure(&SPIN, SMALL, nan).unwrap_err();
    assert!(
        matches!(secure, SetupError::Security { floor, .. } if is_nan(floor)),
        "{secure}"
    );

    let (setup, execution) = (Setup::new(&SPIN, SMALL).unwrap(), run(&SPIN, "none"));
    let floored = |floor| {
        let options = Options {
            workers: ONE,
            floor,
            ..Options::default()
        };
        let mut bundle = Vec::new();
        prove(&setup, b"none", &execution, &options, &mut bundle, |_| {}).map(|_| bundle)
    };
    let refused = floored(nan).unwrap_err();
    assert!(
        matches!(refused, ProveError::Security { floor, .. } if is_nan(floor)),
        "{refused}"
    );

    let bundle = floored(0.0).expect("the control");
    verify_above(&SPIN, &bundle[..], 0.0).expect("the control");
    let refusal = verify_above(&SPIN, &bundle[..], nan).unwrap_err();
    assert_eq!(refusal.place, Place::Header);
    assert!(
        matches!(refusal.check, Check::Security { floor, .. } if is_nan(floor)),
        "{refusal}"
    );
}

#[test]
fn grinding_is_raised_where_it_binds() {
    let params = Params {
        batch_pow_bits: 0,
        lookup_pow_bits: 0,
        ..Params::DEFAULT
    };
    let settings = Settings {
        log2_cycles: 16,
        params,
        ..Settings::default()
    };
    let raised = Setup::secure(&SPIN, settings, 100.0).unwrap().settings;
    let Params {
        batch_pow_bits,
        lookup_pow_bits,
        commit_pow_bits,
        ood_pow_bits,
        ..
    } = raised.params;
    assert!(batch_pow_bits > 0 && lookup_pow_bits > 0);
    let others = [params.commit_pow_bits, params.ood_pow_bits];
    assert_eq!(
        [commit_pow_bits, ood_pow_bits],
        others,
        "nothing else is raised"
    );
    // One bit less of what was raised is too little.
    for less in [
        Params {
            batch_pow_bits: batch_pow_bits - 1,
            ..raised.params
        },
        Params {
            lookup_pow_bits: lookup_pow_bits - 1,
            ..raised.params
        },
    ] {
        let settings = Settings {
            params: less,
            ..settings
        };
        let again = Setup::secure(&SPIN, settings, 100.0).unwrap().settings;
        assert_eq!(again.params, raised.params);
    }
    // What neither queries nor grinding help is refused by its name.
    let refused = Setup::secure(&SPIN, settings, 124.0);
    let Err(SetupError::Security { term, floor, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(floor, 124.0);
    assert!(
        ["ali", "collision", "query", "deep", "batching"].contains(&term),
        "{term}"
    );
}

/// A program that exits at once, with `words` words of initialised data.
fn with_data(words: u32) -> Vec<u8> {
    let code = asm::words(&[&[immediate("addi", A0, ZERO, 0)][..], &exit()].concat());
    let data = asm::words(&(1..=words).collect::<Vec<_>>());
    let segment = |address, bytes, flags| Segment {
        address,
        bytes,
        memory: bytes.len() as u32,
        flags,
    };
    let segments = [segment(CODE, &code[..], 5), segment(0x10_0000, &data, 6)];
    file(CODE, &segments)
}

#[test]
fn a_root_that_falls_short_is_found_before_the_first_proof() {
    let elf = with_data(1 << 14);
    let program = Program::parse(&elf).unwrap();
    let params = Params {
        num_queries: 220,
        batch_pow_bits: 0,
        ..Params::DEFAULT
    };
    let settings = Settings {
        log2_cycles: 6,
        arity: 2,
        params,
        ..Settings::default()
    };
    // Enough for an epoch, and for the smallest merge.
    let setup = Setup::secure(&program, settings, 100.0).unwrap();
    assert_eq!(setup.settings, settings);
    let execution = run(&program, "");
    let options = Options {
        workers: ONE,
        ..Options::default()
    };
    let mut bundle = Vec::new();
    let refused = prove(&setup, b"", &execution, &options, &mut bundle, |proved| {
        panic!("proved before it is refused: {proved:?}")
    });
    let Err(ProveError::Security { term, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(term, "batching");
    assert!(bundle.is_empty());

    // The driver raises what binds.
    let surveyed = secure(&program, b"", &execution, settings, 100.0).unwrap();
    let raised = surveyed.setup.settings.params;
    assert!(raised.batch_pow_bits > 0);
    let params = Params {
        batch_pow_bits: 0,
        ..raised
    };
    assert_eq!(params, settings.params, "nothing else is raised");
    surveyed.prove(&options, &mut bundle, |_| {}).unwrap();
    let statement = verify(&program, &bundle[..]).unwrap();
    assert!((100.0..101.0).contains(&statement.security_bits));
    // The same bundle as of a run that is surveyed again.
    let mut again = Vec::new();
    let setup = surveyed.setup;
    prove(&setup, b"", &execution, &options, &mut again, |_| {}).unwrap();
    assert_eq!(bundle, again);
}

#[test]
fn two_mebibytes_of_data_fit_four_hundred_megabytes() {
    let elf = with_data(2 << 18);
    let program = Program::parse(&elf).unwrap();
    let execution = run(&program, "");
    let options = Options {
        workers: ONE,
        ..Options::default()
    };
    let (settings, bytes) = (Settings::default(), 400_000_000);
    let fit = fit(
        &program,
        b"",
        &execution,
        settings,
        Sizing::Common,
        &options,
        within(bytes),
    );
    let Fit::Fits(_, chosen) = fit.unwrap() else {
        panic!("they do not fit")
    };
    // Merges are compact where memory asks for it, and epochs fast all the same.
    assert_eq!(chosen.profile, Profile::Fast);
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
    for sizing in [Sizing::Common, Sizing::Metered] {
        budget_is_kept(sizing);
    }
}

/// Any epoch in any profile that takes so many bytes.
fn within(bytes: u64) -> Budget<'static> {
    Budget {
        bytes,
        longest: u32::MAX,
        profiles: &PROFILES,
    }
}

fn budget_is_kept(sizing: Sizing) {
    let execution = run(&SPIN, "9");
    let options = Options {
        workers: ONE,
        floor: 0.0,
        ..Options::default()
    };
    let fit = |bytes| {
        fit(
            &SPIN,
            b"9",
            &execution,
            SMALL,
            sizing,
            &options,
            within(bytes),
        )
        .unwrap()
    };
    let Fit::TooSmall { needed } = fit(1) else {
        panic!("one byte is enough")
    };
    assert!(matches!(fit(needed - 1), Fit::TooSmall { needed: same } if same == needed));
    for bytes in [needed, 2 * needed, 1 << 30] {
        let Fit::Fits(surveyed, options) = fit(bytes) else {
            panic!("{bytes} bytes are not enough")
        };
        let mut bundle = Vec::new();
        let proved = surveyed.prove(&options, &mut bundle, |_| {}).unwrap();
        assert!(proved.workspace_bytes as u64 <= bytes);
        assert!(check(&SPIN, &bundle).is_ok());
        if bytes == needed {
            assert_eq!(options.profile, Profile::Compact);
            assert_eq!(proved.workspace_bytes as u64, needed);
        }
    }
    let Fit::Fits(large, fast) = fit(1 << 30) else {
        panic!("a gigabyte is not enough")
    };
    let Fit::Fits(small, compact) = fit(needed) else {
        panic!("what is needed is not enough")
    };
    assert_eq!(
        [fast.profile, compact.profile],
        [Profile::Fast, Profile::Compact]
    );
    assert!(large.setup.settings.log2_cycles > small.setup.settings.log2_cycles);
}
