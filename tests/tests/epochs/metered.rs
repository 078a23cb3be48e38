//! Runs at the heights of their own mix, and headers that give other heights than they were proved at.

use tranche::bundle::FormatError;
use tranche::prove::{Proved, metered};
use tranche::verify::{Check, Place};
use tranche_machine::settings::Settings;
use tranche_machine::setup::Setup;
use tranche_machine::shape::{ABSENT, EpochShape, Heights, MAX_SECONDS, TableHeights};
use tranche_machine::{FilledTable, Program};

use crate::bundles::*;

/// Where a header has the heights.
const AT: usize = 24;

fn given(settings: Settings) -> TableHeights {
    match settings.heights {
        Heights::Given(heights, _) => heights,
        Heights::Common => panic!("common heights"),
    }
}

/// The settings of a metered run.
pub fn settings(program: &Program<'_>, input: &str) -> Settings {
    let execution = run(program, input);
    metered(program, input.as_bytes(), &execution, SMALL).expect("a run that is executed again")
}

fn proved(program: &Program<'_>, settings: Settings, input: &str) -> Proved {
    let execution = run(program, input);
    let (proved, bundle) = prove_claim(program, settings, input, &execution, 2).unwrap();
    let statement = check(program, &bundle).unwrap();
    assert_eq!(statement.settings, settings);
    assert_eq!(statement.output, execution.output);
    proved
}

/// All epochs of [`SPIN`] are full of cycles, as at common heights few are; cells are fewer for it.
#[test]
fn epochs_are_full_and_cells_are_fewer() {
    let full_of_cycles = |proved: &Proved| proved.ends.counts().next().unwrap().1;
    let common = proved(&SPIN, SMALL, "400");
    assert!(full_of_cycles(&common) < common.epochs / 10, "{common:?}");
    let metered = proved(&SPIN, settings(&SPIN, "400"), "400");
    assert_eq!(full_of_cycles(&metered), metered.epochs - 1, "{metered:?}");
    assert!(metered.epochs < common.epochs);
    assert!(metered.cells.all < common.cells.all, "{metered:?}");
}

#[test]
fn tables_that_a_run_does_not_use_are_low() {
    let heights = given(settings(&SPIN, "400"));
    let of = |table: FilledTable| heights[table.index()];
    assert_eq!(of(FilledTable::Cpu), SMALL.log2_cycles);
    assert_eq!(
        u32::from(of(FilledTable::Sys)),
        EpochShape::least_log(FilledTable::Sys)
    );
    assert_eq!(of(FilledTable::Mul), ABSENT);
}

/// A header may give the heights that follow from the length. One that gives others is refused at the first proof,
/// since they are in its statement; one that a table cannot have, before.
#[test]
fn other_heights_in_a_header() {
    let mut parts = Parts::of(&bundle(&SPIN, SMALL, "10"));
    let heights = Setup::new(&SPIN, SMALL).unwrap().shape.heights();
    let honest = FilledTable::ALL.map(|table| heights[table.index()]);
    parts.header[AT..][..honest.len()].copy_from_slice(&honest);
    assert!(check(&SPIN, &parts.sealed()).is_ok(), "the control");

    let refused = |table: FilledTable, height: u8| {
        let mut forged = parts.clone();
        forged.header[AT + table.index()] = height;
        check(&SPIN, &forged.sealed()).unwrap_err()
    };
    for table in FilledTable::ALL {
        let (height, least) = (heights[table.index()], EpochShape::least_log(table) as u8);
        let cap = SMALL.log2_cycles.max(least);
        let mut beyond = vec![cap + 1, ABSENT - 1];
        match table {
            FilledTable::Cpu => beyond.extend([cap - 1, ABSENT]),
            table if table.is_extension() => beyond.extend(least.checked_sub(1)),
            _ => beyond.extend(least.checked_sub(1).into_iter().chain([ABSENT])),
        }
        for got in beyond {
            let refusal = refused(table, got);
            assert_eq!(refusal.place, Place::Header, "{table:?} of 2^{got}");
            let Check::Format(FormatError::Setting(error)) = refusal.check else {
                panic!("{table:?} of 2^{got}: {refusal}")
            };
            assert_eq!((error.got, error.max), (got.into(), cap.into()));
            assert!(error.name.ends_with(table.name()), "{error}");
        }
        let within = match height {
            ABSENT => [least, cap, cap],
            height => [(height.max(1) - 1).max(least), (height + 1).min(cap), cap],
        };
        for got in within
            .into_iter()
            .filter(|&got| got != height && table != FilledTable::Cpu)
        {
            let refusal = refused(table, got);
            assert_eq!(refusal.place, Place::Epoch(1), "{table:?} of 2^{got}");
            assert!(matches!(refusal.check, Check::Proof(_)), "{refusal}");
        }
    }
}

/// The same of second instances. One lower than the first is refused at the first proof, others before: as high as the
/// first, of a table that is absent, or of one that may not have two.
#[test]
fn other_second_heights_in_a_header() {
    let mut parts = Parts::of(&bundle(&SPIN, SMALL, "10"));
    let heights = Setup::new(&SPIN, SMALL).unwrap().shape.heights();
    parts.header[AT..][..heights.len()].copy_from_slice(&heights);
    assert!(check(&SPIN, &parts.sealed()).is_ok(), "the control");

    for table in FilledTable::ALL {
        let refused = |height: u8| {
            let mut forged = parts.clone();
            forged.header[AT + heights.len() + table.index()] = height;
            check(&SPIN, &forged.sealed()).unwrap_err()
        };
        let (first, least) = (heights[table.index()], EpochShape::least_log(table) as u8);
        let within = if EpochShape::may_split(table) && first != ABSENT {
            least..first
        } else {
            0..0
        };
        for got in (0..=SMALL.log2_cycles).chain([ABSENT - 1]) {
            let refusal = refused(got);
            if within.contains(&got) {
                assert_eq!(refusal.place, Place::Epoch(1), "{table:?} of 2^{got}");
                assert!(matches!(refusal.check, Check::Proof(_)), "{refusal}");
                continue;
            }
            assert_eq!(refusal.place, Place::Header, "{table:?} of 2^{got}");
            let Check::Format(FormatError::Setting(error)) = refusal.check else {
                panic!("{table:?} of 2^{got}: {refusal}")
            };
            assert_eq!(error.got, u32::from(got));
            assert!(error.name.ends_with(table.name()), "{error}");
        }
    }
}

/// Each of them is one that may be, and they are one more than there may be.
#[test]
fn more_second_instances_than_there_may_be() {
    let mut parts = Parts::of(&bundle(&SPIN, SMALL, "10"));
    let mut heights = [SMALL.log2_cycles; FilledTable::ALL.len()];
    for table in FilledTable::ALL.into_iter().filter(|it| it.is_extension()) {
        heights[table.index()] = ABSENT;
    }
    parts.header[AT..][..heights.len()].copy_from_slice(&heights);
    let may = FilledTable::ALL
        .into_iter()
        .filter(|&table| EpochShape::may_split(table) && heights[table.index()] != ABSENT);
    let second = |table: FilledTable| AT + heights.len() + table.index();
    for (i, table) in may.take(MAX_SECONDS + 1).enumerate() {
        parts.header[second(table)] = EpochShape::least_log(table) as u8;
        let refusal = check(&SPIN, &parts.sealed()).unwrap_err();
        if i < MAX_SECONDS {
            assert!(
                matches!(refusal.check, Check::Proof(_)),
                "the control: {refusal}"
            );
            continue;
        }
        let Check::Format(FormatError::Setting(error)) = refusal.check else {
            panic!("{refusal}")
        };
        let expected = ("second heights", i as u32 + 1, MAX_SECONDS as u32);
        assert_eq!((error.name, error.got, error.max), expected);
    }
}
