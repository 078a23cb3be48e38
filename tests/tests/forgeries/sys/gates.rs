//! Kinds that are no booleans, on rows that the CPU does not ask for.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::{EXIT_CODE, OUT};
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::{cpu, mem, sys};
use tranche_test_support::machine::asm::{A7, ECALL, immediate};
use tranche_test_support::omit::Omit::Assertion;

use super::{WRITE, call, exit_with, load_zero, set_len, set_row, shift};
use crate::registry::Entry;
use crate::witness::Witness;

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    let changed = "a word of output that is changed by a row that exits -1 times";
    entry.forge(Assertion(0), changed, output_changed_by_exit(clock));
    let changed = "a byte of output that is changed by a row that writes -1 times";
    for (check, kinds) in [
        (1, [sys::IS_WRITE_BYTE, sys::IS_READ_BYTE]),
        (2, [sys::IS_WRITE_WORD, sys::IS_READ_WORD]),
        (3, [sys::IS_WRITE_ACROSS, sys::IS_READ_WORD]),
    ] {
        let witness = output_changed_by_write(clock, kinds);
        entry.forge(Assertion(check), changed, witness);
    }
    let invented = "output beside a kind that is -1";
    entry.forge(Assertion(4), invented, output_beside_write_end(clock));
    for (check, kinds) in [
        (5, [sys::IS_WRITE_BYTE, sys::IS_READ_BYTE]),
        (6, [sys::IS_WRITE_WORD, sys::IS_READ_WORD]),
    ] {
        entry.forge(Assertion(check), invented, output_beside_read(clock, kinds));
    }
    entry.forge(Assertion(7), invented, output_beside_read_end(clock));
    entry.redundant.push((
        Assertion(8),
        "a row of n kinds receives a request n times, which the CPU sends once, since it has a \
         clock; receipts only add up",
    ));
    entry.forge(
        Assertion(9),
        "call 95 exits, by a carry of 2",
        call_95(clock),
    );
}

/// The exit code's cell is 29 below the output's first, and so the 30th word of the output is where a row
/// finds it that exits -1 times, and ends a write once. It takes 1 from it, behind the row that wrote it.
fn output_changed_by_exit(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 4), &[]);
    let word = OUT - EXIT_CODE;
    set_len(&mut witness, 4 * word);
    let columns = [sys::CHECKED[0], sys::CHECKED_LOW[0]];
    set_row(
        &mut witness,
        0,
        &columns.map(|column| (column, word.into())),
    );
    witness.relink();

    let free = witness.free_row("sys", sys::IS_EXIT..=sys::IS_READ_END);
    let one = [
        sys::IS_WRITE_END,
        sys::ARGUMENT[0],
        sys::MOVED[0],
        sys::ADDED[0],
    ];
    set_row(&mut witness, free, &one.map(|column| (column, 1)));
    set_row(&mut witness, free, &[(sys::IS_EXIT, -1)]);
    let clk = witness.get("sys", 0, sys::CLK);
    witness.set("sys", free, sys::CLK, clk);
    let left = witness.touched(OUT + word);
    witness.row("l2g", left)[l2g::FINI_LO] -= F::ONE;
    for (to, from) in [
        (sys::RESULT[0], l2g::FINI_LO),
        (sys::RESULT[1], l2g::FINI_HI),
        (sys::RESULT_PREVIOUS, l2g::FINI_TIMESTAMP),
    ] {
        let value = witness.get("l2g", left, from);
        witness.set("sys", free, to, value);
    }
    witness
}

/// A row that writes -1 times and reads once, so that the length stays, goes back in time ahead of the
/// epoch: it takes the tokens of length and word that L2G puts, and puts them with an older time, 1 taken from
/// the word.
fn output_changed_by_write(clock: Clock, [write, read]: [usize; 2]) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    let free = witness.free_row("sys", sys::IS_EXIT..=sys::IS_READ_END);
    let change = [
        (write, -1),
        (read, 1),
        (sys::CLK, -2),
        (sys::OUT_LEN_PREVIOUS, -1),
        (sys::MOVED[0], 1),
        (sys::ADDED[0], 1),
        (sys::RESULT[0], -1),
    ];
    set_row(&mut witness, free, &change);
    // The row that writes follows it.
    set_row(
        &mut witness,
        0,
        &[(sys::OUT_LEN_PREVIOUS, -1), (sys::RESULT[0], -1)],
    );
    let time = witness.get("sys", 0, sys::CLK) + F::TWO;
    let elapsed = sys::ELAPSED[1];
    witness.set_elapsed("sys", 0, elapsed, time, usize::MAX);
    let left = witness.touched(OUT);
    witness.row("l2g", left)[l2g::FINI_LO] -= F::ONE;
    witness
}

/// An epoch that writes no output, with a row more that does.
fn invented(clock: Clock, write: usize, change: &[(usize, i64)]) -> Witness {
    let mut witness = Witness::honest(clock, &exit_with(0), &[]);
    let clk = witness.get("cpu", 0, cpu::CLK);
    set_row(&mut witness, 1, &[&[(write, 1)], change].concat());
    witness.set("sys", 1, sys::CLK, clk);
    shift(&mut witness, 1);
    witness
}

/// The descriptor, and so the base of the address, is -1, the progress too: address 2^32 - 2.
fn output_beside_write_end(clock: Clock) -> Witness {
    let change = [
        (sys::IS_WRITE_END, -1),
        (sys::ARGUMENT[0], -1),
        (sys::RETURNED[0], -1),
        (sys::WANTED[0], -1),
        (sys::DONE[0], -1),
    ];
    let mut witness = invented(clock, sys::IS_WRITE_BYTE, &change);
    let clk = witness.get("sys", 1, sys::CLK);
    load_zero(&mut witness, clk);
    let load = witness.find("mem", |row| row[mem::IS_BYTE] == F::ONE);
    let values = [
        (mem::BASE[0], -2),
        (mem::Q[0], 0xff),
        (mem::Q[1], 0x3f),
        (mem::BIT[1], 1),
        (mem::HIGH[0], 0xff),
        (mem::HIGH[1], 0xff),
    ];
    for (column, value) in values {
        witness.set("mem", load, column, F::from_i64(value));
    }
    witness.relink();
    witness
}

/// What is read and written cancels, so that MEM is not asked for it.
fn output_beside_read(clock: Clock, [write, read]: [usize; 2]) -> Witness {
    let mut witness = invented(clock, write, &[(read, -1), (sys::MOVED[0], 0x58)]);
    witness.relink();
    witness
}

/// The byte is at address 0; the length goes unchecked.
fn output_beside_read_end(clock: Clock) -> Witness {
    let mut witness = invented(clock, sys::IS_WRITE_BYTE, &[(sys::IS_READ_END, -1)]);
    let clk = witness.get("sys", 1, sys::CLK);
    load_zero(&mut witness, clk);
    witness.relink();
    witness
}

fn call_95(clock: Clock) -> Witness {
    let code = |number| [immediate("addi", A7, 0, number), ECALL];
    let mut witness = Witness::honest(clock, &code(93), &[]);
    witness.claim(&code(95));
    witness.fetch(0);
    witness.write_word(0, 95);
    witness.set_word("cpu", 1, cpu::A, 95);
    set_row(&mut witness, 0, &[(sys::CARRY, 2)]);
    witness.relink();
    witness
}
