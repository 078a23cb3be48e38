//! What a call returns, which descriptor it has, and when it is over.

use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::tables::{cpu, sys};
use tranche_test_support::machine::asm::{A0, A1, A2, A7, DATA, ECALL, immediate, li, lui};
use tranche_test_support::omit::Omit::Assertion;

use super::{READ, SETS_A0, SETS_A2, WRITE, call, changed, set_row, want};
use crate::registry::Entry;
use crate::witness::{Witness, f};

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    let byte = call(WRITE, 1, 1);
    let returned = |half: usize, value: i64| (sys::RETURNED[half], f(value));
    for half in 0..2 {
        let moved = changed(clock, &byte, &[], &[returned(half, 9)]);
        entry.forge(Assertion(10 + half), "a write that moves a1", moved);
        let empty = changed(clock, &call(WRITE, 1, 0), &[], &[returned(half, 9)]);
        entry.forge(
            Assertion(12 + half),
            "a write of nothing returns more",
            empty,
        );
        let message = changed(clock, &call(WRITE, 2, 3), &[], &[returned(half, 2)]);
        let name = "a message that returns another length";
        entry.forge(Assertion(12 + half), name, message);
        let empty = changed(clock, &call(READ, 0, 4), &[], &[returned(half, 9)]);
        entry.forge(
            Assertion(14 + half),
            "a read of nothing returns more",
            empty,
        );
    }
    for (number, honest, claimed) in [(WRITE, 1, 3), (READ, 0, 1)] {
        let name = format!("call {number} with descriptor {claimed}");
        entry.forge(
            Assertion(16),
            name,
            descriptor(clock, number, honest, claimed),
        );
    }
    for (check, carry) in [(16, 1), (18, 0)] {
        let name = "an output withheld as a message";
        entry.forge(Assertion(check), name, redirected(clock, [2, 1], 0, carry));
        let name = "a message put out";
        entry.forge(
            Assertion(check),
            name,
            redirected(clock, [1, 2], 3, 1 - carry),
        );
    }
    let wide = "a write with descriptor 0x10001";
    entry.forge(Assertion(17), wide, wide_descriptor(clock));

    entry.forge(
        Assertion(18),
        "a write of 2 bytes that writes one",
        short_write(clock),
    );
    let wide = "a write of 0x10001 bytes that writes one";
    entry.forge(Assertion(19), wide, wide_write(clock));
    let long = "a read of one byte that reads two";
    entry.forge(Assertion(20), long, long_read(clock, [0, 0], 0));
    entry.forge(Assertion(21), long, long_read(clock, [0xffff, 0], 1));
}

/// A call of no bytes with another descriptor than the executor takes.
fn descriptor(clock: Clock, number: i32, honest: i32, claimed: i32) -> Witness {
    let mut witness = Witness::honest(clock, &call(number, honest, 0), &[]);
    witness.claim(&call(number, claimed, 0));
    witness.fetch(SETS_A0);
    witness.write_word(SETS_A0, claimed as u32);
    set_row(&mut witness, 0, &[(sys::ARGUMENT[0], claimed.into())]);
    witness.relink();
    witness
}

/// A write of three bytes to the first descriptor, claimed to be one to the second; `end` is its last
/// step.
fn redirected(clock: Clock, [honest, claimed]: [i32; 2], end: usize, carry: i64) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, honest, 3), &[]);
    witness.claim(&call(WRITE, claimed, 3));
    witness.fetch(SETS_A0);
    witness.write_word(SETS_A0, claimed as u32);
    let change = [(sys::ARGUMENT[0], claimed.into()), (sys::CARRY, carry)];
    set_row(&mut witness, end, &change);
    witness.relink();
    witness
}

fn wide_descriptor(clock: Clock) -> Witness {
    let code = |high| {
        let set = |register, value| immediate("addi", register, 0, value);
        let descriptor = [lui(A0, high), immediate("addi", A0, A0, 1)];
        let rest = [set(A2, 0), set(A7, WRITE), ECALL, set(A0, 0)];
        [&descriptor[..], &rest].concat()
    };
    let mut witness = Witness::honest(clock, &code(0), &[]);
    witness.claim(&code(0x1_0000));
    witness.fetch(0);
    witness.write_word(0, 0x1_0000);
    witness.set_word("cpu", 1, cpu::A, 0x1_0000);
    witness.write_word(1, 0x1_0001);
    set_row(&mut witness, 0, &[(sys::ARGUMENT[1], 1)]);
    witness.relink();
    witness
}

/// A write of one byte that claims to have been asked for two. It returns what was asked for.
fn short_write(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    witness.claim(&call(WRITE, 1, 2));
    witness.fetch(SETS_A2);
    want(&mut witness, SETS_A2, 2);
    set_row(&mut witness, 1, &[(sys::RETURNED[0], 2)]);
    witness.relink();
    witness
}

fn wide_write(clock: Clock) -> Witness {
    let code = |high| {
        let set = |register, value| immediate("addi", register, 0, value);
        let registers = [
            lui(A2, high),
            immediate("addi", A2, A2, 1),
            set(A0, 1),
            set(A7, WRITE),
        ];
        [&registers[..], &li(A1, DATA), &[ECALL, set(A0, 0)]].concat()
    };
    let mut witness = Witness::honest(clock, &code(0), &[]);
    witness.claim(&code(0x1_0000));
    witness.fetch(0);
    witness.write_word(0, 0x1_0000);
    witness.set_word("cpu", 1, cpu::A, 0x1_0000);
    want(&mut witness, 1, 0x1_0001);
    set_row(&mut witness, 1, &[(sys::RETURNED[1], 1)]);
    witness.relink();
    witness
}

/// A read of two bytes that claims to have been asked for one; what it leaves is said to be these
/// halves, with this borrow.
pub fn long_read(clock: Clock, left: [i64; 2], borrow: i64) -> Witness {
    let mut witness = Witness::honest(clock, &call(READ, 0, 2), b"ab");
    witness.claim(&call(READ, 0, 1));
    witness.fetch(SETS_A2);
    want(&mut witness, SETS_A2, 1);
    set_row(&mut witness, 2, &[(sys::CARRY, borrow)]);
    for half in 0..2 {
        let low = if left[half] < 0 {
            0xff
        } else {
            left[half] & 0xff
        };
        let change = [
            (sys::CHECKED[half], left[half]),
            (sys::CHECKED_LOW[half], low),
        ];
        set_row(&mut witness, 2, &change);
    }
    witness.relink();
    witness
}

/// The same with all of a half in its low byte.
pub fn long_read_low(clock: Clock, half: usize, left: [i64; 2], borrow: i64) -> Witness {
    let mut witness = long_read(clock, left, borrow);
    let whole: F = f(left[half]);
    witness.set("sys", 2, sys::CHECKED_LOW[half], whole);
    witness
}
