//! The bundle: a header, then frames, written and read as a stream.
//!
//! | part | bytes |
//! |---|---|
//! | header | magic (8), version (2), log2 of an epoch's cycles, arity, hash suite (0 Poseidon2, 1 BLAKE3), parameters (11, in the order of [`Params`](tranche_core::Params)), log2 of the rows of each table of an epoch (10, 255 of one that is absent) and of each second instance (10, 255 of none), 255 of all for a common mix; the same of four others that epochs may have (20 each, 255 of all of none), what the ROM of each of those has (4: 0 the blocks of the run, 1 the frequent ones, 255 of none), blocks of the ROM (32), the frequent ones (32), digest of the program (32), digest of the public input (32), checksum (4) |
//! | frame | kind, length of the payload (4), payload, checksum (4) |
//!
//! Integers are little-endian; a checksum is the CRC-32 of the bytes before it, from the start of
//! its part. Frames come in the order in which their proofs can be made:
//!
//! | kind | payload | when |
//! |---|---|---|
//! | epoch | entry, exit, cycles (4 each), proof | each epoch, from 1 |
//! | merge | log2 of the parent's rows, proof | after the epoch that completes its range |
//! | result | epochs, exit code (4 each), output | before the root merge |
//! | root | number of holes, log2 of the rows of each, proof | last |
//!
//! The checksum finds accidents; forgeries are the verifier's business. Nothing here panics.

mod header;
mod reader;
mod writer;

use std::io;

use thiserror::Error;
use tranche_core::verifier::MAX_PROOF_BYTES;
use tranche_machine::cells::MAX_OUTPUT_BYTES;
use tranche_machine::settings::OutOfRange;

pub use self::header::{HEADER_BYTES, Header, header};
pub(crate) use self::reader::split_words;
pub use self::reader::{Reader, Unread};
pub use self::writer::Writer;
pub(crate) use self::writer::{fixed_of_epoch, fixed_of_result, fixed_of_root};
use crate::merge::MAX_HOLES;

/// First bytes of every bundle.
pub const MAGIC: [u8; 8] = *b"tranche\0";
/// Version of the format.
pub const VERSION: u16 = 9;
/// Bytes of a frame besides its payload.
pub const FRAME_BYTES: usize = 9;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The proof of an epoch.
    Epoch = 1,
    /// The proof of a merge below the root.
    Merge = 2,
    /// The claimed result.
    Result = 3,
    /// The proof of the root merge.
    Root = 4,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Epoch, Self::Merge, Self::Result, Self::Root];

    /// What the kind is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Merge => "merge",
            Self::Result => "result",
            Self::Root => "root",
        }
    }

    pub(crate) const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Epoch),
            2 => Some(Self::Merge),
            3 => Some(Self::Result),
            4 => Some(Self::Root),
            _ => None,
        }
    }

    /// Most bytes of a payload.
    const fn max_len(self) -> usize {
        match self {
            Self::Epoch => 12 + MAX_PROOF_BYTES,
            Self::Merge => 1 + MAX_PROOF_BYTES,
            Self::Result => 8 + MAX_OUTPUT_BYTES as usize,
            Self::Root => 1 + MAX_HOLES + MAX_PROOF_BYTES,
        }
    }
}

/// Why bytes are not a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The source failed.
    #[error("the bundle cannot be read: {0}")]
    Read(io::ErrorKind),
    /// The bundle ends too early.
    #[error("the bundle ends too early")]
    Truncated,
    /// Bytes follow the root merge.
    #[error("bytes follow the root merge")]
    Trailing,
    /// The first bytes are no bundle's.
    #[error("not a bundle")]
    Magic,
    /// Another version of the format.
    #[error("format version {got}, not {VERSION}")]
    Version {
        /// The version found.
        got: u16,
    },
    /// The number of no hash suite.
    #[error("hash suite {got}, of which there is none")]
    Hash {
        /// The number.
        got: u8,
    },
    /// A checksum differs.
    #[error("the checksum differs")]
    Checksum,
    /// A header integer is outside of its cap.
    #[error(transparent)]
    Setting(OutOfRange),
    /// Frequent blocks of the ROM that are no part of the run's, or that no heights of the header have.
    #[error("frequent blocks of the ROM that the run has not, or no epoch")]
    Frequent,
    /// A frame of no known kind.
    #[error("no frame has kind {got}")]
    UnknownKind {
        /// The kind's byte.
        got: u8,
    },
    /// A frame of another kind than the run has here.
    #[error("a frame of kind {}, expected {}", .got.name(),
                    .expected.name())]
    Kind {
        /// The kind expected.
        expected: Kind,
        /// The kind found.
        got: Kind,
    },
    /// A frame longer than the run has here.
    #[error("{got} bytes in a frame, at most {limit}")]
    TooLong {
        /// Most bytes of its payload, or of its proof.
        limit: usize,
        /// Bytes that it claims.
        got: usize,
    },
    /// A payload shorter than its fixed part.
    #[error("a payload without its fixed part")]
    Short,
}
