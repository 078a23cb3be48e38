//! What a plan is refused for.

use tranche_core::shape::MAX_LOG_HEIGHT;
use tranche_core::{Params, PlanError, TableSpec};
use tranche_test_support::params;
use tranche_test_support::shapes::QUICK;

use crate::odd::{Odd, Push, global, plan_of, pushes};

#[test]
fn tables_and_their_number() {
    let (air, spec) = (Odd::default(), TableSpec::new(3));
    let refused = |airs, specs| {
        let plan = plan_of(&vec![air.clone(); airs], &vec![spec; specs], QUICK);
        assert_eq!(plan.unwrap_err(), PlanError::TableCount { airs, specs });
    };
    refused(0, 0);
    refused(1, 0);
    refused(1, 2);
    refused(2, 1);
    assert!(plan_of(&vec![air.clone(); 3], &[spec; 3], QUICK).is_ok());
    let plan = plan_of(&vec![air.clone(); 4], &[spec; 4], QUICK);
    assert_eq!(plan.unwrap_err(), PlanError::TooManyTables { capacity: 3 });
}

#[test]
fn every_parameter_has_a_range() {
    let ranges: [(_, u16, u16); Params::TABLE.len()] = [
        ("log_blowup", 1, 8),
        ("log_final_poly_len", 0, 27),
        ("max_log_arity", 1, 4),
        ("cap_height", 0, 27),
        ("num_queries", 1, 512),
        ("query_pow_bits", 0, 30),
        ("batch_pow_bits", 0, 30),
        ("lookup_pow_bits", 0, 30),
        ("commit_pow_bits", 0, 30),
        ("ood_pow_bits", 0, 30),
    ];
    let names = Params::TABLE.map(|param| param.name);
    assert_eq!(ranges.map(|(name, ..)| name), names);
    for (name, min, max) in ranges {
        let outcome = |value: u16| {
            let params = params::with(&QUICK, name, value);
            match plan_of(&[Odd::default()], &[TableSpec::new(5)], params) {
                Err(PlanError::Parameter {
                    name,
                    got,
                    min,
                    max,
                }) => Some((name, got, min, max)),
                _ => None,
            }
        };
        let refused = |value: u16| Some((name, value.into(), min.into(), max.into()));
        assert_eq!(outcome(min), None);
        assert_eq!(outcome(max), None);
        assert_eq!(outcome(max + 1), refused(max + 1));
        if min > 0 {
            assert_eq!(outcome(min - 1), refused(min - 1));
        }
    }
}

#[test]
fn heights() {
    let plan =
        |log_height, params| plan_of(&[Odd::default()], &[TableSpec::new(log_height)], params);
    assert!(plan(MAX_LOG_HEIGHT as u8 - 1, QUICK).is_ok());
    for log_height in [MAX_LOG_HEIGHT as u8, u8::MAX] {
        let extended = usize::from(log_height) + 1;
        assert_eq!(
            plan(log_height, QUICK).unwrap_err(),
            PlanError::TooHigh {
                table: 0,
                log_height: extended
            }
        );
    }
    let long = Params {
        log_final_poly_len: 3,
        ..QUICK
    };
    assert!(plan(4, long).is_ok());
    assert_eq!(
        plan(3, long).unwrap_err(),
        PlanError::FinalPolynomialTooLong {
            table: 0,
            log_height: 3
        }
    );
    assert!(plan(0, QUICK).is_ok());
}

#[test]
fn degrees() {
    let plan = |degree, log_blowup| {
        let airs = [
            Odd::default(),
            Odd {
                degree,
                ..Odd::default()
            },
        ];
        plan_of(
            &airs,
            &[TableSpec::new(3); 2],
            Params {
                log_blowup,
                ..QUICK
            },
        )
        .err()
    };
    for log_blowup in 1..=3_usize {
        let log_chunks = log_blowup + 1;
        let refused = PlanError::DegreeExceedsBlowup {
            table: 1,
            log_chunks,
            log_blowup,
        };
        assert_eq!(plan((1 << log_blowup) + 1, log_blowup as u8), None);
        assert_eq!(plan((1 << log_blowup) + 2, log_blowup as u8), Some(refused));
    }
}

#[test]
fn multiplicities_stay_below_the_characteristic() {
    let plan = |weight, log_height| {
        let air = pushes(vec![Push::Global {
            bus: "bus".into(),
            width: 1,
            weight,
        }]);
        plan_of(&[air], &[TableSpec::new(log_height)], QUICK).err()
    };
    // p - 1 = 15 * 2^27.
    let below = (15 << 27) / 8;
    assert_eq!(plan(below, 3), None);
    let sum = u64::from(below + 1) * 8;
    assert_eq!(
        plan(below + 1, 3),
        Some(PlanError::MultiplicityBound { sum })
    );
    let sum = u64::from(u32::MAX) << 26;
    assert_eq!(
        plan(u32::MAX, 26),
        Some(PlanError::MultiplicityBound { sum })
    );
}

#[test]
fn carving_needs_a_main_round_of_its_own_widths() {
    let plan = |width, preprocessed, pushes: &[Push], carved| {
        let air = Odd {
            width,
            preprocessed,
            pushes: pushes.to_vec(),
            ..Odd::default()
        };
        let spec = TableSpec {
            carved,
            ..TableSpec::new(3)
        };
        plan_of(&[air], &[spec], QUICK).err()
    };
    let ambiguous = Some(PlanError::CarvingAmbiguous);
    // One chunk of a quotient is four columns, a permutation trace of one fraction is eight.
    let push = [global("bus", 1)];
    for (width, preprocessed, pushes) in [(4, 0, &[][..]), (5, 5, &[]), (8, 0, &push)] {
        assert_eq!(plan(width, preprocessed, pushes, true), ambiguous);
        assert_eq!(plan(width, preprocessed, pushes, false), None);
        assert_eq!(plan(width + 1, preprocessed, pushes, true), None);
    }
}

/// Every error says which value is wrong.
#[test]
fn messages() {
    let refusals = [
        plan_of(&[], &[], QUICK).unwrap_err(),
        plan_of(&[Odd::default()], &[TableSpec::new(60)], QUICK).unwrap_err(),
        plan_of(
            &[Odd {
                degree: 4,
                ..Odd::default()
            }],
            &[TableSpec::new(3)],
            QUICK,
        )
        .unwrap_err(),
        plan_of(
            &[Odd {
                width: 0,
                ..Odd::default()
            }],
            &[TableSpec::new(3)],
            QUICK,
        )
        .unwrap_err(),
    ];
    assert_eq!(
        refusals.map(|error| error.to_string()),
        [
            "0 AIRs and 0 table specifications",
            "table 0: extended height 2^61 is above 2^27",
            "table 0: 2^2 quotient chunks at a blowup of 2^1",
            "table 0: the AIR has no columns",
        ]
    );
}
