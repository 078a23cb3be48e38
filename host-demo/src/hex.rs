//! Bytes and digests as text.

use p3_field::PrimeField32;
use tranche_core::{Digest, F};

/// A digest as 64 hexadecimal digits: eight elements of four bytes, little-endian.
pub fn digest_hex(digest: &Digest) -> String {
    hex(digest
        .iter()
        .flat_map(|element: &F| element.as_canonical_u32().to_le_bytes()))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes
        .into_iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
