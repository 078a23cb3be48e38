//! Why a bundle was refused: where, and which check.

use std::fmt;

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
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Check {
    /// The bytes are no part of a bundle.
    Format(FormatError),
    /// The bundle was made for another program.
    Program {
        /// Digest of the program that it is verified for.
        expected: Identity,
        /// Digest of the program that it names.
        got: Identity,
    },
    /// The header's integers do not give a plan.
    Setup(SetupError),
    /// A batch cannot be planned.
    Plan(PlanError),
    /// A plan cannot be verified.
    Key(KeyError),
    /// The plan proves fewer bits than asked for.
    Security {
        /// Bits of the plan.
        bits: f64,
        /// Bits asked for.
        floor: f64,
    },
    /// The epoch does not begin where the one before it ended, or the first at the program's entry.
    Entry {
        /// Program counter (word index) expected.
        expected: u32,
        /// Program counter claimed.
        got: u32,
    },
    /// The exit program counter is neither a word index nor HALT.
    Exit {
        /// The number claimed.
        got: u32,
    },
    /// More cycles than an epoch of the plan has.
    Cycles {
        /// Cycles of the plan.
        limit: u32,
        /// Cycles claimed.
        got: u32,
    },
    /// More epochs than a tree may have.
    TooManyEpochs,
    /// The result speaks of another number of epochs than the run has.
    EpochCount {
        /// Epochs up to the one that exits.
        expected: u32,
        /// Epochs claimed.
        got: u32,
    },
    /// The output is longer than any run's.
    Output {
        /// Its bytes.
        bytes: usize,
    },
    /// A table is shorter than any, or has more rows than the tables that are merged.
    Height {
        /// log2 of the most rows.
        limit: u8,
        /// log2 of the rows claimed.
        got: u8,
    },
    /// Not one height for each hole of the image.
    Holes {
        /// Holes of the image.
        expected: usize,
        /// Heights claimed.
        got: usize,
    },
    /// The proof is refused.
    Proof(VerifyError),
    /// A merged table's root is not that of the proof it comes from, or of the empty table.
    ChildRoot {
        /// The child.
        child: Child,
    },
}

/// Why a bundle was refused.
#[derive(Clone, Debug, PartialEq)]
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

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(error) => error.fmt(f),
            Self::Program { expected, got } => write!(
                f,
                "made for another program: it names {}, this one is {}",
                digest_hex(got),
                digest_hex(expected)
            ),
            Self::Setup(error) => error.fmt(f),
            Self::Plan(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Security { bits, floor } => {
                write!(f, "{bits:.2} proven bits, {floor} are asked for")
            }
            Self::Entry { expected, got } => write!(
                f,
                "begins at pc {:#010x}, not at {:#010x}",
                u64::from(*got) * 4,
                u64::from(*expected) * 4
            ),
            Self::Exit { got } => write!(f, "ends at {got:#x}, which is no program counter"),
            Self::Cycles { limit, got } => write!(f, "{got} cycles, the plan has {limit}"),
            Self::TooManyEpochs => f.write_str("more epochs than a run may have"),
            Self::EpochCount { expected, got } => {
                write!(f, "{got} epochs claimed, the run has {expected}")
            }
            Self::Output { bytes } => write!(f, "{bytes} bytes of output"),
            Self::Height { limit, got } => {
                write!(f, "a table of 2^{got} rows, at most 2^{limit} are needed")
            }
            Self::Holes { expected, got } => {
                write!(
                    f,
                    "{got} tables of untouched memory, the program has {expected}"
                )
            }
            Self::Proof(error) => error.fmt(f),
            Self::ChildRoot { child } => match child {
                Child::Epoch(number) => {
                    write!(f, "the L2G root of epoch {number} is not that of its proof")
                }
                Child::Merge { level, index } => write!(
                    f,
                    "the root of merge {index} of level {level} is not that of its proof"
                ),
                Child::Empty => f.write_str("an empty table has another root"),
            },
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.check)
    }
}

impl std::error::Error for Refusal {}
