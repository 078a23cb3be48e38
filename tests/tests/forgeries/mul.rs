//! Forgeries of MUL: products that come out wrong, which the CPU believes.
//!
//! Those by a carry take the field's order, 30720 · 2^16 + 1, for zero: a carry that is 30720 larger lets its half be
//! larger by one.

use p3_field::PrimeCharacteristicRing;
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::mul::{A, B, BORROW, CARRY, CARRY_BITS, HIGH, IS, LOW, Mul, SIGN, op};
use tranche_test_support::machine::asm::{jal, li, register};
use tranche_test_support::omit::Omit::{self, Assertion, Interaction};

use crate::registry::Entry;
use crate::witness::{Witness, f, fraction};

/// Two kinds at once are above all requests.
const _: () = assert!(2 * op::MUL >= 64 && op::MUL < op::MULH);

/// CPU row of the product.
const ROW: usize = 4;
/// 2^16 times this is -1.
const WRAP: i64 = 0x7800_0000 >> 16;
const HALF: u32 = 1 << 16;
const HIGHEST_BIT: u32 = 1 << 31;

pub fn entry() -> Entry<Witness> {
    let mut entry = Entry::new("mul", "mul", &EpochTable::from(Mul));
    kinds(&mut entry);
    bits(&mut entry);
    signs(&mut entry);
    halves(&mut entry);
    operands(&mut entry);
    parts(&mut entry);
    let padding = [(IS[0], F::ONE)];
    entry.forge(
        Interaction(15),
        "a product that nobody asks for",
        unasked(&padding),
    );
    entry
}

/// Loads x5 and x6, then multiplies, in CPU row [`ROW`].
fn code(name: &str, [a, b]: [u32; 2]) -> Vec<u32> {
    [&li(5, a)[..], &li(6, b), &[register(name, 7, 5, 6)]].concat()
}

/// A product whose row of MUL is changed and which gives `result`.
fn product(name: &str, operands: [u32; 2], change: &[(usize, F)], result: u32) -> Witness {
    let mut witness = Witness::honest(Clock::SHORT, &code(name, operands), &[]);
    for &(column, value) in change {
        witness.set("mul", 0, column, value);
    }
    witness.write_word(ROW, result);
    witness.relink();
    witness
}

/// A row of MUL in an epoch that has the table and no product.
fn unasked(change: &[(usize, F)]) -> Witness {
    let code = [jal(0, 8), register("mul", 7, 5, 6)];
    let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
    for &(column, value) in change {
        witness.set("mul", 0, column, value);
    }
    witness
}

fn forge(
    entry: &mut Entry<Witness>,
    check: Omit,
    name: &str,
    operands: [u32; 2],
    change: &[(usize, F)],
    result: u32,
) {
    let [a, b] = operands;
    let what = format!("{name} of {a:#x} and {b:#x} is {result:#x}");
    entry.forge(check, what, product(name, operands, change, result));
}

fn kinds(entry: &mut Entry<Witness>) {
    let is = |kinds: [i64; 4]| [0, 1, 2, 3].map(|i| (IS[i], f(kinds[i])));
    let square = [HALF; 2];
    forge(entry, Assertion(0), "mulhu", square, &is([-1, 1, 1, 0]), 2);
    let padding = unasked(&is([1, -1, 0, 0]));
    entry.forge(Assertion(1), "padding of kinds that cancel", padding);
    let unsigned = [
        (SIGN[0], F::ZERO),
        (BORROW, F::ZERO),
        (HIGH[0], F::ONE),
        (HIGH[1], F::ZERO),
    ];
    let change = [&is([0, 1, -1, 1])[..], &unsigned].concat();
    let operands = [HIGHEST_BIT, 2];
    forge(entry, Assertion(2), "mulhsu", operands, &change, 1);
    forge(entry, Assertion(3), "mul", square, &is([0, 1, 1, -1]), 1);
    entry.redundant.push((
        Assertion(4),
        "with two or more kinds op is 65 or more, which no request is; receipts only add up",
    ));
}

/// Bits, of which each is large enough to wrap, or a fraction.
fn bits(entry: &mut Entry<Witness>) {
    let wrap = f(WRAP / 256);
    let change = [(LOW[0], F::TWO), (LOW[3], f(0x78)), (CARRY_BITS[0], wrap)];
    let one = [1, 1];
    forge(entry, Assertion(5), "mul", one, &change, 0x7800_0002);
    for (i, wrap) in [(1, wrap), (2, wrap.halve())] {
        let change = [(LOW[2], F::ONE), (CARRY_BITS[i], wrap), (HIGH[0], f(WRAP))];
        forge(entry, Assertion(5 + i), "mul", one, &change, HALF + 1);
    }
    let change = [(HIGH[0], F::ONE), (CARRY_BITS[3], wrap), (HIGH[1], f(WRAP))];
    forge(entry, Assertion(8), "mulhu", one, &change, 0x7800_0001);
    let change = [(BORROW, fraction(1, 16)), (HIGH[1], F::ONE)];
    forge(entry, Assertion(11), "mulhu", one, &change, HALF);
}

fn signs(entry: &mut Entry<Witness>) {
    // 2^16 of a carry's 2^-7 are taken for 512 of the third half, and the fourth is higher by one.
    let (long, short) = (0x007f_0080, 0x0005_0000);
    for (i, operands) in [[short, long], [long, short]].into_iter().enumerate() {
        let change = [
            (SIGN[i], fraction(-1, 7)),
            (HIGH[0], f(124)),
            (HIGH[1], F::ONE),
        ];
        forge(
            entry,
            Assertion(9 + i),
            "mulh",
            operands,
            &change,
            HALF + 124,
        );
    }
    for (i, (name, operands)) in [("mulhu", [HIGHEST_BIT, 2]), ("mulhsu", [2, HIGHEST_BIT])]
        .into_iter()
        .enumerate()
    {
        let negative = HIGH.map(|half| (half, f(0xffff)));
        let change = [&negative[..], &[(SIGN[i], F::ONE), (BORROW, F::ONE)]].concat();
        forge(entry, Assertion(12 + i), name, operands, &change, u32::MAX);
    }
}

/// Each half of the product, wrong by one.
fn halves(entry: &mut Entry<Witness>) {
    let one = [1, 1];
    let cases = [
        ("mul", LOW[0], 2, 2),
        ("mul", LOW[2], 1, HALF + 1),
        ("mulhu", HIGH[0], 1, 1),
        ("mulhu", HIGH[1], 1, HALF),
    ];
    for (i, (name, column, value, result)) in cases.into_iter().enumerate() {
        let change = [(column, f(value))];
        forge(entry, Assertion(14 + i), name, one, &change, result);
    }
}

/// Halves of zero, of bytes that are none: by 192 · 160 = 30720, or by a fraction.
fn operands(entry: &mut Entry<Witness>) {
    for (i, zero) in [A, B].into_iter().enumerate() {
        let mut forge = |byte: usize, other: u32, change: &[(usize, F)], result| {
            let operands = if i == 0 { [0, other] } else { [other, 0] };
            let check = Interaction(4 * i + byte);
            forge(entry, check, "mul", operands, change, result);
        };
        let wraps = |low: usize| [(zero[low], f(-160 * 256)), (zero[low + 1], f(160))];
        let fraction = |low: usize| {
            let fraction = fraction(-1, 8);
            [
                (zero[low], F::ONE),
                (zero[low + 1], fraction),
                (HIGH[0], fraction),
            ]
        };
        let change = [&wraps(0)[..], &[(LOW[0], F::ONE), (LOW[3], f(0x78))]].concat();
        forge(0, 192 << 8, &change, 0x7800_0001);
        let change = [&fraction(0)[..], &[(LOW[3], F::ONE)]].concat();
        forge(1, 1 << 24, &change, 1 << 24);
        let change = [&wraps(2)[..], &[(LOW[2], F::ONE), (HIGH[0], f(WRAP))]].concat();
        forge(2, 192 << 8, &change, HALF);
        let change = [&fraction(2)[..], &[(LOW[3], F::ONE)]].concat();
        forge(3, 1 << 8, &change, 1 << 24);
    }
}

/// Halves of the low word that are short by 2^16, and carries that wrap.
fn parts(entry: &mut Entry<Witness>) {
    for byte in 0..2 {
        let short = f(-(1 << 16) >> (8 * byte));
        let carried = [(CARRY[1], F::ONE), (HIGH[0], F::ONE)];
        let change = [
            &[(LOW[2], F::ZERO), (LOW[3], F::ZERO), (CARRY[0], F::ONE)],
            &carried[..],
            &[(LOW[byte], short)],
        ]
        .concat();
        let operands = [0xffff_0000, 1];
        forge(entry, Interaction(8 + byte), "mulhu", operands, &change, 1);
        let change = [&carried[..], &[(LOW[2 + byte], short)]].concat();
        forge(entry, Interaction(10 + byte), "mulhu", [1, 1], &change, 1);
    }
    let one = [1, 1];
    let change = [(LOW[0], F::TWO), (LOW[3], f(0x78)), (CARRY[0], f(WRAP))];
    forge(entry, Interaction(12), "mul", one, &change, 0x7800_0002);
    let change = [(LOW[2], F::ONE), (CARRY[1], f(WRAP)), (HIGH[0], f(WRAP))];
    forge(entry, Interaction(13), "mul", one, &change, HALF + 1);
    let change = [(HIGH[0], F::ONE), (CARRY[2], f(WRAP)), (HIGH[1], f(WRAP))];
    forge(entry, Interaction(14), "mulhu", one, &change, 0x7800_0001);
}
