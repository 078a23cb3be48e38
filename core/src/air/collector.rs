//! The interactions of one table as its AIR pushes them, and the buses of a batch.
//!
//! Packing needs two numbers of an open column: the sum of its tuples' degrees, and the largest
//! `deg(m) - deg(tuple)` of its multiplicities.

use heapless::{String, Vec};
use p3_lookup::Count;
use thiserror::Error;

use super::degree::{Degree, MAX_WIDTH, NextRows};

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
/// Largest degree of a constraint: what the largest blowup, 2^8, has chunks for.
pub const MAX_DEGREE: usize = (1 << 8) + 1;

/// Why a table's interactions cannot be laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LayoutError {
    /// A trace is wider than [`MAX_WIDTH`].
    #[error("{width} columns, at most {MAX_WIDTH} fit")]
    TooWide {
        /// Its columns.
        width: usize,
    },
    /// A message is wider than [`MAX_MESSAGE_WIDTH`].
    #[error("a message of {width} elements, at most {MAX_MESSAGE_WIDTH} fit")]
    MessageTooWide {
        /// Its elements.
        width: usize,
    },
    /// The AIR has no columns.
    #[error("the AIR has no columns")]
    NoColumns,
    /// A constraint, an interaction or the AIR's hint has a degree above [`MAX_DEGREE`].
    #[error("degree {degree}, at most {MAX_DEGREE} is supported")]
    DegreeTooHigh {
        /// The degree; the largest number there is also stands for any above it.
        degree: usize,
    },
    /// The AIR has periodic columns, which are not supported.
    #[error("periodic columns are not supported")]
    PeriodicColumns,
    /// The AIR binds boundary public values, which a batch proof cannot.
    #[error("boundary public values are not supported")]
    BoundaryPublicValues,
    /// More interactions than [`MAX_COLUMNS`] or [`MAX_GLOBALS`].
    #[error("more than {MAX_COLUMNS} interactions in one table")]
    TooManyInteractions,
    /// More buses than [`MAX_BUSES`] in the batch.
    #[error("more than {MAX_BUSES} buses")]
    TooManyBuses,
    /// A bus name longer than [`BUS_NAME_BYTES`].
    #[error("a bus name of more than {BUS_NAME_BYTES} bytes")]
    BusNameTooLong,
    /// Two tuples on one bus, or in one local interaction, have different widths.
    #[error("tuples of {expected} and {got} elements on one bus")]
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
    pub(super) named: Vec<Bus, MAX_BUSES>,
    pub(super) next_id: u8,
    pub(super) max_width: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Bus {
    pub(super) name: String<BUS_NAME_BYTES>,
    pub(super) width: usize,
    /// Assigned when the first column of the bus is laid out.
    pub(super) id: Option<u8>,
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

    /// The buses with a name that have a column: name, elements of a message, number.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.named
            .iter()
            .filter_map(|bus| Some((bus.name.as_str(), bus.width, bus.id?.into())))
    }

    pub(super) fn fresh_id(&mut self) -> Result<u8, LayoutError> {
        let id = self.next_id;
        if id as usize >= MAX_BUSES {
            return Err(LayoutError::TooManyBuses);
        }
        self.next_id += 1;
        Ok(id)
    }

    /// The number of a bus, which it gets with its first column, and the elements of its messages.
    pub(super) fn id(&mut self, bus: u8) -> Result<(u8, usize), LayoutError> {
        let Bus { id, width, .. } = self.named[bus as usize];
        let id = match id {
            Some(id) => id,
            None => self.fresh_id()?,
        };
        self.named[bus as usize].id = Some(id);
        Ok((id, width))
    }

    /// The index of the bus `name`, whose tuples all have `width` elements.
    pub(super) fn find(&mut self, name: &str, width: usize) -> Result<u8, LayoutError> {
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
    pub(super) width: usize,
    pub(super) degree: u32,
    pub(super) count: Degree,
    pub(super) weight: u32,
    pub(super) next: NextRows,
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
pub(super) struct FractionDegree {
    /// Degree of U.
    pub(super) sum: i64,
    /// Largest deg(m) - deg(tuple).
    pub(super) excess: Option<i64>,
}

impl FractionDegree {
    pub(super) fn with(self, tuple: &Tuple) -> Self {
        let degree = i64::from(tuple.degree);
        let excess = i64::from(tuple.count.degree) - degree;
        Self {
            sum: self.sum + degree,
            excess: Some(self.excess.map_or(excess, |e| e.max(excess))),
        }
    }

    /// Degree of `U f - V`.
    pub(super) fn constraint(self) -> u32 {
        let numerator = self.excess.map_or(0, |e| e + self.sum);
        u32::try_from((1 + self.sum).max(numerator)).unwrap_or(u32::MAX)
    }
}

/// Gathers the interactions of one table while its AIR is evaluated over degrees.
#[derive(Debug)]
pub struct Collector<'a> {
    pub(super) buses: &'a mut Buses,
    pub(super) error: Option<LayoutError>,
    pub(super) globals: Vec<(u8, Tuple), MAX_GLOBALS>,
    /// Tuple widths of the local interactions.
    pub(super) locals: Vec<usize, MAX_COLUMNS>,
    pub(super) exclusives: Vec<u8, MAX_COLUMNS>,
    /// Largest degree of a lookup constraint before packing.
    pub(super) degree: u32,
    pub(super) weight: u64,
    pub(super) messages: usize,
    /// The next rows that a message reads.
    pub(super) next: NextRows,
}

impl<'a> Collector<'a> {
    pub(super) fn new(buses: &'a mut Buses) -> Self {
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

const _: () = assert!(MAX_COLUMNS <= u8::MAX as usize);
const _: () = assert!(MAX_BUSES <= u8::MAX as usize);
