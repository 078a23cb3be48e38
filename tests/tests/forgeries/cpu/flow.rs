//! The epoch, and the order of its cycles.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::register;
use tranche_machine::tables::cpu;
use tranche_machine::tables::rom::{HALT, SUB};
use tranche_test_support::machine::asm::{branch, jal, register as op};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use super::two_steps;
use crate::registry::Entry;
use crate::witness::{Witness, f};

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    let honest = || Witness::honest(clock, &two_steps(), &[]);
    let mut witness = honest();
    witness.traces.public[0][0] += F::ONE;
    entry.forge(
        Assertion(0),
        "an entry that is not the first cycle's",
        witness,
    );

    let mut witness = honest();
    witness.shift_clock(0, 3);
    entry.forge(Assertion(1), "a clock that starts late", witness);

    entry.forge(
        Assertion(2),
        "a cycle that starts where none ended",
        skipped(clock, 1),
    );

    let mut witness = honest();
    witness.shift_clock(1, 3);
    entry.forge(Assertion(3), "a clock that jumps", witness);

    let mut witness = honest();
    let mut row = witness.row("cpu", 1).to_vec();
    for (column, value) in row.iter_mut().enumerate() {
        if ![cpu::PC, cpu::CLK].contains(&column) {
            *value = F::ZERO;
        }
    }
    row[cpu::NEXT_PC] = row[cpu::PC];
    witness.insert("cpu", 1, &row);
    entry.forge(Assertion(4), "a cycle after padding", witness);

    let mut witness = honest();
    witness.traces.public[0][1] = witness.traces.public[0][0];
    entry.forge(
        Assertion(5),
        "an exit that is not the last cycle's",
        witness,
    );

    let mut witness = honest();
    witness.traces.public[0][2] += f(3);
    entry.forge(Assertion(6), "a cycle more than there are", witness);

    let mut witness = honest();
    let (last, pc) = (witness.height("cpu") - 1, witness.get("cpu", 0, cpu::PC));
    witness.set("cpu", last, cpu::NEXT_PC, pc);
    witness.traces.public[0][1] = pc;
    entry.forge(
        Assertion(8),
        "an exit invented on the last padding row",
        witness,
    );

    entry.forge(Assertion(25), "an addition that jumps", skipped(clock, 2));

    let mut witness = honest();
    witness.stop(1, F::from_u32(HALT));
    entry.forge(Assertion(25), "an addition that halts", witness);

    let jump = |offset| [&[jal(0, offset)], &two_steps()[..]].concat();
    entry.forge(
        Assertion(26),
        "a jump to another target",
        retargeted(clock, jump),
    );
    let jump = |offset| [&[branch("beq", 0, 0, offset)], &two_steps()[..]].concat();
    entry.forge(
        Assertion(27),
        "a taken branch to another target",
        retargeted(clock, jump),
    );
    let stay = |offset| [&[branch("bne", 0, 0, offset)], &two_steps()[..]].concat();
    let mut witness = Witness::honest(clock, &jump(8), &[]);
    witness.claim(&stay(8));
    witness.fetch(0);
    negate(&mut witness);
    entry.forge(Assertion(27), "a branch taken that is not", witness);

    let mut witness = honest();
    witness.claim(&[two_steps()[1], two_steps()[0]]);
    entry.forge(Interaction(0), "another program's cycles", witness);
    // `sub x6, x5, x5` writes x0, subtracts from x9, and adds.
    let [x0, x9] = [0, 9].map(|i| F::from_u32(register(i)));
    for (column, value, a, w) in [
        (cpu::RD, x0, 3, 0),
        (cpu::RS1, x9, 0, 3_u32.wrapping_neg()),
        (cpu::flag(SUB), F::ZERO, 3, 6),
    ] {
        let code = [two_steps()[0], op("sub", 6, 5, 5)];
        let mut witness = Witness::honest(clock, &code, &[]);
        witness.set("cpu", 1, column, value);
        witness.set_word("cpu", 1, cpu::A, a);
        witness.write_word(1, w);
        witness.relink();
        entry.forge(
            Interaction(0),
            "another instruction than the program's",
            witness,
        );
    }
}

/// The cycles of a program that starts with a jump over the second instruction, claimed to be those
/// of a program without a jump: x6 is never set. The first cycle says that it ends `next` further.
fn skipped(clock: Clock, next: i64) -> Witness {
    let mut witness = Witness::honest(clock, &[jal(0, 8), two_steps()[1]], &[]);
    witness.claim(&two_steps());
    witness.fetch(0);
    witness.write_word(0, 3);
    let pc = witness.get("cpu", 0, cpu::PC);
    witness.set("cpu", 0, cpu::NEXT_PC, pc + f(next));
    witness.relink();
    witness
}

/// The cycles of a program that starts with a jump of 8 bytes, claimed to be of 12.
fn retargeted(clock: Clock, code: impl Fn(i32) -> Vec<u32>) -> Witness {
    let mut witness = Witness::honest(clock, &code(8), &[]);
    witness.claim(&code(12));
    witness.fetch(0);
    witness
}

/// Makes the comparison of equality one of inequality, for the CPU and for CMP.
fn negate(witness: &mut Witness) {
    use tranche_machine::tables::cmp;
    let row = witness.find("cmp", |row| row[cmp::IS_EQ] == F::ONE);
    witness.set("cmp", row, cmp::NEGATED, F::ONE);
    witness.set("cmp", row, cmp::RESULT, F::ZERO);
    witness.write_word(0, 0);
    witness.relink();
}
