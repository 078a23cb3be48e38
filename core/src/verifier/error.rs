//! Why a verifying key could not be made, and why a proof was refused.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use p3_batch_stark::{BatchTranscriptFailure, BatchVerificationError, VerificationError};
use p3_lookup::LookupError;

/// A commitment of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitmentName {
    /// The main traces; one root per group.
    Main,
    /// The preprocessed columns, which the key fixes.
    Preprocessed,
    /// The permutation columns.
    Permutation,
    /// The quotient chunks.
    Quotient,
    /// Random polynomials, which no proof of this crate has.
    Random,
    /// The layers of the low-degree test; one root per layer.
    Fri,
}

impl fmt::Display for CommitmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "main",
            Self::Preprocessed => "preprocessed",
            Self::Permutation => "permutation",
            Self::Quotient => "quotient",
            Self::Random => "random",
            Self::Fri => "low-degree test",
        })
    }
}

/// Why tables, heights and parameters do not make a plan that can be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A parameter lies outside the range that Plonky3's verifier is defined on.
    Parameter {
        /// The parameter's name in [`crate::Params`].
        name: &'static str,
    },
    /// There is no table, or not one height per table.
    TableCount {
        /// Number of AIRs.
        airs: usize,
        /// Number of heights.
        heights: usize,
    },
    /// A table is so tall that its extension has no domain in the field.
    TooTall {
        /// The table.
        table: usize,
        /// log2 of the largest height at this blowup.
        max_log_height: usize,
        /// log2 of the table's height.
        log_height: usize,
    },
    /// A table's preprocessed columns have another height than the table.
    PreprocessedHeight {
        /// The table.
        table: usize,
        /// Rows of the table.
        expected: usize,
        /// Rows of its preprocessed columns.
        got: usize,
    },
    /// A table binds public values by position, which batch proofs do not support.
    BoundaryPublicValues {
        /// The table.
        table: usize,
    },
    /// The preprocessed columns could not be committed.
    Preprocessed {
        /// Plonky3's reason.
        detail: String,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { name } => write!(f, "parameter {name} is out of range"),
            Self::TableCount { airs, heights } => {
                write!(f, "{heights} heights for {airs} tables")
            }
            Self::TooTall {
                table,
                max_log_height,
                log_height,
            } => write!(
                f,
                "table {table} has 2^{log_height} rows, the field allows 2^{max_log_height}"
            ),
            Self::PreprocessedHeight {
                table,
                expected,
                got,
            } => write!(
                f,
                "table {table} has {expected} rows, its preprocessed columns have {got}"
            ),
            Self::BoundaryPublicValues { table } => {
                write!(f, "table {table} binds public values by position")
            }
            Self::Preprocessed { detail } => {
                write!(f, "the preprocessed columns cannot be committed: {detail}")
            }
        }
    }
}

impl core::error::Error for KeyError {}

/// Why a proof was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The proof has more bytes than the plan's may have.
    TooLong {
        /// Most bytes that a proof may have.
        limit: usize,
        /// Bytes of this one.
        got: usize,
    },
    /// Decoded, the elements of the proof take more memory than those of a proof of its length.
    TooLarge {
        /// Most bytes that they may take.
        limit: usize,
    },
    /// The bytes are not the one canonical encoding of a proof: cut short, followed by more bytes,
    /// a length written in another way, or a field element that is not reduced.
    Encoding,
    /// The proof is about another number of tables than the plan.
    TableCount {
        /// Tables of the plan.
        expected: usize,
        /// Tables of the proof.
        got: usize,
    },
    /// A table has another height than in the plan.
    Height {
        /// The table.
        table: usize,
        /// log2 of its height in the plan.
        expected: usize,
        /// log2 of its height in the proof.
        got: usize,
    },
    /// A commitment has another number of roots than the plan gives it: one per group of a round,
    /// one per layer of the low-degree test, none where the plan has no such round.
    RootCount {
        /// The commitment.
        round: CommitmentName,
        /// Roots that the plan gives it.
        expected: usize,
        /// Roots of the proof.
        got: usize,
    },
    /// A cap has another number of digests than its tree's layer has.
    Cap {
        /// The commitment.
        round: CommitmentName,
        /// Position of the root in it: the group, or the layer of the low-degree test.
        group: usize,
        /// Digests of the layer that the plan's cap height picks.
        expected: usize,
        /// Digests of the proof.
        got: usize,
    },
    /// A part of the proof has another shape than the plan gives it.
    Shape {
        /// Plonky3's reason.
        detail: String,
    },
    /// The proof of work before the LogUp challenges or the out-of-domain point is missing.
    ProofOfWork {
        /// Plonky3's reason.
        detail: String,
    },
    /// The openings are refused: Merkle paths, folding, final polynomial or their proof of work.
    Opening {
        /// Plonky3's reason.
        detail: String,
    },
    /// A table's constraints do not hold at the out-of-domain point.
    Constraints {
        /// The table.
        table: usize,
    },
    /// The terminals of the tables do not add up to zero: a bus does not balance.
    Buses,
    /// The multiplicities of a bus could add up to the field's order.
    Multiplicities {
        /// Plonky3's reason.
        detail: String,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit, got } => write!(f, "{got} bytes, at most {limit} are read"),
            Self::TooLarge { limit } => {
                write!(f, "more elements than {limit} bytes of memory hold")
            }
            Self::Encoding => f.write_str("not the canonical encoding of a proof"),
            Self::TableCount { expected, got } => {
                write!(f, "{got} tables, the plan has {expected}")
            }
            Self::Height {
                table,
                expected,
                got,
            } => {
                write!(
                    f,
                    "table {table} has 2^{got} rows, the plan has 2^{expected}"
                )
            }
            Self::RootCount {
                round,
                expected,
                got,
            } => write!(
                f,
                "{got} roots in the {round} round, the plan has {expected}"
            ),
            Self::Cap {
                round,
                group,
                expected,
                got,
            } => write!(
                f,
                "{got} digests in cap {group} of the {round} round, the plan has {expected}"
            ),
            Self::Shape { detail } => write!(f, "the proof does not fit the plan: {detail}"),
            Self::ProofOfWork { detail } => write!(f, "proof of work: {detail}"),
            Self::Opening { detail } => write!(f, "opening: {detail}"),
            Self::Constraints { table } => {
                write!(f, "the constraints of table {table} do not hold")
            }
            Self::Buses => f.write_str("the buses do not balance"),
            Self::Multiplicities { detail } => write!(f, "multiplicities: {detail}"),
        }
    }
}

impl core::error::Error for VerifyError {}

impl<E: fmt::Debug> From<BatchVerificationError<E>> for VerifyError {
    fn from(error: BatchVerificationError<E>) -> Self {
        match error {
            BatchVerificationError::Verification(error) => match error {
                VerificationError::InvalidOpeningArgument(error) => Self::Opening {
                    detail: format!("{error:?}"),
                },
                VerificationError::OodEvaluationMismatch { index: Some(table) } => {
                    Self::Constraints { table }
                }
                error => Self::Shape {
                    detail: error.to_string(),
                },
            },
            BatchVerificationError::Lookup(error) => match error {
                LookupError::TerminalSumNonZero => Self::Buses,
                error @ LookupError::MultiplicityHeightBoundExceeded { .. } => {
                    Self::Multiplicities {
                        detail: error.to_string(),
                    }
                }
                error => Self::Shape {
                    detail: error.to_string(),
                },
            },
            BatchVerificationError::Transcript(error) => match error {
                BatchTranscriptFailure::UnexpectedLookupPowWitness => Self::Shape {
                    detail: error.to_string(),
                },
                error => Self::ProofOfWork {
                    detail: error.to_string(),
                },
            },
        }
    }
}
