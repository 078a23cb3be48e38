//! Genesis and final memory of the program image, the registers and the hidden cells.
//!
//! Cells and initial values are preprocessed: the verifier derives them from the program. The prover
//! supplies how each cell was left. An untouched cell takes back its own epoch-0 token.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::rest::CELL_LIMIT;
use super::{MergeError, consume, emit};

pub(super) const FINI_EPOCH: usize = 0;
pub(super) const FINI_LO: usize = 1;
pub(super) const FINI_HI: usize = 2;
pub(super) const WIDTH: usize = 3;

const CELL: usize = 0;
const INIT_LO: usize = 1;
const INIT_HI: usize = 2;
const REAL: usize = 3;
pub(super) const FIXED_WIDTH: usize = 4;

/// Most intervals below the registers: each adds a hole, and a `Rest` table, to the root merge.
pub const MAX_RAM_INTERVALS: usize = 4;

/// Contiguous cells and their initial values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval<'a> {
    /// First cell.
    pub first: u32,
    /// Number of cells.
    pub len: u32,
    /// Initial values of the first cells; the others start at zero.
    pub words: &'a [u32],
}

impl Interval<'_> {
    /// The first cell after the interval.
    const fn end(&self) -> u32 {
        self.first.saturating_add(self.len)
    }
}

/// The cells whose initial value the program determines.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    intervals: &'a [Interval<'a>],
    log_height: u8,
}

impl<'a> Image<'a> {
    /// The image of `intervals`, in a table of 2^`log_height` rows.
    ///
    /// # Errors
    /// [`MergeError::Unsorted`] when an interval begins before the one ahead of it ends, or reaches
    /// across the end of RAM; [`MergeError::TooManyIntervals`]; [`MergeError::TooManyRows`].
    pub fn new(intervals: &'a [Interval<'a>], log_height: u8) -> Result<Self, MergeError> {
        let mut end = 0;
        for interval in intervals {
            let crosses = interval.first < CELL_LIMIT && interval.end() > CELL_LIMIT;
            if interval.first < end || crosses {
                return Err(MergeError::Unsorted {
                    cell: interval.first,
                });
            }
            end = interval.end();
        }
        let in_ram = intervals.iter().filter(|i| i.first < CELL_LIMIT).count();
        if in_ram > MAX_RAM_INTERVALS {
            return Err(MergeError::TooManyIntervals {
                needed: in_ram,
                got: MAX_RAM_INTERVALS,
            });
        }
        let (needed, got) = (
            intervals.iter().map(|i| i.len as usize).sum(),
            1 << log_height,
        );
        if needed > got {
            return Err(MergeError::TooManyRows { needed, got });
        }
        Ok(Self {
            intervals,
            log_height,
        })
    }

    /// log2 of the table's height.
    pub const fn log_height(&self) -> u8 {
        self.log_height
    }

    /// Each cell of the image with its initial value, ascending.
    pub fn cells(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.intervals.iter().flat_map(|interval| {
            let words = interval.words.iter().copied().chain(core::iter::repeat(0));
            (interval.first..interval.end()).zip(words)
        })
    }

    /// Whether `cell` is one of the image's.
    pub fn covers(&self, cell: u32) -> bool {
        self.intervals
            .iter()
            .any(|interval| (interval.first..interval.end()).contains(&cell))
    }

    /// The intervals of RAM that the image leaves open, ascending, as `(first cell, end)`: public values
    /// of one `Rest` table each.
    pub const fn holes(&self) -> Holes<'a> {
        Holes {
            intervals: self.intervals,
            at: 0,
        }
    }

    /// Writes the preprocessed trace.
    pub(super) fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        assert_eq!(
            (trace.width(), trace.height()),
            (FIXED_WIDTH, 1 << self.log_height)
        );
        trace.values_mut().fill(F::ZERO);
        for (row, (cell, value)) in self.cells().enumerate() {
            let (lo, hi) = (value & 0xffff, value >> 16);
            trace.set_row(row, &[cell, lo, hi, 1].map(F::from_u32));
        }
    }
}

/// The holes of an image; see [`Image::holes`].
#[derive(Clone, Debug)]
pub struct Holes<'a> {
    intervals: &'a [Interval<'a>],
    at: u32,
}

impl Iterator for Holes<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        while self.at < CELL_LIMIT {
            let first = self.at;
            let end = match self.intervals.split_first() {
                Some((interval, rest)) if interval.first < CELL_LIMIT => {
                    self.intervals = rest;
                    self.at = interval.end();
                    interval.first
                }
                _ => {
                    self.at = CELL_LIMIT;
                    CELL_LIMIT
                }
            };
            if first < end {
                return Some((first, end));
            }
        }
        None
    }
}

pub(super) fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let fixed = builder.preprocessed().clone();
    let fixed = |c: usize| -> AB::Expr { fixed.current_slice()[c].into() };
    let main = builder.main();
    let at = |c: usize| -> AB::Expr { main.current_slice()[c].into() };

    emit(
        builder,
        fixed(REAL),
        [fixed(CELL), AB::Expr::ZERO, fixed(INIT_LO), fixed(INIT_HI)],
    );
    consume(
        builder,
        fixed(REAL),
        [fixed(CELL), at(FINI_EPOCH), at(FINI_LO), at(FINI_HI)],
    );
}
