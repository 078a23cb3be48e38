//! Which permutation column and which bus each interaction of a table belongs to.
//!
//! Plonky3 gives every local interaction a column, then every exclusive one, then packs the global
//! ones bus by bus, greedily, as long as the fraction's constraint `U f - V` stays within the degree
//! that leaves the number of quotient chunks as it is.

use p3_air::Air;

use super::builder::DegreeBuilder;
use super::collector::{
    Buses, Collector, FractionDegree, LayoutError, MAX_COLUMNS, MAX_DEGREE, MAX_GLOBALS,
};
use super::degree::{MAX_WIDTH, NextRows};

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
        let mut columns = self.column_bus.iter_mut().zip(&mut self.column_width);
        let slots = columns.nth(column);
        let (bus_slot, width_slot) = slots.ok_or(LayoutError::TooManyInteractions)?;
        (*bus_slot, *width_slot) = (bus, width as u16);
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
            let (id, width) = buses.id(bus)?;
            self.push_column(id, width)?;
        }
        for (first, &(bus, _)) in globals.iter().enumerate() {
            let mut earlier = globals.iter().take(first);
            if earlier.any(|&(earlier, _)| earlier == bus) {
                continue;
            }
            let (id, _) = buses.id(bus)?;
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
                let slot = self.global_column.get_mut(i);
                *slot.ok_or(LayoutError::TooManyInteractions)? = column;
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
