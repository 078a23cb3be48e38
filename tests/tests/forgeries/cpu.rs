//! Forgeries of CPU.

mod flags;
mod flow;
mod words;

use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::cpu::Cpu;
use tranche_test_support::machine::asm::immediate;
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::Entry;
use crate::witness::Witness;

/// Sets x5, then x6.
fn two_steps() -> [u32; 2] {
    [immediate("addi", 5, 0, 3), immediate("addi", 6, 0, 4)]
}

pub fn entry(clock: Clock) -> Entry<Witness> {
    let name = match clock {
        Clock::SHORT => "cpu",
        _ => "cpu, long clock",
    };
    let mut entry = Entry::new(name, "cpu", &EpochTable::from(Cpu(clock)));
    flow::forge(&mut entry, clock);
    flags::forge(&mut entry, clock);
    words::forge(&mut entry, clock);
    let linked =
        "the row of MEM that takes the request has one value for operand b and for the result";
    entry.redundant = vec![
        (Assertion(23), linked),
        (Assertion(24), linked),
        (
            Assertion(7),
            "real is the sum of the kinds, booleans, and of the addition, another; no ROM row has two \
         kinds, and fetches only add up, so real is 0, 1 or 2; where it is 2, next_pc = pc by \
         padding's constraint and pc + 1 by that of what falls through, of which 1 or 2 is left",
        ),
    ];
    entry
}

/// The interactions of access `i` (rs1, rs2, rd), of which the first two are the access; and the
/// number of the first one behind them.
fn access(i: usize) -> std::ops::Range<usize> {
    1 + 4 * i..1 + 4 * (i + 1)
}

/// The first interaction behind the accesses.
fn behind() -> usize {
    access(2).end
}

/// The interactions of an access that take its token and put the next.
fn tokens(i: usize) -> [tranche_test_support::omit::Omit; 2] {
    let start = access(i).start;
    [start, start + 1].map(Interaction)
}
