//! A bundle is written.

use std::io::{self, Write};

use tranche_machine::Span;

use super::{Header, Kind, header};

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
