//! The product of two matrices of 32-bit integers, modulo 2^32.
//!
//! The input is a value of postcard's: the rows of the first, its columns, the columns of the second, and the elements
//! of both, in rows. Writes the elements of the product as little-endian words, in rows; sizes that the elements do not
//! have are an error.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;

use serde::Deserialize;
use tranche_guest::{read_value, write};

tranche_guest::entry!(main);

#[derive(Deserialize)]
struct Factors {
    rows: usize,
    inner: usize,
    columns: usize,
    left: Vec<u32>,
    right: Vec<u32>,
}

fn main() -> Result<(), &'static str> {
    let factors: Factors = read_value().map_err(|_| "not two matrices")?;
    let Factors {
        rows,
        inner,
        columns,
        ref left,
        ref right,
    } = factors;
    if rows.checked_mul(inner) != Some(left.len())
        || inner.checked_mul(columns) != Some(right.len())
    {
        return Err("elements do not fill the rows");
    }
    let mut sums = Vec::<u32>::new();
    for row in 0..rows {
        sums.clear();
        sums.resize(columns, 0);
        let factors = &left[row * inner..][..inner];
        for (factor, others) in factors.iter().zip(right.chunks(columns.max(1))) {
            for (sum, other) in sums.iter_mut().zip(others) {
                *sum = sum.wrapping_add(factor.wrapping_mul(*other));
            }
        }
        // One write for a row: a call costs more than a word.
        let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        write(&bytes);
    }
    Ok(())
}
