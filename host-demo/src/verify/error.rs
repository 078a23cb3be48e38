//! Why a bundle was refused: where, and which check.

use std::fmt;

use thiserror::Error;
use tranche_core::verifier::{KeyError, VerifyError};
use tranche_core::{Identity, PlanError};
use tranche_machine::merge::{Child, Node};
use tranche_machine::settings::Shortfall;
use tranche_machine::setup::SetupError;

use crate::bundle::FormatError;
use crate::hex::digest_hex;

/// A part of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The header.
    Header,
    /// The epoch of this number.
    Epoch(u32),
    /// The merge at this place.
    Merge(Node),
    /// The claimed result.
    Result,
    /// What follows the root merge.
    End,
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Check {
    /// The bytes are no part of a bundle.
    #[error(transparent)]
    Format(FormatError),
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
    /// The header's integers do not give a plan.
    #[error(transparent)]
    Setup(SetupError),
    /// A batch cannot be planned.
    #[error(transparent)]
    Plan(PlanError),
    /// A plan cannot be verified.
    #[error(transparent)]
    Key(KeyError),
    /// The plan proves fewer bits than asked for.
    #[error("{bits:.2} proven bits, {floor} are asked for")]
    Security {
        /// Bits of the plan.
        bits: f64,
        /// Bits asked for.
        floor: f64,
    },
    /// The epoch does not begin where the one before it ended, or the first at the program's entry.
    #[error("begins at pc {:#010x}, not at {:#010x}", u64::from(*.got) * 4,
                u64::from(*.expected) * 4)]
    Entry {
        /// Program counter (word index) expected.
        expected: u32,
        /// Program counter claimed.
        got: u32,
    },
    /// The exit program counter is neither a word index nor HALT.
    #[error("ends at {got:#x}, which is no program counter")]
    Exit {
        /// The number claimed.
        got: u32,
    },
    /// More cycles than an epoch of the plan has.
    #[error("{got} cycles, the plan has {limit}")]
    Cycles {
        /// Cycles of the plan.
        limit: u32,
        /// Cycles claimed.
        got: u32,
    },
    /// More epochs than a tree may have.
    #[error("more epochs than a run may have")]
    TooManyEpochs,
    /// The result speaks of another number of epochs than the run has.
    #[error("{got} epochs claimed, the run has {expected}")]
    EpochCount {
        /// Epochs up to the one that exits.
        expected: u32,
        /// Epochs claimed.
        got: u32,
    },
    /// The output is longer than any run's.
    #[error("{bytes} bytes of output")]
    Output {
        /// Its bytes.
        bytes: usize,
    },
    /// A table is shorter than any, or has more rows than the tables that are merged.
    #[error("a table of 2^{got} rows, at most 2^{limit} are needed")]
    Height {
        /// log2 of the most rows.
        limit: u8,
        /// log2 of the rows claimed.
        got: u8,
    },
    /// Not one height for each hole of the image.
    #[error("{got} tables of untouched memory, the program has {expected}")]
    Holes {
        /// Holes of the image.
        expected: usize,
        /// Heights claimed.
        got: usize,
    },
    /// The proof is refused.
    #[error(transparent)]
    Proof(VerifyError),
    /// A merged table's root is not that of the proof it comes from, or of the empty table.
    #[error("{}", other_root(.child))]
    ChildRoot {
        /// The child.
        child: Child,
    },
}

/// Why a bundle was refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{place}: {check}")]
pub struct Refusal {
    /// Where.
    pub place: Place,
    /// The check that failed there.
    pub check: Check,
}

impl Check {
    /// The refusal of a plan that falls short of a floor.
    pub(super) fn below(floor: f64) -> impl Fn(Shortfall) -> Self {
        move |Shortfall { bits, .. }| Self::Security { bits, floor }
    }
}

/// Whose root is another.
fn other_root(child: &Child) -> String {
    match child {
        Child::Epoch(number) => {
            format!("the L2G root of epoch {number} is not that of its proof")
        }
        Child::Merge { level, index } => {
            format!("the root of merge {index} of level {level} is not that of its proof")
        }
        Child::Empty => "an empty table has another root".to_owned(),
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("header"),
            Self::Epoch(number) => write!(f, "epoch {number}"),
            Self::Merge(Node {
                first_epoch,
                last_epoch,
                root,
                ..
            }) => {
                let kind = if *root { "root merge" } else { "merge" };
                write!(f, "{kind} of epochs {first_epoch} to {last_epoch}")
            }
            Self::Result => f.write_str("result"),
            Self::End => f.write_str("end"),
        }
    }
}
