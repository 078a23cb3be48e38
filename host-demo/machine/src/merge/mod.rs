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
mod error;
mod fill;
pub(crate) mod fixed;
pub(crate) mod image;
mod link;
pub(crate) mod outcome;
pub mod parent;
mod path;
mod range;
pub mod rest;
mod rows;
pub mod statement;
mod table;
mod tree;

pub use crate::tables::l2g::EPOCH_BITS;
pub use chain::{Chain, extend};
pub use error::MergeError;
pub use fill::{
    check_cover, fill_image, fill_parent, fill_range, fill_rest, fill_result, rest_rows,
};
pub use image::{Holes, Image, holes, image_rows};
pub use outcome::Outcome;
pub use path::GMEM;
pub use range::{RANGE_ROWS, RangeCounts};
pub use rows::{MIN_LOG_ROWS, log_rows};
pub use table::{MergeTable, inner_tables, root_tables};
pub use tree::{Child, Node, Step, Tree, empty_root};
