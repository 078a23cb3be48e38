//! Signatures: published vectors, and what differs from them in one bit.

use super::{gives, refuses};

/// Bytes from hexadecimal digits.
fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let pair = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(pair).collect()
}

/// A key's signature is accepted, and not with any part of it, or of the message, changed.
fn verifies(guest: &str, key: &[u8], signature: &[u8], message: &[u8]) {
    let input = [key, signature, message].concat();
    gives(guest, &input, key);
    let lengths = [
        key.len(),
        signature.len() / 2,
        signature.len() / 2,
        message.len(),
    ];
    let mut part = 0;
    for len in lengths {
        let mut changed = input.clone();
        changed[part + len / 2] ^= 1;
        refuses(guest, &changed);
        part += len;
    }
    refuses(guest, &input[..key.len() + signature.len() - 1]);
    refuses(guest, &[&input[..], b"x"].concat());
}

/// RFC 8032, section 7.1, test 3.
#[test]
fn ed25519() {
    let key = bytes("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    let signature = bytes(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    );
    verifies("ed25519", &key, &signature, &bytes("af82"));
}

/// The key whose secret is 1, and RFC 6979's signature of a name.
#[test]
fn ecdsa() {
    let key = bytes("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    let signature = bytes(
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
         2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5",
    );
    verifies("ecdsa", &key, &signature, b"Satoshi Nakamoto");
}
