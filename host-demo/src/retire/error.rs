//! Why a run is not proved as one, and why such a proof is refused.

use std::collections::TryReserveError;
use std::io;

use thiserror::Error;
use tranche_core::prover::{BatchError, ProverSetupError};
use tranche_core::retire::{RetireSetupError, RunPlanError};
use tranche_core::verifier::{ForkedError, ForkedKeyError, KeyError, VerifyError};
use tranche_core::{Identity, PlanError};
use tranche_machine::batches::{RunError, SpanError, SurveyError, WalkError, WalkStartError};
use tranche_machine::settings::Shortfall;

use crate::hex::digest_hex;

/// Why a run could not be proved as one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RetireProveError {
    /// No batch has so many cycles.
    #[error("no batch has 2^{log2_cycles} cycles")]
    Length {
        /// log2 of the cycles asked for.
        log2_cycles: u8,
    },
    /// A table of the whole run is too tall for one batch.
    #[error(
        "the {table} table of the run has {rows} rows, a batch has 2^23 at most; prove it in several batches"
    )]
    TooTall {
        /// The table's name.
        table: &'static str,
        /// Its rows.
        rows: u64,
    },
    /// A run in several batches is no single one.
    #[error("{batches} batches are no single one")]
    NotWhole {
        /// Its batches.
        batches: usize,
    },
    /// The execution cannot go on, or is too long.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The run does not fit into one proof.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A batch cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The batches do not make a run.
    #[error(transparent)]
    RunPlan(#[from] RunPlanError),
    /// The proof would have fewer bits than asked for.
    #[error("the run proves {bits:.2} bits by its {term} term, {floor} are asked for")]
    Security {
        /// The term that binds.
        term: &'static str,
        /// Its bits.
        bits: f64,
        /// Bits asked for.
        floor: f64,
    },
    /// The walks cannot start.
    #[error(transparent)]
    Start(#[from] WalkStartError),
    /// The core refused the buffers.
    #[error(transparent)]
    Setup(#[from] RetireSetupError),
    /// The core refused the buffer of a single batch.
    #[error(transparent)]
    Prover(#[from] ProverSetupError),
    /// A trace cannot be filled.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A batch went otherwise in a later walk.
    #[error("batch {batch} is another one than in the first walk")]
    Changed {
        /// The batch.
        batch: usize,
    },
    /// The core refused a batch.
    #[error("batch {batch}: {error}")]
    Batch {
        /// The batch.
        batch: usize,
        /// Why.
        error: BatchError,
    },
    /// A thread cannot be started.
    #[error("a worker cannot be started: {0}")]
    Thread(#[source] io::Error),
    /// A batch was not made.
    #[error("batch {batch} was not made")]
    NotMade {
        /// The batch.
        batch: usize,
    },
    /// The partial file could not be read or written.
    #[error("the partial file cannot be written: {0}")]
    Partial(#[source] io::Error),
    /// The partial file has a record that no batch of this run leaves.
    #[error("the record of batch {batch} in walk {walk} of the partial file is not of this run")]
    Record {
        /// The walk, from 0.
        walk: usize,
        /// The batch, from 0.
        batch: usize,
    },
    /// The core refused the run for a reason that this program does not know.
    #[error("the core refused the run")]
    Refused,
    /// There is not enough memory for the buffers.
    #[error("not enough memory: {0}")]
    Memory(#[from] TryReserveError),
    /// The bundle cannot be written.
    #[error("the bundle cannot be written: {0}")]
    Write(#[from] io::Error),
}

impl RetireProveError {
    /// The error of a proof that falls short of a floor.
    pub(super) fn below(floor: f64) -> impl Fn(Shortfall) -> Self {
        move |Shortfall { term, bits }| Self::Security { term, bits, floor }
    }
}

/// Why the proof of a run was refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum RetireCheck {
    /// The source failed.
    #[error("the bundle cannot be read: {0}")]
    Read(io::ErrorKind),
    /// The bundle ends too early.
    #[error("the bundle ends too early")]
    Truncated,
    /// Another version of the format.
    #[error("format version {got} of a run is not known")]
    Version {
        /// The version found.
        got: u16,
    },
    /// The header's checksum differs.
    #[error("the checksum differs")]
    Checksum,
    /// A header integer is outside of its cap.
    #[error("header: {what} is {got}, at most {limit}")]
    Range {
        /// The integer.
        what: &'static str,
        /// Its largest value.
        limit: u64,
        /// The value found.
        got: u64,
    },
    /// The bundle was made for another program.
    #[error("made for another program: it names {}, this one is {}", digest_hex(.got),
                digest_hex(.expected))]
    Program {
        /// Digest of the program that it is verified for.
        expected: Identity,
        /// Digest of the program that it names.
        got: Identity,
    },
    /// The bundle was made for another public input.
    #[error("made for another public input: it names {}, this one is {}", digest_hex(.got),
                digest_hex(.expected))]
    Public {
        /// Digest of the public input that it is verified for.
        expected: Identity,
        /// Digest of the public input that it names.
        got: Identity,
    },
    /// The header's integers give no run.
    #[error(transparent)]
    Run(RunError),
    /// A proof of a single batch that claims to have several.
    #[error("{batches} batches, the proof is of a single one")]
    NotWhole {
        /// Batches of the header.
        batches: usize,
    },
    /// The batches are no execution of the program.
    #[error(transparent)]
    Spans(SpanError),
    /// A batch cannot be planned.
    #[error(transparent)]
    Plan(PlanError),
    /// The batches do not make a run.
    #[error(transparent)]
    RunPlan(RunPlanError),
    /// The proof has fewer bits than asked for.
    #[error("{bits:.2} proven bits, {floor} are asked for")]
    Security {
        /// Bits of the run.
        bits: f64,
        /// Bits asked for.
        floor: f64,
    },
    /// More output than so many cycles can have written.
    #[error("{bytes} bytes of output, the run can have written {limit}")]
    Output {
        /// Most bytes.
        limit: u64,
        /// Bytes claimed.
        bytes: u64,
    },
    /// The run cannot be verified in forked order.
    #[error(transparent)]
    ForkedKey(ForkedKeyError),
    /// The proof in forked order is refused.
    #[error(transparent)]
    Forked(ForkedError),
    /// The run cannot be verified in shared order, or as a single batch.
    #[error(transparent)]
    Key(KeyError),
    /// The proof in shared order, or of a single batch, is refused.
    #[error(transparent)]
    Proof(VerifyError),
}

impl RetireCheck {
    /// The refusal of a proof that falls short of a floor.
    pub(super) fn below(floor: f64) -> impl Fn(Shortfall) -> Self {
        move |Shortfall { bits, .. }| Self::Security { bits, floor }
    }
}
