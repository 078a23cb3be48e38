//! A bundle is read.

use std::io::{self, Read};

use tranche_machine::Span;

use super::{FormatError, HEADER_BYTES, Header, Kind, MAGIC};

/// Bytes of a payload that are passed over at a time.
const PIECE_BYTES: usize = 1 << 12;

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
        let header = Header::of_bytes(&bytes)?;
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
