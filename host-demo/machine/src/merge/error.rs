//! What a merge refuses.

use thiserror::Error;

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
    /// No epochs, an arity below 2, or an epoch number of more than [`EPOCH_BITS`](super::EPOCH_BITS) bits.
    #[error("no merge tree for {epochs} epochs and arity {arity}")]
    Tree {
        /// Epochs asked for.
        epochs: u32,
        /// Arity asked for.
        arity: u32,
    },
}
