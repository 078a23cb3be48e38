//! Batches of every shape: random ones from a proptest strategy, and traces that fit them.
//!
//! A [`Shape`] is plain data that shrinks well. [`Shape::batch`] makes tables and traces from it
//! that satisfy their constraints, and adds one table per used bus that balances it.

use std::collections::BTreeMap;
use std::sync::Arc;

use p3_air::BaseAir;
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::dense::RowMajorMatrix;
use proptest::prelude::*;
use tranche_core::poseidon2::Poseidon2;
use tranche_core::{F, Params, Statement};

use crate::air::{Bus, Form, Part, TestAir, announced, branch, branch_count, fixed_column, sent};
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
            .map(|t| self.carved >> t & 1 == 1)
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
            tag: random.elements(),
            digest: random.elements(),
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
            poseidon2: if self.own_constants {
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

/// Shapes of up to three tables of up to 32 rows, before the tables that balance them.
pub fn shapes() -> impl Strategy<Value = Shape> {
    (
        prop::collection::vec(tables(), 1..4),
        [providers(), providers(), providers(), providers()],
        params(),
        (
            0..8_usize,
            any::<u8>(),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            any::<u64>(),
        ),
    )
        .prop_map(|(tables, providers, params, rest)| {
            let (rotation, carved, split, seeded, own_constants, seed) = rest;
            let carved = if split { carved } else { 0 };
            Shape {
                tables,
                providers,
                rotation,
                carved,
                params,
                seeded,
                own_constants,
                seed,
            }
        })
}

/// FRI parameters and grinding over the ranges that the core supports.
pub fn params() -> impl Strategy<Value = Params> {
    (
        1..=3_u8,
        0..=3_u8,
        1..=3_u8,
        0..=2_u8,
        1..=6_u16,
        [0..=3_u8, 0..=3, 0..=3, 0..=3, 0..=3],
    )
        .prop_map(
            |(log_blowup, log_final_poly_len, max_log_arity, cap_height, num_queries, pow)| {
                let [query, batch, lookup, commit, ood] = pow;
                Params {
                    log_blowup,
                    log_final_poly_len,
                    max_log_arity,
                    cap_height,
                    num_queries,
                    query_pow_bits: query,
                    batch_pow_bits: batch,
                    lookup_pow_bits: lookup,
                    commit_pow_bits: commit,
                    ood_pow_bits: ood,
                }
            },
        )
}

fn tables() -> impl Strategy<Value = TableShape> {
    (
        0..=5_usize,
        prop::collection::vec(parts(), 1..5),
        prop::option::of(1..=9_usize),
    )
        .prop_map(|(log_height, parts, max_constraint_degree)| TableShape {
            log_height,
            parts,
            max_constraint_degree,
        })
}

fn providers() -> impl Strategy<Value = ProviderShape> {
    (
        1..=3_usize,
        any::<bool>(),
        0..=2_usize,
        prop::option::of(1..=5_usize),
    )
        .prop_map(
            |(slots, fixed, slack, max_constraint_degree)| ProviderShape {
                slots,
                fixed,
                slack,
                max_constraint_degree,
            },
        )
}

fn parts() -> impl Strategy<Value = Part> {
    let bus = || prop::sample::select(&BUSES[..]);
    let form = prop::sample::select(vec![Form::Column, Form::Square, Form::Next]);
    let times = prop::sample::select(vec![1_i8, 1, 2, -1, -3]);
    prop_oneof![
        (2..=9_usize).prop_map(|degree| Part::Power { degree }),
        (1..=9_usize, any::<bool>())
            .prop_map(|(degree, public)| Part::Recurrence { degree, public }),
        any::<bool>().prop_map(|next| Part::Fixed { next }),
        (bus(), 1..=4_usize, times, any::<bool>(), form).prop_map(
            |(bus, messages, times, gated, form)| Part::Send {
                bus,
                messages,
                times,
                gated,
                form
            }
        ),
        (1..=4_usize, 1..=7_usize).prop_map(|(width, queries)| Part::Local { width, queries }),
        (bus(), 1..=4_usize).prop_map(|(bus, branches)| Part::Exclusive { bus, branches }),
        bus().prop_map(|bus| Part::Announce { bus }),
    ]
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

/// How often each message was sent, bus by bus.
type Tally = BTreeMap<Bus, BTreeMap<Vec<u32>, i64>>;

fn send(tally: &mut Tally, bus: Bus, message: &[F], times: i64) {
    let message = message.iter().map(F::as_canonical_u32).collect();
    *tally.entry(bus).or_default().entry(message).or_default() += times;
}

/// A table with values in it.
struct Table {
    air: TestAir,
    trace: RowMajorMatrix<F>,
    publics: Vec<F>,
}

impl Table {
    /// Fills the parts' columns and records the messages that they send.
    fn fill(air: TestAir, random: &mut Random, tally: &mut Tally) -> Self {
        let height = 1 << air.log_height;
        let mut publics = Vec::new();
        let columns: Vec<Vec<F>> = air
            .parts
            .iter()
            .flat_map(|part| fill_part(part, height, random, tally, &mut publics))
            .collect();
        let trace = from_columns(&columns, height);
        Self {
            air,
            trace,
            publics,
        }
    }
}

fn from_columns(columns: &[Vec<F>], height: usize) -> RowMajorMatrix<F> {
    let values = (0..height).flat_map(|row| columns.iter().map(move |column| column[row]));
    RowMajorMatrix::new(values.collect(), columns.len())
}

/// Columns of one part.
fn fill_part(
    part: &Part,
    height: usize,
    random: &mut Random,
    tally: &mut Tally,
    publics: &mut Vec<F>,
) -> Vec<Vec<F>> {
    match *part {
        Part::Power { degree } => {
            let x = random.column(height);
            let y = x.iter().map(|x| x.exp_u64(degree as u64)).collect();
            vec![x, y]
        }
        Part::Recurrence { degree, public } => {
            let successor = |x: &F| Some(x.exp_u64(degree as u64) + F::ONE);
            let x: Vec<F> = std::iter::successors(Some(random.element()), successor)
                .take(height)
                .collect();
            if public {
                publics.extend([x[0], x[height - 1]]);
            }
            vec![x]
        }
        Part::Fixed { next } => {
            let y: Vec<F> = (0..height).map(|row| fixed_column(row).square()).collect();
            let z = (0..height)
                .map(|row| y[row] + fixed_column(row + usize::from(next)))
                .collect();
            vec![y, z]
        }
        Part::Send {
            bus,
            messages,
            times,
            gated,
            form,
        } => (0..messages)
            .flat_map(|_| {
                let fields: Vec<_> = (0..bus.width).map(|_| random.column(height)).collect();
                let gate: Vec<bool> = (0..height)
                    .map(|_| !gated || random.below(2) == 1)
                    .collect();
                for row in 0..height {
                    let current: Vec<F> = fields.iter().map(|column| column[row]).collect();
                    let next = fields[0][(row + 1) % height];
                    let message = sent(form, &current, Some(&next));
                    send(
                        tally,
                        bus,
                        &message,
                        i64::from(times) * i64::from(gate[row]),
                    );
                }
                let gate = gate.into_iter().map(F::from_bool).collect();
                gated.then_some(gate).into_iter().chain(fields)
            })
            .collect(),
        Part::Local { width, queries } => {
            let entries: Vec<_> = (0..width).map(|_| random.column(height)).collect();
            let mut counts = vec![F::ZERO; height];
            let mut columns = vec![Vec::with_capacity(height); queries * width];
            for _ in 0..height {
                for query in columns.chunks_exact_mut(width) {
                    let entry = random.below(height);
                    counts[entry] += F::ONE;
                    for (column, values) in query.iter_mut().zip(&entries) {
                        column.push(values[entry]);
                    }
                }
            }
            columns.extend(entries);
            columns.push(counts);
            columns
        }
        Part::Exclusive { bus, branches } => {
            let mut flags = vec![vec![F::ZERO; height]; branches];
            let fields: Vec<_> = (0..bus.width).map(|_| random.column(height)).collect();
            for row in 0..height {
                // One choice more than there are branches: no branch at all.
                let chosen = random.below(branches + 1);
                if let Some(flag) = flags.get_mut(chosen) {
                    flag[row] = F::ONE;
                    let current: Vec<F> = fields.iter().map(|column| column[row]).collect();
                    send(
                        tally,
                        bus,
                        &branch(chosen, &current),
                        branch_count(chosen).into(),
                    );
                }
            }
            flags.extend(fields);
            flags
        }
        Part::Announce { bus } => {
            let column = random.column(height);
            let values = random.column(bus.width);
            let gate: Vec<bool> = (0..height)
                .map(|row| row == 0 || random.below(4) == 0)
                .collect();
            for (column, gate) in column.iter().zip(&gate) {
                send(tally, bus, &announced(&values, column), (*gate).into());
            }
            publics.extend(values);
            vec![gate.into_iter().map(F::from_bool).collect(), column]
        }
        Part::Provide { .. } => unreachable!("providers are made from what was sent"),
    }
}

/// The table that receives everything sent on `bus`.
fn provider(
    bus: Bus,
    shape: &ProviderShape,
    messages: &BTreeMap<Vec<u32>, i64>,
    min_log_height: usize,
    random: &mut Random,
) -> Table {
    let rows = messages.len().div_ceil(shape.slots);
    let log_height = (rows.next_power_of_two().ilog2() as usize + shape.slack).max(min_log_height);
    let mut entries: Vec<(Vec<F>, F)> = messages
        .iter()
        .map(|(message, &count)| {
            (
                message.iter().map(|&x| F::from_u32(x)).collect(),
                F::from_i64(count),
            )
        })
        .collect();
    entries.resize_with(shape.slots << log_height, || {
        (random.column(bus.width), F::ZERO)
    });

    let fields = entries
        .iter()
        .flat_map(|(message, _)| message)
        .copied()
        .collect();
    let fixed = Arc::new(RowMajorMatrix::new(fields, shape.slots * bus.width));
    let values: Vec<F> = if shape.fixed {
        entries.into_iter().map(|(_, count)| count).collect()
    } else {
        let entry = |(message, count): (Vec<F>, F)| message.into_iter().chain([count]);
        entries.into_iter().flat_map(entry).collect()
    };
    let part = Part::Provide {
        bus,
        slots: shape.slots,
        fixed: shape.fixed.then_some(fixed),
    };
    let trace = RowMajorMatrix::new(values, part.main_width());
    let air = TestAir {
        parts: vec![part],
        log_height,
        max_constraint_degree: shape.max_constraint_degree,
    };
    Table {
        air,
        trace,
        publics: Vec::new(),
    }
}

/// SplitMix64: reproducible values without a dependency.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// 0, 1, 2 or p - 1: few values, so that messages repeat, and the edges among them.
    fn element(&mut self) -> F {
        [F::ZERO, F::ONE, F::TWO, F::NEG_ONE][self.below(4)]
    }

    fn column(&mut self, height: usize) -> Vec<F> {
        (0..height).map(|_| self.element()).collect()
    }

    fn elements<const N: usize>(&mut self) -> [F; N] {
        [(); N].map(|()| F::from_u64(self.next()))
    }
}
