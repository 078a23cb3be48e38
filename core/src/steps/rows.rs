//! Row groups of bit-reversed columns, with the rows that follow them.
//!
//! Place `q` of a bit-reversed column of `n` elements holds row `rev(q)`. The `W` places of group `u`
//! hold the rows `rev(l) * n/W + rev(u)`, `l` the lane, so the rows after them are the group
//! `rev(rev(u) + 1)` with the same lanes. Only the group that holds the last of each run wraps: the
//! rows after it are group 0 with its lanes moved on by one in bit-reversed order.
//!
//! Groups that lie together are a tile, which is read as a whole: the groups after those of a tile are a tile
//! again, so that in the order of rows each is read once, as what comes next.

use core::mem;
use core::ops::Range;

use p3_air::RowWindow;
use p3_field::{PackedFieldPow2, PrimeCharacteristicRing};

use crate::F;
use crate::air::{Messages, NextRows, Rows};
use crate::kernels::Packed;
use crate::kernels::bit_reverse::reverse_bits;
use crate::kernels::ext::Ext;
use crate::parts::{part, split_mut};
use crate::shape::TablePlan;

/// Row groups of columns of `2^log_height` elements.
#[derive(Clone, Copy, Debug)]
struct RowGroups {
    log_height: usize,
    log_lanes: usize,
    log_tile: usize,
}

impl RowGroups {
    /// Groups of `P::WIDTH` rows; a column has at least that many.
    fn new<P: PackedFieldPow2<Scalar = F>>(log_height: usize) -> Self {
        let log_lanes = P::WIDTH.trailing_zeros() as usize;
        debug_assert!(log_lanes <= log_height);
        Self {
            log_height,
            log_lanes,
            log_tile: log_tile(log_height, log_lanes),
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

    /// log2 of the number of tiles.
    const fn log_tiles(&self) -> usize {
        self.log_height - self.log_lanes - self.log_tile
    }

    /// The tile of the rows after those of tile `tile`; of the last one there is none.
    #[inline]
    fn following(&self, tile: usize) -> Option<usize> {
        let row = reverse_bits(tile, self.log_tiles()) + 1;
        (row < 1 << self.log_tiles()).then(|| reverse_bits(row, self.log_tiles()))
    }

    /// The groups of `groups` in the order of their rows, tile by tile: what follows a tile is next, as far as it is
    /// among them.
    fn in_order(self, groups: Range<usize>) -> impl Iterator<Item = usize> {
        let tiles = (0..1 << self.log_tiles()).map(move |row| reverse_bits(row, self.log_tiles()));
        let all = tiles.flat_map(move |tile| tile << self.log_tile..(tile + 1) << self.log_tile);
        all.filter(move |group| groups.contains(group))
    }

    /// Fills `tile` with tile number `number` of every column, group by group.
    fn load<P: PackedFieldPow2<Scalar = F>>(
        &self,
        columns: Columns<'_>,
        number: usize,
        tile: &mut [P],
    ) {
        let log_len = self.log_lanes + self.log_tile;
        let stretches = columns.stretches(number << log_len, 1 << log_len);
        if self.log_tile == 0 {
            for (row, stretch) in tile.iter_mut().zip(stretches) {
                if let Some(group) = P::pack_slice(stretch).first() {
                    *row = *group;
                }
            }
            return;
        }
        let width = tile.len() >> self.log_tile;
        for (c, stretch) in stretches.take(width).enumerate() {
            let rows = tile[c..].iter_mut().step_by(width);
            for (row, group) in rows.zip(P::pack_slice(stretch)) {
                *row = *group;
            }
        }
    }

    /// Fills `tile` with the rows after those of the last tile.
    #[cold]
    fn load_wrapped<P: PackedFieldPow2<Scalar = F>>(&self, columns: Columns<'_>, tile: &mut [P]) {
        let width = tile.len() >> self.log_tile;
        let first = self.count() - (1 << self.log_tile);
        let whole = columns.stretches(0, 1 << self.log_height);
        for (c, column) in whole.take(width).enumerate() {
            for (i, row) in tile[c..].iter_mut().step_by(width).enumerate() {
                *row = self.next(column, first + i);
            }
        }
    }
}

/// Rows of a matrix of columns of `stride` elements, from place `start` of each.
#[derive(Clone, Copy, Debug)]
struct Columns<'a> {
    values: &'a [F],
    stride: usize,
    start: usize,
}

impl<'a> Columns<'a> {
    /// The same `len` elements of each column, from row `first` on.
    #[inline]
    fn stretches(self, first: usize, len: usize) -> impl Iterator<Item = &'a [F]> {
        let columns = self.values.chunks_exact(self.stride);
        let first = self.start + first;
        columns.map(move |column| part(column, first..first + len))
    }
}

/// A tile of a matrix and the rows after it, group by group.
#[derive(Debug)]
struct Window<'s, P> {
    width: usize,
    current: &'s mut [P],
    next: &'s mut [P],
}

impl<'s, P: Packed> Window<'s, P> {
    fn new(width: usize, groups: &RowGroups, buffers: &'s mut [P]) -> Self {
        let (current, next) = split_mut(buffers, width << groups.log_tile);
        Self {
            width,
            current,
            next,
        }
    }

    /// Moves to tile `tile`, which the next rows are where it `follows`. Next rows are loaded where somebody `reads`
    /// them.
    fn load(
        &mut self,
        groups: &RowGroups,
        columns: Columns<'_>,
        tile: usize,
        follows: bool,
        reads: bool,
    ) {
        if follows && reads {
            mem::swap(&mut self.current, &mut self.next);
        } else {
            groups.load(columns, tile, self.current);
        }
        if reads {
            match groups.following(tile) {
                Some(tile) => groups.load(columns, tile, self.next),
                None => groups.load_wrapped(columns, self.next),
            }
        }
    }

    /// Group `slot` of the tile and the rows after it, or itself where nobody `reads` those.
    #[inline]
    fn rows(&self, slot: usize, reads: bool) -> RowWindow<'_, P> {
        let next = if reads { &self.next } else { &self.current };
        let group = slot * self.width..(slot + 1) * self.width;
        RowWindow::from_two_rows(part(self.current, group.clone()), part(next, group))
    }
}

/// Elements of a tile in a column: a few cache lines, one after the other.
const TILE: usize = 64;

/// Groups of a tile, as log2; walks row by row have tiles of a row.
const fn log_tile(log_height: usize, log_lanes: usize) -> usize {
    let log_elements = TILE.trailing_zeros() as usize;
    let log_elements = if log_height < log_elements {
        log_height
    } else {
        log_elements
    };
    if log_lanes == 0 {
        0
    } else {
        log_elements - log_lanes
    }
}

/// Lanes that a table of this height is walked with.
pub(crate) const fn lanes_for(table: &TablePlan, lanes: usize) -> usize {
    if table.height() >= lanes { lanes } else { 1 }
}

/// Packed elements of scratch that a [`RowWalk`] with [`lanes_for`] the table needs: a tile and the next rows.
pub(crate) const fn row_buffers(table: &TablePlan, lanes: usize) -> usize {
    let log_lanes = lanes_for(table, lanes).trailing_zeros() as usize;
    let tile = 1 << log_tile(table.log_height(), log_lanes);
    2 * tile * (table.layout.main_width + table.layout.preprocessed_width)
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
    /// Where the rows start that are loaded, and their tile.
    loaded: Option<(usize, usize)>,
    main: Window<'s, P>,
    preprocessed: Window<'s, P>,
}

impl<'a, 's, P: Packed> RowWalk<'a, 's, P> {
    /// A walk that loads the next rows of what `reads_next` names; the rest of `scratch` comes back.
    pub fn new(
        columns: TableColumns<'a>,
        reads_next: NextRows,
        scratch: &'s mut [P],
    ) -> (Self, &'s mut [P]) {
        let layout = &columns.table.layout;
        let groups = RowGroups::new::<P>(columns.table.log_height());
        let (buffers, rest) = split_mut(scratch, row_buffers(columns.table, P::WIDTH));
        let (main, preprocessed) = split_mut(buffers, (2 * layout.main_width) << groups.log_tile);
        let walk = Self {
            columns,
            groups,
            reads_next,
            loaded: None,
            main: Window::new(layout.main_width, &groups, main),
            preprocessed: Window::new(layout.preprocessed_width, &groups, preprocessed),
        };
        (walk, rest)
    }

    /// Number of groups.
    pub const fn count(&self) -> usize {
        self.groups.count()
    }

    /// The groups of `groups` in the order in which least is loaded.
    pub fn in_order(&self, groups: Range<usize>) -> impl Iterator<Item = usize> + use<P> {
        self.groups.in_order(groups)
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
            loaded,
            main,
            preprocessed,
        } = self;
        let tile = group >> groups.log_tile;
        if *loaded != Some((start, tile)) {
            let follows = loaded
                .is_some_and(|(at, last)| at == start && groups.following(last) == Some(tile));
            let stride = columns.stride;
            let matrix = |values| Columns {
                values,
                stride,
                start,
            };
            main.load(groups, matrix(columns.main), tile, follows, reads_next.main);
            let values = matrix(columns.preprocessed);
            preprocessed.load(groups, values, tile, follows, reads_next.preprocessed);
            *loaded = Some((start, tile));
        }
        let slot = group - (tile << groups.log_tile);
        let [is_first_row, is_last_row, is_transition] = selectors;
        Rows {
            main: main.rows(slot, reads_next.main),
            preprocessed: preprocessed.rows(slot, reads_next.preprocessed),
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
