//! Row groups of bit-reversed columns, with the rows that follow them.
//!
//! Place `q` of a bit-reversed column of `n` elements holds row `rev(q)`. The `W` places of group `u`
//! hold the rows `rev(l) * n/W + rev(u)`, `l` the lane, so the rows after them are the group
//! `rev(rev(u) + 1)` with the same lanes. Only the group that holds the last of each run wraps: the
//! rows after it are group 0 with its lanes moved on by one in bit-reversed order.

use p3_air::RowWindow;
use p3_field::{PackedFieldPow2, PrimeCharacteristicRing};

use crate::F;
use crate::air::{Messages, NextRows, Rows};
use crate::kernels::Packed;
use crate::kernels::bit_reverse::reverse_bits;
use crate::kernels::ext::Ext;
use crate::parts::split_mut;
use crate::shape::TablePlan;

/// Row groups of columns of `2^log_height` elements.
#[derive(Clone, Copy, Debug)]
struct RowGroups {
    log_height: usize,
    log_lanes: usize,
}

impl RowGroups {
    /// Groups of `P::WIDTH` rows; a column has at least that many.
    fn new<P: PackedFieldPow2<Scalar = F>>(log_height: usize) -> Self {
        let log_lanes = P::WIDTH.trailing_zeros() as usize;
        debug_assert!(log_lanes <= log_height);
        Self {
            log_height,
            log_lanes,
        }
    }

    /// Number of groups.
    const fn count(&self) -> usize {
        1 << (self.log_height - self.log_lanes)
    }

    /// The rows after group `group` of `column`.
    #[inline]
    fn next<P: PackedFieldPow2<Scalar = F>>(&self, column: &[F], group: usize) -> P {
        let bits = self.log_height - self.log_lanes;
        let following = reverse_bits(group, bits) + 1;
        if following < self.count() {
            let at = reverse_bits(following, bits) << self.log_lanes;
            *P::from_slice(&column[at..at + P::WIDTH])
        } else {
            P::from_fn(|lane| {
                let row = (reverse_bits(lane, self.log_lanes) + 1) % P::WIDTH;
                column[reverse_bits(row, self.log_lanes)]
            })
        }
    }

    /// Fills `current` and `next` with group `group` of every column of `matrix`.
    ///
    /// `matrix` has columns of `stride` elements; the rows start at place `start` of each. Rows
    /// that nobody reads (`reads_next` is false) are filled with the current ones.
    #[inline]
    fn load<P: PackedFieldPow2<Scalar = F>>(
        &self,
        matrix: &[F],
        stride: usize,
        start: usize,
        group: usize,
        reads_next: bool,
        [current, next]: [&mut [P]; 2],
    ) {
        let height = 1 << self.log_height;
        let at = group << self.log_lanes;
        for (column, (current, next)) in matrix
            .chunks_exact(stride)
            .zip(current.iter_mut().zip(next.iter_mut()))
        {
            let column = &column[start..start + height];
            *current = *P::from_slice(&column[at..at + P::WIDTH]);
            *next = if reads_next {
                self.next(column, group)
            } else {
                *current
            };
        }
    }
}

/// Lanes that a table of this height is walked with.
pub(crate) const fn lanes_for(table: &TablePlan, lanes: usize) -> usize {
    if table.height() >= lanes { lanes } else { 1 }
}

/// Packed elements of scratch that a [`RowWalk`] over a table needs: two rows.
pub(crate) const fn row_buffers(table: &TablePlan) -> usize {
    2 * (table.layout.main_width + table.layout.preprocessed_width)
}

/// What a walk reads of a table: traces on the trace domain, on a coset of it, or extended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableColumns<'a> {
    pub table: &'a TablePlan,
    /// Main columns, rows bit-reversed.
    pub main: &'a [F],
    /// Preprocessed columns, likewise.
    pub preprocessed: &'a [F],
    /// Elements of a column.
    pub stride: usize,
    pub public_values: &'a [F],
    pub messages: Messages<'a>,
}

/// First-row, last-row and transition selector of a row group.
pub(crate) type Selectors<P> = [P; 3];

/// One table's rows, a packed group at a time.
#[derive(Debug)]
pub(crate) struct RowWalk<'a, 's, P> {
    columns: TableColumns<'a>,
    groups: RowGroups,
    reads_next: NextRows,
    main: [&'s mut [P]; 2],
    preprocessed: [&'s mut [P]; 2],
}

impl<'a, 's, P: Packed> RowWalk<'a, 's, P> {
    /// A walk that loads the next rows of what `reads_next` names; the rest of `scratch` comes back.
    pub fn new(
        columns: TableColumns<'a>,
        reads_next: NextRows,
        scratch: &'s mut [P],
    ) -> (Self, &'s mut [P]) {
        let layout = &columns.table.layout;
        let (buffers, rest) = split_mut(scratch, row_buffers(columns.table));
        let (main, preprocessed) = split_mut(buffers, 2 * layout.main_width);
        let walk = Self {
            columns,
            groups: RowGroups::new::<P>(columns.table.log_height()),
            reads_next,
            main: split_mut(main, layout.main_width).into(),
            preprocessed: split_mut(preprocessed, layout.preprocessed_width).into(),
        };
        (walk, rest)
    }

    /// Number of groups.
    pub const fn count(&self) -> usize {
        self.groups.count()
    }

    /// The selectors of a group on the trace domain itself.
    #[inline]
    pub fn domain_selectors(&self, group: usize) -> Selectors<P> {
        let one = |lane| P::from_fn(|l| F::from_bool(l == lane));
        let is_first_row = if group == 0 { one(0) } else { P::ZERO };
        let is_last_row = if group + 1 == self.count() {
            one(P::WIDTH - 1)
        } else {
            P::ZERO
        };
        [is_first_row, is_last_row, P::ONE - is_last_row]
    }

    /// The rows of group `group`, of those that start at place `start` of every column.
    #[inline]
    pub fn load(&mut self, start: usize, group: usize, selectors: Selectors<P>) -> Rows<'_, P> {
        let Self {
            columns,
            groups,
            reads_next,
            main: [main, main_next],
            preprocessed: [preprocessed, preprocessed_next],
        } = self;
        let stride = columns.stride;
        groups.load(
            columns.main,
            stride,
            start,
            group,
            reads_next.main,
            [main, main_next],
        );
        groups.load(
            columns.preprocessed,
            stride,
            start,
            group,
            reads_next.preprocessed,
            [preprocessed, preprocessed_next],
        );
        let [is_first_row, is_last_row, is_transition] = selectors;
        Rows {
            main: RowWindow::from_two_rows(main, main_next),
            preprocessed: RowWindow::from_two_rows(preprocessed, preprocessed_next),
            public_values: columns.public_values,
            is_first_row,
            is_last_row,
            is_transition,
        }
    }

    /// The rows after group `group` of a column of challenges, four coordinate columns of `stride`
    /// elements whose rows start at place `start`.
    #[inline]
    pub fn next_challenges(
        &self,
        column: &[F],
        stride: usize,
        start: usize,
        group: usize,
    ) -> Ext<P> {
        let height = self.columns.table.height();
        Ext(core::array::from_fn(|d| {
            let at = d * stride + start;
            self.groups.next(&column[at..at + height], group)
        }))
    }
}
