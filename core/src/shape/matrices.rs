//! The matrices of a batch in the order in which they are opened.

use super::table::TablePlan;
use crate::D;

/// A commitment to several matrices, in opening order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Main,
    Quotient,
    Preprocessed,
    Permutation,
}

impl Round {
    pub const ALL: [Self; 4] = [
        Self::Main,
        Self::Quotient,
        Self::Preprocessed,
        Self::Permutation,
    ];

    /// Matrices that the round has of one table.
    pub(super) const fn matrices(self, table: &TablePlan) -> usize {
        match self {
            Self::Main => 1,
            Self::Quotient => table.num_chunks(),
            Self::Preprocessed => (table.layout.preprocessed_width > 0) as usize,
            Self::Permutation => table.layout.has_lookups() as usize,
        }
    }

    pub const fn width(self, table: &TablePlan) -> usize {
        match self {
            Self::Main => table.layout.main_width,
            Self::Quotient => D,
            Self::Preprocessed => table.layout.preprocessed_width,
            Self::Permutation => table.permutation_base_width(),
        }
    }

    /// Whether the round is opened at the next row's point too.
    pub(super) const fn next(self, table: &TablePlan) -> bool {
        match self {
            Self::Main => table.spec.main_next,
            Self::Quotient => false,
            Self::Preprocessed => table.spec.preprocessed_next,
            Self::Permutation => true,
        }
    }
}

/// One committed matrix: where its extension lies and where its openings go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommittedMatrix<'a> {
    pub round: Round,
    pub table: usize,
    pub planned: &'a TablePlan,
    /// Base columns.
    pub width: usize,
    /// log2 of the extension's rows.
    pub log_lde: usize,
    /// Whether it is opened at the next row's point.
    pub next: bool,
    /// First element of its extension in the round's region.
    pub(super) offset: usize,
    /// First element of its columns on the trace domain in the round's home.
    pub(super) home: usize,
    /// Columns that are kept there.
    pub(super) home_width: usize,
    /// First element of its claimed openings in the claimed openings.
    pub(super) openings: usize,
}

impl CommittedMatrix<'_> {
    /// The extension's place in the round's region.
    pub const fn extension(&self) -> core::ops::Range<usize> {
        self.offset..self.offset + (self.width << self.log_lde)
    }

    /// The place of its columns on the trace domain in the round's home: of a permutation trace, the
    /// accumulator only.
    pub const fn home(&self, log_blowup: usize) -> core::ops::Range<usize> {
        self.home..self.home + (self.home_width << (self.log_lde - log_blowup))
    }

    /// Number of points it is opened at.
    pub const fn points(&self) -> usize {
        if self.next { 2 } else { 1 }
    }

    /// The place of its claims at point `point` (0: zeta, 1: the next row's) in the openings.
    pub const fn claims(&self, point: usize) -> core::ops::Range<usize> {
        let start = self.openings + point * D * self.width;
        start..start + D * self.width
    }
}
