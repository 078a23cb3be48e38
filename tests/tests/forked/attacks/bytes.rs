//! Bytes that are no proof.

use embedded_io::ErrorKind;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_core::verifier::{ForkedError, Part};
use tranche_test_support::retire::{NaiveSuite, naive};

use crate::runs::{everything, squares, squares_with};
use tranche_test_support::shapes::QUICK;

#[test]
fn cut_short_or_followed_by_more() {
    cut_short_or_longer(Poseidon2::BABY_BEAR);
    cut_short_or_longer(Blake3);
}

fn cut_short_or_longer<S: NaiveSuite>(suite: S) {
    let run = squares_with(suite, 2, 2, QUICK);
    let mut bytes = naive::prove(&run).encode();
    assert_eq!(run.verify(&bytes), Ok(()), "the control");
    for length in 0..bytes.len() {
        let refusal = Err(ForkedError::Truncated);
        assert_eq!(run.verify(&bytes[..length]), refusal, "{length} bytes");
    }
    bytes.push(0);
    assert_eq!(run.verify(&bytes), Err(ForkedError::Trailing));
}

/// Whatever byte is changed, the proof is refused; nothing panics.
#[test]
fn every_byte_changed() {
    every_byte(Poseidon2::BABY_BEAR);
    every_byte(Blake3);
}

fn every_byte<S: NaiveSuite>(suite: S) {
    let run = squares_with(suite, 2, 2, QUICK);
    let bytes = naive::prove(&run).encode();
    assert_eq!(run.verify(&bytes), Ok(()), "the control");
    for at in 0..bytes.len() {
        for change in [0x01, 0x80] {
            let mut other = bytes.clone();
            other[at] ^= change;
            assert!(run.verify(&other).is_err(), "byte {at} ^ {change:#x}");
        }
    }
}

/// Numbers, tags and elements have one encoding.
#[test]
fn other_encodings_of_the_same() {
    let run = everything();
    let bytes = naive::prove(&run).encode();
    assert_eq!(run.verify(&bytes), Ok(()), "the control");
    let refused = |at: usize, with: &[u8], part| {
        let mut other = bytes[..at].to_vec();
        other.extend(with);
        other.extend(&bytes[at + 1..]);
        assert_eq!(run.verify(&other), Err(ForkedError::Encoding { part }));
    };
    assert_eq!(bytes[0], 3);
    refused(0, &[0x83, 0x00], Part::Batches);
    refused(0, &[0xff; 10], Part::Batches);
    // Three caps of one digest.
    let tag = 1 + 3 * (1 + 32);
    assert_eq!(bytes[tag], 1);
    refused(tag, &[2], Part::LookupWitness);
    // The most significant byte of the witness: zero, and with it at or above the field's order.
    refused(tag + 4, &[0x7f], Part::LookupWitness);
}

/// A source that fails after some bytes.
struct Failing<'a>(&'a [u8]);

impl embedded_io::ErrorType for Failing<'_> {
    type Error = ErrorKind;
}

impl embedded_io::Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        match self.0.read(buffer) {
            Ok(0) | Err(_) => Err(ErrorKind::BrokenPipe),
            Ok(read) => Ok(read),
        }
    }
}

#[test]
fn a_source_that_fails() {
    let run = squares(2, 2, QUICK);
    let bytes = naive::prove(&run).encode();
    let verify = |source: Failing<'_>| run.key().verify(source, None, &[0, 1], &run.publics());
    let refusal = Err(ForkedError::Source(ErrorKind::BrokenPipe));
    assert_eq!(verify(Failing(&bytes[..100])), refusal);
    assert_eq!(verify(Failing(&bytes)), refusal, "asked what follows");
}
