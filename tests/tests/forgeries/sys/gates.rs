//! Kinds that are no booleans, on rows that the CPU does not ask for.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::OUT;
use tranche_machine::tables::{cpu, mem, sys};
use tranche_tests::machine::asm::{A7, ECALL, immediate};
use tranche_tests::omit::Omit::Assertion;

use super::{WRITE, call, exit_with, load_zero, set_row};
use crate::registry::Entry;
use crate::witness::{Access, Witness};

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    let taken_back = "an exit code taken back by a row that exits -1 times";
    entry.forge(Assertion(0), taken_back, exit_taken_back(clock));
    let taken_back = "an output taken back by a row that writes -1 times";
    entry.forge(Assertion(1), taken_back, output_taken_back(clock));
    let invented = "a byte of output beside a kind that is -1";
    entry.forge(Assertion(2), invented, output_beside_write_end(clock));
    entry.forge(Assertion(3), invented, output_beside_read(clock));
    entry.forge(Assertion(4), invented, output_beside_read_end(clock));
    entry.redundant.push((
        Assertion(5),
        "a row of n kinds receives a request n times, which the CPU sends once, since it has a \
         clock; receipts only add up",
    ));
    entry.forge(
        Assertion(6),
        "call 95 exits, by a carry of 2",
        call_95(clock),
    );
}

/// Row 0 writes the exit code 1; row 1, as exit -1 and end of a write 1, takes it back.
fn exit_taken_back(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &exit_with(1), &[]);
    let exit = witness.row("sys", 0).to_vec();
    witness.row("sys", 1).copy_from_slice(&exit);
    let change = [
        (sys::IS_EXIT, -1),
        (sys::IS_WRITE_END, 1),
        (sys::RETURNED[0], 0),
    ];
    set_row(&mut witness, 1, &change);
    let result = |access: Access| access.table == "sys" && access.number == 2;
    witness.relink_but(result, None);
    witness
}

/// Row 0 writes a byte of output; another, as write -1 and read 1, takes it back.
fn output_taken_back(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    let free = witness.free_row("sys", sys::IS_EXIT..=sys::IS_READ_END);
    let byte = witness.row("sys", 0).to_vec();
    witness.row("sys", free).copy_from_slice(&byte);
    let change = [(sys::IS_WRITE_BYTE, -1), (sys::IS_READ_BYTE, 1)];
    set_row(&mut witness, free, &change);
    // The exit code stays.
    let byte = |access: Access| access.table == "sys" && access.row == 0 && access.number > 0;
    witness.relink_but(byte, None);
    witness
}

/// An epoch that writes no output, with a row more that does.
fn invented(clock: Clock, change: &[(usize, i64)]) -> Witness {
    let mut witness = Witness::honest(clock, &exit_with(0), &[]);
    let output = [
        (sys::IS_WRITE_BYTE, 1),
        (sys::CHECKED[0], 1),
        (sys::CHECKED_LOW[0], 1),
    ];
    let clk = witness.get("cpu", 0, cpu::CLK);
    set_row(&mut witness, 1, &[&output[..], change].concat());
    witness.set("sys", 1, sys::CLK, clk);
    let cell = F::from_u32(OUT);
    witness.set("sys", 1, sys::RESULT_CELL, cell);
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
    let mut witness = invented(clock, &change);
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

/// The bytes read and written cancel, so that MEM is not asked for one.
fn output_beside_read(clock: Clock) -> Witness {
    let change = [(sys::IS_READ_BYTE, -1), (sys::MOVED[0], 0x58)];
    let mut witness = invented(clock, &change);
    witness.relink();
    witness
}

/// The byte is at address 0; the length goes unchecked.
fn output_beside_read_end(clock: Clock) -> Witness {
    let change = [(sys::IS_READ_END, -1), (sys::WANTED[0], 1)];
    let mut witness = invented(clock, &change);
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
