//! Kinds of instructions. What one flag has too little, another has too much.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::register;
use tranche_machine::tables::rom::{BRANCH, JAL, JALR, MEM, PURE, READS_RS2, SUB, SYS, op};
use tranche_machine::tables::{cmp, cpu, mem};
use tranche_test_support::machine::asm::{A1, DATA, immediate, li, store};
use tranche_test_support::omit::Omit::Assertion;

use super::two_steps;
use crate::registry::Entry;
use crate::witness::{Witness, f, fraction};

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    // On padding, where nothing is fetched: true, but an instruction of -1 kinds.
    for (i, less, more) in [(0, SUB, 0), (2, JALR, SYS), (3, MEM, PURE), (6, SYS, JALR)] {
        let name = format!("padding of kinds -{less} and {more}");
        entry.forge(Assertion(9 + i), name, cancelling(clock, less, more));
    }
    entry.forge(
        Assertion(10),
        "padding that asks for a comparison",
        asking(clock),
    );
    for (i, less, more) in [(4, PURE, 0), (5, BRANCH, JAL)] {
        let name = format!("1 < 0, served by padding of kinds -{less} and {more}");
        entry.forge(Assertion(9 + i), name, serving(clock, less, more));
    }
    entry.forge(Assertion(16), "constants that are scaled", scaled(clock));
    entry.forge(Assertion(17), "a store by padding", storing(clock));
    entry.forge(Assertion(18), "a read by padding", reading(clock));
}

/// A padding row with one flag at -1 and, of those of a kind that does more than add, one at 1.
fn odd_padding(witness: &mut Witness, less: u32, more: u32) -> usize {
    let row = witness.first_padding();
    witness.flag(row, less, F::NEG_ONE);
    if more != 0 {
        witness.flag(row, more, F::ONE);
    }
    row
}

fn cancelling(clock: Clock, less: u32, more: u32) -> Witness {
    let mut witness = Witness::honest(clock, &two_steps(), &[]);
    odd_padding(&mut witness, less, more);
    witness
}

/// Whether 1 and 0 differ: with fewer jumps than none, the padding adds too, and 1 + 0 is 1.
fn asking(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &two_steps(), &[]);
    let row = odd_padding(&mut witness, JAL, BRANCH);
    let pc = witness.get("cpu", row, cpu::PC);
    witness.set("cpu", row, cpu::AUX, pc);
    witness.set("cpu", row, cpu::OP, F::from_u32(cmp::op::NE));
    for columns in [cpu::A, cpu::W] {
        witness.set_word("cpu", row, columns, 1);
    }
    let holds = [cmp::RESULT, cmp::IS_EQ, cmp::NEGATED, cmp::DIFFERENCE[0]];
    for column in [&[cmp::A[0]][..], &holds].concat() {
        witness.set("cmp", 0, column, F::ONE);
    }
    witness
}

/// Takes a comparison in place of CMP: 1 + 0 is 1, since the padding adds too.
fn serving(clock: Clock, less: u32, more: u32) -> Witness {
    let code = [immediate("addi", 5, 0, 1), immediate("sltiu", 6, 5, 0)];
    let mut witness = Witness::honest(clock, &code, &[]);
    witness.clear("cmp", 0);
    witness.write_word(1, 1);
    let row = odd_padding(&mut witness, less, more);
    let pc = witness.get("cpu", row, cpu::PC);
    witness.set("cpu", row, cpu::AUX, pc);
    witness.set("cpu", row, cpu::OP, F::from_u32(cmp::op::LTU));
    witness.set_word("cpu", row, cpu::A, 1);
    witness.set_word("cpu", row, cpu::B, 0);
    witness.set_word("cpu", row, cpu::W, 1);
    witness.relink();
    witness
}

/// `sltiu x5` as an addition that reads rs2 1/8 times, and sixteen of `addi x6` as subtractions that read it -1/128
/// times: the immediate fetched is scaled by 7/8 and by 129/128. What they read and check cancels.
fn scaled(clock: Clock) -> Witness {
    let code = [
        &[immediate("sltiu", 5, 0, 7)][..],
        &[immediate("addi", 6, 0, 129); 16],
    ]
    .concat();
    let mut witness = Witness::honest(clock, &code, &[]);
    witness.clear("cmp", 0);
    for row in 0..code.len() {
        let (kind, is, reads, b, w) = match row {
            0 => (PURE, F::ZERO, fraction(1, 3), 8, 8),
            _ => (SUB, F::ONE, fraction(-1, 7), 128, 128_u32.wrapping_neg()),
        };
        witness.flag(row, kind, is);
        witness.flag(row, READS_RS2, reads);
        witness.set_word("cpu", row, cpu::B, b);
        witness.write_word(row, w);
        // What is taken is what is put.
        let time = witness.get("cpu", row, cpu::CLK) + F::ONE;
        witness.set("cpu", row, cpu::PREVIOUS[1], time);
        witness.set_elapsed("cpu", row, cpu::ELAPSED[1], F::NEG_ONE, usize::MAX);
    }
    witness.relink();
    witness
}

/// The row of MEM that stores is asked for by padding, and by no instruction.
fn storing(clock: Clock) -> Witness {
    let head = [&li(5, DATA.wrapping_neg())[..], &li(A1, DATA)].concat();
    let code = |last| [&head[..], &[last]].concat();
    let mut witness = Witness::honest(clock, &code(store("sw", 5, A1, 0)), &[]);
    witness.claim(&code(two_steps()[1]));
    witness.fetch(4);
    witness.set_word("cpu", 4, cpu::A, 0);
    witness.write_word(4, 4);
    let row = witness.first_padding();
    witness.flag(row, MEM, F::ONE);
    witness.set(
        "cpu",
        row,
        cpu::OP,
        F::from_u32(op::MEM + op::WORD + op::STORE),
    );
    witness.set_word("cpu", row, cpu::A, DATA);
    witness.set_word("cpu", row, cpu::B, DATA.wrapping_neg());
    let clk = witness.get("cpu", row, cpu::CLK);
    witness.set("mem", 0, mem::CLK, clk);
    witness.relink();
    witness
}

fn reading(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &two_steps(), &[]);
    let row = witness.first_padding();
    witness.flag(row, READS_RS2, F::ONE);
    witness.set("cpu", row, cpu::RS2, F::from_u32(register(6)));
    witness.set("cpu", row, cpu::B[0], f(4));
    witness.relink();
    witness
}
