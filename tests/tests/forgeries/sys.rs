//! Forgeries of SYS: steps of system calls that do something else, results that nobody wrote.

mod calls;
mod gates;
mod messages;
mod result;

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::{cpu, mem, sys};
use tranche_tests::machine::asm::{A0, A1, A2, A7, DATA, ECALL, immediate, li};

use crate::registry::Entry;
use crate::witness::{Witness, f};

pub fn entry(clock: Clock) -> Entry<Witness> {
    let name = match clock {
        Clock::Short => "sys",
        Clock::Long => "sys, long clock",
        Clock::Run => "sys, a run's clock",
    };
    let mut entry = Entry::new(name, "sys", &EpochTable::from(sys::Sys(clock)));
    gates::forge(&mut entry, clock);
    calls::forge(&mut entry, clock);
    result::forge(&mut entry, clock);
    messages::forge(&mut entry, clock);
    entry
}

const WRITE: i32 = 64;
const READ: i32 = 63;
/// CPU rows that set a0 and a2 in [`call`].
const SETS_A0: usize = 0;
const SETS_A2: usize = 1;

/// A call about the data segment, by CPU row 5; then a0 is 0.
fn call(number: i32, descriptor: i32, wanted: i32) -> Vec<u32> {
    let set = |register, value| immediate("addi", register, 0, value);
    let registers = [set(A0, descriptor), set(A2, wanted), set(A7, number)];
    [&registers[..], &li(A1, DATA), &[ECALL, set(A0, 0)]].concat()
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
