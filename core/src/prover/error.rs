//! What the prover refuses.

use crate::workspace::WorkspaceTooSmall;

/// Why a prover cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProverSetupError {
    /// The workspace is shorter than the plan needs.
    Workspace(WorkspaceTooSmall),
    /// Not as many AIRs as the plan has tables.
    AirCount {
        /// Tables of the plan.
        expected: usize,
        /// AIRs given.
        got: usize,
    },
    /// An AIR has another shape than the one that the table was planned for.
    OtherAir {
        /// The table.
        table: usize,
    },
    /// The plan was made for a backend with another packing.
    Lanes {
        /// Lanes of the plan.
        expected: usize,
        /// Lanes of the prover's backend.
        got: usize,
    },
}

impl From<WorkspaceTooSmall> for ProverSetupError {
    fn from(error: WorkspaceTooSmall) -> Self {
        Self::Workspace(error)
    }
}

impl core::fmt::Display for ProverSetupError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Workspace(error) => error.fmt(f),
            Self::AirCount { expected, got } => write!(f, "{got} AIRs for {expected} tables"),
            Self::OtherAir { table } => write!(f, "table {table} was planned for another AIR"),
            Self::Lanes { expected, got } => {
                write!(f, "a backend of {got} lanes for a plan of {expected}")
            }
        }
    }
}

impl core::error::Error for ProverSetupError {}

/// Why a batch cannot be proved; `E` is the error of the proof sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BatchError<E = core::convert::Infallible> {
    /// Preprocessed traces are missing, or were written after they were prepared.
    NotPrepared,
    /// The batch has other tables than the plan, or other parameters.
    OtherTables,
    /// Not one slice of public values per table.
    PublicValueSlices {
        /// Tables of the plan.
        expected: usize,
        /// Slices given.
        got: usize,
    },
    /// A table's public values have the wrong count.
    PublicValues {
        /// The table.
        table: usize,
        /// Values that its AIR reads.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// The sink failed.
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

impl<E: core::fmt::Display> core::fmt::Display for BatchError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotPrepared => f.write_str("the preprocessed traces are not prepared"),
            Self::OtherTables => f.write_str("the plan was made for other tables"),
            Self::PublicValueSlices { expected, got } => {
                write!(f, "public values for {got} tables of {expected}")
            }
            Self::PublicValues {
                table,
                expected,
                got,
            } => {
                write!(
                    f,
                    "table {table}: {got} public values, its AIR reads {expected}"
                )
            }
            Self::Sink(error) => write!(f, "the proof sink failed: {error}"),
        }
    }
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for BatchError<E> {}
