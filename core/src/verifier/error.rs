//! Why a verifying key could not be made, and why a proof was refused.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use p3_batch_stark::{BatchTranscriptFailure, BatchVerificationError, VerificationError};
use p3_lookup::LookupError;
use thiserror::Error;

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
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A parameter lies outside the range that Plonky3's verifier is defined on.
    #[error("parameter {name} is out of range")]
    Parameter {
        /// The parameter's name in [`crate::Params`].
        name: &'static str,
    },
    /// There is no table, or not one height per table.
    #[error("{heights} heights for {airs} tables")]
    TableCount {
        /// Number of AIRs.
        airs: usize,
        /// Number of heights.
        heights: usize,
    },
    /// A table is so tall that its extension has no domain in the field.
    #[error("table {table} has 2^{log_height} rows, the field allows 2^{max_log_height}")]
    TooTall {
        /// The table.
        table: usize,
        /// log2 of the largest height at this blowup.
        max_log_height: usize,
        /// log2 of the table's height.
        log_height: usize,
    },
    /// A table's preprocessed columns have another height than the table.
    #[error("table {table} has {expected} rows, its preprocessed columns have {got}")]
    PreprocessedHeight {
        /// The table.
        table: usize,
        /// Rows of the table.
        expected: usize,
        /// Rows of its preprocessed columns.
        got: usize,
    },
    /// A table binds public values by position, which batch proofs do not support.
    #[error("table {table} binds public values by position")]
    BoundaryPublicValues {
        /// The table.
        table: usize,
    },
    /// The preprocessed columns could not be committed.
    #[error("the preprocessed columns cannot be committed: {detail}")]
    Preprocessed {
        /// Plonky3's reason.
        detail: String,
    },
}

/// Why a proof was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The proof has more bytes than the plan's may have.
    #[error("{got} bytes, at most {limit} are read")]
    TooLong {
        /// Most bytes that a proof may have.
        limit: usize,
        /// Bytes of this one.
        got: usize,
    },
    /// Decoded, the elements of the proof take more memory than those of a proof of its length.
    #[error("more elements than {limit} bytes of memory hold")]
    TooLarge {
        /// Most bytes that they may take.
        limit: usize,
    },
    /// The bytes are not the one canonical encoding of a proof: cut short, followed by more bytes,
    /// a length written in another way, or a field element that is not reduced.
    #[error("not the canonical encoding of a proof")]
    Encoding,
    /// The proof is about another number of tables than the plan.
    #[error("{got} tables, the plan has {expected}")]
    TableCount {
        /// Tables of the plan.
        expected: usize,
        /// Tables of the proof.
        got: usize,
    },
    /// A table has another height than in the plan.
    #[error("table {table} has 2^{got} rows, the plan has 2^{expected}")]
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
    #[error("{got} roots in the {round} round, the plan has {expected}")]
    RootCount {
        /// The commitment.
        round: CommitmentName,
        /// Roots that the plan gives it.
        expected: usize,
        /// Roots of the proof.
        got: usize,
    },
    /// A cap has another number of digests than its tree's layer has.
    #[error("{got} digests in cap {group} of the {round} round, the plan has {expected}")]
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
    #[error("the proof does not fit the plan: {detail}")]
    Shape {
        /// Plonky3's reason.
        detail: String,
    },
    /// The proof of work before the LogUp challenges or the out-of-domain point is missing.
    #[error("proof of work: {detail}")]
    ProofOfWork {
        /// Plonky3's reason.
        detail: String,
    },
    /// The openings are refused: Merkle paths, folding, final polynomial or their proof of work.
    #[error("opening: {detail}")]
    Opening {
        /// Plonky3's reason.
        detail: String,
    },
    /// A table's constraints do not hold at the out-of-domain point.
    #[error("the constraints of table {table} do not hold")]
    Constraints {
        /// The table.
        table: usize,
    },
    /// The terminals of the tables do not add up to zero: a bus does not balance.
    #[error("the buses do not balance")]
    Buses,
    /// The multiplicities of a bus could add up to the field's order.
    #[error("multiplicities: {detail}")]
    Multiplicities {
        /// Plonky3's reason.
        detail: String,
    },
}

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
