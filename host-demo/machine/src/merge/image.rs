//! Genesis and final memory of the program image, the registers and the hidden cells.
//!
//! Cells and initial values are preprocessed: the verifier derives them from the program. The prover
//! supplies how each cell was left. An untouched cell takes back its own epoch-0 token.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::{MergeError, consume, emit};
use crate::cells::{RAM_CELLS, REGISTERS, REGISTERS_END};

pub(super) const FINI_EPOCH: usize = 0;
pub(super) const FINI_LO: usize = 1;
pub(super) const FINI_HI: usize = 2;
pub(super) const WIDTH: usize = 3;

const CELL: usize = 0;
const INIT_LO: usize = 1;
const INIT_HI: usize = 2;
const REAL: usize = 3;
pub(super) const FIXED_WIDTH: usize = 4;

/// Most intervals of an image: each adds a hole, and a `Rest` table, to the root merge.
pub const MAX_RAM_INTERVALS: usize = 4;

/// Registers and hidden cells.
const HIDDEN: Interval<'static> = Interval {
    first: REGISTERS,
    len: REGISTERS_END - REGISTERS,
    words: &[],
};

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
    /// The image of these intervals of RAM, and of the registers and hidden cells, which start at
    /// zero, in a table of 2^`log_height` rows.
    ///
    /// # Errors
    /// [`MergeError::Unsorted`] when an interval begins before the one ahead of it ends, or ends
    /// beyond RAM; [`MergeError::TooManyIntervals`]; [`MergeError::TooManyRows`].
    pub fn new(intervals: &'a [Interval<'a>], log_height: u8) -> Result<Self, MergeError> {
        let mut end = 0;
        for interval in intervals {
            if interval.first < end || interval.end() > RAM_CELLS {
                return Err(MergeError::Unsorted {
                    cell: interval.first,
                });
            }
            end = interval.end();
        }
        let (needed, got) = (intervals.len(), MAX_RAM_INTERVALS);
        if needed > got {
            return Err(MergeError::TooManyIntervals { needed, got });
        }
        let ram: usize = intervals.iter().map(|interval| interval.len as usize).sum();
        let (needed, got) = (ram + HIDDEN.len as usize, 1 << log_height);
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
        self.intervals.iter().chain(&[HIDDEN]).flat_map(|interval| {
            let words = interval.words.iter().copied().chain(core::iter::repeat(0));
            (interval.first..interval.end()).zip(words)
        })
    }

    /// Whether `cell` is one of the image's.
    pub fn covers(&self, cell: u32) -> bool {
        let mut intervals = self.intervals.iter().chain(&[HIDDEN]);
        intervals.any(|interval| (interval.first..interval.end()).contains(&cell))
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
        while self.at < RAM_CELLS {
            let first = self.at;
            let end = match self.intervals.split_first() {
                Some((interval, rest)) => {
                    self.intervals = rest;
                    self.at = interval.end();
                    interval.first
                }
                None => {
                    self.at = RAM_CELLS;
                    RAM_CELLS
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn interval(first: u32, len: u32) -> Interval<'static> {
        Interval {
            first,
            len,
            words: &[],
        }
    }

    #[test]
    fn holes_and_image_partition_ram() {
        let of = |intervals: &[Interval<'_>]| -> heapless::Vec<(u32, u32), 8> {
            Image::new(intervals, 12).unwrap().holes().collect()
        };
        assert_eq!(of(&[])[..], [(0, RAM_CELLS)]);
        assert_eq!(of(&[interval(0, 7)])[..], [(7, RAM_CELLS)]);
        assert_eq!(
            of(&[interval(5, 7), interval(12, 1), interval(20, 1)])[..],
            [(0, 5), (13, 20), (21, RAM_CELLS)]
        );
        assert_eq!(of(&[interval(RAM_CELLS - 3, 3)])[..], [(0, RAM_CELLS - 3)]);
    }

    #[test]
    fn cells_ascend_and_end_with_the_registers() {
        let intervals = [
            Interval {
                first: 5,
                len: 3,
                words: &[8, 9],
            },
            interval(10, 1),
        ];
        let image = Image::new(&intervals, 6).unwrap();
        let cells: heapless::Vec<_, 64> = image.cells().collect();
        assert_eq!(
            cells[..5],
            [(5, 8), (6, 9), (7, 0), (10, 0), (REGISTERS, 0)]
        );
        assert_eq!(cells.len(), 4 + (REGISTERS_END - REGISTERS) as usize);
        assert!(cells.iter().all(|&(cell, _)| image.covers(cell)));
        assert!(!image.covers(8) && !image.covers(REGISTERS_END));
    }

    #[test]
    fn refusals() {
        let refuse = |intervals: &[Interval<'_>], log| Image::new(intervals, log).unwrap_err();
        let overlap = [interval(5, 3), interval(7, 1)];
        assert_eq!(refuse(&overlap, 8), MergeError::Unsorted { cell: 7 });
        let beyond = [interval(RAM_CELLS - 1, 2)];
        assert_eq!(
            refuse(&beyond, 8),
            MergeError::Unsorted {
                cell: RAM_CELLS - 1
            }
        );
        let many = [0, 2, 4, 6, 8].map(|first| interval(first, 1));
        assert_eq!(
            refuse(&many, 8),
            MergeError::TooManyIntervals { needed: 5, got: 4 }
        );
        assert_eq!(
            refuse(&[interval(0, 31)], 6),
            MergeError::TooManyRows {
                needed: 65,
                got: 64
            }
        );
    }
}
