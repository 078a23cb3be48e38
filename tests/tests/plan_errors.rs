//! Everything that a plan, a prover or a batch is refused for, each beside what is just accepted.

use embedded_io::SliceWriteError;
use p3_air::{Air, BaseAir, BoundaryEnd, BoundaryPublic, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use tranche_core::air::{
    BUS_NAME_BYTES, LayoutError, MAX_BUSES, MAX_COLUMNS, MAX_GLOBALS, MAX_MESSAGE_WIDTH, MAX_WIDTH,
};
use tranche_core::fri::MAX_LOG_ARITY;
use tranche_core::plan::{MAX_LOG_HEIGHT, MAX_QUERIES};
use tranche_core::poseidon2::Poseidon2;
use tranche_core::prover::{ProveError, SetupError};
use tranche_core::{DefaultBackend, F, Params, Plan, PlanError, Prover, ScalarBackend, TableSpec};
use tranche_tests::core::buffer;
use tranche_tests::shapes::QUICK;

/// Messages of one kind, all about the first column.
#[derive(Clone)]
enum Push {
    /// A message of this many elements, counted at most `weight` times.
    Global {
        bus: String,
        width: usize,
        weight: u32,
    },
    /// Tuples of these widths.
    Local(Vec<usize>),
    /// Branches of these widths.
    Exclusive { bus: String, widths: Vec<usize> },
}

/// An AIR of any shape.
#[derive(Clone)]
struct Odd {
    width: usize,
    preprocessed: usize,
    publics: usize,
    periodic: usize,
    boundary: Vec<BoundaryPublic>,
    /// Degree of its one constraint.
    degree: u64,
    pushes: Vec<Push>,
}

impl Default for Odd {
    fn default() -> Self {
        Self {
            width: 1,
            preprocessed: 0,
            publics: 0,
            periodic: 0,
            boundary: Vec::new(),
            degree: 2,
            pushes: Vec::new(),
        }
    }
}

impl BaseAir<F> for Odd {
    fn width(&self) -> usize {
        self.width
    }

    fn preprocessed_width(&self) -> usize {
        self.preprocessed
    }

    fn num_public_values(&self) -> usize {
        self.publics
    }

    fn num_periodic_columns(&self) -> usize {
        self.periodic
    }

    fn public_boundary_io(&self) -> &[BoundaryPublic] {
        &self.boundary
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for Odd {
    fn eval(&self, builder: &mut AB) {
        let x: AB::Expr = builder.main().current_slice()[0].into();
        builder.assert_zero(x.exp_u64(self.degree));
        let message = |width| vec![x.clone(); width];
        for push in &self.pushes {
            match push {
                Push::Global { bus, width, weight } => {
                    let count = Count::bounded(x.clone(), *weight);
                    builder.push_interaction(bus, message(*width), count);
                }
                Push::Local(widths) => {
                    let tuples = widths.iter().map(|&width| (message(width), 1.into()));
                    builder.push_local_interaction(tuples.collect::<Vec<_>>());
                }
                Push::Exclusive { bus, widths } => {
                    let branches = widths.iter();
                    let branches = branches.map(|&width| (x.clone(), 1.into(), message(width)));
                    builder.push_exclusive_interaction(bus, branches.collect::<Vec<_>>());
                }
            }
        }
    }
}

fn plan_of(airs: &[Odd], specs: &[TableSpec], params: Params) -> Result<Plan<3>, PlanError> {
    Plan::new::<DefaultBackend, Odd>(airs, specs, params)
}

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

fn global(bus: &str, width: usize) -> Push {
    Push::Global {
        bus: bus.into(),
        width,
        weight: 1,
    }
}

fn pushes(pushes: Vec<Push>) -> Odd {
    Odd {
        pushes,
        ..Odd::default()
    }
}

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
    let check = |name, min: usize, max: usize, set: fn(&mut Params, usize)| {
        let outcome = |value| {
            let mut params = QUICK;
            set(&mut params, value);
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
        assert_eq!(outcome(min), None);
        assert_eq!(outcome(max), None);
        assert_eq!(outcome(max + 1), Some((name, max + 1, min, max)));
        if min > 0 {
            assert_eq!(outcome(min - 1), Some((name, min - 1, min, max)));
        }
    };
    check("log_blowup", 1, 8, |p, v| p.log_blowup = v as u8);
    check("max_log_arity", 1, MAX_LOG_ARITY, |p, v| {
        p.max_log_arity = v as u8
    });
    check("log_final_poly_len", 0, MAX_LOG_HEIGHT, |p, v| {
        p.log_final_poly_len = v as u8
    });
    check("num_queries", 1, MAX_QUERIES, |p, v| {
        p.num_queries = v as u16
    });
    check("cap_height", 0, MAX_LOG_HEIGHT, |p, v| {
        p.cap_height = v as u8
    });
    check("query_pow_bits", 0, 30, |p, v| p.query_pow_bits = v as u8);
    check("batch_pow_bits", 0, 30, |p, v| p.batch_pow_bits = v as u8);
    check("lookup_pow_bits", 0, 30, |p, v| p.lookup_pow_bits = v as u8);
    check("commit_pow_bits", 0, 30, |p, v| p.commit_pow_bits = v as u8);
    check("ood_pow_bits", 0, 30, |p, v| p.ood_pow_bits = v as u8);
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

#[test]
fn setting_a_prover_up() {
    let airs = [Odd::default(), Odd::default()];
    let plan = plan_of(&airs, &[TableSpec::new(3); 2], QUICK).expect("a plan");
    let needed = plan.workspace_len();
    let mut memory = buffer(needed);
    let mut setup = |airs: &[Odd], len| {
        let memory = &mut memory[..len];
        Prover::<DefaultBackend, _, 3>::new(&plan, airs, &Poseidon2::BABY_BEAR, memory).err()
    };
    assert_eq!(setup(&airs, needed), None);
    assert_eq!(
        setup(&airs[1..], needed),
        Some(SetupError::AirCount {
            expected: 2,
            got: 1
        })
    );
    let wider = Odd {
        width: 2,
        ..Odd::default()
    };
    assert_eq!(
        setup(&[Odd::default(), wider], needed),
        Some(SetupError::OtherAir { table: 1 })
    );
    assert_eq!(
        setup(&[pushes(vec![global("bus", 1)]), Odd::default()], needed),
        Some(SetupError::OtherAir { table: 0 })
    );
    let Some(SetupError::Workspace(small)) = setup(&airs, needed - 1) else {
        panic!("one byte fewer is too small")
    };
    assert_eq!((small.needed, small.got), (needed, needed - 1));
}

#[test]
fn a_plan_is_for_the_lanes_of_its_backend() {
    let airs = [Odd::default()];
    let plan = plan_of(&airs, &[TableSpec::new(3)], QUICK).expect("a plan");
    let mut memory = buffer(plan.workspace_len());
    let poseidon2 = Poseidon2::BABY_BEAR;
    let scalar = Prover::<ScalarBackend, _, 3>::new(&plan, &airs, &poseidon2, &mut memory).err();
    // A target without a packing has one lane either way.
    let expected = plan.lanes();
    let refused = (expected > 1).then_some(SetupError::Lanes { expected, got: 1 });
    assert_eq!(scalar, refused);
}

#[test]
fn proving() {
    let airs = [Odd {
        publics: 2,
        preprocessed: 1,
        ..Odd::default()
    }];
    let plan = plan_of(&airs, &[TableSpec::new(3)], QUICK).expect("a plan");
    let mut memory = buffer(plan.workspace_len());
    let poseidon2 = Poseidon2::BABY_BEAR;
    let mut prover = Prover::<DefaultBackend, _, 3>::new(&plan, &airs, &poseidon2, &mut memory)
        .expect("a workspace of the plan's length");
    let mut sink = vec![0; 1 << 16];
    let mut prove = |prover: &mut Prover<'_, _, _, 3>, publics: &[&[F]], room: usize| {
        let zero = |_, mut trace: tranche_core::TraceMut<'_>| trace.values_mut().fill(F::ZERO);
        prover.prove_batch(None, publics, zero, &mut sink[..room])
    };
    let publics = &[&[F::ONE, F::TWO][..]][..];
    assert_eq!(
        prove(&mut prover, publics, 1 << 16),
        Err(ProveError::NotPrepared)
    );
    prover
        .preprocessed_mut(0)
        .expect("a column")
        .values_mut()
        .fill(F::ONE);
    assert_eq!(
        prove(&mut prover, publics, 1 << 16),
        Err(ProveError::NotPrepared)
    );
    prover.prepare();
    let len = prove(&mut prover, publics, 1 << 16).expect("the control") as usize;
    assert_eq!(prove(&mut prover, publics, len), Ok(len as u64));
    assert_eq!(
        prove(&mut prover, publics, len - 1),
        Err(ProveError::Sink(SliceWriteError::Full))
    );
    assert_eq!(
        prove(&mut prover, &[], len),
        Err(ProveError::PublicValueSlices {
            expected: 1,
            got: 0
        })
    );
    assert_eq!(
        prove(&mut prover, &[&[F::ONE]], len),
        Err(ProveError::PublicValues {
            table: 0,
            expected: 2,
            got: 1
        })
    );
    prover
        .preprocessed_mut(0)
        .expect("a column")
        .values_mut()
        .fill(F::TWO);
    assert_eq!(
        prove(&mut prover, publics, len),
        Err(ProveError::NotPrepared)
    );
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
