//! How often each word occurs in a text: words are what stands between white space. Writes a line for each, the most
//! frequent ones first, and those of one frequency in ascending order. A text that is not UTF-8 is an error.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::str::{Utf8Error, from_utf8};

use tranche_guest::{println, read_to_vec};

tranche_guest::entry!(main);

fn main() -> Result<(), Utf8Error> {
    let input = read_to_vec();
    let mut counts = BTreeMap::<&str, u32>::new();
    for word in from_utf8(&input)?.split_whitespace() {
        *counts.entry(word).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(_, count)| Reverse(count));
    for (word, count) in counts {
        println!("{count} {word}");
    }
    Ok(())
}
