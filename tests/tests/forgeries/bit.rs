//! Forgeries of BIT: bitwise operations that come out wrong, which the CPU believes.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::bit::{self, op};
use tranche_machine::tables::shift::{POWER, op as shift};
use tranche_test_support::machine::asm::{branch, immediate, li, register};
use tranche_test_support::omit::Omit::{Assertion, Interaction};

use crate::registry::Entry;
use crate::witness::{Witness, f};

/// SRA is the last request without a clock; two kinds make more.
const _: () = assert!(op::AND + op::OR > shift::SRA && op::AND < op::OR && op::OR < op::XOR);

/// CPU row of the instruction under attack.
const ROW: usize = 4;

pub fn entry() -> Entry<Witness> {
    let mut entry = Entry::new("bit", "bit", &EpochTable::from(bit::Bit));
    let [and, or, xor] = [[-1, 1, 1], [1, -1, 1], [1, 1, -1]];
    entry.forge(
        Assertion(0),
        "4 << 1 = 2 * (4 ^ 1), as or + xor - and",
        shift_left(and),
    );
    entry.forge(Assertion(1), "4 | 1 = 0, as and + xor - or", or_of(or));
    entry.forge(Assertion(2), "1 = 2, as and + or - xor", not_equal(xor));
    entry.redundant.push((
        Assertion(3),
        "with two or three kinds op is 15, 16, 17 or 24: no request, or that of a load or store, \
         which has a clock; receipts only add up",
    ));
    for i in 0..8 {
        entry.forge(Interaction(i), "0 & 0 is not 0", and_of_zeros(i));
    }
    entry.forge(
        Interaction(8),
        "an operation that nobody asks for",
        unasked(),
    );
    entry
}

/// Loads x5 and x6, then one more instruction, in CPU row [`ROW`].
fn code([a, b]: [u32; 2], last: u32) -> Vec<u32> {
    [&li(5, a)[..], &li(6, b), &[last]].concat()
}

/// A row of BIT.
fn set_row(witness: &mut Witness, [a, b]: [u32; 2], kinds: [i64; 3]) {
    for i in 0..8 {
        for (column, word) in [(bit::A, a), (bit::B, b), (bit::AND, a & b)] {
            witness.set("bit", 0, column[i], F::from_u32(word >> (4 * i) & 15));
        }
    }
    for (column, kind) in bit::IS.into_iter().zip(kinds) {
        witness.set("bit", 0, column, f(kind));
    }
}

/// The op is 8 + 9 - 7 = 10, and the result 2 * (a + b) - 4 * (a & b).
fn shift_left(kinds: [i64; 3]) -> Witness {
    let operands = [4, 1];
    let code = code(operands, register("sll", 7, 5, 6));
    let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
    witness.clear("shift", 0);
    witness.set("shift", 0, POWER, F::ONE);
    set_row(&mut witness, operands, kinds);
    witness.write(ROW, [10, 0]);
    witness.relink();
    witness
}

/// The op is 7 + 9 - 8 = 8 and the result nothing.
fn or_of(kinds: [i64; 3]) -> Witness {
    let operands = [4, 1];
    let code = code(operands, register("or", 7, 5, 6));
    let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
    set_row(&mut witness, operands, kinds);
    witness.write(ROW, [0, 0]);
    witness.relink();
    witness
}

/// The op is 7 + 8 - 9 = 6, and the result 2 * (a & b): a branch that is not taken.
fn not_equal(kinds: [i64; 3]) -> Witness {
    let operands = [1, 2];
    let code = |name| {
        let skipped = immediate("addi", 7, 0, 1);
        [&code(operands, branch(name, 5, 6, 8))[..], &[skipped]].concat()
    };
    let mut witness = Witness::honest(Clock::SHORT, &code("beq"), &[]);
    witness.claim(&code("bne"));
    witness.fetch(ROW);
    witness.clear("cmp", 0);
    set_row(&mut witness, operands, kinds);
    witness.relink();
    witness
}

/// 1 in place of 0 & 0, at nibble `i`.
fn and_of_zeros(i: usize) -> Witness {
    let code = code([0, 0], register("and", 7, 5, 6));
    let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
    witness.set("bit", 0, bit::AND[i], F::ONE);
    witness.write_word(ROW, 1 << (4 * i));
    witness.relink();
    witness
}

fn unasked() -> Witness {
    let mut witness = Witness::honest(Clock::SHORT, &[], &[]);
    set_row(&mut witness, [0, 0], [1, 0, 0]);
    witness
}
