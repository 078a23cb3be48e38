//! The result: output, its length, and the exit code.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::bus::Clock;
use tranche_machine::cells::{EXIT_CODE, OUT};
use tranche_machine::tables::sys;
use tranche_test_support::omit::Omit::Assertion;

use super::{ACROSS, WRITE, call, changed, exit_with, set_len, set_row, shift, write_across};
use crate::registry::Entry;
use crate::witness::{Witness, f};

pub fn forge(entry: &mut Entry<Witness>, clock: Clock) {
    // Both leave the right length; the first adds 1021 times the byte, the second takes it from one half
    // and adds it to the other twice.
    for (bit, place) in [(0, 4), (1, 2)] {
        let name = format!("the fifth byte at place 4 of the first word, by bit {bit}");
        entry.forge(Assertion(22 + bit), name, fifth_byte(clock, bit, place));
    }
    entry.forge(
        Assertion(24),
        "an output of 2^24 bytes and one",
        long_output(clock),
    );
    let exit = exit_with(3);
    for half in 0..2 {
        let other = [(sys::MOVED[half], f(9)), (sys::ADDED[half], f(9))];
        let witness = changed(clock, &exit, &[], &other);
        entry.forge(Assertion(25 + half), "an exit code that is not a0", witness);
        let byte = changed(clock, &call(WRITE, 1, 1), &[], &[(sys::ADDED[half], f(9))]);
        let name = "a byte of output that is not the one moved";
        entry.forge(Assertion(27 + half), name, byte);
        let mut word = Witness::honest(clock, &write_across(), &[]);
        set_row(&mut word, ACROSS, &[(sys::ACROSS[half], 9)]);
        word.relink();
        let name = "the end of a word of output that is not the one moved";
        entry.forge(Assertion(29 + half), name, word);
    }
    let mut word = Witness::honest(clock, &write_across(), &[]);
    let change = [(sys::IS_WRITE_ACROSS, 0), (sys::IS_WRITE_WORD, 1)];
    set_row(&mut word, ACROSS, &change);
    word.relink();
    let name = "a word that lies across, of which the end is left out";
    entry.forge(Assertion(31), name, word);
    let mut code = Witness::honest(clock, &exit, &[]);
    set_row(&mut code, 0, &[(sys::PLACE[1], 1)]);
    shift(&mut code, 0);
    code.relink();
    entry.forge(Assertion(31), "exit code 3, as 3 times 2^16", code);
    let elsewhere = [(sys::CHECKED[0], F::from_u32(OUT - EXIT_CODE))];
    let witness = changed(clock, &exit, &[], &elsewhere);
    entry.forge(Assertion(32), "exit code 3, written to the output", witness);
}

/// An earlier epoch left four bytes; this one's is in their word.
fn fifth_byte(clock: Clock, bit: usize, place: i64) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    set_len(&mut witness, 4);
    set_row(&mut witness, 0, &[(sys::PLACE[bit], place)]);
    shift(&mut witness, 0);
    witness.relink();
    witness
}

/// An earlier epoch left 2^24 bytes.
fn long_output(clock: Clock) -> Witness {
    let mut witness = Witness::honest(clock, &call(WRITE, 1, 1), &[]);
    set_len(&mut witness, 0x100_0000);
    set_row(&mut witness, 0, &[(sys::CHECKED[1], 0x100)]);
    witness.relink();
    witness
}
