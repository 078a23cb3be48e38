//! Which permutation column and which bus each interaction of a table belongs to.
//!
//! Plonky3 gives every local interaction a column, then every exclusive one, then packs the global
//! ones bus by bus, greedily, as long as the fraction's constraint `U f - V` stays within the degree
//! that leaves the number of quotient chunks as it is. Packing needs two numbers of an open column:
//! the sum of its tuples' degrees, and the largest `deg(m) - deg(tuple)` of its multiplicities.

use heapless::{String, Vec};
use p3_air::Air;
use p3_lookup::Count;

use super::degree::{Degree, DegreeBuilder, NextRows};

/// Interactions of one table, and so its permutation columns, at most.
pub const MAX_COLUMNS: usize = 64;
/// Global interactions of one table, at most.
pub const MAX_GLOBALS: usize = 64;
/// Buses of a batch, at most; a local interaction is a bus of its own.
pub const MAX_BUSES: usize = 48;
/// Longest name of a bus, in bytes.
pub const BUS_NAME_BYTES: usize = 31;
/// Elements of a message, at most.
pub const MAX_MESSAGE_WIDTH: usize = 64;
/// Widest main or preprocessed trace, in columns.
pub const MAX_WIDTH: usize = 1 << 12;

/// Largest degree of a constraint: what the largest blowup, 2^8, has chunks for.
pub const MAX_DEGREE: usize = (1 << 8) + 1;

/// Why a table's interactions cannot be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LayoutError {
    /// A trace is wider than [`MAX_WIDTH`].
    TooWide {
        /// Its columns.
        width: usize,
    },
    /// A message is wider than [`MAX_MESSAGE_WIDTH`].
    MessageTooWide {
        /// Its elements.
        width: usize,
    },
    /// The AIR has no columns.
    NoColumns,
    /// A constraint, an interaction or the AIR's hint has a degree above [`MAX_DEGREE`].
    DegreeTooHigh {
        /// The degree; the largest number there is also stands for any above it.
        degree: usize,
    },
    /// The AIR has periodic columns, which are not supported.
    PeriodicColumns,
    /// The AIR binds boundary public values, which a batch proof cannot.
    BoundaryPublicValues,
    /// More interactions than [`MAX_COLUMNS`] or [`MAX_GLOBALS`].
    TooManyInteractions,
    /// More buses than [`MAX_BUSES`] in the batch.
    TooManyBuses,
    /// A bus name longer than [`BUS_NAME_BYTES`].
    BusNameTooLong,
    /// Two tuples on one bus, or in one local interaction, have different widths.
    BusWidth {
        /// The width seen first.
        expected: usize,
        /// The width that differs.
        got: usize,
    },
}

/// The buses that the tables of a batch have named so far.
#[derive(Clone, Debug, Default)]
pub struct Buses {
    named: Vec<Bus, MAX_BUSES>,
    next_id: u8,
    max_width: usize,
}

#[derive(Clone, Debug)]
struct Bus {
    name: String<BUS_NAME_BYTES>,
    width: usize,
    /// Assigned when the first column of the bus is laid out.
    id: Option<u8>,
}

impl Buses {
    /// Number of buses that have a column.
    pub const fn count(&self) -> usize {
        self.next_id as usize
    }

    /// The widest tuple, at least 1: the power of beta that separates buses.
    pub fn message_width(&self) -> usize {
        self.max_width.max(1)
    }

    fn fresh_id(&mut self) -> Result<u8, LayoutError> {
        let id = self.next_id;
        if id as usize >= MAX_BUSES {
            return Err(LayoutError::TooManyBuses);
        }
        self.next_id += 1;
        Ok(id)
    }

    fn id(&mut self, bus: u8) -> Result<u8, LayoutError> {
        if let Some(id) = self.named[bus as usize].id {
            return Ok(id);
        }
        let id = self.fresh_id()?;
        self.named[bus as usize].id = Some(id);
        Ok(id)
    }

    /// The index of the bus `name`, whose tuples all have `width` elements.
    fn find(&mut self, name: &str, width: usize) -> Result<u8, LayoutError> {
        if let Some(i) = self.named.iter().position(|bus| bus.name == name) {
            let expected = self.named[i].width;
            return if expected == width {
                Ok(i as u8)
            } else {
                Err(LayoutError::BusWidth {
                    expected,
                    got: width,
                })
            };
        }
        if width > MAX_MESSAGE_WIDTH {
            return Err(LayoutError::MessageTooWide { width });
        }
        let name = String::try_from(name).map_err(|_| LayoutError::BusNameTooLong)?;
        self.max_width = self.max_width.max(width);
        let bus = Bus {
            name,
            width,
            id: None,
        };
        self.named
            .push(bus)
            .map_err(|_| LayoutError::TooManyBuses)?;
        Ok((self.named.len() - 1) as u8)
    }
}

/// What the layout needs to know of one tuple.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuple {
    width: usize,
    degree: u32,
    count: Degree,
    weight: u32,
    next: NextRows,
}

impl Tuple {
    pub(super) fn new(fields: impl Iterator<Item = Degree>, count: Count<Degree>) -> Self {
        let (count, weight) = count.into_parts();
        let (mut width, mut degree, mut next) = (0_usize, 0, count.next);
        for field in fields {
            width += 1;
            degree = degree.max(field.degree);
            next = next.or(field.next);
        }
        Self {
            width,
            degree,
            count,
            weight,
            next,
        }
    }
}

/// The degrees of a fraction `V / U` of one column; in 64 bits, where no sum of them overflows.
#[derive(Clone, Copy, Debug, Default)]
struct FractionDegree {
    /// Degree of U.
    sum: i64,
    /// Largest deg(m) - deg(tuple).
    excess: Option<i64>,
}

impl FractionDegree {
    fn with(self, tuple: &Tuple) -> Self {
        let degree = i64::from(tuple.degree);
        let excess = i64::from(tuple.count.degree) - degree;
        Self {
            sum: self.sum + degree,
            excess: Some(self.excess.map_or(excess, |e| e.max(excess))),
        }
    }

    /// Degree of `U f - V`.
    fn constraint(self) -> u32 {
        let numerator = self.excess.map_or(0, |e| e + self.sum);
        u32::try_from((1 + self.sum).max(numerator)).unwrap_or(u32::MAX)
    }
}

/// Gathers the interactions of one table while its AIR is evaluated over degrees.
#[derive(Debug)]
pub struct Collector<'a> {
    buses: &'a mut Buses,
    error: Option<LayoutError>,
    globals: Vec<(u8, Tuple), MAX_GLOBALS>,
    /// Tuple widths of the local interactions.
    locals: Vec<usize, MAX_COLUMNS>,
    exclusives: Vec<u8, MAX_COLUMNS>,
    /// Largest degree of a lookup constraint before packing.
    degree: u32,
    weight: u64,
    messages: usize,
    /// The next rows that a message reads.
    next: NextRows,
}

impl<'a> Collector<'a> {
    fn new(buses: &'a mut Buses) -> Self {
        Self {
            buses,
            error: None,
            globals: Vec::new(),
            locals: Vec::new(),
            exclusives: Vec::new(),
            degree: 0,
            weight: 0,
            messages: 0,
            next: NextRows::NONE,
        }
    }

    pub(super) fn num_globals(&self) -> usize {
        self.globals.len()
    }

    pub(super) fn num_locals(&self) -> usize {
        self.locals.len()
    }

    pub(super) fn num_exclusives(&self) -> usize {
        self.exclusives.len()
    }

    fn fail(&mut self, error: LayoutError) {
        self.error.get_or_insert(error);
    }

    pub(super) fn global(&mut self, bus_name: &str, tuple: Tuple) {
        self.messages += 1;
        self.next = self.next.or(tuple.next);
        self.weight += u64::from(tuple.weight);
        self.degree = self
            .degree
            .max(FractionDegree::default().with(&tuple).constraint());
        match self.buses.find(bus_name, tuple.width) {
            Ok(bus) if self.globals.push((bus, tuple)).is_ok() => {}
            Ok(_) => self.fail(LayoutError::TooManyInteractions),
            Err(error) => self.fail(error),
        }
    }

    pub(super) fn local(&mut self, tuples: impl Iterator<Item = Tuple>) {
        let mut fraction = FractionDegree::default();
        let mut width = None;
        for tuple in tuples {
            self.messages += 1;
            self.next = self.next.or(tuple.next);
            self.weight += u64::from(tuple.weight);
            fraction = fraction.with(&tuple);
            if tuple.width > MAX_MESSAGE_WIDTH {
                self.fail(LayoutError::MessageTooWide { width: tuple.width });
            }
            let expected = *width.get_or_insert(tuple.width);
            if expected != tuple.width {
                self.fail(LayoutError::BusWidth {
                    expected,
                    got: tuple.width,
                });
            }
        }
        self.buses.max_width = self.buses.max_width.max(width.unwrap_or(0));
        self.degree = self.degree.max(fraction.constraint());
        if self.locals.push(width.unwrap_or(0)).is_err() {
            self.fail(LayoutError::TooManyInteractions);
        }
    }

    pub(super) fn exclusive(
        &mut self,
        bus_name: &str,
        branches: impl Iterator<Item = (Degree, Tuple)>,
    ) {
        // U = sum_k flag_k (alpha - tuple_k) + 1 - sum_k flag_k, V = sum_k flag_k m_k.
        let (mut denominator, mut numerator, mut weight) = (0, 0, 0);
        let mut bus = None;
        for (flag, tuple) in branches {
            self.messages += 1;
            self.next = self.next.or(flag.next).or(tuple.next);
            weight = weight.max(tuple.weight);
            if !flag.is_zero() {
                denominator = denominator.max(flag.degree.saturating_add(tuple.degree));
                numerator = numerator.max((flag * tuple.count).degree);
            }
            match self.buses.find(bus_name, tuple.width) {
                Ok(found) => bus = Some(found),
                Err(error) => self.fail(error),
            }
        }
        self.weight += u64::from(weight);
        self.degree = self
            .degree
            .max(numerator.max(denominator.saturating_add(1)));
        match bus.map_or_else(|| self.buses.find(bus_name, 0), Ok) {
            Ok(bus) if self.exclusives.push(bus).is_ok() => {}
            Ok(_) => self.fail(LayoutError::TooManyInteractions),
            Err(error) => self.fail(error),
        }
    }
}

/// The shape of one table: what evaluating its AIR over degrees tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableLayout {
    /// Main columns.
    pub main_width: usize,
    /// Preprocessed columns.
    pub preprocessed_width: usize,
    /// Public values.
    pub num_public_values: usize,
    /// Base constraints of the AIR.
    pub num_constraints: usize,
    /// The next rows that messages depend on.
    pub messages_next: NextRows,
    /// The next rows that anything depends on: constraints or messages.
    pub next: NextRows,
    /// Largest constraint degree, lookups included.
    pub degree: usize,
    /// log2 of the number of quotient chunks.
    pub log_chunks: usize,
    /// Fraction columns, one extension element wide each.
    pub num_columns: usize,
    /// Local interactions: they own the first columns.
    pub num_locals: usize,
    /// Exclusive interactions: they own the columns after those.
    pub num_exclusives: usize,
    /// Messages a row sends: tuples of all interactions.
    pub messages_per_row: usize,
    /// Sum of the declared bounds of a row's multiplicities.
    pub weight_per_row: u64,
    /// Column of the i-th global interaction.
    pub(super) global_column: [u8; MAX_GLOBALS],
    /// Bus of each column.
    pub(super) column_bus: [u8; MAX_COLUMNS],
    /// Elements of each column's tuples.
    pub(super) column_width: [u16; MAX_COLUMNS],
}

impl TableLayout {
    /// Evaluates `air` over degrees and lays its interactions out.
    ///
    /// `lookup_budget` is the floor of the degree that packing may use (0: only what is free), as in
    /// Plonky3's `from_airs_and_degrees_with_lookup_budgets`.
    ///
    /// # Errors
    /// What [`LayoutError`] names.
    pub fn new<A>(air: &A, buses: &mut Buses, lookup_budget: usize) -> Result<Self, LayoutError>
    where
        A: for<'b> Air<DegreeBuilder<'b>>,
    {
        let (main_width, preprocessed_width) = (air.width(), air.preprocessed_width());
        let num_public_values = air.num_public_values();
        for width in [main_width, preprocessed_width, num_public_values] {
            if width > MAX_WIDTH {
                return Err(LayoutError::TooWide { width });
            }
        }
        if main_width == 0 {
            return Err(LayoutError::NoColumns);
        }
        if air.num_periodic_columns() != 0 {
            return Err(LayoutError::PeriodicColumns);
        }
        if !air.public_boundary_io().is_empty() {
            return Err(LayoutError::BoundaryPublicValues);
        }
        let mut builder = DegreeBuilder::new(
            main_width,
            preprocessed_width,
            num_public_values,
            Collector::new(buses),
        );
        air.eval(&mut builder);
        let (num_constraints, air_degree) = (builder.num_constraints, builder.degree);
        let constraints_next = builder.next;
        let collector = builder.collector;
        if let Some(error) = collector.error {
            return Err(error);
        }
        let has_lookups = collector.locals.len() + collector.exclusives.len() > 0
            || !collector.globals.is_empty();
        // The accumulator's first and last row constraints have degree 2.
        let lookup_degree = if has_lookups {
            collector.degree.max(2)
        } else {
            0
        };
        let hint = air.max_constraint_degree().unwrap_or(0);
        let unpacked_degree = (air_degree.max(lookup_degree) as usize).max(hint);
        if unpacked_degree > MAX_DEGREE {
            let degree = unpacked_degree;
            return Err(LayoutError::DegreeTooHigh { degree });
        }
        let free_budget = (1 << log_chunks(unpacked_degree)) + 1;
        let mut layout = Self {
            main_width,
            preprocessed_width,
            num_public_values,
            num_constraints,
            messages_next: collector.next,
            next: collector.next.or(constraints_next),
            degree: unpacked_degree,
            log_chunks: 0,
            num_columns: 0,
            num_locals: collector.locals.len(),
            num_exclusives: collector.exclusives.len(),
            messages_per_row: collector.messages,
            weight_per_row: collector.weight,
            global_column: [0; MAX_GLOBALS],
            column_bus: [0; MAX_COLUMNS],
            column_width: [0; MAX_COLUMNS],
        };
        layout.assign_columns(collector, free_budget.max(lookup_budget))?;
        layout.log_chunks = log_chunks(layout.degree);
        Ok(layout)
    }

    fn push_column(&mut self, bus: u8, width: usize) -> Result<u8, LayoutError> {
        let column = self.num_columns;
        if column == MAX_COLUMNS {
            return Err(LayoutError::TooManyInteractions);
        }
        self.column_bus[column] = bus;
        self.column_width[column] = width as u16;
        self.num_columns += 1;
        Ok(column as u8)
    }

    fn assign_columns(
        &mut self,
        collector: Collector<'_>,
        max_degree: usize,
    ) -> Result<(), LayoutError> {
        let Collector {
            buses,
            globals,
            locals,
            exclusives,
            ..
        } = collector;
        for width in locals {
            let id = buses.fresh_id()?;
            self.push_column(id, width)?;
        }
        for bus in exclusives {
            let id = buses.id(bus)?;
            self.push_column(id, buses.named[bus as usize].width)?;
        }
        for (first, &(bus, _)) in globals.iter().enumerate() {
            if globals[..first].iter().any(|&(earlier, _)| earlier == bus) {
                continue;
            }
            let id = buses.id(bus)?;
            let mut open: Option<(u8, FractionDegree)> = None;
            for (i, (_, tuple)) in globals.iter().enumerate().filter(|(_, (b, _))| *b == bus) {
                let merged = open.map(|(column, fraction)| (column, fraction.with(tuple)));
                let (column, fraction) = match merged {
                    Some(fits) if fits.1.constraint() as usize <= max_degree => fits,
                    _ => {
                        let column = self.push_column(id, tuple.width)?;
                        (column, FractionDegree::default().with(tuple))
                    }
                };
                self.degree = self.degree.max(fraction.constraint() as usize);
                self.global_column[i] = column;
                open = Some((column, fraction));
            }
        }
        Ok(())
    }

    /// Whether the table has a permutation trace.
    pub const fn has_lookups(&self) -> bool {
        self.num_columns > 0
    }

    /// Extension columns of the permutation trace: the accumulator and the fractions.
    pub const fn permutation_width(&self) -> usize {
        if self.has_lookups() {
            self.num_columns + 1
        } else {
            0
        }
    }

    /// All constraints: the AIR's, one per fraction, three of the accumulator.
    pub const fn total_constraints(&self) -> usize {
        let lookups = if self.has_lookups() {
            self.num_columns + 3
        } else {
            0
        };
        self.num_constraints + lookups
    }

    /// The bus of a column.
    pub const fn bus(&self, column: usize) -> usize {
        self.column_bus[column] as usize
    }
}

/// log2 of the number of quotient chunks of a constraint degree, at least 2.
const fn log_chunks(degree: usize) -> usize {
    let degree = if degree < 2 { 2 } else { degree };
    (degree - 1).next_power_of_two().trailing_zeros() as usize
}

impl core::fmt::Display for LayoutError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooWide { width } => write!(f, "{width} columns, at most {MAX_WIDTH} fit"),
            Self::MessageTooWide { width } => {
                write!(
                    f,
                    "a message of {width} elements, at most {MAX_MESSAGE_WIDTH} fit"
                )
            }
            Self::NoColumns => f.write_str("the AIR has no columns"),
            Self::DegreeTooHigh { degree } => {
                write!(f, "degree {degree}, at most {MAX_DEGREE} is supported")
            }
            Self::PeriodicColumns => f.write_str("periodic columns are not supported"),
            Self::BoundaryPublicValues => f.write_str("boundary public values are not supported"),
            Self::TooManyInteractions => {
                write!(f, "more than {MAX_COLUMNS} interactions in one table")
            }
            Self::TooManyBuses => write!(f, "more than {MAX_BUSES} buses"),
            Self::BusNameTooLong => write!(f, "a bus name of more than {BUS_NAME_BYTES} bytes"),
            Self::BusWidth { expected, got } => {
                write!(f, "tuples of {expected} and {got} elements on one bus")
            }
        }
    }
}

impl core::error::Error for LayoutError {}

const _: () = assert!(MAX_COLUMNS <= u8::MAX as usize);
const _: () = assert!(MAX_BUSES <= u8::MAX as usize);
