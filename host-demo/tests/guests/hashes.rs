//! Digests and checksums.

use sha2::{Digest, Sha256};
use tiny_keccak::{Hasher, Keccak};

use super::{LENGTHS, gives, noise};

#[test]
fn sha256() {
    for input in LENGTHS.map(noise) {
        gives("sha256", &input, &Sha256::digest(&input));
    }
}

#[test]
fn keccak256() {
    for input in LENGTHS.map(noise) {
        let mut digest = [0; 32];
        let mut hash = Keccak::v256();
        hash.update(&input);
        hash.finalize(&mut digest);
        gives("keccak256", &input, &digest);
    }
}

#[test]
fn crc32() {
    for input in LENGTHS.map(noise) {
        gives("crc32", &input, &crc32fast::hash(&input).to_le_bytes());
    }
}
