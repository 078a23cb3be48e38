//! The bundle: a header, then frames, written and read as a stream.
//!
//! | part | bytes |
//! |---|---|
//! | header | magic (8), version (2), log2 of an epoch's cycles, arity, hash suite (0 Poseidon2, 1 BLAKE3), parameters (11, in the order of [`Params`]), log2 of the rows of each table of an epoch (10, 255 of one that is absent) and of each second instance (10, 255 of none), 255 of all for a common mix; the same of four others that epochs may have (20 each, 255 of all of none), what the ROM of each of those has (4: 0 the blocks of the run, 1 the frequent ones, 255 of none), blocks of the ROM (32), the frequent ones (32), digest of the program (32), digest of the public input (32), checksum (4) |
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

use std::io::{self, Read, Write};

use thiserror::Error;
use tranche_core::statement::IDENTITY_BYTES;
use tranche_core::verifier::MAX_PROOF_BYTES;
use tranche_core::{Identity, Params};
use tranche_machine::cells::MAX_OUTPUT_BYTES;
use tranche_machine::hash::Hash;
use tranche_machine::settings::{OutOfRange, Settings};
use tranche_machine::setup::Setup;
use tranche_machine::shape::{ABSENT, Heights, MAX_OTHERS, Other};
use tranche_machine::{Program, RomBlocks, RomPart, Span};

use crate::merge::MAX_HOLES;

/// First bytes of every bundle.
pub const MAGIC: [u8; 8] = *b"tranche\0";
/// Version of the format.
pub const VERSION: u16 = 9;
/// Bytes of the header.
pub const HEADER_BYTES: usize = CHECKSUM_AT + 4;
/// Where the integers of the settings begin.
const SETTINGS_AT: usize = 10;
/// Where the parameters begin.
const PARAMS_AT: usize = SETTINGS_AT + 3;
/// Where the heights begin.
const HEIGHTS_AT: usize = PARAMS_AT + Params::BYTES;
/// Where the other heights begin.
const OTHERS_AT: usize = HEIGHTS_AT + Heights::BYTES;
/// Where the parts of the ROM begin that go with them.
const PARTS_AT: usize = OTHERS_AT + MAX_OTHERS * Heights::BYTES;
/// Where the blocks of the ROM begin.
const BLOCKS_AT: usize = PARTS_AT + MAX_OTHERS;
/// Where the frequent ones begin.
const FREQUENT_AT: usize = BLOCKS_AT + RomBlocks::BYTES;
/// Where the program's digest begins.
const PROGRAM_AT: usize = FREQUENT_AT + RomBlocks::BYTES;
/// Where the digest of the public input begins.
const PUBLIC_AT: usize = PROGRAM_AT + IDENTITY_BYTES;
/// Where the checksum begins.
const CHECKSUM_AT: usize = PUBLIC_AT + IDENTITY_BYTES;
/// Bytes of a frame besides its payload.
pub const FRAME_BYTES: usize = 9;
/// Bytes of a payload that are passed over at a time.
const PIECE_BYTES: usize = 1 << 12;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The integers that decide every plan.
    pub settings: Settings,
    /// The blocks of the program's ROM that the run may execute.
    pub blocks: RomBlocks,
    /// Those of the epochs that have [a part](RomPart::Frequent); all, where none may.
    pub frequent: RomBlocks,
    /// Digest of the program whose run is proved.
    pub program: Identity,
    /// Digest of its public input.
    pub public: Identity,
}

impl Header {
    /// The header of a bundle of a setup's runs.
    pub fn of(setup: &Setup<'_>) -> Self {
        Self {
            settings: setup.settings,
            blocks: setup.program.blocks(),
            frequent: setup.program.part(match has_frequent(&setup.settings) {
                true => RomPart::Frequent,
                false => RomPart::Run,
            }),
            program: setup.program_digest,
            public: setup.program.public().digest(),
        }
    }

    /// The program with the blocks of its ROM.
    pub fn program_of<'p>(&self, program: &Program<'p>) -> Program<'p> {
        program
            .with_blocks(self.blocks)
            .with_frequent(self.frequent)
    }
}

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

/// Writes a bundle.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    written: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// As `out` fails.
    pub fn new(out: W, head: &Header) -> io::Result<Self> {
        let mut writer = Self { out, written: 0 };
        writer.put(&header(head))?;
        Ok(writer)
    }

    /// Writes a frame whose payload is `fixed`, then `rest`.
    ///
    /// # Errors
    /// As the writer fails, and for more bytes than the kind may have.
    pub fn frame(&mut self, kind: Kind, fixed: &[u8], rest: &[u8]) -> io::Result<()> {
        let len = fixed.len() + rest.len();
        if len > kind.max_len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a frame is too long",
            ));
        }
        let len = (len as u32).to_le_bytes();
        let mut checksum = crc32fast::Hasher::new();
        for part in [&[kind as u8], &len[..], fixed, rest] {
            checksum.update(part);
            self.put(part)?;
        }
        self.put(&checksum.finalize().to_le_bytes())
    }

    /// Writes the proof of an epoch.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn epoch(&mut self, span: &Span, proof: &[u8]) -> io::Result<()> {
        self.frame(Kind::Epoch, &fixed_of_epoch(span), proof)
    }

    /// Writes the claimed result.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn result(&mut self, epochs: u32, exit_code: u32, output: &[u8]) -> io::Result<()> {
        self.frame(Kind::Result, &fixed_of_result(epochs, exit_code), output)
    }

    /// Writes the proof of the root merge.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn root(&mut self, hole_logs: &[u8], proof: &[u8]) -> io::Result<()> {
        self.frame(Kind::Root, &fixed_of_root(hole_logs), proof)
    }

    /// Hands on what the writer has kept back; returns the bytes of the bundle.
    ///
    /// # Errors
    /// As the writer fails.
    pub fn finish(mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.written)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// What stands before an epoch's proof in its frame.
pub(crate) fn fixed_of_epoch(span: &Span) -> Vec<u8> {
    let words = [span.entry, span.exit, span.cycles].map(u32::to_le_bytes);
    words.as_flattened().to_vec()
}

/// What stands before the output in the frame of a result.
pub(crate) fn fixed_of_result(epochs: u32, exit_code: u32) -> Vec<u8> {
    [epochs, exit_code]
        .map(u32::to_le_bytes)
        .as_flattened()
        .to_vec()
}

/// What stands before the proof of the root merge in its frame.
pub(crate) fn fixed_of_root(hole_logs: &[u8]) -> Vec<u8> {
    let mut fixed = vec![hole_logs.len() as u8];
    fixed.extend(hole_logs);
    fixed
}

/// The header's bytes.
pub fn header(head: &Header) -> [u8; HEADER_BYTES] {
    let Settings {
        log2_cycles,
        heights,
        others,
        arity,
        params,
        hash,
    } = head.settings;
    let parts = others.map(|other| match other.map(|other| other.rom_part) {
        None => ABSENT,
        Some(RomPart::Run) => 0,
        Some(RomPart::Frequent) => 1,
    });
    let others = others.map(|other| match other {
        None => Heights::Common,
        Some(Other {
            heights: [first, second],
            ..
        }) => Heights::Given(first, second),
    });
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..SETTINGS_AT].copy_from_slice(&VERSION.to_le_bytes());
    bytes[SETTINGS_AT..PARAMS_AT].copy_from_slice(&[log2_cycles, arity, hash.number()]);
    bytes[PARAMS_AT..HEIGHTS_AT].copy_from_slice(&params.to_bytes());
    bytes[HEIGHTS_AT..OTHERS_AT].copy_from_slice(&heights.to_bytes());
    let others = others.map(|heights| heights.to_bytes());
    bytes[OTHERS_AT..PARTS_AT].copy_from_slice(others.as_flattened());
    bytes[PARTS_AT..BLOCKS_AT].copy_from_slice(&parts);
    bytes[BLOCKS_AT..FREQUENT_AT].copy_from_slice(&head.blocks.to_bytes());
    bytes[FREQUENT_AT..PROGRAM_AT].copy_from_slice(&head.frequent.to_bytes());
    bytes[PROGRAM_AT..PUBLIC_AT].copy_from_slice(&head.program);
    bytes[PUBLIC_AT..CHECKSUM_AT].copy_from_slice(&head.public);
    let checksum = crc32fast::hash(&bytes[..CHECKSUM_AT]);
    bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Whether an epoch may have a ROM of the frequent blocks.
fn has_frequent(settings: &Settings) -> bool {
    let mut others = settings.others.iter().flatten();
    others.any(|other| other.rom_part == RomPart::Frequent)
}

/// Other heights of a header, and what goes with them.
fn other_of(heights: Heights, part: u8) -> Result<Option<Other>, OutOfRange> {
    let refused = |min: u8, max: u8| OutOfRange {
        name: "ROM of other heights",
        got: part.into(),
        min: min.into(),
        max: max.into(),
    };
    match (heights, part) {
        (Heights::Common, ABSENT) => Ok(None),
        (Heights::Common, _) => Err(refused(ABSENT, ABSENT)),
        (Heights::Given(first, second), 0 | 1) => Ok(Some(Other {
            heights: [first, second],
            rom_part: [RomPart::Run, RomPart::Frequent][usize::from(part)],
        })),
        _ => Err(refused(0, 1)),
    }
}

/// Reads a bundle, frame by frame, in memory of one frame.
///
/// Whoever reads says how long the next frame may be; a longer one is refused before it is read.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    payload: Vec<u8>,
    /// Of the frame that is being read.
    checksum: crc32fast::Hasher,
    /// Bytes of its payload that are not yet read.
    left: usize,
}

/// The proof of a frame whose fixed part has been read.
#[derive(Debug)]
pub struct Unread<'r, R> {
    reader: &'r mut Reader<R>,
}

impl<'r, R: Read> Unread<'r, R> {
    /// Reads the proof, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn read(self, limit: usize) -> Result<&'r [u8], FormatError> {
        self.reader.rest(limit)
    }
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`FormatError`], also for settings outside of their caps.
    pub fn new(mut source: R) -> Result<(Self, Header), FormatError> {
        // Another file may be shorter than a header, and is no bundle all the same.
        let magic: [u8; MAGIC.len()] = take(&mut source)?;
        if magic != MAGIC {
            return Err(FormatError::Magic);
        }
        let rest: [u8; HEADER_BYTES - MAGIC.len()] = take(&mut source)?;
        let mut bytes = [0; HEADER_BYTES];
        bytes[..MAGIC.len()].copy_from_slice(&magic);
        bytes[MAGIC.len()..].copy_from_slice(&rest);
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(FormatError::Version { got: version });
        }
        if bytes[CHECKSUM_AT..] != crc32fast::hash(&bytes[..CHECKSUM_AT]).to_le_bytes() {
            return Err(FormatError::Checksum);
        }
        let mut params = [0; Params::BYTES];
        params.copy_from_slice(&bytes[PARAMS_AT..HEIGHTS_AT]);
        let heights = |place: usize| {
            let mut heights = [0; Heights::BYTES];
            let at = HEIGHTS_AT + place * Heights::BYTES;
            heights.copy_from_slice(&bytes[at..at + Heights::BYTES]);
            Heights::from_bytes(&heights)
        };
        let mut others = [None; MAX_OTHERS];
        for (place, other) in others.iter_mut().enumerate() {
            *other = other_of(heights(1 + place), bytes[PARTS_AT + place])
                .map_err(FormatError::Setting)?;
        }
        let [blocks, frequent] = [BLOCKS_AT, FREQUENT_AT].map(|at| {
            let mut blocks = [0; RomBlocks::BYTES];
            blocks.copy_from_slice(&bytes[at..at + RomBlocks::BYTES]);
            RomBlocks::from_bytes(&blocks)
        });
        let got = bytes[SETTINGS_AT + 2];
        let hash = Hash::of_number(got).ok_or(FormatError::Hash { got })?;
        let settings = Settings {
            log2_cycles: bytes[SETTINGS_AT],
            heights: heights(0),
            others,
            arity: bytes[SETTINGS_AT + 1],
            hash,
            params: Params::from_bytes(&params),
        };
        settings.check().map_err(FormatError::Setting)?;
        let given = frequent == blocks || has_frequent(&settings);
        if !(given && frequent.is_subset(&blocks)) {
            return Err(FormatError::Frequent);
        }
        let (mut program, mut public) = (Identity::default(), Identity::default());
        program.copy_from_slice(&bytes[PROGRAM_AT..PUBLIC_AT]);
        public.copy_from_slice(&bytes[PUBLIC_AT..CHECKSUM_AT]);
        let header = Header {
            settings,
            blocks,
            frequent,
            program,
            public,
        };
        let reader = Self {
            source,
            payload: Vec::new(),
            checksum: crc32fast::Hasher::new(),
            left: 0,
        };
        Ok((reader, header))
    }

    /// Passes over the next frame, of whatever kind and length, in memory of one piece: `visit`
    /// sees its payload piece by piece. Returns its kind and the bytes of its payload.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn skim(&mut self, mut visit: impl FnMut(Kind, &[u8])) -> Result<(Kind, u32), FormatError> {
        let head: [u8; 5] = take(&mut self.source)?;
        let [kind, len @ ..] = head;
        let kind = Kind::from_byte(kind).ok_or(FormatError::UnknownKind { got: kind })?;
        let len = u32::from_le_bytes(len);
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&head);
        let (mut piece, mut left) = ([0; PIECE_BYTES], len as usize);
        while left > 0 {
            let piece = &mut piece[..left.min(PIECE_BYTES)];
            fill(&mut self.source, piece)?;
            checksum.update(piece);
            visit(kind, piece);
            left -= piece.len();
        }
        if take(&mut self.source)? != checksum.finalize().to_le_bytes() {
            return Err(FormatError::Checksum);
        }
        Ok((kind, len))
    }

    /// The frame of an epoch: its span and its proof, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn epoch(&mut self, limit: usize) -> Result<(Span, &[u8]), FormatError> {
        self.open(Kind::Epoch)?;
        let ([entry, exit, cycles], proof) = split_words(self.rest(12 + limit)?)?;
        Ok((
            Span {
                entry,
                exit,
                cycles,
            },
            proof,
        ))
    }

    /// The frame of a merge below the root: log2 of the parent's rows, and the proof.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn merge(&mut self) -> Result<(u8, Unread<'_, R>), FormatError> {
        self.open(Kind::Merge)?;
        let [log_rows] = self.fixed()?;
        Ok((log_rows, Unread { reader: self }))
    }

    /// The frame of the result: number of epochs, exit code, output of at most `limit` bytes.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn result(&mut self, limit: usize) -> Result<(u32, u32, &[u8]), FormatError> {
        self.open(Kind::Result)?;
        let ([epochs, exit_code], output) = split_words(self.rest(8 + limit)?)?;
        Ok((epochs, exit_code, output))
    }

    /// The frame of the root merge: log2 of the rows of each hole's table, and the proof.
    ///
    /// # Errors
    /// [`FormatError`].
    pub fn root(&mut self) -> Result<(Vec<u8>, Unread<'_, R>), FormatError> {
        self.open(Kind::Root)?;
        let [holes] = self.fixed()?;
        let log_rows = (0..holes).map(|_| self.fixed().map(|[log_rows]| log_rows));
        let log_rows = log_rows.collect::<Result<_, _>>()?;
        Ok((log_rows, Unread { reader: self }))
    }

    /// Reads the head of the next frame, which has to be of this kind.
    fn open(&mut self, expected: Kind) -> Result<(), FormatError> {
        let head: [u8; 5] = take(&mut self.source)?;
        let [kind, len @ ..] = head;
        let got = Kind::from_byte(kind).ok_or(FormatError::UnknownKind { got: kind })?;
        if got != expected {
            return Err(FormatError::Kind { expected, got });
        }
        self.left = u32::from_le_bytes(len) as usize;
        self.checksum = crc32fast::Hasher::new();
        self.checksum.update(&head);
        Ok(())
    }

    /// The next bytes of the payload.
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        self.left = self.left.checked_sub(N).ok_or(FormatError::Short)?;
        let bytes = take(&mut self.source)?;
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    /// The rest of the payload, of at most `limit` bytes, and the checksum after it.
    ///
    /// A frame's claimed length takes no memory before its bytes are there.
    fn rest(&mut self, limit: usize) -> Result<&[u8], FormatError> {
        let got = std::mem::take(&mut self.left);
        if got > limit {
            return Err(FormatError::TooLong { limit, got });
        }
        self.payload.clear();
        let mut body = self.source.by_ref().take(got as u64);
        body.read_to_end(&mut self.payload)
            .map_err(|error| FormatError::Read(error.kind()))?;
        if self.payload.len() < got {
            return Err(FormatError::Truncated);
        }
        self.checksum.update(&self.payload);
        let checksum = std::mem::take(&mut self.checksum).finalize();
        if take(&mut self.source)? != checksum.to_le_bytes() {
            return Err(FormatError::Checksum);
        }
        Ok(&self.payload)
    }

    /// Checks that nothing follows.
    ///
    /// # Errors
    /// [`FormatError::Trailing`], or as the source fails.
    pub fn end(mut self) -> Result<(), FormatError> {
        match take::<1>(&mut self.source) {
            Err(FormatError::Truncated) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(FormatError::Trailing),
        }
    }
}

fn take<const N: usize>(source: &mut impl Read) -> Result<[u8; N], FormatError> {
    let mut bytes = [0; N];
    fill(source, &mut bytes)?;
    Ok(bytes)
}

fn fill(source: &mut impl Read, bytes: &mut [u8]) -> Result<(), FormatError> {
    source
        .read_exact(bytes)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => FormatError::Truncated,
            kind => FormatError::Read(kind),
        })
}

/// The first `N` words of a payload, and what follows them.
pub(crate) fn split_words<const N: usize>(
    payload: &[u8],
) -> Result<([u32; N], &[u8]), FormatError> {
    let (words, rest) = payload.split_at_checked(4 * N).ok_or(FormatError::Short)?;
    let mut words = words
        .chunks_exact(4)
        .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]));
    Ok((
        std::array::from_fn(|_| words.next().unwrap_or_default()),
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use tranche_machine::shape::{ABSENT, NO_SECOND};

    use super::*;

    /// The layout, byte by byte.
    #[test]
    fn a_header_is_these_bytes() {
        let params = Params {
            log_blowup: 1,
            log_final_poly_len: 2,
            max_log_arity: 3,
            cap_height: 4,
            num_queries: 0x1f0,
            query_pow_bits: 6,
            batch_pow_bits: 7,
            lookup_pow_bits: 8,
            commit_pow_bits: 9,
            ood_pow_bits: 10,
        };
        let mut second = NO_SECOND;
        second[1..4].copy_from_slice(&[11, ABSENT, 10]);
        let mut others = [None; MAX_OTHERS];
        let heights = [[9, 8, 7, 6, 5, 4, 11, 5, ABSENT, ABSENT], NO_SECOND];
        others[0] = Some(heights.into());
        others[1] = Some(Other {
            heights,
            rom_part: RomPart::Frequent,
        });
        let head = Header {
            settings: Settings {
                log2_cycles: 14,
                heights: Heights::Given([14, 13, 12, 12, 12, 10, 11, ABSENT, 4, ABSENT], second),
                others,
                arity: 16,
                params,
                hash: Hash::Blake3,
            },
            blocks: RomBlocks::from_bytes(&core::array::from_fn(|at| at as u8)),
            frequent: RomBlocks::from_bytes(&core::array::from_fn(|at| at as u8 & 0x55)),
            program: [0xab; IDENTITY_BYTES],
            public: [0xcd; IDENTITY_BYTES],
        };
        let bytes = header(&head);
        assert_eq!(bytes[..8], *b"tranche\0");
        let integers = [9, 0, 14, 16, 1, 1, 2, 3, 4, 0xf0, 1, 6, 7, 8, 9, 10];
        assert_eq!(bytes[8..24], integers);
        assert_eq!(bytes[24..34], [14, 13, 12, 12, 12, 10, 11, 255, 4, 255]);
        let second = [255, 11, 255, 10, 255, 255, 255, 255, 255, 255];
        assert_eq!(bytes[34..44], second);
        assert_eq!(bytes[44..54], [9, 8, 7, 6, 5, 4, 11, 5, 255, 255]);
        assert_eq!(bytes[54..64], [255; 10]);
        assert_eq!(bytes[64..74], bytes[44..54]);
        assert_eq!(bytes[74..124], [255; 50]);
        assert_eq!(bytes[124..128], [0, 1, 255, 255]);
        assert!(bytes[128..160].iter().copied().eq(0..32));
        let fewer = bytes[160..192].iter().copied();
        assert!(fewer.eq((0..32).map(|at| at & 0x55)));
        assert_eq!(bytes[192..224], [0xab; 32]);
        assert_eq!(bytes[224..256], [0xcd; 32]);
        assert_eq!(bytes[256..], crc32fast::hash(&bytes[..256]).to_le_bytes());
        let (_, read) = Reader::new(&bytes[..]).unwrap();
        assert_eq!(read, head);
    }
}
