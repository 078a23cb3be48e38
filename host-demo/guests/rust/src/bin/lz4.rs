//! Decompresses an LZ4 block with its length, four little-endian bytes, in front; writes what it holds.
#![no_std]
#![no_main]

use lz4_flex::block::{DecompressError, decompress_size_prepended};
use tranche_guest::{read_to_vec, write};

tranche_guest::entry!(main);

fn main() -> Result<(), DecompressError> {
    write(&decompress_size_prepended(&read_to_vec())?);
    Ok(())
}
