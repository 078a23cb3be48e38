//! Traces that satisfy the tables of a shape, and tables that balance what they send.

use std::collections::BTreeMap;
use std::sync::Arc;

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;

use super::ProviderShape;
use crate::air::{Bus, Part, TestAir, announced, branch, branch_count, fixed_column, sent};

/// How often each message was sent, bus by bus.
pub(super) type Tally = BTreeMap<Bus, BTreeMap<Vec<u32>, i64>>;

fn send(tally: &mut Tally, bus: Bus, message: &[F], times: i64) {
    let message = message.iter().map(F::as_canonical_u32).collect();
    *tally.entry(bus).or_default().entry(message).or_default() += times;
}

/// A table with values in it.
pub(super) struct Table {
    pub air: TestAir,
    pub trace: RowMajorMatrix<F>,
    pub publics: Vec<F>,
}

impl Table {
    /// Fills the parts' columns and records the messages that they send.
    pub(super) fn fill(air: TestAir, random: &mut Random, tally: &mut Tally) -> Self {
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
pub(super) fn provider(
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
pub(super) struct Random(pub u64);

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

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        [(); N].map(|()| self.next() as u8)
    }

    pub(super) fn elements<const N: usize>(&mut self) -> [F; N] {
        [(); N].map(|()| F::from_u64(self.next()))
    }
}
