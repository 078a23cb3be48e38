//! The guest's input and output, and where proof bytes go.

use embedded_io::{ErrorKind, ErrorType, Write};
use tranche_machine::GuestIo;

use crate::metal;

/// The guest's world: input from a slice; output is counted, the host knows it from its own run.
#[derive(Debug)]
pub struct Io<'a> {
    input: &'a [u8],
    /// Bytes that the guest has written.
    pub written: usize,
}

impl<'a> Io<'a> {
    /// The world of a guest that reads `input`.
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, written: 0 }
    }
}

impl GuestIo for Io<'_> {
    fn read(&mut self) -> Option<u8> {
        let (&byte, rest) = self.input.split_first()?;
        self.input = rest;
        Some(byte)
    }

    fn write(&mut self, _: u8) {
        self.written += 1;
    }
}

/// Proof bytes on their way to the host, gathered so that not every element is a call of it.
#[derive(Debug)]
pub struct ProofSink<'a> {
    buffer: &'a mut [u8],
    len: usize,
}

impl<'a> ProofSink<'a> {
    /// A sink that gathers in `buffer`, which is not empty.
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }
}

/// The host did not take a byte.
#[derive(Clone, Copy, Debug, defmt::Format)]
pub struct HostFull;

impl core::fmt::Display for HostFull {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the host takes no more bytes")
    }
}

impl core::error::Error for HostFull {}

impl embedded_io::Error for HostFull {
    fn kind(&self) -> ErrorKind {
        ErrorKind::WriteZero
    }
}

impl ErrorType for ProofSink<'_> {
    type Error = HostFull;
}

impl Write for ProofSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, HostFull> {
        if self.len == self.buffer.len() {
            self.flush()?;
        }
        let room = &mut self.buffer[self.len..];
        let taken = bytes.len().min(room.len());
        room[..taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), HostFull> {
        let all = metal::send_proof(&self.buffer[..self.len]);
        self.len = 0;
        if all { Ok(()) } else { Err(HostFull) }
    }
}
