//! Forgeries of SHIFT: shifts that come out wrong, which the CPU believes.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::shift::{
    HIGH, IS_SRA, K, LOW, M, M_POWER, N_POWER, POWER, RESULT, SELECT, SIGN, SIGN_N, Shift, UNUSED,
    op,
};
use tranche_test_support::machine::asm::{li, register};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::Entry;
use crate::witness::{Witness, f, fraction};

/// SRA is the last request without a clock; two selectors make more.
const _: () = assert!(2 * op::SLL > op::SRA && op::SLL < op::SRL && op::SRL < op::SRA);

/// CPU row of the shift.
const ROW: usize = 4;
const HIGHEST_BIT: u32 = 1 << 31;

pub fn entry() -> Entry<Witness> {
    let mut entry = Entry::new("shift", "shift", &EpochTable::from(Shift));
    selectors(&mut entry);
    powers(&mut entry);
    signs(&mut entry);
    parts(&mut entry);
    entry.forge(Interaction(10), "a shift that nobody asks for", unasked());
    entry
}

/// Loads x5 and x6, then shifts, in CPU row [`ROW`].
fn code(name: &str, [a, b]: [u32; 2]) -> Vec<u32> {
    [&li(5, a)[..], &li(6, b), &[register(name, 7, 5, 6)]].concat()
}

/// A shift whose row of SHIFT is changed and which gives `result`.
fn shifted(name: &str, operands: [u32; 2], change: &[(usize, F)], result: u32) -> Witness {
    let mut witness = Witness::honest(Clock::SHORT, &code(name, operands), &[]);
    for &(column, value) in change {
        witness.set("shift", 0, column, value);
    }
    witness.set_word("shift", 0, RESULT, result);
    witness.write_word(ROW, result);
    witness.relink();
    witness
}

/// One shift served as another, whose row has this flag of the sign.
fn served_as(name: &str, other: &str, is_sra: F) -> Witness {
    let operands = [4, 1];
    let mut witness = Witness::honest(Clock::SHORT, &code(other, operands), &[]);
    witness.claim(&code(name, operands));
    witness.fetch(ROW);
    witness.set("shift", 0, IS_SRA, is_sra);
    witness.relink();
    witness
}

/// Three selectors, of which one is -1: to the left by whole bytes, so the bytes of a are the low
/// parts. Left by n bytes is selector 3 - n; one to the right drops n + 1 bytes here, and counts n.
fn selectors(entry: &mut Entry<Witness>) {
    let cases = [
        (0, [1, 2], [0x100, 0], 0x0101_0000),
        (1, [0, 2], [1, 16], 0x00ff_0100),
        (2, [0, 1], [0x100, 32], 0x00ff_0000),
        (3, [1, 2], [1, 24], 0x0001_00ff),
        (4, [7, 3], [1, 24], 1),
        (5, [4, 2], [1, 0], 0x100),
        (6, [4, 1], [1, 0], 0x1_0000),
        (7, [4, 0], [1, 0], 0x100_0000),
    ];
    for (negative, positive, operands, result) in cases {
        let mut change: Vec<_> = (0..8).map(|i| (SELECT[i], F::ZERO)).collect();
        change[negative].1 = F::NEG_ONE;
        for selector in positive {
            change[selector].1 = F::ONE;
        }
        // All of b is bytes.
        change.push((UNUSED[0], F::ZERO));
        let [a, b] = operands;
        entry.forge(
            Assertion(negative),
            format!("{a:#x} << {b} = {result:#x}"),
            shifted("sll", operands, &change, result),
        );
    }
    entry.redundant.push((
        Assertion(8),
        "with two or more selectors op is 20 or more: no request, or that of the MEM table, which \
         has a clock; receipts only add up",
    ));
}

/// Shifts to the right that divide by something else than 2^k.
fn powers(entry: &mut Entry<Witness>) {
    // M and N for a divisor.
    let divides = |by: F| [(M_POWER, by), (N_POWER, f(256) / by)];
    // All of byte 0 is in its high part.
    let high = |value| [(LOW[0], F::ZERO), (HIGH[0], f(value))];
    let right =
        |a, b, change: &[&[(usize, F)]], result| shifted("srl", [a, b], &change.concat(), result);
    let k = |bits: [F; 3]| [0, 1, 2].map(|i| (K[i], bits[i]));
    let [zero, half] = [F::ZERO, fraction(1, 1)];

    let bits = [
        (3, 2, [F::TWO, zero, zero], f(3), 1),
        (7, 4, [zero, F::TWO, zero], f(7), 1),
        (17, 2, [zero, zero, half], f(17) * half, 2),
    ];
    for (i, (a, b, bits, power, result)) in bits.into_iter().enumerate() {
        let power = [&[(POWER, power)][..], &divides(power)].concat();
        let witness = right(a, b, &[&k(bits), &power, &high(result.into())], result);
        let name = format!("{a} >> {b} = {result}, by a bit of k that is none");
        entry.forge(Assertion(9 + i), name, witness);
    }
    let by_3 = [&divides(f(3))[..], &high(1)].concat();
    let witness = right(3, 2, &[&[(POWER, f(3))], &by_3], 1);
    entry.forge(Assertion(12), "3 >> 2 = 1, by a power that is 3", witness);
    entry.forge(
        Assertion(13),
        "3 >> 2 = 1, by M = 3",
        right(3, 2, &[&by_3], 1),
    );
    let by_3 = [(N_POWER, f(3)), (M_POWER, f(256) / f(3))];
    let witness = shifted("sll", [1, 2], &by_3, 3);
    entry.forge(Assertion(14), "1 << 2 = 3, by N = 3", witness);
    let witness = right(0x100, 1, &[&[(N_POWER, f(5))]], 5);
    entry.forge(Assertion(15), "0x100 >> 1 = 5, by N = 5", witness);
    let low = [(M, F::TWO), (LOW[0], F::TWO), (HIGH[0], zero)];
    entry.forge(
        Assertion(16),
        "2 >> 1 = 0, by m = 2",
        right(2, 1, &[&low], 0),
    );
}

fn signs(entry: &mut Entry<Witness>) {
    let witness = served_as("sll", "srl", F::NEG_ONE);
    entry.forge(Assertion(17), "4 << 1 = 2, as op 11 - 1", witness);
    // Half 2 is 2^15 times the sign.
    let change = [
        (HIGH[2], F::ZERO),
        (HIGH[3], fraction(1, 8)),
        (SIGN, fraction(1, 14)),
        (SIGN_N, fraction(1, 7)),
    ];
    let witness = shifted("sra", [0x2_0000, 1], &change, 0x3_0000);
    entry.forge(
        Assertion(18),
        "0x20000 >> 1 = 0x30000, by the sign 2^-14",
        witness,
    );
    let witness = served_as("srl", "sll", F::ONE);
    entry.forge(Assertion(19), "4 >> 1 = 8, as op 10 + 1", witness);
    let change = [(SIGN, F::ONE), (SIGN_N, f(128))];
    let witness = shifted("srl", [HIGHEST_BIT, 1], &change, 0xc000_0000);
    entry.forge(Assertion(20), "a sign shifted in where zeros are", witness);
    let change = [(SIGN_N, f(126))];
    let witness = shifted("sra", [HIGHEST_BIT, 1], &change, 0xc200_0000);
    entry.forge(
        Assertion(21),
        "-2^31 >> 1 = -0x3e000000, by a false sign times N",
        witness,
    );
}

/// The result, and parts of operands out of range.
fn parts(entry: &mut Entry<Witness>) {
    entry.forge(Assertion(22), "4 >> 1 = 7", shifted("srl", [4, 1], &[], 7));
    let witness = shifted("srl", [4, 1], &[], 0x1_0002);
    entry.forge(Assertion(23), "4 >> 1 = 0x10002", witness);
    for i in 0..4 {
        let byte = 8 * i as u32;
        // All of a byte in its low part, which falls out to the right.
        let low = [(LOW[i], F::TWO), (HIGH[i], F::ZERO)];
        let witness = shifted("srl", [2 << byte, 1 + byte], &low, 0);
        entry.forge(Interaction(2 * i), "a shift that drops too much", witness);
        // 1 = 2 - 1, of which the high part, -1/128, falls out to the left.
        let high = [(LOW[i], F::TWO), (HIGH[i], fraction(-1, 7))];
        let witness = shifted("sll", [1 << byte, 25 - byte], &high, 4 << 24);
        entry.forge(Interaction(2 * i + 1), "a shift that drops -1/128", witness);
    }
    // By 2 in place of 1: what does not count is negative.
    let by_2 = |unused: (usize, F)| {
        let change = [
            unused,
            (K[0], F::ZERO),
            (K[1], F::ONE),
            (POWER, f(4)),
            (M_POWER, f(4)),
            (N_POWER, f(64)),
            (M, F::TWO),
            (HIGH[0], F::ONE),
        ];
        shifted("srl", [4, 1], &change, 1)
    };
    let name = "4 >> 1 = 4 >> 2";
    entry.forge(Interaction(8), name, by_2((UNUSED[0], fraction(-1, 5))));
    entry.forge(Interaction(9), name, by_2((UNUSED[1], fraction(-1, 13))));
}

fn unasked() -> Witness {
    let mut witness = Witness::honest(Clock::SHORT, &[], &[]);
    for (column, value) in [(SELECT[4], 1), (M_POWER, 1), (N_POWER, 256)] {
        witness.set("shift", 0, column, f(value));
    }
    witness
}
