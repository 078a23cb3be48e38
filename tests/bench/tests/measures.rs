//! What is measured and of what: cases by name, races and comparisons of small batches, a run in two ways.
//!
//! A test program of its own: the library has all races built, and its unit tests would build them again.

use clap::Parser;
use p3_air::{Air, BaseAir, WindowAccess};
use p3_lookup::{Count, InteractionBuilder};
use tranche::error::BAD_USAGE;
use tranche::execute;
use tranche::prove::default_workers;
use tranche_bench::airs::{Exclusive, Lookups};
use tranche_bench::args::{Args, What, selected, suites};
use tranche_bench::cases::CASES;
use tranche_bench::error::BenchError;
use tranche_bench::race::Batch;
use tranche_bench::{guests, scaling};
use tranche_core::F;
use tranche_core::hash::blake3::Blake3;
use tranche_core::verifier::PlainConfig;
use tranche_machine::Program;
use tranche_machine::hash::Hash;
use tranche_machine::settings::Settings;

fn args(case: Option<&str>) -> Args {
    Args {
        case: case.map(Into::into),
        suite: None,
        runs: 1,
        phases: false,
        kernels: false,
        profiles: false,
        scaling: false,
        guests: false,
        markdown: false,
        json: false,
    }
}

#[test]
fn cases_are_selected_by_name() {
    assert_eq!(selected(&args(None)).unwrap().len(), CASES.len());
    for case in CASES {
        let [one] = selected(&args(Some(case.name))).unwrap()[..] else {
            panic!("{} is not unique", case.name);
        };
        assert_eq!(one.name, case.name);
    }
    let error = selected(&args(Some("lookup"))).unwrap_err();
    assert_eq!(error.exit_code(), BAD_USAGE);
}

#[test]
fn suites_are_selected_by_name() {
    let of = |arguments: &[&str]| {
        let args = Args::try_parse_from([&["tranche-bench"], arguments].concat());
        args.map(|args| suites(&args))
    };
    assert_eq!(of(&[]).unwrap(), Hash::ALL);
    assert_eq!(of(&["--suite", "blake3"]).unwrap(), [Hash::Blake3]);
    assert_eq!(of(&["--suite", "poseidon2"]).unwrap(), [Hash::Poseidon2]);
    assert!(of(&["--suite", "sha256"]).is_err());
}

#[test]
fn flags_say_what_is_measured() {
    let what = |change: fn(&mut Args)| {
        let mut args = args(None);
        change(&mut args);
        let What {
            cases,
            ledgers,
            kernels,
            profiles,
            scaling,
            guests,
        } = What::of(&args);
        [cases, ledgers, kernels, profiles, scaling, guests].map(u8::from)
    };
    assert_eq!(what(|_| ()), [1, 0, 0, 0, 0, 0]);
    assert_eq!(what(|args| args.phases = true), [1, 1, 0, 0, 0, 0]);
    assert_eq!(what(|args| args.profiles = true), [0, 0, 0, 1, 0, 0]);
    assert_eq!(what(|args| args.kernels = true), [0, 0, 1, 0, 0, 0]);
    assert_eq!(what(|args| args.scaling = true), [0, 0, 0, 0, 1, 0]);
    assert_eq!(what(|args| args.guests = true), [0, 0, 0, 0, 0, 1]);
    assert_eq!(what(|args| args.markdown = true), [1, 1, 1, 1, 1, 1]);
    assert_eq!(
        what(|args| (args.markdown, args.kernels) = (true, true)),
        [0, 0, 1, 0, 0, 0]
    );
    assert_eq!(
        what(|args| (args.case, args.kernels) = (Some("keccak-2^12".into()), true)),
        [1, 0, 1, 0, 0, 0]
    );
}

#[test]
fn small_races_end_in_equal_bytes() {
    let air = Lookups { lookups: 3 };
    let lookups = Batch::of_table(air, air.trace(6));
    let trace = Exclusive::<true>::trace(6);
    let exclusive = Batch::of_twins(Exclusive::<true>, Exclusive::<false>, trace);
    let of_suite = |hash| match hash {
        Hash::Poseidon2 => [
            lookups.race::<PlainConfig, PlainConfig>(1).unwrap(),
            exclusive.race::<PlainConfig, PlainConfig>(1).unwrap(),
        ],
        Hash::Blake3 => [
            lookups.race::<PlainConfig<Blake3>, PlainConfig>(1).unwrap(),
            exclusive
                .race::<PlainConfig<Blake3>, PlainConfig>(1)
                .unwrap(),
        ],
    };
    for hash in Hash::ALL {
        for report in of_suite(hash) {
            assert!(report.bytes_equal && report.suite == hash);
            // Its own time but for the suite that it is compared with.
            let own = report.poseidon2_seconds == report.plonky3_seconds;
            assert_eq!(own, hash == Hash::Poseidon2);
            assert!(report.verify_seconds > 0.0 && report.plonky3_verify_seconds > 0.0);
        }
    }
}

/// One lookup as [`Lookups`] declares it, but provided first.
#[derive(Clone)]
struct ProvidedFirst;

impl BaseAir<F> for ProvidedFirst {
    fn width(&self) -> usize {
        2
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for ProvidedFirst {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let [key, selector]: [AB::Expr; 2] =
            std::array::from_fn(|column| main.current_slice()[column].into());
        let provided = -Count::provided(selector.clone());
        builder.push_interaction("shared", [key.clone()], provided);
        builder.push_interaction("shared", [key], Count::bounded(selector, 1));
    }
}

#[test]
fn other_messages_end_in_other_bytes() {
    let air = Lookups { lookups: 1 };
    let control = Batch::of_twins(ProvidedFirst, ProvidedFirst, air.trace(6));
    assert!(
        control
            .race::<PlainConfig, PlainConfig>(1)
            .unwrap()
            .bytes_equal
    );
    let unlike = Batch::of_twins(air, ProvidedFirst, air.trace(6));
    assert!(
        !unlike
            .race::<PlainConfig, PlainConfig>(1)
            .unwrap()
            .bytes_equal
    );
}

#[test]
fn both_runs_prove_the_same_cycles() {
    for hash in Hash::ALL {
        let settings = Settings {
            log2_cycles: 10,
            hash,
            ..Settings::default()
        };
        let [one, two] = scaling::run_with(b"20", settings, 1).unwrap();
        assert_eq!((one.workers, two.workers), (1, 2));
        assert_eq!((one.suite, two.suite), (hash, hash));
        assert_eq!((one.cycles, one.epochs), (two.cycles, two.epochs));
        assert!(one.epochs > 1 && one.cycles_per_second() > 0.0);
    }
}

#[test]
fn guests_accept_their_inputs() {
    let guests = guests::guests();
    assert_eq!(guests.len(), 17);
    for (name, elf, input) in guests {
        let program = Program::parse(elf).unwrap();
        let run = execute(&program, &input, 1 << 24).unwrap();
        assert!(
            run.exit_code == 0 && run.cycles > 50_000,
            "{name}: {}",
            run.cycles
        );
    }
}

#[test]
fn a_guest_is_proved_and_counted() {
    let (name, elf, _) = guests::guests().swap_remove(15);
    let guest = guests::prove_guest(name, elf, b"20", 10, Hash::Blake3).unwrap();
    assert!(guest.name == "spin" && guest.epochs > 1 && guest.bundle_bytes > 0);
    assert!(guest.columns > 100.0 && (0.0..1.0).contains(&guest.padding_share()));
    let refused = guests::prove_guest(name, elf, b"no number", 10, Hash::Blake3);
    assert!(matches!(refused, Err(BenchError::Guest("spin"))));
}

#[test]
fn two_workers_share_an_epoch() {
    let settings = Settings {
        log2_cycles: 12,
        ..Settings::default()
    };
    let [one, two] = scaling::run_with(b"20", settings, 1).unwrap();
    assert_eq!((one.epochs, two.epochs), (1, 1));
    let several = default_workers().get() > 1;
    assert_eq!((one.handed_over, two.handed_over > 0), (0, several));
}

#[test]
fn a_small_comparison_ends_in_equal_bytes() {
    let air = Lookups { lookups: 3 };
    let batch = Batch::of_table(air, air.trace(10));
    for report in [
        batch.compare::<PlainConfig>(1).unwrap(),
        batch.compare::<PlainConfig<Blake3>>(1).unwrap(),
    ] {
        assert!(report.bytes_equal);
        let [bytes, time] = report.ratios();
        assert!(bytes < 1.0 && time > 0.0);
    }
}
