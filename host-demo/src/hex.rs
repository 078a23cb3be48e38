//! Bytes and digests as text.

use tranche_core::Identity;

/// A digest as 64 hexadecimal digits.
pub fn digest_hex(digest: &Identity) -> String {
    hex(*digest)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes
        .into_iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
