//! Verifies an ECDSA signature over secp256k1 with SHA-256: the input is a public key of 33 bytes, a signature of 64,
//! and the message. A signature that is not the key's is an error; writes the public key, so that what is proved names
//! it.
#![no_std]
#![no_main]

use k256::ecdsa::signature::Verifier;
use k256::ecdsa::{Signature, VerifyingKey};
use tranche_guest::{read_to_vec, write};

tranche_guest::entry!(main);

fn main() -> Result<(), &'static str> {
    let input = read_to_vec();
    let (key, rest) = input.split_first_chunk::<33>().ok_or("no public key")?;
    let (signature, message) = rest.split_first_chunk::<64>().ok_or("no signature")?;
    let verifying = VerifyingKey::from_sec1_bytes(key).map_err(|_| "not a public key")?;
    let signature = Signature::from_slice(signature).map_err(|_| "not a signature")?;
    verifying
        .verify(message, &signature)
        .map_err(|_| "not a signature of this key")?;
    write(key);
    Ok(())
}
