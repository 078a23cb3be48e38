//! What a prover is free to choose: moving by bytes where the executor moves a word.

use std::collections::{BTreeMap, BTreeSet};

use p3_field::{PrimeCharacteristicRing, PrimeField32};
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::{OUT, OUT_LEN};
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::{cpu, mem, sys};
use tranche_test_support::machine::asm::DATA;
use tranche_test_support::machine::audit::audit;

use super::{WRITE, call_at, set_row, shift};
use crate::witness::{DATA_BYTES, LONG, Witness};

/// The cells of the result and what they are left with.
fn result(witness: &mut Witness) -> BTreeMap<u32, [F; 2]> {
    let rows = 0..witness.height("l2g");
    let cells = rows.map(|row| {
        let row = witness.row("l2g", row);
        let value = [row[l2g::FINI_LO], row[l2g::FINI_HI]];
        (row[l2g::CELL].as_canonical_u32(), value)
    });
    cells.filter(|(cell, _)| *cell >= OUT_LEN).collect()
}

/// An epoch that writes four bytes by four steps is accepted, and its result is that of the one that writes
/// a word.
#[test]
fn a_word_written_by_bytes_is_the_same_output() {
    for clock in [Clock::SHORT, LONG] {
        let (from, ecall) = (DATA + 4, 5);
        let mut witness = Witness::honest(clock, &call_at(from, WRITE, 1, 4), &[]);
        assert_eq!(witness.get("sys", 0, sys::IS_WRITE_WORD), F::ONE);
        let word = result(&mut witness);
        assert_eq!(word[&OUT], [0x8281, 0x0403].map(F::from_u32));

        // Time for three more steps, each a row of three tables.
        witness.shift_clock(ecall + 1, 9);
        let (cycle, step) = (
            witness.row("cpu", ecall).to_vec(),
            witness.row("sys", 0).to_vec(),
        );
        for i in 0..4_u32 {
            let row = i as usize;
            let mut byte = Witness::honest(clock, &call_at(from + i, WRITE, 1, 1), &[]);
            let load = byte.row("mem", 0).to_vec();
            if i > 0 {
                witness.insert("cpu", ecall + row, &cycle);
                witness.insert("sys", row, &step);
                witness.insert("mem", row, &load);
            } else {
                witness.row("mem", row).copy_from_slice(&load);
            }
            let clk = cycle[cpu::CLK] + F::from_u32(3 * i);
            witness.set("cpu", ecall + row, cpu::CLK, clk);
            witness.set("sys", row, sys::CLK, clk);
            witness.set("mem", row, mem::CLK, clk);
            witness.write_word(ecall + row, i + 1);
            let moved = i64::from(DATA_BYTES[4 + row]);
            let (done, place0, place1) = (i64::from(i), i64::from(i & 1), i64::from(i >> 1));
            let change = [
                (sys::IS_WRITE_WORD, 0),
                (sys::IS_WRITE_BYTE, 1),
                (sys::DONE[0], done),
                (sys::PLACE[0], place0),
                (sys::PLACE[1], place1),
                (sys::MOVED[0], moved),
                (sys::MOVED[1], 0),
                (sys::MOVED_LOW[0], moved),
                (sys::MOVED_LOW[1], 0),
            ];
            set_row(&mut witness, row, &change);
            shift(&mut witness, row);
        }
        // The end of the call finds what they have done.
        witness.relink();
        assert_eq!(audit(&witness.traces), BTreeSet::new());
        assert_eq!(result(&mut witness), word);
    }
}
