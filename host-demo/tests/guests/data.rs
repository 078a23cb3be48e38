//! Ciphers and compression.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use lz4_flex::block::compress_prepend_size;

use super::{LENGTHS, gives, noise, refuses};

/// SP 800-38A, section 6.5, block by block.
fn counter_mode(key: [u8; 16], counter: u128, data: &[u8]) -> Vec<u8> {
    let cipher = Aes128::new(&key.into());
    let blocks = data.chunks(16).zip(0..);
    let encrypt = |(block, i): (&[u8], u128)| {
        let mut stream = counter.wrapping_add(i).to_be_bytes().into();
        cipher.encrypt_block(&mut stream);
        let pairs = block.iter().zip(stream);
        pairs.map(|(byte, key)| byte ^ key).collect::<Vec<_>>()
    };
    blocks.flat_map(encrypt).collect()
}

/// The last counter wraps around within the data.
#[test]
fn aes128() {
    for len in LENGTHS {
        for counter in [7, u128::MAX - 2] {
            let (key, data) = (*noise(len + 16).first_chunk().unwrap(), noise(len));
            let input = [&key[..], &counter.to_be_bytes(), &data].concat();
            gives("aes128", &input, &counter_mode(key, counter, &data));
        }
    }
    refuses("aes128", &noise(31));
}

#[test]
fn lz4() {
    let repeated = b"over and over and over again, ".repeat(50);
    let mut inputs = LENGTHS.map(noise).to_vec();
    inputs.extend([
        repeated,
        vec![0; 70_000],
        (0..=255).cycle().take(3000).collect(),
    ]);
    for data in inputs {
        gives("lz4", &compress_prepend_size(&data), &data);
    }
    let whole = compress_prepend_size(&[7; 100]);
    refuses("lz4", &whole[..whole.len() - 1]);
    refuses("lz4", b"abc");
}
