//! Forgeries of CMP: comparisons that come out wrong, which the CPU believes.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::{cmp, cpu};
use tranche_test_support::machine::asm::{branch, immediate, li, lui, register};
use tranche_test_support::omit::Omit::{self, Assertion, Interaction};

use crate::registry::Entry;
use crate::witness::{Witness, f};

/// -2^-16 in the field.
const UNIT: i64 = 30720;
/// -2^-15 in the field.
const SIGN_UNIT: i64 = 2 * UNIT;

pub fn entry() -> Entry<Witness> {
    let mut entry = Entry::new("cmp", "cmp", &EpochTable::from(cmp::Cmp));
    less(&mut entry);
    equal(&mut entry);
    gates(&mut entry);
    entry
}

/// Loads x5 and x6, then one more instruction, in CPU row 4.
fn code([a, b]: [u32; 2], last: u32) -> Vec<u32> {
    [&li(5, a)[..], &li(6, b), &[last]].concat()
}

/// `name x7, a, b`, whose row of CMP is changed, and which gives `result`.
fn compared(name: &str, operands: [u32; 2], change: &[(usize, i64)], result: i64) -> Witness {
    let code = code(operands, register(name, 7, 5, 6));
    let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
    let changed = [(cmp::RESULT, result)];
    for &(column, value) in changed.iter().chain(change) {
        witness.set("cmp", 0, column, f(value));
    }
    witness.write(4, [result, 0]);
    witness.relink();
    witness
}

fn less(entry: &mut Entry<Witness>) {
    let high = 1 << 16;
    let holds = (cmp::HOLDS, 1);
    let [low_0, low_1] = cmp::DIFFERENCE;
    let [sign_a, sign_b] = cmp::SIGN;
    let [byte_a, byte_b] = cmp::HIGH_LOW;
    type Case<'a> = (Omit, &'a str, [u32; 2], &'a [(usize, i64)], i64);
    let cases: [Case<'_>; 17] = [
        (Assertion(7), "sltu", [1, 0], &[], 1),
        // Holds 2^16 and borrow 2^16 times are -1 and 1.
        (
            Assertion(4),
            "sltu",
            [high, 0],
            &[(cmp::HOLDS, UNIT), (low_1, 0)],
            UNIT,
        ),
        (
            Assertion(5),
            "sltu",
            [1, 0],
            &[holds, (cmp::BORROW, UNIT), (low_0, 0), (low_1, 0)],
            1,
        ),
        // Signs: of the high half 1, which is 2^15 times -61440; of unsigned numbers.
        (
            Assertion(8),
            "slt",
            [high, 0],
            &[holds, (sign_a, -SIGN_UNIT), (byte_a, 0), (low_1, 0xff)],
            1,
        ),
        (Assertion(9), "sltu", [0, 0], &[holds, (sign_a, 1)], 1),
        (
            Assertion(10),
            "slt",
            [0, high],
            &[
                (cmp::HOLDS, 0),
                (sign_b, -SIGN_UNIT),
                (byte_b, 0),
                (low_1, 1),
            ],
            0,
        ),
        (
            Assertion(11),
            "sltu",
            [0, high],
            &[(cmp::HOLDS, 0), (sign_b, 1), (low_1, 0xff)],
            0,
        ),
        // Differences of more than 16 bits.
        (
            Interaction(0),
            "sltu",
            [1, 0],
            &[holds, (cmp::BORROW, 1), (low_0, 65537), (low_1, 0xff)],
            1,
        ),
        (
            Interaction(1),
            "sltu",
            [1, 0],
            &[holds, (cmp::BORROW, 1), (low_0, 1), (low_1, 0xff)],
            1,
        ),
        (Interaction(2), "sltu", [1, 0], &[holds, (low_1, 65536)], 1),
        (Interaction(3), "sltu", [1, 0], &[holds, (low_1, 0)], 1),
        // A sign that the high half does not have.
        (
            Interaction(4),
            "slt",
            [0, 0],
            &[holds, (sign_a, 1), (byte_a, -32768)],
            1,
        ),
        (
            Interaction(5),
            "slt",
            [0, 0],
            &[holds, (sign_a, 1), (byte_a, 0)],
            1,
        ),
        (
            Interaction(6),
            "slt",
            [0, high],
            &[
                (cmp::HOLDS, 0),
                (sign_b, 1),
                (byte_b, 1 - 32768),
                (low_1, 0xff),
            ],
            0,
        ),
        (
            Interaction(7),
            "slt",
            [0, high],
            &[(cmp::HOLDS, 0), (sign_b, 1), (byte_b, 1), (low_1, 0xff)],
            0,
        ),
        // Served as a signed comparison, negated twice: 2 - 3 * holds.
        (
            Assertion(3),
            "sltu",
            [1, 0],
            &[
                (cmp::IS_UNSIGNED, 0),
                (cmp::IS_SIGNED, 1),
                (cmp::NEGATED, 2),
            ],
            2,
        ),
        // As all three kinds, of which unsigned is -1: equal.
        (
            Assertion(1),
            "sltu",
            [5, 5],
            &[
                (cmp::IS_SIGNED, 1),
                (cmp::IS_UNSIGNED, -1),
                (cmp::IS_EQ, 1),
                holds,
                (byte_a, 0),
            ],
            1,
        ),
    ];
    for (check, name, operands, change, result) in cases {
        let what = format!("{name} {operands:x?} = {result}");
        entry.forge(check, what, compared(name, operands, change, result));
    }
}

/// `beq` with operands other than those of the witness.
fn equal(entry: &mut Entry<Witness>) {
    let code = |b| {
        [
            lui(5, 0),
            b,
            branch("beq", 5, 6, 8),
            immediate("addi", 7, 0, 1),
        ]
    };
    let claimed = |honest: u32, claimed: u32, b: u32, change: &[(usize, i64)]| {
        let mut witness = Witness::honest(Clock::SHORT, &code(honest), &[]);
        witness.claim(&code(claimed));
        witness.fetch(1);
        witness.write_word(1, b);
        witness.set_word("cpu", 2, cpu::B, b);
        witness.set_word("cmp", 0, cmp::B, b);
        for &(column, value) in change {
            witness.set("cmp", 0, column, f(value));
        }
        witness.relink();
        witness
    };
    let b = |imm| lui(6, imm);
    let low = |value| immediate("addi", 6, 0, value);
    entry.forge(Assertion(12), "0 = 1", claimed(low(0), low(1), 1, &[]));
    entry.forge(
        Assertion(13),
        "0 = 2^16",
        claimed(b(0), b(1 << 16), 1 << 16, &[]),
    );
    entry.forge(Assertion(14), "0 is not 0", claimed(low(1), low(0), 0, &[]));
}

fn gates(entry: &mut Entry<Witness>) {
    // Served by CMP in place of BIT: 4 & 5 = [4 = 5], as all three kinds, of which signed is -1.
    let logic = |name, operands, count: usize| {
        let one = register(name, 7, 5, 6);
        let code = [code(operands, one), vec![one; count - 1]].concat();
        let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
        for (row, columns) in [(cmp::A, operands[0]), (cmp::B, operands[1])] {
            witness.set_word("cmp", 0, row, columns);
        }
        (0..count).for_each(|i| witness.write_word(4 + i, 0));
        (0..count).for_each(|i| witness.clear("bit", i));
        witness.relink();
        witness
    };
    let mut witness = logic("and", [4, 5], 1);
    for (column, value) in [
        (cmp::IS_SIGNED, -1),
        (cmp::IS_UNSIGNED, 1),
        (cmp::IS_EQ, 1),
        (cmp::DIFFERENCE[0], -1),
    ] {
        witness.set("cmp", 0, column, f(value));
    }
    entry.forge(Assertion(0), "4 & 5 = 0", witness);

    // Two at once, as an unsigned comparison and one of equality: 1 | 0 = [1 < 0].
    let mut witness = logic("or", [1, 0], 2);
    for column in [cmp::IS_UNSIGNED, cmp::IS_EQ, cmp::DIFFERENCE[0]] {
        witness.set("cmp", 0, column, F::ONE);
    }
    entry.forge(Assertion(6), "1 | 0 = 0, twice", witness);

    let padding = |change: &[usize]| {
        let mut witness = Witness::honest(Clock::SHORT, &[], &[]);
        change
            .iter()
            .for_each(|&column| witness.set("cmp", 0, column, F::ONE));
        witness
    };
    let mut witness = padding(&[cmp::IS_UNSIGNED, cmp::A[0], cmp::DIFFERENCE[0]]);
    witness.set("cmp", 0, cmp::IS_EQ, F::NEG_ONE);
    entry.forge(Assertion(2), "padding of kinds that cancel", witness);
    let unasked = [cmp::IS_EQ, cmp::HOLDS, cmp::RESULT];
    entry.forge(
        Interaction(8),
        "a comparison that nobody asks for",
        padding(&unasked),
    );
}
