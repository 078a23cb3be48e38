//! What one AIR is refused for, whatever its plan.

use p3_air::{BoundaryEnd, BoundaryPublic};
use tranche_core::air::{
    BUS_NAME_BYTES, LayoutError, MAX_BUSES, MAX_COLUMNS, MAX_GLOBALS, MAX_MESSAGE_WIDTH, MAX_WIDTH,
};
use tranche_core::{Params, PlanError, TableSpec};
use tranche_test_support::shapes::QUICK;

use crate::odd::{Odd, Push, global, plan_of, pushes};

/// Plans one table of `2^3` rows at the largest blowup of degree 9, and returns its layout error.
fn layout(air: Odd) -> Result<(), LayoutError> {
    let params = Params {
        log_blowup: 3,
        ..QUICK
    };
    match plan_of(&[air], &[TableSpec::new(3)], params) {
        Ok(_) => Ok(()),
        Err(PlanError::Layout { table: 0, error }) => Err(error),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn widths() {
    let limit = MAX_WIDTH;
    let widths: [fn(usize) -> Odd; 3] = [
        |width| Odd {
            width,
            ..Odd::default()
        },
        |preprocessed| Odd {
            preprocessed,
            ..Odd::default()
        },
        |publics| Odd {
            publics,
            ..Odd::default()
        },
    ];
    for air in widths {
        assert_eq!(layout(air(limit)), Ok(()));
        assert_eq!(
            layout(air(limit + 1)),
            Err(LayoutError::TooWide { width: limit + 1 })
        );
    }
    assert_eq!(
        layout(Odd {
            width: 0,
            ..Odd::default()
        }),
        Err(LayoutError::NoColumns)
    );
}

#[test]
fn what_is_not_supported() {
    assert_eq!(layout(Odd::default()), Ok(()));
    assert_eq!(
        layout(Odd {
            periodic: 1,
            ..Odd::default()
        }),
        Err(LayoutError::PeriodicColumns)
    );
    let boundary = vec![BoundaryPublic::new(0, BoundaryEnd::Last, 0)];
    assert_eq!(
        layout(Odd {
            publics: 1,
            boundary,
            ..Odd::default()
        }),
        Err(LayoutError::BoundaryPublicValues)
    );
}

#[test]
fn message_widths() {
    let kinds: [fn(usize) -> Push; 3] = [
        |width| global("bus", width),
        |width| Push::Local(vec![width, width]),
        |width| Push::Exclusive {
            bus: "bus".into(),
            widths: vec![width, width],
        },
    ];
    for kind in kinds {
        let width = MAX_MESSAGE_WIDTH;
        assert_eq!(layout(pushes(vec![kind(width)])), Ok(()));
        let wider = pushes(vec![kind(width + 1)]);
        assert_eq!(
            layout(wider),
            Err(LayoutError::MessageTooWide { width: width + 1 })
        );
    }
    let differ = Err(LayoutError::BusWidth {
        expected: 2,
        got: 3,
    });
    assert_eq!(
        layout(pushes(vec![global("bus", 2), global("bus", 3)])),
        differ
    );
    assert_eq!(
        layout(pushes(vec![global("bus", 2), global("other", 3)])),
        Ok(())
    );
    assert_eq!(layout(pushes(vec![Push::Local(vec![2, 3])])), differ);
    let exclusive = |widths: [usize; 2]| {
        pushes(vec![Push::Exclusive {
            bus: "bus".into(),
            widths: widths.to_vec(),
        }])
    };
    assert_eq!(layout(exclusive([2, 3])), differ);
    let airs = [pushes(vec![global("bus", 2)]), exclusive([3, 3])];
    assert_eq!(
        plan_of(
            &airs,
            &[TableSpec::new(3); 2],
            Params {
                log_blowup: 3,
                ..QUICK
            }
        )
        .unwrap_err(),
        PlanError::Layout {
            table: 1,
            error: LayoutError::BusWidth {
                expected: 2,
                got: 3
            }
        }
    );
}

#[test]
fn bus_names_and_their_number() {
    let named = |len| pushes(vec![global(&"b".repeat(len), 1)]);
    assert_eq!(layout(named(BUS_NAME_BYTES)), Ok(()));
    assert_eq!(
        layout(named(BUS_NAME_BYTES + 1)),
        Err(LayoutError::BusNameTooLong)
    );

    let buses = |count| {
        (0..count)
            .map(|i| global(&i.to_string(), 1))
            .collect::<Vec<_>>()
    };
    assert_eq!(layout(pushes(buses(MAX_BUSES))), Ok(()));
    assert_eq!(
        layout(pushes(buses(MAX_BUSES + 1))),
        Err(LayoutError::TooManyBuses)
    );
    // A local interaction is a bus of its own.
    let with_local = |count| {
        let mut all = buses(count);
        all.push(Push::Local(vec![1]));
        pushes(all)
    };
    assert_eq!(layout(with_local(MAX_BUSES - 1)), Ok(()));
    assert_eq!(
        layout(with_local(MAX_BUSES)),
        Err(LayoutError::TooManyBuses)
    );
}

#[test]
fn numbers_of_interactions() {
    let exclusive = || Push::Exclusive {
        bus: "bus".into(),
        widths: vec![1],
    };
    assert_eq!(layout(pushes(vec![global("bus", 1); MAX_GLOBALS])), Ok(()));
    assert_eq!(layout(pushes(vec![exclusive(); MAX_COLUMNS])), Ok(()));
    let too_many = Err(LayoutError::TooManyInteractions);
    assert_eq!(
        layout(pushes(vec![global("bus", 1); MAX_GLOBALS + 1])),
        too_many
    );
    assert_eq!(layout(pushes(vec![exclusive(); MAX_COLUMNS + 1])), too_many);
    assert_eq!(
        layout(pushes(vec![Push::Local(vec![1]); MAX_COLUMNS + 1])),
        too_many
    );
    // Columns of all kinds together.
    let mut all = vec![exclusive(); MAX_COLUMNS];
    all.push(global("bus", 1));
    assert_eq!(layout(pushes(all)), too_many);
}
