//! A table put together from parts, each of which exercises one thing that a batch can have.
//!
//! Every part owns a range of the table's main columns, preprocessed columns and public values, in
//! the order of the parts. Degrees are chosen by the parts; whoever puts a table together keeps
//! them within the blowup (a constraint of degree d needs d - 1 <= blowup).

use std::ops::Range;
use std::sync::Arc;

use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::{Count, InteractionBuilder};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use tranche_core::F;

/// A named bus and the number of field elements in each of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bus {
    /// The name, 31 bytes at most.
    pub name: &'static str,
    /// Field elements per message.
    pub width: usize,
}

/// How the first field of a sent message is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The column itself.
    Column,
    /// The column squared, which makes the message's degree 2.
    Square,
    /// The column in the next row (of the last row: in the first).
    Next,
}

/// One ingredient of a table.
#[derive(Clone, Debug)]
pub enum Part {
    /// Columns x, y with y = x^degree, row by row.
    Power {
        /// The degree of the constraint.
        degree: usize,
    },
    /// A column with x' = x^degree + 1 from row to row.
    Recurrence {
        /// The degree of the constraint.
        degree: usize,
        /// Whether the first and the last element are public values.
        public: bool,
    },
    /// A preprocessed column p and main columns y, z with y = p^2 and z = y + p.
    Fixed {
        /// Whether z = y + p' instead, p' being p in the next row, wherever there is one.
        next: bool,
    },
    /// Messages on a bus, each from columns of its own.
    Send {
        /// The bus.
        bus: Bus,
        /// Number of messages per row.
        messages: usize,
        /// How often each message counts; negative for a receipt.
        times: i8,
        /// Whether a boolean column says in which rows a message counts.
        gated: bool,
        /// The message's first field.
        form: Form,
    },
    /// Queries into a table beside them, balanced inside this very table.
    Local {
        /// Field elements per message.
        width: usize,
        /// Queries per row; the constraint's degree is two higher.
        queries: usize,
    },
    /// One message of several at most, by one-hot flags; odd branches count -1.
    Exclusive {
        /// The bus.
        bus: Bus,
        /// Number of branches.
        branches: usize,
    },
    /// A message of public values plus, in the first field, a column. A boolean column says in which
    /// rows it counts; the first is one of them.
    Announce {
        /// The bus.
        bus: Bus,
    },
    /// Messages with the number of times that the rest of the batch sends them.
    Provide {
        /// The bus.
        bus: Bus,
        /// Messages per row.
        slots: usize,
        /// The messages as preprocessed columns, or `None` when they are main columns.
        fixed: Option<Arc<RowMajorMatrix<F>>>,
    },
}

impl Part {
    /// Number of main columns.
    pub const fn main_width(&self) -> usize {
        match self {
            Self::Power { .. } | Self::Fixed { .. } | Self::Announce { .. } => 2,
            Self::Recurrence { .. } => 1,
            Self::Send {
                bus,
                messages,
                gated,
                ..
            } => *messages * (bus.width + *gated as usize),
            Self::Local { width, queries } => (*queries + 1) * *width + 1,
            Self::Exclusive { bus, branches } => *branches + bus.width,
            Self::Provide {
                slots,
                fixed: Some(_),
                ..
            } => *slots,
            Self::Provide {
                bus,
                slots,
                fixed: None,
            } => *slots * (bus.width + 1),
        }
    }

    /// Number of preprocessed columns.
    pub const fn preprocessed_width(&self) -> usize {
        match self {
            Self::Fixed { .. } => 1,
            Self::Provide {
                bus,
                slots,
                fixed: Some(_),
            } => *slots * bus.width,
            _ => 0,
        }
    }

    /// Number of public values.
    pub const fn num_public_values(&self) -> usize {
        match self {
            Self::Recurrence { public: true, .. } => 2,
            Self::Announce { bus } => bus.width,
            _ => 0,
        }
    }

    /// Whether the part reads main columns of the next row.
    const fn reads_main_next(&self) -> bool {
        matches!(
            self,
            Self::Recurrence { .. }
                | Self::Send {
                    form: Form::Next,
                    ..
                }
        )
    }

    /// Whether the part reads preprocessed columns of the next row.
    const fn reads_preprocessed_next(&self) -> bool {
        matches!(self, Self::Fixed { next: true })
    }

    /// Element of a preprocessed column of this part.
    fn preprocessed(&self, row: usize, column: usize) -> F {
        match self {
            Self::Provide {
                fixed: Some(messages),
                ..
            } => messages
                .get(row, column)
                .expect("one message per slot and row"),
            _ => fixed_column(row),
        }
    }

    /// Constrains the part's columns and declares its messages.
    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB, of: &Values<AB::Expr>) {
        match self {
            Self::Power { degree } => {
                builder.assert_eq(of.main[1].clone(), of.main[0].exp_u64(*degree as u64));
            }
            Self::Recurrence { degree, public } => {
                let successor = of.main[0].exp_u64(*degree as u64) + AB::Expr::ONE;
                builder
                    .when_transition()
                    .assert_eq(of.main_next[0].clone(), successor);
                if *public {
                    let (first, last) = (of.publics[0].clone(), of.publics[1].clone());
                    builder
                        .when_first_row()
                        .assert_eq(of.main[0].clone(), first);
                    builder.when_last_row().assert_eq(of.main[0].clone(), last);
                }
            }
            Self::Fixed { next } => {
                let (y, z) = (of.main[0].clone(), of.main[1].clone());
                builder.assert_eq(y.clone(), of.preprocessed[0].square());
                if *next {
                    let sum = y + of.preprocessed_next[0].clone();
                    builder.when_transition().assert_eq(z, sum);
                } else {
                    builder.assert_eq(z, y + of.preprocessed[0].clone());
                }
            }
            Self::Send {
                bus,
                messages,
                times,
                gated,
                form,
            } => {
                let stride = of.main.len() / messages;
                for start in (0..of.main.len()).step_by(stride) {
                    let fields = start + usize::from(*gated)..start + stride;
                    let next = of.main_next.get(fields.start).cloned();
                    let message = sent(*form, &of.main[fields], next.as_ref());
                    if *gated {
                        let gate = of.main[start].clone();
                        builder.assert_bool(gate.clone());
                        let count = gate * AB::Expr::from_i8(*times);
                        let weight = times.unsigned_abs().into();
                        builder.push_interaction(bus.name, message, Count::bounded(count, weight));
                    } else {
                        builder.push_interaction(bus.name, message, i32::from(*times));
                    }
                }
            }
            Self::Local { width, queries } => {
                let mut tuples: Vec<_> = of.main[..*width * *queries]
                    .chunks_exact(*width)
                    .map(|query| (query.to_vec(), Count::from(1)))
                    .collect();
                let (entry, count) = of.main[*width * *queries..].split_at(*width);
                tuples.push((entry.to_vec(), -Count::provided(count[0].clone())));
                builder.push_local_interaction(tuples);
            }
            Self::Exclusive { bus, branches } => {
                let (flags, fields) = of.main.split_at(*branches);
                for flag in flags {
                    builder.assert_bool(flag.clone());
                }
                builder.assert_bool(flags.iter().cloned().sum::<AB::Expr>());
                let branches = flags.iter().enumerate().map(|(i, flag)| {
                    (
                        flag.clone(),
                        Count::from(branch_count(i)),
                        branch(i, fields),
                    )
                });
                builder.push_exclusive_interaction(bus.name, branches);
            }
            Self::Announce { bus } => {
                let (gate, column) = (of.main[0].clone(), &of.main[1]);
                builder.assert_bool(gate.clone());
                builder.when_first_row().assert_one(gate.clone());
                let message = announced(&of.publics, column);
                builder.push_interaction(bus.name, message, Count::bounded(gate, 1));
            }
            Self::Provide { bus, slots, fixed } => {
                for slot in 0..*slots {
                    let (fields, count) = if fixed.is_some() {
                        (
                            &of.preprocessed[slot * bus.width..][..bus.width],
                            &of.main[slot],
                        )
                    } else {
                        let entry = &of.main[slot * (bus.width + 1)..][..bus.width + 1];
                        (&entry[..bus.width], &entry[bus.width])
                    };
                    let count = -Count::provided(count.clone());
                    builder.push_interaction(bus.name, fields.iter().cloned(), count);
                }
            }
        }
    }
}

/// The element of [`Part::Fixed`]'s preprocessed column.
pub fn fixed_column(row: usize) -> F {
    F::from_usize(row * row + 3)
}

/// The message of a [`Part::Send`] whose columns hold `fields`.
pub fn sent<E: PrimeCharacteristicRing>(form: Form, fields: &[E], next: Option<&E>) -> Vec<E> {
    let mut message = fields.to_vec();
    match form {
        Form::Column => {}
        Form::Square => message[0] = message[0].square(),
        Form::Next => message[0] = next.expect("the next row is read").clone(),
    }
    if let [_, .., last] = message.as_mut_slice() {
        *last += E::from_u8(5);
    }
    message
}

/// The message of branch `i` of a [`Part::Exclusive`] whose columns hold `fields`.
pub fn branch<E: PrimeCharacteristicRing>(i: usize, fields: &[E]) -> Vec<E> {
    let mut message = fields.to_vec();
    message[0] += E::from_usize(i);
    message
}

/// How often branch `i` of a [`Part::Exclusive`] counts.
pub const fn branch_count(i: usize) -> i32 {
    if i.is_multiple_of(2) { 1 } else { -1 }
}

/// The message of a [`Part::Announce`].
pub fn announced<E: PrimeCharacteristicRing>(publics: &[E], column: &E) -> Vec<E> {
    let mut message = publics.to_vec();
    message[0] += column.clone();
    message
}

/// What a part sees of one row.
struct Values<E> {
    main: Vec<E>,
    main_next: Vec<E>,
    preprocessed: Vec<E>,
    preprocessed_next: Vec<E>,
    publics: Vec<E>,
}

fn exprs<V: Copy + Into<E>, E>(row: &[V], columns: Range<usize>) -> Vec<E> {
    row[columns].iter().map(|&value| value.into()).collect()
}

/// A table made of parts.
#[derive(Clone, Debug)]
pub struct TestAir {
    /// The ingredients, in the order of their columns.
    pub parts: Vec<Part>,
    /// log2 of the number of rows.
    pub log_height: usize,
    /// The degree that the table states, which lets messages of one bus share a column.
    pub max_constraint_degree: Option<usize>,
}

impl TestAir {
    /// Ranges of the columns, as counted by `width`, of each part that `selected` selects.
    fn columns(
        &self,
        width: impl Fn(&Part) -> usize,
        selected: impl Fn(&Part) -> bool,
    ) -> impl Iterator<Item = Range<usize>> {
        let mut end = 0;
        self.parts.iter().filter_map(move |part| {
            let start = end;
            end += width(part);
            selected(part).then_some(start..end)
        })
    }
}

impl BaseAir<F> for TestAir {
    fn width(&self) -> usize {
        self.parts.iter().map(Part::main_width).sum()
    }

    fn preprocessed_width(&self) -> usize {
        self.parts.iter().map(Part::preprocessed_width).sum()
    }

    fn preprocessed_trace(&self) -> Option<RowMajorMatrix<F>> {
        let width = self.preprocessed_width();
        let rows = 0..1 << self.log_height;
        let values: Vec<F> = rows
            .flat_map(|row| {
                self.parts.iter().flat_map(move |part| {
                    (0..part.preprocessed_width()).map(move |column| part.preprocessed(row, column))
                })
            })
            .collect();
        (width > 0).then(|| RowMajorMatrix::new(values, width))
    }

    fn main_next_row_columns(&self) -> Vec<usize> {
        self.columns(Part::main_width, Part::reads_main_next)
            .flatten()
            .collect()
    }

    fn preprocessed_next_row_columns(&self) -> Vec<usize> {
        self.columns(Part::preprocessed_width, Part::reads_preprocessed_next)
            .flatten()
            .collect()
    }

    fn num_public_values(&self) -> usize {
        self.parts.iter().map(Part::num_public_values).sum()
    }

    fn max_constraint_degree(&self) -> Option<usize> {
        self.max_constraint_degree
    }
}

impl<AB: InteractionBuilder<F = F>> Air<AB> for TestAir {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let preprocessed = builder.preprocessed().clone();
        let publics: Vec<AB::Expr> = builder.public_values().iter().map(|&v| v.into()).collect();
        let all = |_: &Part| true;
        let main_columns = self.columns(Part::main_width, all);
        let preprocessed_columns = self.columns(Part::preprocessed_width, all);
        let public_values = self.columns(Part::num_public_values, all);
        for (((part, m), p), v) in self
            .parts
            .iter()
            .zip(main_columns)
            .zip(preprocessed_columns)
            .zip(public_values)
        {
            // A window is touched only where there is something to read: it may be empty otherwise.
            let mut values = Values {
                main: exprs(main.current_slice(), m.clone()),
                main_next: Vec::new(),
                preprocessed: Vec::new(),
                preprocessed_next: Vec::new(),
                publics: publics[v].to_vec(),
            };
            if part.reads_main_next() {
                values.main_next = exprs(main.next_slice(), m);
            }
            if !p.is_empty() {
                values.preprocessed = exprs(preprocessed.current_slice(), p.clone());
            }
            if part.reads_preprocessed_next() {
                values.preprocessed_next = exprs(preprocessed.next_slice(), p);
            }
            part.eval(builder, &values);
        }
    }
}
