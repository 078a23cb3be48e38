//! Verifies an Ed25519 signature: the input is a public key of 32 bytes, a signature of 64, and the message. A signature
//! that is not the key's is an error; writes the public key, so that what is proved names it.
#![no_std]
#![no_main]

use ed25519_dalek::{Signature, VerifyingKey};
use tranche_guest::{read_to_vec, write};

tranche_guest::entry!(main);

fn main() -> Result<(), &'static str> {
    let input = read_to_vec();
    let (key, rest) = input.split_first_chunk::<32>().ok_or("no public key")?;
    let (signature, message) = rest.split_first_chunk::<64>().ok_or("no signature")?;
    let verifying = VerifyingKey::from_bytes(key).map_err(|_| "not a public key")?;
    verifying
        .verify_strict(message, &Signature::from_bytes(signature))
        .map_err(|_| "not a signature of this key")?;
    write(key);
    Ok(())
}
