//! A proof's bytes as a stream: the postcard encoding, read part by part.
//!
//! Every length is known before it is read, so nothing that is read decides how much memory is taken.
//! A number, an option's tag and a field element have one encoding each; another is refused. Nothing here
//! panics.

use alloc::vec::Vec;

use embedded_io::{Error, ErrorKind, Read, ReadExactError};
use p3_field::BasedVectorSpace;
use p3_symmetric::MerkleCap;
use serde::de::DeserializeOwned;

use super::error::{ForkedError, Part};
use crate::sink::FIELD_BYTES;
use crate::{D, DIGEST, EF, F};

/// Reads a proof.
pub struct Source<R>(R);

impl<R: Read> Source<R> {
    /// A source that has read nothing yet.
    pub const fn new(reader: R) -> Self {
        Self(reader)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ForkedError> {
        self.0.read_exact(bytes).map_err(|error| match error {
            ReadExactError::UnexpectedEof => ForkedError::Truncated,
            ReadExactError::Other(error) => ForkedError::Source(error.kind()),
        })
    }

    fn byte(&mut self) -> Result<u8, ForkedError> {
        let mut byte = [0];
        self.fill(&mut byte)?;
        Ok(byte[0])
    }

    /// A number: seven bits a byte, low bits first, the last byte not zero unless it is the only one.
    fn varint(&mut self, part: Part) -> Result<u64, ForkedError> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let canonical = (bits > 0 || shift == 0) && (bits << shift) >> shift == bits;
                return canonical
                    .then_some(value)
                    .ok_or(ForkedError::Encoding { part });
            }
        }
        Err(ForkedError::Encoding { part })
    }

    /// A length that is known.
    pub fn length(&mut self, part: Part, expected: usize) -> Result<(), ForkedError> {
        let got = self.varint(part)?;
        if got == expected as u64 {
            Ok(())
        } else {
            Err(ForkedError::Length {
                part,
                expected,
                got,
            })
        }
    }

    /// A length that is `limit` at most.
    fn bounded(&mut self, part: Part, limit: usize) -> Result<usize, ForkedError> {
        let got = self.varint(part)?;
        match usize::try_from(got) {
            Ok(length) if length <= limit => Ok(length),
            _ => Err(ForkedError::Length {
                part,
                expected: limit,
                got,
            }),
        }
    }

    /// The tag of an option of which it is known whether it is there.
    pub fn option(&mut self, part: Part, expected: bool) -> Result<(), ForkedError> {
        match self.byte()? {
            tag @ (0 | 1) if tag != u8::from(expected) => Err(ForkedError::Length {
                part,
                expected: expected.into(),
                got: tag.into(),
            }),
            0 | 1 => Ok(()),
            _ => Err(ForkedError::Encoding { part }),
        }
    }

    /// A field element.
    pub fn field(&mut self, part: Part) -> Result<F, ForkedError> {
        let mut bytes = [0; FIELD_BYTES];
        self.fill(&mut bytes)?;
        postcard::from_bytes(&bytes).map_err(|_| ForkedError::Encoding { part })
    }

    /// A vector of field elements of known length.
    pub fn fields(&mut self, part: Part, length: usize) -> Result<Vec<F>, ForkedError> {
        self.length(part, length)?;
        (0..length).map(|_| self.field(part)).collect()
    }

    /// An extension element.
    pub fn ext(&mut self, part: Part) -> Result<EF, ForkedError> {
        let mut coordinates = [F::default(); D];
        for coordinate in &mut coordinates {
            *coordinate = self.field(part)?;
        }
        Ok(EF::from_basis_coefficients_fn(|i| coordinates[i]))
    }

    /// A vector of extension elements of known length.
    pub fn exts(&mut self, part: Part, length: usize) -> Result<Vec<EF>, ForkedError> {
        self.length(part, length)?;
        (0..length).map(|_| self.ext(part)).collect()
    }

    /// A digest of any suite: all have as many bytes.
    fn digest<D: DeserializeOwned>(&mut self, part: Part) -> Result<D, ForkedError> {
        let mut bytes = [0; DIGEST * FIELD_BYTES];
        self.fill(&mut bytes)?;
        postcard::from_bytes(&bytes).map_err(|_| ForkedError::Encoding { part })
    }

    /// A cap of `2^log_digests` digests.
    pub fn cap<D: Clone + DeserializeOwned>(
        &mut self,
        part: Part,
        log_digests: usize,
    ) -> Result<MerkleCap<F, D>, ForkedError> {
        self.length(part, 1 << log_digests)?;
        let digests: Result<_, _> = (0..1 << log_digests).map(|_| self.digest(part)).collect();
        Ok(MerkleCap::new(digests?))
    }

    /// Pruned Merkle paths of `limit` digests at most.
    pub fn paths<D: DeserializeOwned>(&mut self, limit: usize) -> Result<Vec<D>, ForkedError> {
        let length = self.bounded(Part::Paths, limit)?;
        (0..length).map(|_| self.digest(Part::Paths)).collect()
    }

    /// Nothing is left.
    pub fn finish(&mut self) -> Result<(), ForkedError> {
        loop {
            match self.0.read(&mut [0]) {
                Ok(0) => return Ok(()),
                Ok(_) => return Err(ForkedError::Trailing),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ForkedError::Source(error.kind())),
            }
        }
    }
}
