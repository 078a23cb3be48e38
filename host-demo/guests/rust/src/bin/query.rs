//! A query over JSON: of an array of objects such as `{"account": 7, "amount": -20, "currency": "EUR"}`, with their keys in
//! any order, the number and the sum of the amounts in a currency.
//!
//! The first line of the input is the currency, the rest the array. Writes the number and the sum, in a line each; what
//! is no such array is an error, and so is a sum of more than 64 bits.
#![no_std]
#![no_main]

use core::fmt::Formatter;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json_core::de::Deserializer as Json;
use tranche_guest::{eprintln, println, read_to_vec};

tranche_guest::entry!(main);

#[derive(Deserialize)]
struct Transfer<'a> {
    amount: i64,
    currency: &'a str,
}

/// Transfers in a currency, counted and added up as they are read: none is kept.
struct Query<'a> {
    currency: &'a [u8],
}

/// What a query came to.
struct Tally {
    count: u32,
    sum: i64,
}

impl<'de> DeserializeSeed<'de> for Query<'_> {
    type Value = Tally;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Tally, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Query<'_> {
    type Value = Tally;

    fn expecting(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str("an array of transfers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Tally, A::Error> {
        let mut tally = Tally { count: 0, sum: 0 };
        while let Some(transfer) = array.next_element::<Transfer<'de>>()? {
            if transfer.currency.as_bytes() == self.currency {
                tally.count += 1;
                let sum = tally.sum.checked_add(transfer.amount);
                tally.sum = sum.ok_or_else(|| A::Error::custom("the sum has more than 64 bits"))?;
            }
        }
        Ok(tally)
    }
}

fn main() -> u32 {
    let input = read_to_vec();
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else {
        eprintln!("the first line names no currency");
        return 1;
    };
    let currency = &input[..end];
    let mut json = Json::new(&input[end..], None);
    match (Query { currency }).deserialize(&mut json) {
        Ok(Tally { count, sum }) if json.end().is_ok() => println!("{count}\n{sum}"),
        Ok(_) => {
            eprintln!("something stands behind the array");
            return 1;
        }
        Err(error) => {
            eprintln!("not an array of transfers: {error}");
            return 1;
        }
    }
    0
}
