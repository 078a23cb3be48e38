//! Batches of every shape: random ones from a proptest strategy, and traces that fit them.
//!
//! A [`Shape`] is plain data that shrinks well. [`Shape::batch`] makes tables and traces from it
//! that satisfy their constraints, and adds one table per used bus that balances it.

mod fill;
mod strategy;

use p3_air::BaseAir;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::{Params, Statement};

use self::fill::{Random, Table, Tally, provider};
pub use self::strategy::{params, shapes};
use crate::air::{Bus, Form, Part, TestAir};
use crate::reference::Batch;

/// The buses that shapes use; the last one's name is as long as a name may be.
pub const BUSES: [Bus; 4] = [
    Bus {
        name: "bit",
        width: 1,
    },
    Bus {
        name: "byte",
        width: 2,
    },
    Bus {
        name: "memory",
        width: 3,
    },
    Bus {
        name: "a name of exactly 31 characters",
        width: 4,
    },
];

const _: () = assert!(BUSES[3].name.len() == 31);

/// A table without the ones that balance its buses.
#[derive(Clone, Debug)]
pub struct TableShape {
    /// log2 of the number of rows; raised where the final polynomial needs taller tables.
    pub log_height: usize,
    /// The ingredients; degrees are lowered to what the blowup allows.
    pub parts: Vec<Part>,
    /// The degree that the table states.
    pub max_constraint_degree: Option<usize>,
}

/// The table that balances one bus.
#[derive(Clone, Copy, Debug)]
pub struct ProviderShape {
    /// Messages per row.
    pub slots: usize,
    /// Whether the messages are preprocessed columns.
    pub fixed: bool,
    /// log2 of how many times taller than needed the table is.
    pub slack: usize,
    /// The degree that the table states.
    pub max_constraint_degree: Option<usize>,
}

/// All that decides a batch.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Tables with constraints and messages of their own.
    pub tables: Vec<TableShape>,
    /// How each of [`BUSES`] is balanced, if it is used.
    pub providers: [ProviderShape; BUSES.len()],
    /// By how many places the list of all tables is rotated.
    pub rotation: usize,
    /// Bit t says whether table t is carved, after rotation.
    pub carved: u8,
    /// FRI parameters and grinding.
    pub params: Params,
    /// Whether a statement seeds the transcript.
    pub seeded: bool,
    /// Whether the permutation has constants of its own.
    pub own_constants: bool,
    /// Seeds every value that the constraints leave free.
    pub seed: u64,
}

/// Few queries and no grinding: quick to prove, and all that conformance needs.
pub const QUICK: Params = Params {
    log_blowup: 1,
    log_final_poly_len: 0,
    max_log_arity: 1,
    cap_height: 0,
    num_queries: 4,
    query_pow_bits: 0,
    batch_pow_bits: 0,
    lookup_pow_bits: 0,
    commit_pow_bits: 0,
    ood_pow_bits: 0,
};

/// Every parameter at each of its values, the others as in [`QUICK`].
pub const fn sweep() -> [Params; 15] {
    [
        QUICK,
        Params {
            log_blowup: 2,
            ..QUICK
        },
        Params {
            log_blowup: 3,
            ..QUICK
        },
        Params {
            log_final_poly_len: 1,
            ..QUICK
        },
        Params {
            log_final_poly_len: 2,
            ..QUICK
        },
        Params {
            log_final_poly_len: 3,
            ..QUICK
        },
        Params {
            max_log_arity: 2,
            ..QUICK
        },
        Params {
            max_log_arity: 3,
            ..QUICK
        },
        Params {
            cap_height: 1,
            ..QUICK
        },
        Params {
            cap_height: 2,
            ..QUICK
        },
        Params {
            query_pow_bits: 5,
            ..QUICK
        },
        Params {
            batch_pow_bits: 5,
            ..QUICK
        },
        Params {
            lookup_pow_bits: 5,
            ..QUICK
        },
        Params {
            commit_pow_bits: 5,
            ..QUICK
        },
        Params {
            ood_pow_bits: 5,
            ..QUICK
        },
    ]
}

impl Shape {
    /// A plain, unseeded shape of these tables with the published constants.
    pub fn new(tables: Vec<TableShape>, params: Params) -> Self {
        let provider = ProviderShape {
            slots: 1,
            fixed: false,
            slack: 0,
            max_constraint_degree: None,
        };
        Self {
            tables,
            providers: [provider; BUSES.len()],
            rotation: 0,
            carved: 0,
            params,
            seeded: false,
            own_constants: false,
            seed: 1,
        }
    }

    /// Tables that use every part, two heights apart, for sweeps over parameters.
    pub fn everything(params: Params) -> Self {
        let send = |bus, form| Part::Send {
            bus,
            messages: 2,
            times: 1,
            gated: true,
            form,
        };
        let table = |log_height, parts| TableShape {
            log_height,
            parts,
            max_constraint_degree: Some(3),
        };
        Self::new(
            vec![
                table(
                    5,
                    vec![
                        Part::Power { degree: 3 },
                        send(BUSES[1], Form::Column),
                        send(BUSES[1], Form::Next),
                        Part::Fixed { next: true },
                    ],
                ),
                table(
                    3,
                    vec![
                        Part::Exclusive {
                            bus: BUSES[2],
                            branches: 3,
                        },
                        Part::Local {
                            width: 2,
                            queries: 1,
                        },
                        Part::Fixed { next: false },
                        Part::Announce { bus: BUSES[0] },
                    ],
                ),
                table(
                    4,
                    vec![Part::Recurrence {
                        degree: 2,
                        public: true,
                    }],
                ),
            ],
            params,
        )
    }

    /// The tables of this shape, with traces that satisfy them.
    pub fn batch(&self) -> Batch<TestAir> {
        let mut random = Random(self.seed);
        let max_degree = (1 << self.params.log_blowup) + 1;
        // Every extension must be taller than the final polynomial's.
        let min_log_height = match self.params.log_final_poly_len {
            0 => 0,
            log_len => usize::from(log_len) + 1,
        };
        let mut sent = Tally::new();
        let mut tables: Vec<Table> = self
            .tables
            .iter()
            .map(|table| {
                let air = TestAir {
                    parts: table
                        .parts
                        .iter()
                        .map(|part| limited(part, max_degree))
                        .collect(),
                    log_height: table.log_height.max(min_log_height),
                    max_constraint_degree: table.max_constraint_degree.map(|d| d.min(max_degree)),
                };
                Table::fill(air, &mut random, &mut sent)
            })
            .collect();
        for (bus, shape) in BUSES.iter().zip(&self.providers) {
            if let Some(messages) = sent.remove(bus) {
                let mut shape = *shape;
                shape.max_constraint_degree =
                    shape.max_constraint_degree.map(|d| d.min(max_degree));
                tables.push(provider(
                    *bus,
                    &shape,
                    &messages,
                    min_log_height,
                    &mut random,
                ));
            }
        }
        let places = self.rotation % tables.len();
        tables.rotate_left(places);
        let mut carved: Vec<bool> = (0..tables.len())
            .map(|t| {
                self.carved
                    .checked_shr(t as u32)
                    .is_some_and(|bits| bits & 1 == 1)
            })
            .collect();
        // A plan is refused when another round has the main round's widths, and the quotient's
        // widths are multiples of 4.
        if tables
            .iter()
            .all(|table| table.air.width().is_multiple_of(4))
        {
            carved.fill(false);
        }
        let statement = Statement {
            tag: random.bytes(),
            digest: random.bytes(),
        };
        let own = Poseidon2 {
            initial: [(); 4].map(|()| random.elements()),
            internal: random.elements(),
            terminal: [(); 4].map(|()| random.elements()),
        };
        let mut batch = Batch {
            airs: Vec::new(),
            traces: Vec::new(),
            publics: Vec::new(),
            carved,
            params: self.params,
            statement: self.seeded.then_some(statement),
            suite: if self.own_constants {
                own
            } else {
                Poseidon2::BABY_BEAR
            },
        };
        for table in tables {
            batch.airs.push(table.air);
            batch.traces.push(table.trace);
            batch.publics.push(table.publics);
        }
        batch
    }
}

/// The part with its constraints' degrees lowered to `max_degree`, which is at least 3.
fn limited(part: &Part, max_degree: usize) -> Part {
    let mut part = part.clone();
    match &mut part {
        Part::Power { degree } | Part::Recurrence { degree, .. } => {
            *degree = max_degree.min(*degree);
        }
        Part::Local { queries, .. } => *queries = (max_degree - 2).min(*queries),
        _ => {}
    }
    part
}
