//! Values: forged reads, forged final memory, false claims over an honest run.

use std::collections::BTreeSet;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::cells::{OUT, OUT_LEN};
use tranche_machine::merge::{MergeTable, rest};
use tranche_machine::tables::l2g::columns as l2g;

use super::{gmem, refused};
use crate::audit::audit;
use crate::batch::*;
use crate::mutant::Kind;

/// Tables of [`flat`] over three epochs.
const IMAGE_TABLE: usize = 3;
const RESULT_TABLE: usize = 4;
const REST_TABLE: usize = 5;

#[test]
fn forged_reads_and_final_values() {
    let honest = flat(&RUN, outcome(EXIT, OUTPUT));
    for (table, column) in [
        (1, l2g::INIT_LO),
        (1, l2g::INIT_HI),
        (1, l2g::INIT_EPOCH),
        (1, l2g::FINI_LO),
        (1, l2g::FINI_HI),
        (1, l2g::CELL),
        (IMAGE_TABLE, 0),
        (IMAGE_TABLE, 1),
        (IMAGE_TABLE, 2),
        (RESULT_TABLE, 0),
        (REST_TABLE, rest::FINI_EPOCH),
        (REST_TABLE, rest::FINI_LO),
        (REST_TABLE, rest::FINI_HI),
    ] {
        let mut batch = honest.clone();
        batch.tables[table].row(0)[column] += F::ONE;
        refused(&batch, &[gmem()]);
    }
    assert!(honest.check().is_ok());
}

#[test]
fn epochs_reordered_dropped_or_repeated() {
    let honest = flat(&RUN, outcome(EXIT, OUTPUT));
    let mut reordered = honest.clone();
    let second = reordered.tables[1].trace.clone();
    reordered.tables[1].trace = std::mem::replace(&mut reordered.tables[2].trace, second);
    refused(&reordered, &[gmem()]);
    let mut dropped = honest.clone();
    dropped.tables[1].trace.values.fill(F::ZERO);
    refused(&dropped, &[gmem()]);
    let mut repeated = honest.clone();
    repeated.tables[2].trace = repeated.tables[1].trace.clone();
    refused(&repeated, &[gmem()]);
}

#[test]
fn a_false_result_over_an_honest_run() {
    for (exit, output) in [
        (EXIT + 1, OUTPUT),
        (EXIT & 0xffff, OUTPUT),
        (0, OUTPUT),
        (EXIT, &b"okaY!"[..]),
        (EXIT, b"ayok!"),
        (EXIT, b"okay"),
        (EXIT, b""),
        (EXIT, b"okay!\0"),
        (EXIT, b"okay!\0\0\0\0"),
    ] {
        // The transcript is seeded with the false claim, on both sides.
        let batch = flat(&RUN, outcome(exit, output));
        refused(&batch, &[gmem()]);
    }
    assert!(flat(&RUN, outcome(EXIT, OUTPUT)).check().is_ok());
}

/// What an honest run cannot leave there: the last word is claimed with the zeros that it ends in.
#[test]
fn more_in_the_last_word_than_the_length_says() {
    let [first, second, third] = RUN;
    for (rest, length, claim) in [
        (&b"!\0\0\0"[..], 5, OUTPUT),
        (b"!?\0\0", 6, b"okay!?"),
        (b"!?\0\0", 5, OUTPUT),
        (b"!\0\0?", 5, OUTPUT),
    ] {
        let word = u32::from_le_bytes(rest.try_into().unwrap());
        let changed = |&(cell, value)| match cell {
            OUT_LEN => (cell, length),
            _ if cell == OUT + 1 => (cell, word),
            _ => (cell, value),
        };
        let third: Vec<_> = third.iter().map(changed).collect();
        let batch = flat(&[first, second, &third], outcome(EXIT, claim));
        if word >> (8 * (length - 4)) == 0 {
            assert!(batch.check().is_ok(), "the control");
        } else {
            refused(&batch, &[gmem()]);
        }
    }
}

#[test]
fn a_false_result_is_accepted_when_final_values_are_not_preprocessed() {
    let mut batch = flat(&RUN, outcome(EXIT + 1, b"ayok!"));
    refused(&batch, &[gmem()]);
    let (claim, memory) = (outcome(EXIT + 1, b"ayok!"), compose(&leaves(&RUN)));
    batch.tables[RESULT_TABLE].air = Kind::LooseResult(MergeTable::Result(claim)).into();
    batch.tables[RESULT_TABLE].trace = filled(3, 1 << claim.log_height(), |trace| {
        trace.values_mut().fill(F::ZERO);
        for (r, (cell, _)) in claim.cells().enumerate() {
            let last = memory.iter().find(|chain| chain.cell == cell).unwrap();
            let truth = [last.fini_epoch, last.fini & 0xffff, last.fini >> 16];
            trace.set_row(r, &truth.map(F::from_u32));
        }
    });
    assert_eq!(audit(&batch), BTreeSet::new());
    assert!(batch.check().is_ok());
}
