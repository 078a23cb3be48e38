//! Messages: accesses that do not happen or happen in another order, halves out of range, bytes that
//! come from nowhere.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::tables::{cpu, mem, sys};
use tranche_test_support::machine::asm::{A0, A2, A7, ECALL, immediate};
use tranche_test_support::omit::Omit::Interaction;

use super::calls::{long_read, long_read_low};
use super::{
    ACROSS, READ, WRITE, call, exit_with, load_zero, set_len, set_row, shift, write_across,
};
use crate::registry::Entry;
use crate::witness::{Access, Witness, f, fraction};

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    // In the order of the table: the request; the argument, with its time in two
    // parts; the length, the same; the four bytes of two checked halves; those of what is moved; the
    // result; its next cell; the byte or word.
    let argument = 1;
    let length = argument + 4;
    let checked = length + 4;
    let moved = checked + 4;
    let result = moved + 4;
    let next = result + 2;
    let byte = next + 2;
    let access = |at: usize| [at, at + 1].map(Interaction);

    entry.forge(
        Interaction(0),
        "a byte of output that no cycle asks for",
        unasked(clock),
    );
    let silent = |code: &[u32], row, number, change: &[(usize, i64)]| {
        let mut witness = Witness::honest(clock, code, &[]);
        set_row(&mut witness, row, change);
        let is = |access: Access| (access.table, access.row, access.number) == ("sys", row, number);
        witness.relink_but(is, None);
        witness
    };
    let a0 = [
        sys::ARGUMENT[0],
        sys::RETURNED[0],
        sys::MOVED[0],
        sys::ADDED[0],
    ]
    .map(|column| (column, 9));
    let name = "exit code 9, of an a0 that is 3";
    entry.forge_all(&access(argument), name, silent(&exit_with(3), 0, 0, &a0));
    let third = [
        (sys::PLACE[1], 1),
        (sys::ADDED[0], 0),
        (sys::ADDED[1], 0x55),
    ];
    let name = "a first byte of output as the third";
    let witness = silent(&call(WRITE, 1, 1), 0, 1, &third);
    entry.forge_all(&access(length), name, witness);
    let name = "exit code 3, claimed to be none";
    entry.forge_all(&access(result), name, silent(&exit_with(3), 0, 2, &[]));
    let name = "a word that lies across, of which the end is not kept";
    let witness = silent(&write_across(), ACROSS, 3, &[]);
    entry.forge_all(&access(next), name, witness);

    for limb in 0..2 {
        let name = format!("a descriptor that is set later, in part {limb}");
        let witness = descriptor_set_later(clock, limb);
        entry.forge(Interaction(argument + 2 + limb), name, witness);
        let name = format!("an output of which the second byte is the first, in part {limb}");
        let witness = swapped_output(clock, limb);
        entry.forge(Interaction(length + 2 + limb), name, witness);
    }
    let long = "a read of one byte that reads two";
    for (half, left, borrow) in [(0, [-1, 0], 0), (1, [0xffff, -1], 1)] {
        let low = Interaction(checked + 2 * half);
        entry.forge(low, long, long_read_low(clock, half, left, borrow));
        let high = Interaction(checked + 2 * half + 1);
        entry.forge(high, long, long_read(clock, left, borrow));
    }
    let name = "a second byte of output as the first of another cell";
    for (message, low) in [(0, fraction(1, 2)), (1, F::ZERO)] {
        let witness = elsewhere(clock, low);
        entry.forge(Interaction(checked + message), name, witness);
    }
    let name = "a word that lies across, of other bytes";
    for (half, word) in [(0, 0x8281), (1, 0x0403)] {
        for (message, low) in [(0, word), (1, 0)] {
            let witness = other_bytes(clock, half, low);
            entry.forge(Interaction(moved + 2 * half + message), name, witness);
        }
    }
    for half in 0..2 {
        let name = "a word of input with a half of 17 bits";
        entry.forge(
            Interaction(moved + 2 * half + 1),
            name,
            wide_input(clock, half),
        );
    }

    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    let change = [sys::MOVED, sys::MOVED_LOW, sys::ADDED].map(|columns| (columns[0], 0x58));
    set_row(&mut witness, 0, &change);
    witness.clear("mem", 0);
    witness.relink();
    entry.forge(
        Interaction(byte),
        "a byte of output that is not in memory",
        witness,
    );
}

/// In an epoch without a call. The byte is at address 0.
fn unasked(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &[immediate("addi", 5, 0, 3); 64], &[]);
    let clk = witness.get("cpu", 0, cpu::CLK);
    set_row(&mut witness, 0, &[(sys::IS_WRITE_BYTE, 1)]);
    witness.set("sys", 0, sys::CLK, clk);
    load_zero(&mut witness, clk);
    witness.relink();
    witness
}

/// An earlier epoch left one byte; the next is written to the cell that is a quarter on, whose low byte
/// is `low`.
fn elsewhere(clock: Clock, low: F) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    set_len(&mut witness, 1);
    witness.set("sys", 0, sys::CHECKED[0], fraction(1, 2));
    witness.set("sys", 0, sys::CHECKED_LOW[0], low);
    witness.relink();
    witness
}

/// The word is shifted by a byte; `low` is said to be the low byte of one of its halves.
fn other_bytes(clock: Clock, half: usize, low: i64) -> Witness {
    let mut witness = Witness::honest(clock, &write_across(), &[]);
    set_row(&mut witness, ACROSS, &[(sys::MOVED_LOW[half], low)]);
    shift(&mut witness, ACROSS);
    witness.relink();
    witness
}

/// Four bytes of input, of which a half is 2^16.
fn wide_input(clock: Clock, half: usize) -> Witness {
    let mut witness = Witness::honest(clock, &call(READ, 0, 4), b"abcd");
    set_row(
        &mut witness,
        0,
        &[(sys::MOVED[half], 0x1_0000), (sys::MOVED_LOW[half], 0)],
    );
    shift(&mut witness, 0);
    for column in [mem::VALUE[half], mem::NEW[half]] {
        witness.set("mem", 0, column, f(0x1_0000));
    }
    witness.relink();
    witness
}

/// A write with descriptor 3, which finds the descriptor 1 that a later instruction sets.
fn descriptor_set_later(clock: Clock, limb: usize) -> Witness {
    let code = |descriptor| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [set(A0, descriptor), set(A2, 0), set(A7, WRITE)];
        [&registers[..], &[ECALL, set(A0, 1)]].concat()
    };
    let mut witness = Witness::honest(clock, &code(1), &[]);
    witness.claim(&code(3));
    witness.fetch(0);
    witness.write_word(0, 3);
    let late = Access {
        table: "sys",
        row: 0,
        number: 0,
    };
    witness.relink_but(|_| false, Some(late));
    let previous = witness.get("sys", 0, sys::ARGUMENT_PREVIOUS);
    let elapsed = witness.get("sys", 0, sys::CLK) + F::ONE - previous;
    witness.set_elapsed("sys", 0, sys::ELAPSED[0], elapsed, limb);
    witness
}

/// The first byte finds the length that the second one left.
fn swapped_output(clock: Clock, limb: usize) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 2), &[]);
    for (row, len) in [(0, 1), (1, 0)] {
        set_row(&mut witness, row, &[(sys::PLACE[0], len)]);
        shift(&mut witness, row);
    }
    let late = Access {
        table: "sys",
        row: 0,
        number: 1,
    };
    witness.relink_but(|_| false, Some(late));
    let previous = witness.get("sys", 0, sys::OUT_LEN_PREVIOUS);
    let elapsed = witness.get("sys", 0, sys::CLK) + F::ONE - previous;
    witness.set_elapsed("sys", 0, sys::ELAPSED[1], elapsed, limb);
    witness
}
