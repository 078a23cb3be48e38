//! The result: output, its length, and the exit code.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::{OUT, OUT_LEN};
use tranche_machine::tables::l2g::columns as l2g;
use tranche_machine::tables::sys;
use tranche_tests::omit::Omit::Assertion;

use super::{WRITE, call, changed, exit_with, set_row};
use crate::registry::Entry;
use crate::witness::{Witness, f};

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    let byte = call(WRITE, 1, 1);
    let longer = [(sys::CHECKED[0], f(5)), (sys::CHECKED_LOW[0], f(5))];
    let witness = changed(clock, &byte, &[], &longer);
    entry.forge(
        Assertion(19),
        "one byte that makes the output 5 long",
        witness,
    );
    entry.forge(Assertion(20), "an output of 2^24 bytes", long_output(clock));
    let elsewhere = [(sys::RESULT_CELL, F::from_u32(OUT + 5))];
    let witness = changed(clock, &byte, &[], &elsewhere);
    entry.forge(Assertion(21), "byte 0 of the output in place 5", witness);
    let exit = exit_with(3);
    let elsewhere = [(sys::RESULT_CELL, F::from_u32(OUT))];
    let witness = changed(clock, &exit, &[], &elsewhere);
    entry.forge(Assertion(22), "exit code 3, written to the output", witness);
    for half in 0..2 {
        let other = [(sys::MOVED[half], f(9))];
        let witness = changed(clock, &exit, &[], &other);
        entry.forge(Assertion(23 + half), "an exit code that is not a0", witness);
    }
    let witness = changed(clock, &byte, &[], &[(sys::MOVED[1], f(9))]);
    entry.forge(
        Assertion(25),
        "a byte of output of more than 16 bits",
        witness,
    );
}

/// An earlier epoch left 2^24 - 1 bytes.
fn long_output(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    let len = witness.touched(OUT_LEN);
    witness.set_word("l2g", len, [l2g::INIT_LO, l2g::INIT_HI], 0xff_ffff);
    witness.set_word("sys", 0, sys::OUT_LEN_OLD, 0xff_ffff);
    witness.set_word("sys", 0, sys::CHECKED, 0x100_0000);
    set_row(
        &mut witness,
        0,
        &[(sys::CHECKED_LOW[0], 0), (sys::CHECKED_LOW[1], 0)],
    );
    witness.set("sys", 0, sys::RESULT_CELL, F::from_u32(OUT + 0xff_ffff));
    witness.relink();
    witness
}
