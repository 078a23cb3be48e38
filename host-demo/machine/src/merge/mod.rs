//! The merge: one LogUp argument over the memory of many epochs.
//!
//! Every real L2G row consumes the token `(cell, init_epoch, init)` and emits `(cell, fini_epoch,
//! fini)` with `init_epoch < fini_epoch`. Genesis emits one epoch-0 token per cell, final memory
//! consumes one. The rows of a cell are then the edges of a graph without cycles that carries one
//! unit from genesis to final memory: one path through the epochs, so each epoch enters a cell with
//! the value that the last one left. (Offline memory checking, Blum et al., FOCS 1991.)
//!
//! A cell's genesis and final memory are the two ends of one row, in exactly one of three tables:
//! [`Image`] and [`Outcome`] (cells preprocessed) or the `Rest` tables, one for each hole between
//! the intervals of the image. A merge below the root has one `Parent` table instead, which stands
//! for its whole range of epochs in the next merge. `docs/merge.md` has the argument in full.
//!
//! No function here panics on a caller's values; the fillers assert the width of their trace.

mod chain;
mod fill;
mod fixed;
mod image;
mod link;
mod outcome;
pub mod parent;
mod range;
pub mod rest;
pub mod statement;
mod tree;

pub use chain::{Chain, extend};
pub use fill::{
    check_cover, fill_image, fill_parent, fill_range, fill_rest, fill_result, rest_rows,
};
pub use image::{Holes, Image, holes, image_rows};
pub use outcome::Outcome;
pub use range::{RANGE_ROWS, RangeCounts};
pub use tree::{Child, Node, Step, Tree, empty_root};

use p3_air::Air;
use p3_lookup::InteractionBuilder;
use thiserror::Error;
use tranche_core::shape::MAX_LOG_HEIGHT;
use tranche_core::{F, TableSpec, TraceMut};

use crate::air::{assert_fixed_shape, base_air};
use crate::bus::{RANGE, receive, send};
pub use crate::tables::l2g::EPOCH_BITS;
use crate::tables::range::{FIXED_WIDTH as RANGE_WIDTH, fill_preprocessed as fill_fixed_range};
use crate::tables::{l2g, lookup};

/// The bus of `(cell, epoch, low half, high half)` tokens.
pub const GMEM: &str = "gmem";

/// log2 of the least rows of a table whose height depends on the run: above every Merkle cap.
pub const MIN_LOG_ROWS: u8 = 4;

/// Rows of a table of 2^`log_height`; none when it has more than a table can have.
const fn table_rows(log_height: u8) -> usize {
    if log_height as usize > MAX_LOG_HEIGHT {
        0
    } else {
        1 << log_height
    }
}

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
            Self::Image(_) => image::eval(builder),
            Self::Result(_) => outcome::eval(builder),
            Self::Rest => rest::eval(builder),
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

/// Why rows, an image, or a tree were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum MergeError {
    /// More rows than the table or the buffer holds.
    #[error("{needed} rows in a table of {got}")]
    TooManyRows {
        /// Rows to be written.
        needed: usize,
        /// Rows there are.
        got: usize,
    },
    /// Rows that do not ascend strictly by cell.
    #[error("cell {cell:#x} does not ascend")]
    Unsorted {
        /// First cell that does not exceed the one before it.
        cell: u32,
    },
    /// An epoch that does not enter a cell as an earlier one left it.
    #[error("epoch {epoch} enters cell {cell:#x} otherwise than it was left")]
    Broken {
        /// The cell.
        cell: u32,
        /// The epoch.
        epoch: u32,
    },
    /// A touched cell that is in no table of the root.
    #[error("cell {cell:#x} is in no table of the root merge")]
    Uncovered {
        /// The cell.
        cell: u32,
    },
    /// No epochs, an arity below 2, or an epoch number of more than [`EPOCH_BITS`] bits.
    #[error("no merge tree for {epochs} epochs and arity {arity}")]
    Tree {
        /// Epochs asked for.
        epochs: u32,
        /// Arity asked for.
        arity: u32,
    },
}

/// A step of a cell's path: takes the token `init` and emits `fini`, each an epoch and two halves.
///
/// `real` gates both messages; the table constrains it to be a bit.
fn step<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    real: AB::Expr,
    cell: AB::Expr,
    init: [AB::Expr; 3],
    fini: [AB::Expr; 3],
) {
    let [init, fini] = tokens(cell, [init, fini]);
    builder.push_interaction(GMEM, init, receive(real.clone()));
    builder.push_interaction(GMEM, fini, send(real));
}

/// Both ends of a cell's path, or of the part that a merge covers: emits the first token `init` and
/// takes the last one `fini`; see [`step`].
fn ends<AB: InteractionBuilder<F = F>>(
    builder: &mut AB,
    real: AB::Expr,
    cell: AB::Expr,
    init: [AB::Expr; 3],
    fini: [AB::Expr; 3],
) {
    let [init, fini] = tokens(cell, [init, fini]);
    builder.push_interaction(GMEM, init, send(real.clone()));
    builder.push_interaction(GMEM, fini, receive(real));
}

fn tokens<E: Clone>(cell: E, states: [[E; 3]; 2]) -> [[E; 4]; 2] {
    states.map(|[epoch, lo, hi]| [cell.clone(), epoch, lo, hi])
}
