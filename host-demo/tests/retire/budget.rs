//! What a budget of bytes buys of a run that is one proof: exactly, and nothing that does not fit.

use tranche::retire::{Fit, Options, Surveyed, fit, prove};
use tranche_core::retire::Kept;
use tranche_core::shape::Profile;

use super::{INPUT, ORDERS, SHA256, execution, program};

const PROFILES: [Profile; 2] = [Profile::Fast, Profile::Compact];

/// What an option costs: log2 of a batch's cycles, profile, trees, bytes.
type Choice = (u8, Profile, Kept, u64);

#[test]
fn what_a_budget_buys_takes_no_more_and_one_byte_less_buys_another() {
    let (program, execution) = (program(SHA256), execution());
    for order in ORDERS {
        let options = Options::new(order, 16);
        let fit = |bytes| {
            fit(&program, INPUT, &execution, &options, &PROFILES, bytes).expect("a run to be cut")
        };
        let (mut budget, mut choices) = (u64::MAX, Vec::<Choice>::new());
        let needed = loop {
            let (run, options) = match fit(budget) {
                Fit::Fits(run, options) => (run, options),
                Fit::TooSmall { needed } => break needed,
            };
            let bytes = run.bytes(&options).expect("planned").total();
            assert!(bytes <= budget, "{bytes} bytes of {budget}");
            choices.push((
                options.log2_cycles,
                options.profile,
                options.keep.trees,
                bytes,
            ));
            budget = bytes - 1;
        };
        let longest = execution.cycles.next_power_of_two().ilog2() as u8;
        assert!(
            matches!(choices[0], (log2, Profile::Fast, Kept::Upper, _) if log2 == longest),
            "{choices:?}"
        );
        let last = choices.last().expect("some fit").3;
        assert_eq!(
            needed, last,
            "the least that is refused names the least that fits"
        );
        assert!(choices.iter().any(|choice| choice.1 == Profile::Compact));
        assert!(choices.iter().any(|choice| choice.2 == Kept::Root));

        // What is said is what is allocated, and the bundle depends on the length alone.
        let of = |kept| choices.iter().rfind(|choice| choice.2 == kept);
        for choice in [Kept::Upper, Kept::Root].map(|kept| of(kept).expect("a choice")) {
            let &(log2_cycles, profile, kept, bytes) = choice;
            let Fit::Fits(run, options) = fit(bytes) else {
                panic!("{choice:?} fits no longer");
            };
            assert_eq!((options.profile, options.keep.trees), (profile, kept));
            let (mut chosen, mut plain) = (Vec::new(), Vec::new());
            let proved = run
                .prove(&options, &mut chosen, |_, _| {})
                .expect("a proof");
            let taken = proved.workspace_bytes + proved.store_bytes;
            assert_eq!(taken as u64, bytes);
            let options = Options::new(order, log2_cycles);
            let proved = prove(&program, INPUT, &execution, &options, &mut plain, |_, _| {});
            assert!(proved.is_ok() && chosen == plain, "{choice:?}: other bytes");
        }
    }
}

#[test]
fn a_profile_that_is_asked_for_is_kept() {
    let (program, execution) = (program(SHA256), execution());
    for order in ORDERS {
        let options = Options::new(order, 16);
        let profiles = [Profile::Compact];
        let found = fit(&program, INPUT, &execution, &options, &profiles, u64::MAX);
        let Ok(Fit::Fits(run, found)) = found else {
            panic!("all memory is not enough: {found:?}");
        };
        assert_eq!(found.profile, Profile::Compact);
        let run_of = Surveyed::new(&program, INPUT, &execution, found.log2_cycles);
        let run_of = run_of.expect("a run");
        let [bytes, expected] = [run, Box::new(run_of)].map(|run| run.bytes(&found).ok());
        assert!(bytes.is_some() && bytes == expected);
    }
}

/// A floor that no length reaches is not a matter of memory.
#[test]
fn a_floor_out_of_reach_is_said_instead_of_bytes() {
    let (program, execution) = (program(SHA256), execution());
    for order in ORDERS {
        let options = Options {
            floor: 1000.0,
            ..Options::new(order, 16)
        };
        let found = fit(&program, INPUT, &execution, &options, &PROFILES, u64::MAX);
        let error = found.expect_err("no run has so many bits");
        assert!(error.to_string().contains("1000 are asked for"), "{error}");
    }
}
