//! Proof bytes on their way out: the postcard encoding of a proof's parts, written as they come.
//!
//! Postcard writes a struct as its fields and an array as its elements, a length or an integer as a
//! LEB128 varint, a sequence behind its length, an option behind a tag byte. Plonky3 gives it a
//! BabyBear element as the four little-endian bytes of its Montgomery form.
//!
//! Source: the postcard 1.0 wire format; `Serialize` of p3-monty-31 0.8.0. Nothing here panics.

use embedded_io::Write;
use p3_field::{BasedVectorSpace, PrimeField32};

use crate::DIGEST;
use crate::Digest;
use crate::{D, EF, F};

/// Bytes of a field element.
pub const FIELD_BYTES: usize = 4;
/// Field elements that are written at once.
const RUN: usize = 32;
/// Most bytes of a varint.
pub const MAX_VARINT_BYTES: usize = 10;

/// Bytes of the varint of `value`: seven bits each, one at least.
pub const fn varint_len(value: u64) -> usize {
    let bits = u64::BITS - value.leading_zeros();
    if bits == 0 {
        1
    } else {
        bits.div_ceil(7) as usize
    }
}

/// Writes a proof, part by part, and counts its bytes.
///
/// Every method fails as the writer does; what was written then is undefined.
#[derive(Debug)]
pub struct Sink<W> {
    writer: W,
    written: u64,
}

impl<W: Write> Sink<W> {
    /// A sink that has written nothing to `writer` yet.
    pub const fn new(writer: W) -> Self {
        Self { writer, written: 0 }
    }

    /// Bytes written so far.
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// The writer.
    pub fn into_inner(self) -> W {
        self.writer
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), W::Error> {
        self.writer.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// A `u8`, a `bool`, or the tag of an option or of an enum of fewer than 128 variants.
    pub fn byte(&mut self, byte: u8) -> Result<(), W::Error> {
        self.bytes(&[byte])
    }

    /// An integer wider than a byte: seven bits a byte, low bits first.
    pub fn varint(&mut self, mut value: u64) -> Result<(), W::Error> {
        let mut bytes = [0; MAX_VARINT_BYTES];
        let mut len = 0;
        loop {
            bytes[len] = value as u8 & 0x7f;
            value >>= 7;
            if value == 0 {
                return self.bytes(&bytes[..=len]);
            }
            bytes[len] |= 0x80;
            len += 1;
        }
    }

    /// The length of a sequence, whose elements follow.
    pub fn length(&mut self, length: usize) -> Result<(), W::Error> {
        self.varint(length as u64)
    }

    /// The absent case of an option.
    pub fn none(&mut self) -> Result<(), W::Error> {
        self.byte(0)
    }

    /// The tag of the present case of an option, whose value follows.
    pub fn some(&mut self) -> Result<(), W::Error> {
        self.byte(1)
    }

    /// A field element.
    pub fn field(&mut self, value: F) -> Result<(), W::Error> {
        self.bytes(&field_bytes(value))
    }

    /// Field elements, without their number: an array, or the rest of a sequence.
    ///
    /// Some are taken before any is written, so that those which are far apart in memory are waited for together.
    pub fn fields(&mut self, values: impl IntoIterator<Item = F>) -> Result<(), W::Error> {
        let mut values = values.into_iter();
        loop {
            let mut bytes = [[0; FIELD_BYTES]; RUN];
            let mut count = 0;
            for (bytes, value) in bytes.iter_mut().zip(&mut values) {
                *bytes = field_bytes(value);
                count += 1;
            }
            self.bytes(bytes.get(..count).unwrap_or_default().as_flattened())?;
            if count < RUN {
                return Ok(());
            }
        }
    }

    /// An extension element: its coordinates, constant term first.
    pub fn ext(&mut self, value: EF) -> Result<(), W::Error> {
        let coordinates: &[F] = value.as_basis_coefficients_slice();
        let mut bytes = [0; D * FIELD_BYTES];
        for (bytes, &coordinate) in bytes.as_chunks_mut().0.iter_mut().zip(coordinates) {
            *bytes = field_bytes(coordinate);
        }
        self.bytes(&bytes)
    }

    /// A Merkle digest: its words, little-endian.
    pub fn digest(&mut self, digest: &Digest) -> Result<(), W::Error> {
        let mut bytes = [0; DIGEST * FIELD_BYTES];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(digest) {
            *bytes = word.to_le_bytes();
        }
        self.bytes(&bytes)
    }

    /// Hands on what the writer may have kept back.
    pub fn flush(&mut self) -> Result<(), W::Error> {
        self.writer.flush()
    }
}

/// The Montgomery form, little-endian.
fn field_bytes(value: F) -> [u8; FIELD_BYTES] {
    value.to_unique_u32().to_le_bytes()
}
