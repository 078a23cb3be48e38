//! The matrices of a batch in the order in which they are opened.

use super::{Name, Plan, TablePlan};
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
    const fn matrices(self, table: &TablePlan) -> usize {
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
    const fn next(self, table: &TablePlan) -> bool {
        match self {
            Self::Main => table.spec.main_next,
            Self::Quotient => false,
            Self::Preprocessed => table.spec.preprocessed_next,
            Self::Permutation => true,
        }
    }

    /// The region of the round's extensions.
    pub const fn region(self) -> Name {
        match self {
            Self::Main => Name::Main,
            Self::Quotient => Name::Quotient,
            Self::Preprocessed => Name::Preprocessed,
            Self::Permutation => Name::Permutation,
        }
    }

    /// The region of what `Compact` keeps of the round's matrices.
    pub const fn home(self) -> Name {
        match self {
            Self::Main => Name::Trace,
            Self::Quotient => Name::Quotient,
            Self::Preprocessed => Name::PreprocessedTrace,
            Self::Permutation => Name::Accumulators,
        }
    }

    /// The region of the round's digests.
    pub const fn digests(self) -> Name {
        match self {
            Self::Main => Name::MainDigests,
            Self::Quotient => Name::QuotientDigests,
            Self::Preprocessed => Name::PreprocessedDigests,
            Self::Permutation => Name::PermutationDigests,
        }
    }
}

/// One committed matrix: where its extension lies and where its openings go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    pub round: Round,
    pub table: usize,
    /// Base columns.
    pub width: usize,
    /// log2 of the extension's rows.
    pub log_lde: usize,
    /// Whether it is opened at the next row's point.
    pub next: bool,
    /// First element of its extension in the round's region.
    offset: usize,
    /// First element of its columns on the trace domain in [`Round::home`].
    home: usize,
    /// Columns that are kept there.
    home_width: usize,
    /// First element of its claimed openings in [`Name::Openings`].
    openings: usize,
}

impl Opened {
    /// The extension's place in the round's region.
    pub const fn extension(&self) -> core::ops::Range<usize> {
        self.offset..self.offset + (self.width << self.log_lde)
    }

    /// The place of its columns on the trace domain in [`Round::home`]: of a permutation trace, the
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

impl<const N: usize> Plan<N> {
    /// All committed matrices: round by round, table by table, chunk by chunk.
    pub(crate) fn opened(&self) -> impl Iterator<Item = Opened> + Clone + '_ {
        let (mut offsets, mut openings) = ([0; Round::ALL.len()], 0);
        let mut homes = [0; Round::ALL.len()];
        let matrices = Round::ALL.into_iter().flat_map(move |round| {
            self.tables()
                .iter()
                .enumerate()
                .flat_map(move |(t, table)| core::iter::repeat_n((round, t), round.matrices(table)))
        });
        matrices.map(move |(round, table)| {
            let planned = &self.tables()[table];
            let matrix = Opened {
                round,
                table,
                width: round.width(planned),
                log_lde: self.log_lde(table),
                next: round.next(planned),
                offset: offsets[round as usize],
                home: homes[round as usize],
                home_width: match round {
                    Round::Permutation => D,
                    _ => round.width(planned),
                },
                openings,
            };
            homes[round as usize] += matrix.home_width << planned.log_height();
            offsets[round as usize] += matrix.width << matrix.log_lde;
            openings += D * matrix.width * matrix.points();
            matrix
        })
    }

    /// The matrices of one round.
    pub(crate) fn round(&self, round: Round) -> impl Iterator<Item = Opened> + Clone + '_ {
        self.opened().filter(move |matrix| matrix.round == round)
    }

    /// Whether the batch commits to the round.
    pub(crate) fn has_round(&self, round: Round) -> bool {
        self.tables().iter().any(|table| round.matrices(table) > 0)
    }
}
