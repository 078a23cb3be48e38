//! What the prover refuses.

use thiserror::Error;

use crate::workspace::WorkspaceTooSmall;

/// Why a prover cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProverSetupError {
    /// The workspace is shorter than the plan needs.
    #[error(transparent)]
    Workspace(#[from] WorkspaceTooSmall),
    /// Not as many AIRs as the plan has tables.
    #[error("{got} AIRs for {expected} tables")]
    AirCount {
        /// Tables of the plan.
        expected: usize,
        /// AIRs given.
        got: usize,
    },
    /// An AIR has another shape than the one that the table was planned for.
    #[error("table {table} was planned for another AIR")]
    OtherAir {
        /// The table.
        table: usize,
    },
    /// The plan was made for a backend with another packing.
    #[error("a backend of {got} lanes for a plan of {expected}")]
    Lanes {
        /// Lanes of the plan.
        expected: usize,
        /// Lanes of the prover's backend.
        got: usize,
    },
    /// The plan was made for a backend with another table of roots.
    #[error("a backend with a table of {got} words for a plan with one of {expected}")]
    LaneTable {
        /// Words of the plan's table.
        expected: usize,
        /// Words of the table of the prover's backend.
        got: usize,
    },
}

/// Why a batch cannot be proved; `E` is the error of the proof sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BatchError<E = core::convert::Infallible> {
    /// Preprocessed traces are missing, or were written after they were prepared.
    #[error("the preprocessed traces are not prepared")]
    NotPrepared,
    /// The batch has other tables than the plan, or other parameters.
    #[error("the plan was made for other tables")]
    OtherTables,
    /// Not one slice of public values per table.
    #[error("public values for {got} tables of {expected}")]
    PublicValueSlices {
        /// Tables of the plan.
        expected: usize,
        /// Slices given.
        got: usize,
    },
    /// A table's public values have the wrong count.
    #[error("table {table}: {got} public values, its AIR reads {expected}")]
    PublicValues {
        /// The table.
        table: usize,
        /// Values that its AIR reads.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// The sink failed.
    #[error("the proof sink failed: {0}")]
    Sink(E),
}

impl BatchError {
    /// The same error where a sink may fail too.
    pub(super) fn widen<E>(self) -> BatchError<E> {
        match self {
            Self::NotPrepared => BatchError::NotPrepared,
            Self::OtherTables => BatchError::OtherTables,
            Self::PublicValueSlices { expected, got } => {
                BatchError::PublicValueSlices { expected, got }
            }
            Self::PublicValues {
                table,
                expected,
                got,
            } => BatchError::PublicValues {
                table,
                expected,
                got,
            },
            Self::Sink(never) => match never {},
        }
    }
}
