//! The tables of a merge batch.

use p3_air::Air;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TableSpec, TraceMut};

use super::image::{self, Image};
use super::outcome::{self, Outcome};
use super::path::GMEM;
use super::{fixed, link, parent, range, rest};
use crate::air::{assert_fixed_shape, base_air};
use crate::bus::RANGE;
use crate::tables::range::{FIXED_WIDTH as RANGE_WIDTH, fill_preprocessed as fill_fixed_range};
use crate::tables::{l2g, lookup};
/// A table of a merge batch.
///
/// Order within a batch: the children ([`L2g`](Self::L2g) or [`Child`](Self::Child), carved), then
/// [`Parent`](Self::Parent) (carved) or, in the root, `Image`, `Result` and one `Rest` per hole,
/// then `Range`; see [`inner_tables`] and [`root_tables`].
#[derive(Clone, Copy, Debug)]
pub enum MergeTable<'a> {
    /// The L2G table of an epoch, the same trace as in the epoch's proof. Public value: the epoch's
    /// number.
    L2g,
    /// The parent table of a lower merge, the same trace as there. No public values.
    Child,
    /// The parent table that this merge commits. Public value: the first epoch of its range.
    Parent,
    /// Genesis and final memory of the program image and the registers.
    Image(Image<'a>),
    /// Genesis and final memory of the claimed result.
    Result(Outcome<'a>),
    /// Genesis and final memory of the touched cells of one hole. Public values: its first cell,
    /// and the first cell after it.
    Rest,
    /// The range checks of `Parent` and `Rest`.
    Range,
}

impl MergeTable<'_> {
    /// Main columns whose next row the constraints read.
    pub const fn main_next(&self) -> &'static [usize] {
        match self {
            Self::Rest => &rest::NEXT,
            _ => &[],
        }
    }

    /// Preprocessed columns whose next row the constraints read.
    pub const fn preprocessed_next(&self) -> &'static [usize] {
        &[]
    }

    /// Number of main columns.
    pub const fn main_width(&self) -> usize {
        match self {
            Self::L2g => l2g::columns::WIDTH,
            Self::Child | Self::Parent => parent::WIDTH,
            Self::Image(_) => image::WIDTH,
            Self::Result(_) => outcome::WIDTH,
            Self::Rest => rest::WIDTH,
            Self::Range => range::WIDTH,
        }
    }

    /// Number of preprocessed columns, zero for a table without any.
    pub const fn fixed_width(&self) -> usize {
        match self {
            Self::Image(_) | Self::Result(_) => fixed::WIDTH,
            Self::Range => RANGE_WIDTH,
            _ => 0,
        }
    }

    /// log2 of the number of rows of the preprocessed trace, of a table that has one.
    pub const fn fixed_log_height(&self) -> Option<u8> {
        match self {
            Self::Image(image) => Some(image.log_height()),
            Self::Result(outcome) => Some(outcome.log_height()),
            Self::Range => Some(range::LOG_ROWS),
            _ => None,
        }
    }

    /// Whether the table is carved: another proof commits the same trace.
    pub const fn carved(&self) -> bool {
        matches!(self, Self::L2g | Self::Child | Self::Parent)
    }

    /// What a plan wants to know of the table at a height of 2^`log_height` rows.
    pub const fn spec(&self, log_height: u8) -> TableSpec {
        TableSpec {
            main_next: !self.main_next().is_empty(),
            preprocessed_next: !self.preprocessed_next().is_empty(),
            carved: self.carved(),
            ..TableSpec::new(log_height)
        }
    }

    /// Number of public values.
    pub const fn public_values(&self) -> usize {
        match self {
            Self::L2g | Self::Parent => 1,
            Self::Rest => 2,
            _ => 0,
        }
    }

    /// Writes the preprocessed trace, [`fixed_width`](Self::fixed_width) columns of
    /// 2^[`fixed_log_height`](Self::fixed_log_height) rows.
    ///
    /// # Panics
    /// When `trace` has another shape.
    pub fn fill_preprocessed(&self, trace: &mut TraceMut<'_>) {
        assert_fixed_shape(trace, self.fixed_width(), self.fixed_log_height());
        match self {
            Self::Image(image) => fixed::fill(image.cells(), trace),
            Self::Result(outcome) => fixed::fill(outcome.cells(), trace),
            Self::Range => fill_fixed_range(trace),
            _ => {}
        }
    }
}

base_air!(MergeTable<'_>);

impl<AB: InteractionBuilder<F = F>> Air<AB> for MergeTable<'_> {
    fn eval(&self, builder: &mut AB) {
        match self {
            Self::L2g => link::eval(builder),
            Self::Child => parent::eval_child(builder),
            Self::Parent => parent::eval(builder),
            Self::Image(_) => image::eval(GMEM, builder),
            Self::Result(_) => outcome::eval(GMEM, builder),
            Self::Rest => rest::eval(GMEM, builder),
            Self::Range => lookup::eval::<{ RANGE_WIDTH }, _>(RANGE, builder),
        }
    }
}

/// The tables of a merge below the root: `arity` children, the parent, the range checks.
///
/// `leaves` says that the children are epochs' L2G tables. The first `arity + 1` tables are carved.
pub fn inner_tables(leaves: bool, arity: usize) -> impl Iterator<Item = MergeTable<'static>> {
    children(leaves, arity).chain([MergeTable::Parent, MergeTable::Range])
}

/// The tables of the root merge: `arity` children, image, result, one table per hole of the image,
/// the range checks.
///
/// `leaves` says that the children are epochs' L2G tables. The first `arity` tables are carved.
pub fn root_tables<'a>(
    leaves: bool,
    arity: usize,
    image: Image<'a>,
    outcome: Outcome<'a>,
) -> impl Iterator<Item = MergeTable<'a>> {
    children(leaves, arity)
        .chain([MergeTable::Image(image), MergeTable::Result(outcome)])
        .chain(core::iter::repeat_n(
            MergeTable::Rest,
            image.holes().count(),
        ))
        .chain([MergeTable::Range])
}

fn children<'a>(leaves: bool, arity: usize) -> impl Iterator<Item = MergeTable<'a>> {
    let child = if leaves {
        MergeTable::L2g
    } else {
        MergeTable::Child
    };
    core::iter::repeat_n(child, arity)
}
