//! Forgeries of SYS: steps of system calls that do something else, results that nobody wrote.

mod calls;
mod choice;
mod gates;
mod messages;
mod result;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::{Clock, inverse_power_of_two};
use tranche_machine::cells::OUT_LEN;
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::{cpu, mem, sys};
use tranche_test_support::machine::asm::{A0, A1, A2, A7, DATA, ECALL, immediate, li};

use crate::registry::Entry;
use crate::witness::{Witness, f};

pub fn entry(clock: Clock) -> Entry<Witness> {
    let name = match clock {
        Clock::SHORT => "sys",
        _ => "sys, long clock",
    };
    let mut entry = Entry::new(name, "sys", &EpochTable::from(sys::Sys(clock)));
    gates::forge(&mut entry, clock);
    calls::forge(&mut entry, clock);
    result::forge(&mut entry, clock);
    messages::forge(&mut entry, clock);
    entry
}

const WRITE: i32 = 64;
pub const READ: i32 = 63;
/// CPU rows that set a0 and a2 in [`call`].
pub const SETS_A0: usize = 0;
pub const SETS_A2: usize = 1;

/// A call about the data segment, by CPU row 5; then a0 is 0.
pub fn call(number: i32, descriptor: i32, wanted: i32) -> Vec<u32> {
    call_at(DATA, number, descriptor, wanted)
}

/// The same from this address on.
fn call_at(address: u32, number: i32, descriptor: i32, wanted: i32) -> Vec<u32> {
    let set = |register, value| immediate("addi", register, 0, value);
    let registers = [set(A0, descriptor), set(A2, wanted), set(A7, number)];
    [&registers[..], &li(A1, address), &[ECALL, set(A0, 0)]].concat()
}

/// The SYS row of [`write_across`] that writes a word across two of the output's.
const ACROSS: usize = 1;

/// A write of a byte and then a word, which lies across.
fn write_across() -> Vec<u32> {
    call_at(DATA + 3, WRITE, 1, 5)
}

/// A program that exits with this code, by CPU row 2.
fn exit_with(code: i32) -> Vec<u32> {
    vec![immediate("addi", A0, 0, code)]
}

/// An epoch of this program, with changes to row 0 of SYS.
fn changed(clock: Clock, code: &[u32], input: &[u8], change: &[(usize, F)]) -> Witness {
    let mut witness = Witness::honest(clock, code, input);
    for &(column, value) in change {
        witness.set("sys", 0, column, value);
    }
    witness.relink();
    witness
}

/// Sets elements of a row of SYS.
fn set_row(witness: &mut Witness, row: usize, change: &[(usize, i64)]) {
    for &(column, value) in change {
        witness.set("sys", row, column, f(value));
    }
}

/// Makes the epoch find an output of so many bytes, as an earlier epoch left it.
fn set_len(witness: &mut Witness, bytes: u32) {
    let len = witness.touched(OUT_LEN);
    witness.set_word("l2g", len, [l2g::INIT_LO, l2g::INIT_HI], bytes);
}

/// Adds to the result what follows from a row's bytes and their place, be they any elements.
fn shift(witness: &mut Witness, row: usize) {
    let [[low, high], [low0, low1], [place0, place1]] = [sys::MOVED, sys::MOVED_LOW, sys::PLACE]
        .map(|columns| columns.map(|c| witness.get("sys", row, c)));
    let byte = inverse_power_of_two(8);
    let [high0, high1] = [(low - low0) * byte, (high - low1) * byte];
    let select = |bit: F, zero: F, one: F| zero + bit * (one - zero);
    let first = select(place0, low, low0 * f(256));
    let second = select(place0, high, high0 + low1 * f(256));
    let third = place0 * high1;
    let shifted = [
        select(place1, first, F::ZERO),
        select(place1, second, first),
        select(place1, third, second),
        place1 * third,
    ];
    let columns = [sys::ADDED, sys::ACROSS].concat();
    for (column, value) in columns.into_iter().zip(shifted) {
        witness.set("sys", row, column, value);
    }
}

/// Makes every step of SYS and its CPU row see this a2; `set` is the CPU row that writes it.
fn want(witness: &mut Witness, set: usize, wanted: u32) {
    witness.write_word(set, wanted);
    for row in 0..witness.height("sys") {
        let step = witness.row("sys", row);
        if step[sys::CLK] != F::ZERO {
            let clk = step[sys::CLK];
            witness.set_word("sys", row, sys::WANTED, wanted);
            let cycle = witness.find("cpu", |cycle| cycle[cpu::CLK] == clk);
            witness.set_word("cpu", cycle, cpu::B, wanted);
        }
    }
}

/// Fills a row of MEM that loads a zero from address 0, at this clock.
fn load_zero(witness: &mut Witness, clk: F) {
    let free = witness.free_row("mem", mem::IS_BYTE..=mem::IS_JALR);
    witness.set("mem", free, mem::IS_BYTE, F::ONE);
    witness.set("mem", free, mem::CLK, clk);
}
