//! Forgeries of DIV: quotients and remainders that come out wrong, which the CPU believes.
//!
//! Those by a carry take the field's order, 30720 · 2^16 + 1, for zero.

use p3_field::{Field, PrimeCharacteristicRing};
use tranche_core::F;
use tranche_machine::EpochTable;
use tranche_machine::bus::Clock;
use tranche_machine::tables::div::{
    A, A_LOW, B, CARRY, CARRY_BITS, Div, IS, IS_ZERO, Q, R, REST, REST_CARRY, SIGN, op,
};
use tranche_test_support::machine::asm::{jal, li, register};
use tranche_test_support::omit::Omit::{self, Assertion, Interaction};

use crate::registry::Entry;
use crate::witness::{Witness, f, fraction};

/// Two kinds at once are above all requests.
const _: () = assert!(2 * op::DIV >= 64 && op::DIV < op::DIVU);

/// CPU row of the division.
const ROW: usize = 4;
/// 2^16 times this is -1.
const WRAP: i64 = 0x7800_0000 >> 16;
/// The field's order.
const ORDER: u32 = 0x7800_0001;
const HALF: u32 = 1 << 16;
const HIGHEST_BIT: u32 = 1 << 31;

pub fn entry() -> Entry<Witness> {
    let mut entry = Entry::new("div", "div", &EpochTable::from(Div));
    kinds(&mut entry);
    carries(&mut entry);
    signs(&mut entry);
    by_zero(&mut entry);
    halves(&mut entry);
    dividends(&mut entry);
    divisors(&mut entry);
    quotients(&mut entry);
    remainders(&mut entry);
    entry.forge(
        Interaction(21),
        "a quotient that nobody asks for",
        unasked(),
    );
    entry
}

/// A row of DIV that claims `a = q b + r`.
#[derive(Clone, Copy)]
struct Claim {
    name: &'static str,
    a: u32,
    b: u32,
    q: u32,
    r: u32,
    /// Of a, b, q, r.
    signs: [i64; 4],
    by_zero: bool,
}

/// An unsigned division.
const fn unsigned(a: u32, b: u32, q: u32, r: u32) -> Claim {
    Claim {
        name: "divu",
        a,
        b,
        q,
        r,
        signs: [0; 4],
        by_zero: false,
    }
}

impl Claim {
    /// The row, as if the claim were true: its carries are those of the integers.
    fn row(&self) -> Vec<(usize, F)> {
        let Self { a, b, q, r, .. } = *self;
        let [s_a, s_b, s_q, s_r] = self.signs;
        let bytes = |word: u32| word.to_le_bytes().map(i64::from);
        let half = |word: u32, h: u32| i64::from(word >> (16 * h) & 0xffff);
        // Sums of products of bytes of 16-bit weight.
        let sum = |k: usize| {
            let (q, b) = (bytes(q), bytes(b));
            let product = |i: usize, j: usize| match (i + j).checked_sub(2 * k) {
                Some(odd @ 0..=1) => (q[i] * b[j]) << (8 * odd),
                _ => 0,
            };
            let rows = (0..4).map(|i| (0..4).map(|j| product(i, j)).sum::<i64>());
            rows.sum::<i64>()
        };
        let c1 = (sum(0) + half(r, 0) - half(a, 0)) >> 16;
        let c2 = (sum(1) + c1 + half(r, 1) - half(a, 1)) >> 16;
        let crossed = s_q * half(b, 0) + s_b * half(q, 0);
        let c3 = ((sum(2) + c2 - crossed - s_r + s_a) >> 16) + s_b;
        let mut row: Vec<_> = (0..2).map(|h| (A[h], f(half(a, h as u32)))).collect();
        for (columns, word) in [(B, b), (Q, q), (R, r)] {
            row.extend((0..4).map(|i| (columns[i], f(bytes(word)[i]))));
        }
        row.extend(
            [c1, c2, c3]
                .into_iter()
                .zip(CARRY)
                .map(|(c, at)| (at, f(c & 0xff))),
        );
        let bits = [c1 >> 8, c2 >> 8 & 1, c2 >> 9, c3 >> 8];
        row.extend((0..4).map(|i| (CARRY_BITS[i], f(bits[i]))));
        let rest = if self.by_zero {
            0
        } else {
            let magnitude = |word: u32, sign: i64| (i64::from(word) - (sign << 32)).abs();
            let low = half(b, 0) * (1 - 2 * s_b) - half(r, 0) * (1 - 2 * s_r) - 1;
            let carry = (low >> 16) + 2;
            row.extend([
                (REST_CARRY[0], f(carry & 1)),
                (REST_CARRY[1], f(carry >> 1)),
            ]);
            magnitude(b, s_b) - magnitude(r, s_r) - 1
        };
        row.extend((0..4).map(|i| (REST[i], f(bytes(rest as u32)[i]))));
        row.extend((0..4).map(|i| (SIGN[i], f(self.signs[i]))));
        row.push((IS_ZERO, F::from_bool(self.by_zero)));
        row
    }

    /// The witness of it with some changes; without the quotient or the remainder that is asked for, 0 is given.
    fn witness(&self, change: &[(usize, F)], result: u32) -> Witness {
        let code = code(self.name, [self.a, self.b]);
        let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
        for (column, value) in self.row().into_iter().chain(change.iter().copied()) {
            witness.set("div", 0, column, value);
        }
        witness.write_word(ROW, result);
        witness.relink();
        witness
    }
}

/// Loads x5 and x6, then divides, in CPU row [`ROW`].
fn code(name: &str, [a, b]: [u32; 2]) -> Vec<u32> {
    [&li(5, a)[..], &li(6, b), &[register(name, 7, 5, 6)]].concat()
}

/// A claim with some changes, and the quotient or the remainder that it gives.
fn forge(
    entry: &mut Entry<Witness>,
    check: Omit,
    claim: Claim,
    change: &[(usize, F)],
    result: u32,
) {
    let Claim { name, a, b, .. } = claim;
    let what = format!("{name} of {a:#x} and {b:#x} is {result:#x}");
    entry.forge(check, what, claim.witness(change, result));
}

/// A word in its bytes.
fn word(columns: [usize; 4], word: u32) -> Vec<(usize, F)> {
    let bytes = word.to_le_bytes().map(F::from_u8);
    columns.into_iter().zip(bytes).collect()
}

/// No carries of the equation.
fn no_carries() -> Vec<(usize, F)> {
    let columns = CARRY.into_iter().chain(CARRY_BITS);
    columns.map(|column| (column, F::ZERO)).collect()
}

/// The carry of the rest, and the rest.
fn rest(carry: i64, value: u32) -> Vec<(usize, F)> {
    let bits = [(carry + 2) & 1, (carry + 2) >> 1];
    let carry = REST_CARRY.into_iter().zip(bits.map(f));
    carry.chain(word(REST, value)).collect()
}

fn kinds(entry: &mut Entry<Witness>) {
    let is = |kinds: [i64; 4]| [0, 1, 2, 3].map(|i| (IS[i], f(kinds[i])));
    let named = |name| Claim {
        name,
        ..unsigned(7, 2, 3, 1)
    };
    let cases = [
        ("remu", [-1, 1, 1, 0], 1),
        ("divu", [1, -1, 1, 0], 1),
        ("divu", [1, 0, -1, 1], 3),
        ("div", [0, 1, 1, -1], 3),
    ];
    for (i, (name, kinds, result)) in cases.into_iter().enumerate() {
        let name = named(name);
        forge(entry, Assertion(i), name, &is(kinds), result);
    }
    entry.redundant.push((
        Assertion(4),
        "with two or more kinds op is 73 or more, which no request is; receipts only add up",
    ));
}

/// Carries that wrap, by the low byte or by one of the bits.
fn carries(entry: &mut Entry<Witness>) {
    let (low, bits) = (CARRY, CARRY_BITS);
    let zero = F::ZERO;
    // p = 0 · 1.
    let claim = unsigned(ORDER, 1, 0, 0);
    let change = [&no_carries()[..], &[(bits[0], f(WRAP / 256))]].concat();
    forge(entry, Assertion(5), claim, &change, 0);
    let change = [&no_carries()[..], &[(low[0], f(WRAP))]].concat();
    forge(entry, Interaction(18), claim, &change, 0);
    // 0 = q · 2^17 + 2^16 + 2^16 p, by a negative q.
    let claim = Claim {
        signs: [0, 0, 1, 0],
        ..unsigned(0, 2 * HALF, 0xc3ff_ffff, HALF)
    };
    let carries = |c2: F, b1: i64, b2: i64| {
        let own = [
            (low[1], c2),
            (bits[1], f(b1)),
            (bits[2], f(b2)),
            (low[2], F::TWO),
        ];
        [&no_carries()[..], &own].concat()
    };
    forge(
        entry,
        Assertion(6),
        claim,
        &carries(F::TWO, 120, 0),
        claim.q,
    );
    forge(entry, Assertion(7), claim, &carries(F::TWO, 0, 60), claim.q);
    forge(
        entry,
        Interaction(19),
        claim,
        &carries(f(WRAP + 2), 0, 0),
        claim.q,
    );
    // 0 = -2p · 2^31 + 2^32 p.
    let claim = Claim {
        signs: [0, 0, 1, 0],
        ..unsigned(0, HIGHEST_BIT, 0x0fff_fffe, 0)
    };
    let carries = |c3: i64, bit: F| {
        let own = [(low[1], f(127)), (low[2], f(c3)), (bits[3], bit)];
        [&no_carries()[..], &own].concat()
    };
    forge(entry, Assertion(8), claim, &carries(128, f(120)), claim.q);
    forge(
        entry,
        Interaction(20),
        claim,
        &carries(WRAP + 128, zero),
        claim.q,
    );
    // 2 = 0 · 1 + 2.
    let claim = unsigned(2, 1, 0, 2);
    let wrapped = word(REST, 0x77ff_ffff);
    for (i, carry) in [[WRAP + 1, 0], [1, WRAP / 2]].into_iter().enumerate() {
        let carry = [(REST_CARRY[0], f(carry[0])), (REST_CARRY[1], f(carry[1]))];
        let change = [&wrapped[..], &carry].concat();
        forge(entry, Assertion(9 + i), claim, &change, 0);
    }
}

fn signs(entry: &mut Entry<Witness>) {
    let signed = |a, b, q, r, signs| Claim {
        name: "div",
        signs,
        ..unsigned(a, b, q, r)
    };
    // 2^15 · 61440 is -1: 2^16 + 61440 · 2^32 is (2p - 1) · 2^16.
    let change = [
        &no_carries()[..],
        &[(SIGN[0], f(-2 * WRAP)), (A_LOW, F::ZERO)],
    ]
    .concat();
    let claim = signed(HALF, HALF, 0xf000_0001, 0, [0; 4]);
    forge(entry, Assertion(11), claim, &change, claim.q);
    // 0x0400_0020 - 2^26 is 32.
    let own = [(SIGN[1], fraction(1, 6)), (CARRY[2], F::ONE)];
    let change = [&no_carries()[..], &own, &rest(0, 2016 << 16 | 30)].concat();
    let claim = signed(0x07e0_0000, 0x0400_0020, 0x003f_0000, 0, [0; 4]);
    forge(entry, Assertion(12), claim, &change, claim.q);
    // 2^31 - 2^31 is 0.
    let claim = unsigned(0, 2, HIGHEST_BIT, 0);
    let change = [(SIGN[2], fraction(1, 1))];
    forge(entry, Assertion(13), claim, &change, claim.q);
    // -2^16 + 2^32 · 30720, of which |r| makes 1.
    let change = [&[(SIGN[3], f(WRAP))][..], &word(REST, 0x1_ffff)].concat();
    let claim = signed(HALF.wrapping_neg(), HALF, 0x77ff_ffff, 0, [1, 0, 0, 0]);
    forge(entry, Assertion(14), claim, &change, claim.q);

    let (minus_8, minus_4) = (-8_i32 as u32, -4_i32 as u32);
    let claim = Claim {
        signs: [1, 0, 1, 0],
        ..unsigned(minus_8, 2, minus_4, 0)
    };
    forge(entry, Assertion(15), claim, &[], minus_4);
    let claim = Claim {
        signs: [0, 1, 1, 0],
        ..unsigned(8, -2_i32 as u32, minus_4, 0)
    };
    forge(entry, Assertion(16), claim, &[], minus_4);
    let claim = signed(7, 2, 4, u32::MAX, [0, 0, 0, 1]);
    forge(entry, Assertion(17), claim, &[], 4);
    // The same by a remainder of which one half is 0.
    let claim = signed(HALF, 2 * HALF, 1, HALF.wrapping_neg(), [0, 0, 0, 1]);
    forge(entry, Assertion(17), claim, &[], 1);
}

fn by_zero(entry: &mut Entry<Witness>) {
    let by_zero = |claim| Claim {
        by_zero: true,
        ..claim
    };
    let negative = Claim {
        signs: [0, 0, 1, 0],
        ..unsigned(7, 2, u32::MAX, 9)
    };
    forge(entry, Assertion(18), by_zero(negative), &[], u32::MAX);
    forge(entry, Assertion(19), by_zero(unsigned(7, 0, 5, 7)), &[], 5);
}

/// The equations, each alone.
fn halves(entry: &mut Entry<Witness>) {
    let remainder = |a, b, q, r| Claim {
        name: "remu",
        ..unsigned(a, b, q, r)
    };
    let claim = remainder(7, 2, 3, 0);
    forge(entry, Assertion(20), claim, &no_carries(), 0);
    let claim = remainder(1, 2 * HALF, 0, HALF + 1);
    forge(entry, Assertion(21), claim, &no_carries(), claim.r);
    for (i, b) in [2, 2 * HALF].into_iter().enumerate() {
        let claim = unsigned(0, b, HIGHEST_BIT, 0);
        forge(entry, Assertion(22 + i), claim, &[], HIGHEST_BIT);
    }
    // r = b, low and high half; then with a rest of -1 or -2^16.
    for (i, unit) in [1, HALF].into_iter().enumerate() {
        let claim = unsigned(1 + unit, 1, 1, unit);
        forge(entry, Assertion(24 + i), claim, &rest(0, 0), 1);
        for (byte, minus_1) in [f(-1), fraction(-1, 8)].into_iter().enumerate() {
            let at = 2 * i + byte;
            let change = [&rest(0, 0)[..], &[(REST[at], minus_1)]].concat();
            forge(entry, Interaction(14 + at), claim, &change, 1);
        }
    }
}

/// -2^31 taken for 2^31.
fn dividends(entry: &mut Entry<Witness>) {
    for (i, low) in [1 << 15, 0].into_iter().enumerate() {
        let claim = Claim {
            name: "div",
            ..unsigned(HIGHEST_BIT, 2, 1 << 30, 0)
        };
        let change = [(A_LOW, f(low))];
        forge(entry, Interaction(i), claim, &change, 1 << 30);
    }
}

/// Divisors of bytes that are none: by 128 · 240 = 30720, or by a fraction whose product with 1 is 120 · 2^16.
fn divisors(entry: &mut Entry<Witness>) {
    let negative = |a, b, q| Claim {
        signs: [0, 0, 1, 0],
        ..unsigned(a, b, q, 0)
    };
    let wraps = |low: usize| [(B[low], f(-240 * 256)), (B[low + 1], f(240))];
    let fraction = |low: usize| [(B[low], f(121)), (B[low + 1], fraction(-1, 8))];
    let change = |bytes: [(usize, F); 2], carry: usize, value: i64| {
        [&no_carries()[..], &bytes, &[(CARRY[carry], f(value))]].concat()
    };
    let claim = unsigned(0xf800_0001, HALF, 0x8000, 0);
    forge(
        entry,
        Interaction(2),
        claim,
        &change(wraps(0), 0, 0),
        claim.q,
    );
    let claim = negative(121 << 8, 120, 1 << 8);
    forge(
        entry,
        Interaction(3),
        claim,
        &change(fraction(0), 1, 120),
        claim.q,
    );
    let claim = negative(0x3c01_0000, 0x7800, 0x8000);
    forge(
        entry,
        Interaction(4),
        claim,
        &change(wraps(2), 0, 0),
        claim.q,
    );
    let claim = negative(121 << 24, 120 << 16, 1 << 8);
    forge(
        entry,
        Interaction(5),
        claim,
        &change(fraction(2), 2, 120),
        claim.q,
    );
}

/// Quotients that are fractions, so that nothing remains.
fn quotients(entry: &mut Entry<Witness>) {
    let cases = [(1, 2, 2), (1, 2, 2 << 8), (HALF, 3, 3), (HALF, 3, 3 << 8)];
    for (i, (a, b, divisor)) in cases.into_iter().enumerate() {
        let claim = Claim {
            name: "remu",
            ..unsigned(a, b, 0, 0)
        };
        let change = [&no_carries()[..], &[(Q[i], f(divisor).inverse())]].concat();
        forge(entry, Interaction(6 + i), claim, &change, 0);
    }
}

/// Quotients that are too large, by a remainder of -1 or -2^16.
fn remainders(entry: &mut Entry<Witness>) {
    let cases = [
        (unsigned(7, 2, 4, 0), rest(0, 2)),
        (unsigned(0, HALF, 1, 0), rest(-1, 0x1_ffff)),
    ];
    for (i, (claim, rest)) in cases.into_iter().enumerate() {
        for (byte, minus_1) in [f(-1), fraction(-1, 8)].into_iter().enumerate() {
            let at = 2 * i + byte;
            let change = [&no_carries()[..], &rest, &[(R[at], minus_1)]].concat();
            forge(entry, Interaction(10 + at), claim, &change, claim.q);
        }
    }
}

fn unasked() -> Witness {
    // An epoch that has the table and no division.
    let code = [jal(0, 8), register("divu", 7, 5, 6)];
    let mut witness = Witness::honest(Clock::SHORT, &code, &[]);
    // 0 / 1 = 0, without a carry of the rest.
    for column in [B[0], REST_CARRY[1], IS[1]] {
        witness.set("div", 0, column, F::ONE);
    }
    witness
}
