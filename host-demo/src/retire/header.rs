//! What stands before the proof of a run in its bundle; the proof is the rest of it.
//!
//! | part | bytes |
//! |---|---|
//! | magic, version | 8, 2 |
//! | order: 0 forked, 1 shared, 2 a single batch; hash suite: 0 Poseidon2, 1 BLAKE3; log2 of the rows of each table of a body batch, 255 for one of an extension that it has not | 1, 1, one each |
//! | parameters, in the order of [`Params`] | 11 |
//! | blocks of the ROM | 32 |
//! | digest of the program, digest of the public input | 32, 32 |
//! | exit code, bytes of output, output | 4, 4, as many |
//! | number of holes of the image, log2 of the rows of each | 1, as many |
//! | number of batches but the closing one; entry, exit, first and last clock of each | 4, 16 each |
//! | checksum: CRC-32 of all before it | 4 |
//!
//! Integers are little-endian. The checksum finds accidents; forgeries are the verifier's business. Nothing
//! here panics, and what is read takes no more memory than it has bytes.

use std::io::{self, Read, Write};

use tranche_core::retire::Order;
use tranche_core::verifier::VerifyError;
use tranche_core::{Identity, Params};
use tranche_machine::batches::{
    BODY_TABLES, BatchSpan, BodyHeights, MAX_LOG2_ROWS, MAX_RESTS, MAX_RUN_CYCLES, RestHeights,
    RunShape,
};
use tranche_machine::cells::MAX_OUTPUT_BYTES;
use tranche_machine::hash::Hash;
use tranche_machine::shape::ABSENT;
use tranche_machine::{Program, RomBlocks};

use super::error::RetireCheck;
use crate::merge::MAX_LOG_ROWS;

/// First bytes of a bundle that is one proof.
pub const MAGIC: [u8; 8] = *b"tranche\x01";
/// Version of the format.
pub const VERSION: u16 = 4;

/// The orders, by their number.
const ORDERS: [Option<Order>; 3] = [Some(Order::Forked), Some(Order::Shared), None];

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Which challenges the batches have; `None` for a run in a single batch.
    pub order: Option<Order>,
    /// What the proof hashes with.
    pub hash: Hash,
    /// log2 of the rows of each table of a body batch.
    pub body: BodyHeights,
    /// FRI parameters and grinding.
    pub params: Params,
    /// The blocks of the program's ROM that the run has.
    pub blocks: RomBlocks,
    /// Digest of the program whose run is proved.
    pub program: Identity,
    /// Digest of its public input.
    pub public: Identity,
    /// The claimed exit code.
    pub exit_code: u32,
    /// The claimed output.
    pub output: Vec<u8>,
    /// log2 of the rows of each hole's table.
    pub rest: RestHeights,
    /// Where each batch but the closing one leads.
    pub spans: Vec<BatchSpan>,
}

impl Header {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.push(
            ORDERS
                .iter()
                .position(|&order| order == self.order)
                .unwrap_or(0) as u8,
        );
        bytes.push(self.hash.number());
        bytes.extend(self.body);
        bytes.extend(self.params.to_bytes());
        bytes.extend(self.blocks.to_bytes());
        bytes.extend(self.program);
        bytes.extend(self.public);
        bytes.extend(self.exit_code.to_le_bytes());
        bytes.extend((self.output.len() as u32).to_le_bytes());
        bytes.extend(&self.output);
        bytes.push(self.rest.len() as u8);
        bytes.extend(&self.rest);
        bytes.extend((self.spans.len() as u32).to_le_bytes());
        let words = self.spans.iter().flat_map(BatchSpan::words);
        bytes.extend(words.flat_map(u32::to_le_bytes));
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// The shape of the run, of a program with the header's blocks.
    pub fn shape(&self, program: &Program<'_>) -> RunShape {
        let body = RunShape::body_of(&self.body, program.rom_log2());
        let batches = self.spans.len() as u32;
        RunShape {
            body: RunShape::with_clock_of(body, batches),
            batches,
            rest: self.rest.clone(),
        }
    }

    /// Writes it; returns the number of its bytes.
    ///
    /// # Errors
    /// As the writer fails.
    pub fn write(&self, out: &mut impl Write) -> io::Result<u64> {
        let bytes = self.to_bytes();
        out.write_all(&bytes)?;
        Ok(bytes.len() as u64)
    }

    /// Reads what follows the [`MAGIC`].
    ///
    /// # Errors
    /// [`RetireCheck`]: what is no header, and integers outside of their caps.
    pub fn read(source: &mut impl Read) -> Result<Self, RetireCheck> {
        let mut source = Checked {
            source,
            checksum: crc32fast::Hasher::new(),
        };
        source.checksum.update(&MAGIC);
        let version = u16::from_le_bytes(source.array()?);
        if version != VERSION {
            return Err(RetireCheck::Version { got: version });
        }
        let [order] = source.array()?;
        within("the order", order, ORDERS.len() as u64 - 1)?;
        let [hash] = source.array()?;
        let hash = Hash::of_number(hash).ok_or(RetireCheck::Range {
            what: "the hash suite",
            limit: Hash::ALL.len() as u64 - 1,
            got: hash.into(),
        })?;
        let body: BodyHeights = source.array()?;
        for (table, height) in body.into_iter().enumerate() {
            // Those of extensions come last.
            if table < BODY_TABLES || height != ABSENT {
                within("log2 of a table's rows", height, MAX_LOG2_ROWS.into())?;
            }
        }
        let params = Params::from_bytes(&source.array()?);
        if let Some((param, value)) = params.out_of_range(|param| param.max_untrusted) {
            let what = param.name;
            return Err(RetireCheck::Range {
                what,
                limit: param.max_untrusted.into(),
                got: value.into(),
            });
        }
        let blocks = RomBlocks::from_bytes(&source.array()?);
        let program = source.array()?;
        let public = source.array()?;
        let exit_code = u32::from_le_bytes(source.array()?);
        let len = u32::from_le_bytes(source.array()?);
        within("the output's length", len, MAX_OUTPUT_BYTES.into())?;
        let output = source.bytes(len as usize)?;
        let [holes] = source.array()?;
        within("the number of holes", holes, MAX_RESTS as u64)?;
        let mut rest = RestHeights::new();
        for height in source.bytes(holes.into())? {
            within("log2 of a hole's rows", height, MAX_LOG_ROWS.into())?;
            let _ = rest.push(height);
        }
        let batches = u32::from_le_bytes(source.array()?);
        within("the number of batches", batches, MAX_RUN_CYCLES)?;
        let mut spans = Vec::new();
        for _ in 0..batches {
            let words: [u8; 16] = source.array()?;
            let words = words.as_chunks::<4>().0;
            let words = core::array::from_fn(|i| u32::from_le_bytes(words[i]));
            let span = BatchSpan::from_words(words).ok_or(RetireCheck::Range {
                what: "a program counter or a clock",
                limit: 0x7800_0000,
                got: words.into_iter().max().unwrap_or_default().into(),
            })?;
            spans.push(span);
        }
        let expected = source.checksum.clone().finalize();
        if u32::from_le_bytes(source.array()?) != expected {
            return Err(RetireCheck::Checksum);
        }
        Ok(Self {
            order: ORDERS[usize::from(order)],
            hash,
            body,
            params,
            blocks,
            program,
            public,
            exit_code,
            output,
            rest,
            spans,
        })
    }
}

/// Refuses an integer above its cap.
fn within(what: &'static str, got: impl Into<u64>, limit: u64) -> Result<(), RetireCheck> {
    let got = got.into();
    if got <= limit {
        Ok(())
    } else {
        Err(RetireCheck::Range { what, limit, got })
    }
}

/// A source with the checksum of what was read.
struct Checked<'s, R> {
    source: &'s mut R,
    checksum: crc32fast::Hasher,
}

impl<R: Read> Checked<'_, R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], RetireCheck> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(read_error)?;
        self.checksum.update(&bytes);
        Ok(bytes)
    }

    fn bytes(&mut self, len: usize) -> Result<Vec<u8>, RetireCheck> {
        let mut bytes = Vec::new();
        let read = self.source.take(len as u64).read_to_end(&mut bytes);
        if read.map_err(read_error)? < len {
            return Err(RetireCheck::Truncated);
        }
        self.checksum.update(&bytes);
        Ok(bytes)
    }
}

/// Why bytes are not there.
fn read_error(error: io::Error) -> RetireCheck {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => RetireCheck::Truncated,
        kind => RetireCheck::Read(kind),
    }
}

/// The bytes of a proof that has at most `limit`.
pub(super) fn read_proof(source: impl Read, limit: u64) -> Result<Vec<u8>, RetireCheck> {
    let mut bytes = Vec::new();
    let read = source.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(read_error)?;
    if bytes.len() as u64 > limit {
        return Err(RetireCheck::Proof(VerifyError::TooLong {
            got: bytes.len(),
            limit: limit as usize,
        }));
    }
    Ok(bytes)
}
