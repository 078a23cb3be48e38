//! Genesis and final memory of the program image, the registers, the hidden cells and the public input.
//!
//! Cells and initial values are preprocessed: the verifier derives them from the program and its public input. The
//! prover supplies how each cell was left. An untouched cell takes back its own epoch-0 token.

use core::ops::Range;

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::F;

use super::path::ends;
use super::rows::table_rows;
use super::{MergeError, fixed};
use crate::Program;
use crate::air::first;
use crate::cells::{RAM_CELLS, REGISTERS, REGISTERS_END};
use crate::columns::{columns, width};

columns! {
    /// The last epoch that touched the cell, 0 for an untouched one.
    FINI_EPOCH,
    /// Final value, low half.
    FINI_LO,
    /// Final value, high half.
    FINI_HI,
}
pub(super) const WIDTH: usize = width(COLUMNS);

/// The cells whose initial value the program and its public input determine: its image, the registers, the hidden
/// cells, and the words of the input.
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    program: &'a Program<'a>,
    log_height: u8,
}

impl<'a> Image<'a> {
    /// The image of `program` in a table of 2^`log_height` rows.
    ///
    /// # Errors
    /// [`MergeError::TooManyRows`] when that is less than [`image_rows`], or more than any table has.
    pub fn new(program: &'a Program<'a>, log_height: u8) -> Result<Self, MergeError> {
        let (needed, got) = (image_rows(program), table_rows(log_height));
        if needed > got {
            return Err(MergeError::TooManyRows { needed, got });
        }
        Ok(Self {
            program,
            log_height,
        })
    }

    /// log2 of the table's height.
    pub const fn log_height(&self) -> u8 {
        self.log_height
    }

    /// Each cell of the image with its initial value, ascending. Registers and the machine's own cells start at
    /// zero.
    pub fn cells(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.program
            .image()
            .chain((REGISTERS..REGISTERS_END).map(|cell| (cell, 0)))
            .chain(self.program.public().cells())
    }

    /// Whether `cell` is one of the image's.
    pub fn covers(&self, cell: u32) -> bool {
        (REGISTERS..REGISTERS_END).contains(&cell)
            || self.program.public().covers(cell)
            || self
                .program
                .intervals()
                .iter()
                .any(|interval| interval.contains(&cell))
    }

    /// The holes that the image leaves in RAM; see [`holes`].
    pub fn holes(&self) -> Holes<'a> {
        holes(self.program.intervals())
    }
}

/// Rows that the image table of a program needs.
pub fn image_rows(program: &Program<'_>) -> usize {
    let ram: usize = program
        .intervals()
        .iter()
        .map(|interval| interval.len())
        .sum();
    ram + (REGISTERS_END - REGISTERS) as usize + program.public().rows()
}

/// The intervals of RAM between and around these ascending ones, as `(first cell, end)`: public
/// values of one `Rest` table each.
pub const fn holes(intervals: &[Range<u32>]) -> Holes<'_> {
    Holes { intervals, at: 0 }
}

/// The holes of an image; see [`holes`].
#[derive(Clone, Debug)]
pub struct Holes<'a> {
    intervals: &'a [Range<u32>],
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
                    self.at = interval.end;
                    interval.start
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

pub(crate) fn eval<AB: InteractionBuilder<F = F>>(bus: &str, builder: &mut AB) {
    let preprocessed = builder.preprocessed().clone();
    let fixed: &[_; fixed::WIDTH] = first(preprocessed.current_slice());
    let given = |c: usize| -> AB::Expr { fixed[c].into() };
    let main = builder.main();
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };

    let init = [AB::Expr::ZERO, given(fixed::LO), given(fixed::HI)];
    let fini = [FINI_EPOCH, FINI_LO, FINI_HI].map(at);
    let (real, cell) = (given(fixed::REAL), given(fixed::CELL));
    ends(builder, bus, real, cell, init, fini);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_lie_between_the_intervals() {
        let of = |intervals: &[Range<u32>]| -> heapless::Vec<(u32, u32), 8> {
            holes(intervals).collect()
        };
        assert_eq!(of(&[])[..], [(0, RAM_CELLS)]);
        assert_eq!(of(&[Range { start: 0, end: 7 }])[..], [(7, RAM_CELLS)]);
        assert_eq!(
            of(&[5..12, 12..13, 20..21])[..],
            [(0, 5), (13, 20), (21, RAM_CELLS)]
        );
        assert_eq!(
            of(&[Range {
                start: 9,
                end: RAM_CELLS
            }])[..],
            [(0, 9)]
        );
    }
}
