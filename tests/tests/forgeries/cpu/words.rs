//! What is read, computed and written.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::register;
use tranche_machine::tables::cpu;
use tranche_machine::tables::l2g::columns as l2g;
use tranche_test_support::machine::asm::{A7, immediate, register as op};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use super::{access, behind, tokens, two_steps};
use crate::registry::Entry;
use crate::witness::{Access, Witness, f};

/// -2^-16 in the field: what a carry is when the sum of low halves is one less than it should be.
const UNIT: i64 = 30720;

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    let wrote = |code: &[u32], row: usize, value: [i64; 2]| {
        let mut witness = Witness::honest(clock, code, &[]);
        witness.write(row, value);
        witness.relink();
        witness
    };
    let sum = [immediate("addi", 5, 0, 3), immediate("addi", 6, 5, 1)];
    entry.forge(
        Assertion(19),
        "3 + 1 = 5, with 30720 to carry",
        wrote(&sum, 1, [5, UNIT]),
    );
    entry.forge(
        Assertion(20),
        "3 + 1 = 4 + 7 * 2^16",
        wrote(&sum, 1, [4, 7]),
    );
    let difference = [immediate("addi", 5, 0, 3), op("sub", 6, 5, 7)];
    entry.forge(
        Assertion(21),
        "3 - 0 = 4, with -30720 to carry",
        wrote(&difference, 1, [4, UNIT]),
    );
    entry.forge(
        Assertion(22),
        "3 - 0 = 3 + 7 * 2^16",
        wrote(&difference, 1, [3, 7]),
    );
    // 0 + 1 = 1 - 2^16 + 2^16 * 1, and what is beyond 2^32 kept: halves that are none. The low or
    // the high byte holds what does not fit.
    let halves = [(0, [1 - 65536, 1], 1), (1, [1, -65536], 0)];
    for (half, value, low) in halves {
        for (byte, low) in [(0, value[half]), (1, low)] {
            let mut witness = wrote(&[immediate("addi", 5, 0, 1)], 0, value);
            witness.set("cpu", 0, cpu::W_LOW[half], f(low));
            let check = Interaction(behind() + 2 * half + byte);
            entry.forge(
                check,
                format!("half {half} of 17 bits, in byte {byte}"),
                witness,
            );
        }
    }

    for (i, witness) in [
        (0, another_a(clock)),
        (1, another_b(clock)),
        (2, unwritten(clock)),
    ] {
        let name = [
            "a register read",
            "another register read",
            "a register written",
        ][i];
        entry.forge_all(&tokens(i), format!("{name}, but not in memory"), witness);
    }
    for i in 0..3 {
        for (limb, check) in access(i).skip(2).enumerate() {
            let name = format!("access {i} after a later one, in part {limb}");
            entry.forge(Interaction(check), name, late(clock, i, limb));
        }
    }

    // 5 < 1, which nobody was asked; no request of this epoch is served.
    let code = [immediate("addi", 5, 0, 5), immediate("sltiu", 6, 5, 1)];
    let code = [&code[..], &[two_steps()[0]; 64]].concat();
    let mut witness = wrote(&code, 1, [1, 0]);
    witness.clear("cmp", 0);
    entry.forge(Interaction(behind() + 4), "5 < 1, not asked for", witness);
}

/// x6 = x5 + 0 = 4, with x5 = 3.
fn another_a(clock: Clock) -> Witness {
    let code = [two_steps()[0], op("add", 6, 5, 0)];
    let mut witness = Witness::honest(clock, &code, &[]);
    witness.set("cpu", 1, cpu::A[0], f(4));
    witness.write_word(1, 4);
    witness.relink_but(|access| access.table == "cpu" && access.number == 0, None);
    witness
}

/// x6 = 0 + x5 = 4, with x5 = 3.
fn another_b(clock: Clock) -> Witness {
    let code = [two_steps()[0], op("add", 6, 0, 5)];
    let mut witness = Witness::honest(clock, &code, &[]);
    witness.set("cpu", 1, cpu::B[0], f(4));
    witness.write_word(1, 4);
    witness.relink_but(|access| access.table == "cpu" && access.number == 1, None);
    witness
}

/// No register is written; a7 holds the number of the call from the start.
fn unwritten(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &two_steps(), &[]);
    let at = witness.touched(register(A7));
    witness.set("l2g", at, l2g::INIT_LO, f(93));
    witness.relink_but(|access| access.table == "cpu" && access.number == 2, None);
    witness
}

/// x5 is 1, then 2; access `i` of row 1 or 0 is the last one to x5, whatever its time.
fn late(clock: Clock, i: usize, limb: usize) -> Witness {
    let read = [op("add", 6, 5, 0), op("add", 6, 0, 5), two_steps()[1]][i];
    let code = [immediate("addi", 5, 0, 1), read, immediate("addi", 5, 0, 2)];
    let mut witness = Witness::honest(clock, &code, &[]);
    let row = if i == 2 { 0 } else { 1 };
    if i < 2 {
        witness.set("cpu", 1, [cpu::A, cpu::B][i][0], f(2));
        witness.write_word(1, 2);
    }
    let access = Access {
        table: "cpu",
        row,
        number: i,
    };
    witness.relink_but(|_| false, Some(access));
    let elapsed = witness.get("cpu", row, cpu::CLK) + F::from_usize(i)
        - witness.get("cpu", row, cpu::PREVIOUS[i])
        - F::ONE;
    witness.set_elapsed("cpu", row, cpu::ELAPSED[i], elapsed, limb);
    witness
}
