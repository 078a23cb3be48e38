//! Why the key of a run could not be made, and why a proof of one was refused.

use alloc::string::String;

use embedded_io::ErrorKind;
use thiserror::Error;

use crate::verifier::error::{CommitmentName, KeyError};

/// Why kinds of batches and parameters do not make a run that can be verified.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForkedKeyError {
    /// The parameters cannot be verified.
    #[error(transparent)]
    Params(KeyError),
    /// The tables of one kind cannot be verified.
    #[error("kind {kind}: {error}")]
    Kind {
        /// The kind of batch.
        kind: usize,
        /// The reason.
        error: KeyError,
    },
    /// A table is so short that the final polynomial is longer than its columns are.
    #[error("kind {kind}: table {table} has 2^{log_height} rows, the final polynomial needs more")]
    TooShort {
        /// The kind of batch.
        kind: usize,
        /// The table.
        table: usize,
        /// log2 of its rows.
        log_height: usize,
    },
    /// A table has periodic columns, which no prover of this crate has.
    #[error("kind {kind}: table {table} has periodic columns")]
    PeriodicColumns {
        /// The kind of batch.
        kind: usize,
        /// The table.
        table: usize,
    },
    /// Messages of two widths on one bus.
    #[error("{detail}")]
    Bus {
        /// Plonky3's reason.
        detail: String,
    },
}

/// A part of a proof with a length, an option's tag, or a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Part {
    /// The number of batches.
    #[error("batches")]
    Batches,
    /// A cap of a batch.
    #[error("{round} cap of batch {batch}")]
    Cap {
        /// The batch.
        batch: usize,
        /// Its round.
        round: CommitmentName,
    },
    /// The witness before the LogUp challenges.
    #[error("lookup witness")]
    LookupWitness,
    /// The terminals of a batch.
    #[error("terminals of batch {batch}")]
    Terminals {
        /// The batch.
        batch: usize,
    },
    /// The claimed openings of a batch.
    #[error("claims of batch {batch}")]
    Claims {
        /// The batch.
        batch: usize,
    },
    /// A cap of a layer of the low-degree test.
    #[error("cap of layer {layer}")]
    LayerCap {
        /// The layer.
        layer: usize,
    },
    /// The list of layers, or a list with one entry for each.
    #[error("layers")]
    Layers,
    /// The final polynomial's coefficients.
    #[error("final polynomial")]
    FinalPolynomial,
    /// Opened rows of a batch.
    #[error("rows of batch {batch}")]
    Rows {
        /// The batch.
        batch: usize,
    },
    /// Opened groups of a layer.
    #[error("groups of layer {layer}")]
    Groups {
        /// The layer.
        layer: usize,
    },
    /// The pruned paths that follow rows or groups.
    #[error("Merkle paths")]
    Paths,
}

/// A place where a prover has to grind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Site {
    /// Before the LogUp challenges.
    #[error("LogUp challenges")]
    Lookup,
    /// Before a batch's out-of-domain point.
    #[error("out-of-domain point of batch {batch}")]
    OutOfDomain {
        /// The batch.
        batch: usize,
    },
    /// Before a batch's batching challenge.
    #[error("batching challenge of batch {batch}")]
    Batching {
        /// The batch.
        batch: usize,
    },
    /// Before a folding challenge.
    #[error("folding challenges")]
    Fold,
    /// Before the queries.
    #[error("queries")]
    Query,
}

/// Why a proof of a run was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForkedError {
    /// A run without batches, or with a batch of a kind that the key does not have.
    #[error("batch {batch} is of no kind of this key")]
    Kind {
        /// The batch.
        batch: usize,
    },
    /// Public values that are not of the tables' number or length.
    #[error("the public values of batch {batch} do not fit its tables")]
    PublicValues {
        /// The batch; the number of batches where the lists themselves do not fit.
        batch: usize,
    },
    /// The multiplicities of a bus could add up to the field's order over the run.
    #[error("multiplicities could add up to the field's order")]
    Multiplicities,
    /// The source failed.
    #[error("the proof cannot be read: {0:?}")]
    Source(ErrorKind),
    /// The source ended before the proof did.
    #[error("the proof is cut short")]
    Truncated,
    /// Something follows the proof.
    #[error("something follows the proof")]
    Trailing,
    /// A number, a tag or a field element that is not encoded in the one canonical way.
    #[error("{part}: not the canonical encoding")]
    Encoding {
        /// What was read.
        part: Part,
    },
    /// A part has another length than the run gives it; of an option, 1 when it is there.
    #[error("{part}: {got}, the run has {expected}")]
    Length {
        /// What was read.
        part: Part,
        /// The length that the run gives it; of paths, the most.
        expected: usize,
        /// The length of the proof.
        got: u64,
    },
    /// Proof of work is missing.
    #[error("proof of work before the {site}")]
    ProofOfWork {
        /// Where.
        site: Site,
    },
    /// A batch's out-of-domain point lies in the domain of a table, or is a point of a query.
    #[error("the out-of-domain point of batch {batch} is in a domain")]
    Point {
        /// The batch.
        batch: usize,
    },
    /// A table's constraints do not hold at its batch's out-of-domain point.
    #[error("the constraints of table {table} of batch {batch} do not hold")]
    Constraints {
        /// The batch.
        batch: usize,
        /// The table.
        table: usize,
    },
    /// The terminals of the run do not add up to zero: a bus does not balance.
    #[error("the buses do not balance")]
    Buses,
    /// Opened rows are not those under a batch's root.
    #[error("the rows of batch {batch} are not those under its {round} root")]
    Rows {
        /// The batch.
        batch: usize,
        /// The round.
        round: CommitmentName,
    },
    /// A table of a single row is not the constant that is claimed.
    #[error("the columns of a table of one row are not constant")]
    Constant,
    /// A query's folds do not end at the final polynomial.
    #[error("the folds of query {query} do not end at the final polynomial")]
    FinalPolynomial {
        /// The query.
        query: usize,
    },
    /// The folded values are not those under a layer's root.
    #[error("the groups of layer {layer} are not those under its root")]
    Groups {
        /// The layer.
        layer: usize,
    },
}
