//! The sum of the numbers in the input, one a line.
#![no_std]
#![no_main]

use tranche_guest::{eprintln, println, read_to_vec};

tranche_guest::entry!(main);

fn main() -> Result<(), &'static str> {
    let input = read_to_vec();
    let text = core::str::from_utf8(&input).map_err(|_| "the input is not UTF-8")?;
    let mut sum = 0i64;
    for line in text.lines() {
        let number: i32 = line.parse().map_err(|_| "a line is not a number")?;
        sum += i64::from(number);
    }
    // A message for whoever runs the program; no proof speaks of it.
    eprintln!("{} lines", text.lines().count());
    // The output, which a proof says that the program has for some input.
    println!("{sum}");
    Ok(())
}
