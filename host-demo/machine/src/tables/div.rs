//! DIV: quotients and remainders.
//!
//! Numbers are words with signs: `a = a_u - 2^32 s_a`, where `s_a` is 1 for a negative dividend that the operation takes as
//! signed, and likewise the divisor `b`, the quotient `q` and the remainder `r`. With the sums `L_k` of the products of
//! bytes of `q_u` and `b_u` (`product.rs`), `a = q b + r` is
//!
//! ```text
//! a_lo + 2^16 c_1 = L_0 + r_lo
//! a_hi + 2^16 c_2 = L_1 + c_1 + r_hi
//! 2^16 c_3 - s_a  = L_2 + c_2 - s_q b_lo - s_b q_lo - s_r
//!               0 = L_3 + c_3 - s_q b_hi - s_b q_hi + 2^16 s_q s_b
//! ```
//!
//! and `rest = |b| - |r| - 1`, a word, shows that `|r| < |b|`, and so that `b` is not 0. Where `b` is 0, the row says so
//! (`IS_ZERO`), has no rest, and all bits of `q_u` are 1.
//!
//! *The equation holds over the integers.* Bytes are checked, the halves of `a` are those of a register, those of `r` by
//! bytes or, where it is the result, by the CPU table. The carries `c_1 < 2^9`, `c_2 < 2^10` and `c_3`, from -1 to 2^9,
//! are a checked byte and bits. So no side is below -2^18 or above 2^27, and the field's order is above 2^30. The same
//! is true of the two equations of the rest, whose carry is -2, -1, 0 or 1.
//!
//! *It has one solution.* `s_a` and `s_b` are the signs: top bits by a check of the bits below, and 0 where the operation is
//! unsigned. `s_r` is that of `a`, or `r_u` is 0. A remainder of -2^32, which `s_r` with 0 would be, has no rest, and is no
//! dividend. So `r` has the sign of `a` or is 0, and the rest takes `|r|` for what it is. If `b` is not 0, `IS_ZERO` cannot be
//! set, so `|r| < |b|`: one integer `q` fits, the quotient rounded towards zero, and with it `r`. The word `q_u` is `q`
//! modulo 2^32. The quotient -2^31 / -1 is 2^31, whose word is that of -2^31, as the manual wants it; `s_q` need not be the
//! top bit. If `b` is 0, a rest would be negative, so `IS_ZERO` is set, `q_u` is 2^32 - 1 and `r = a`, as the manual wants
//! them.
//!
//! *Completeness.* The first two right sides are at most 510 · 2^16 and 1020 · 2^16. `c_3` is not negative but with two signs
//! `s_q` and `s_b`, when it is -1 at least, which `s_b` is added for, and it is below 511 with `s_b`: `|q b|` is at most
//! `|a| + |r|`, so that both words cannot be large.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::counts::Counts;
use super::filled::{AluRow, Extends, Height};
use super::operation::Operation;
use super::product::{bytes, element, halves, limbs};
use crate::air::first;
use crate::bus::{inverse_power_of_two, range, range8, serve};
use crate::columns::{Column, columns, width};
use crate::decode::{Alu, Extension};

/// Operations on the exec bus.
pub mod op {
    /// Quotient, signed.
    pub const DIV: u32 = 36;
    /// Quotient, unsigned.
    pub const DIVU: u32 = 37;
    /// Remainder, signed.
    pub const REM: u32 = 38;
    /// Remainder, unsigned.
    pub const REMU: u32 = 39;
}

columns! {
    /// Dividend, halves.
    A[2],
    /// Low byte of its high half, where it is signed.
    A_LOW,
    /// Bytes of the divisor, lowest first.
    B[4],
    /// Bytes of the quotient.
    Q[4],
    /// Bytes of the remainder.
    R[4],
    /// Bytes of the rest.
    REST[4],
    /// Low bytes of the carries; of the last, plus the divisor's sign.
    CARRY[3],
    /// Bit 8 of the first carry, bits 8 and 9 of the second, bit 8 of the third.
    CARRY_BITS[4],
    /// Bits of the rest's carry plus 2.
    REST_CARRY[2],
    /// Signs of dividend, divisor, quotient and remainder.
    SIGN[4],
    /// Whether the divisor is 0.
    IS_ZERO,
    /// Whether the operation is div, divu, rem, remu.
    IS[4],
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Div;

impl Extends for Div {
    const EXTENSION: Extension = Extension::Divide;
}

impl Operation for Div {
    const COLUMNS: &'static [Column] = COLUMNS;
    const HEIGHT: Height = Height { below: 6, least: 4 };
    const SERVED: (u32, u32) = (op::DIV, op::REMU);

    fn op(alu: Alu) -> Option<u32> {
        match alu {
            Alu::Div => Some(op::DIV),
            Alu::Divu => Some(op::DIVU),
            Alu::Rem => Some(op::REM),
            Alu::Remu => Some(op::REMU),
            _ => None,
        }
    }

    fn value(op: u32, a: u32, b: u32) -> u32 {
        let [quotient, remainder] = divide(op, a, b);
        let value = if is_quotient(op) { quotient } else { remainder };
        value as u32
    }

    fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
        let main = builder.main();
        let now: &[_; WIDTH] = first(main.current_slice());
        let at = |c: usize| -> AB::Expr { now[c].into() };
        let constant = |c: u32| AB::Expr::from_u32(c);
        let one = AB::Expr::ONE;
        let half = constant(1 << 16);

        builder.assert_bools(IS.map(at));
        let [div, divu, rem, remu] = IS.map(at);
        let signed = div.clone() + rem.clone();
        let quotient = div.clone() + divu.clone();
        let real = signed.clone() + divu.clone() + remu.clone();
        builder.assert_bool(real.clone());
        builder.assert_bools(CARRY_BITS.map(at));
        builder.assert_bools(REST_CARRY.map(at));
        builder.assert_bools(SIGN.map(at));
        let [s_a, s_b, s_q, s_r] = SIGN.map(at);
        let is_zero = at(IS_ZERO);
        let sum = |bytes: [usize; 4]| bytes.map(at).into_iter().sum::<AB::Expr>();
        let [a_lo, a_hi] = A.map(at);
        let word = |bytes: [usize; 4]| halves(&bytes.map(at), constant(1 << 8));
        let (b, q, r, rest) = (word(B), word(Q), word(R), word(REST));
        let ([b_lo, b_hi], [q_lo, q_hi], [r_lo, r_hi]) = (b.clone(), q.clone(), r.clone());

        // Signs, and divisions by 0.
        let unsigned = one.clone() - signed.clone();
        builder.assert_zero(s_a.clone() * unsigned.clone());
        builder.assert_zero(s_b.clone() * unsigned);
        builder.assert_zero((s_a.clone() - s_r.clone()) * (r_lo.clone() + r_hi.clone()));
        builder.assert_zero(is_zero.clone() * sum(B));
        builder.assert_zero(is_zero.clone() * (sum(Q) - constant(4 * 255)));

        let a_top =
            (a_hi.clone() - at(A_LOW)) * inverse_power_of_two(8) - s_a.clone() * constant(1 << 7);
        range8(builder, at(A_LOW), signed.clone());
        range(builder, a_top, constant(7), signed.clone());
        let [b_low @ .., b_top] = B.map(at);
        for byte in b_low {
            range8(builder, byte, real.clone());
        }
        // Without the sign it has a bit less.
        let b_top = b_top - s_b.clone() * constant(1 << 7);
        range(builder, b_top, constant(8) - signed, real.clone());
        for (bytes, gate) in [
            (Q.map(at), &real),
            (R.map(at), &quotient),
            (REST.map(at), &real),
        ] {
            for byte in bytes {
                range8(builder, byte, gate.clone());
            }
        }
        for byte in CARRY.map(at) {
            range8(builder, byte, real.clone());
        }

        // a = q b + r.
        let [l0, l1, l2, l3] = limbs(&Q.map(at), &B.map(at), constant(1 << 8));
        let [bits1, bits2, bits2_high, bits3] = CARRY_BITS.map(at);
        let [c1, c2, c3] = CARRY.map(at);
        let c1 = c1 + bits1 * constant(1 << 8);
        let c2 = c2 + bits2 * constant(1 << 8) + bits2_high * constant(1 << 9);
        let c3 = c3 + bits3 * constant(1 << 8) - s_b.clone();
        builder.assert_eq(a_lo.clone() + c1.clone() * half.clone(), l0 + r_lo.clone());
        builder.assert_eq(
            a_hi.clone() + c2.clone() * half.clone(),
            l1 + c1 + r_hi.clone(),
        );
        let crossed = s_q.clone() * b_lo.clone() + s_b.clone() * q_lo;
        builder.assert_eq(
            c3.clone() * half.clone() - s_a,
            l2 + c2 - crossed - s_r.clone(),
        );
        let crossed = s_q.clone() * b_hi.clone() + s_b.clone() * q_hi;
        builder.assert_eq(l3 + c3 + s_q * s_b.clone() * half.clone(), crossed);

        // |b| - |r| - 1: of a negative number, 2^32 less the word.
        let [rest_lo, rest_hi] = rest;
        let [carry, carry_high] = REST_CARRY.map(at);
        let carry = carry + carry_high * constant(2) - constant(2);
        let magnitude =
            |sign: &AB::Expr, half: AB::Expr| half.clone() - sign.clone() * half * constant(2);
        let low = magnitude(&s_b, b_lo) - magnitude(&s_r, r_lo) - one;
        let high = magnitude(&s_b, b_hi) - magnitude(&s_r, r_hi) + (s_b - s_r) * half.clone();
        let divides = real.clone() - is_zero;
        builder.assert_zero(divides.clone() * (low - carry.clone() * half - rest_lo));
        builder.assert_zero(divides * (high + carry - rest_hi));

        let op = div * constant(op::DIV)
            + divu * constant(op::DIVU)
            + rem * constant(op::REM)
            + remu * constant(op::REMU);
        let result =
            [0, 1].map(|h: usize| r[h].clone() + quotient.clone() * (q[h].clone() - r[h].clone()));
        serve(builder, op, [a_lo, a_hi], b, result, real);
    }

    fn fill(rows: &[AluRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
        trace.values_mut().fill(F::ZERO);
        for (row, step) in rows.iter().enumerate() {
            trace.set_row(row, &fill_row(*step, counts));
        }
    }
}

const fn is_signed(op: u32) -> bool {
    matches!(op, op::DIV | op::REM)
}

const fn is_quotient(op: u32) -> bool {
    matches!(op, op::DIV | op::DIVU)
}

/// A word as the operation takes it.
const fn number(op: u32, word: u32) -> i64 {
    if is_signed(op) {
        word as i32 as i64
    } else {
        word as i64
    }
}

/// Quotient and remainder; of a division by 0 the word of all ones and the dividend.
const fn divide(op: u32, a: u32, b: u32) -> [i64; 2] {
    let (a, b) = (number(op, a), number(op, b));
    if b == 0 {
        [u32::MAX as i64, a]
    } else {
        [a / b, a % b]
    }
}

fn fill_row(AluRow { op, a, b }: AluRow, counts: &mut Counts<'_>) -> [F; WIDTH] {
    let mut row = [F::ZERO; WIDTH];
    let [quotient, remainder] = divide(op, a, b);
    let (q, r) = (quotient as u32, remainder as u32);
    let signs = [number(op, a), number(op, b), quotient, remainder].map(|n| n < 0);
    let [s_a, s_b, s_q, s_r] = signs.map(i64::from);
    let [b_bytes, q_bytes] = [b, q].map(bytes);
    let [a_halves, b_halves, q_halves, r_halves] =
        [a, b, q, r].map(|word| halves(&bytes(word), 1 << 8));
    let l = limbs(&q_bytes, &b_bytes, 1 << 8);
    let c1 = (l[0] + r_halves[0] - a_halves[0]) >> 16;
    let c2 = (l[1] + c1 + r_halves[1] - a_halves[1]) >> 16;
    let crossed = s_q * b_halves[0] + s_b * q_halves[0];
    let c3 = (l[2] + c2 - crossed - s_r + s_a) >> 16;
    let carries = [c1, c2, c3 + s_b];
    let bits = [c1 >> 8, c2 >> 8 & 1, c2 >> 9, carries[2] >> 8];
    for (column, carry) in CARRY.into_iter().zip(carries) {
        row[column] = element(carry & 0xff);
        counts.range((carry & 0xff) as u32, 8);
    }
    for (column, bit) in CARRY_BITS.into_iter().zip(bits) {
        row[column] = element(bit);
    }

    let mut rest = 0;
    if b == 0 {
        row[IS_ZERO] = F::ONE;
    } else {
        let magnitude = |sign: i64, half: i64| half - 2 * sign * half;
        let low = magnitude(s_b, b_halves[0]) - magnitude(s_r, r_halves[0]) - 1;
        let carry = (low >> 16) + 2;
        row[REST_CARRY[0]] = element(carry & 1);
        row[REST_CARRY[1]] = element(carry >> 1);
        rest = (number(op, b).abs() - remainder.abs() - 1) as u32;
    }
    for i in 0..2 {
        row[A[i]] = element(a_halves[i]);
    }
    if is_signed(op) {
        let (low, high) = (a >> 16 & 0xff, a >> 24 & 0x7f);
        row[A_LOW] = F::from_u32(low);
        counts.range(low, 8);
        counts.range(high, 7);
    }
    let mut set = |columns: [usize; 4], word: u32| {
        for (column, byte) in columns.into_iter().zip(word.to_le_bytes()) {
            row[column] = F::from_u8(byte);
        }
    };
    set(B, b);
    set(Q, q);
    set(R, r);
    set(REST, rest);
    let signed = u32::from(is_signed(op));
    let [low @ .., top] = b.to_le_bytes();
    counts.range(u32::from(top) & (0xff >> signed), 8 - signed);
    let checked = [q, rest].into_iter().chain(is_quotient(op).then_some(r));
    for byte in low.into_iter().chain(checked.flat_map(u32::to_le_bytes)) {
        counts.range(byte.into(), 8);
    }
    for (column, sign) in SIGN.into_iter().zip(signs) {
        row[column] = F::from_bool(sign);
    }
    let [div, divu, rem, remu] = IS;
    let kind = match op {
        op::DIV => div,
        op::DIVU => divu,
        op::REM => rem,
        _ => remu,
    };
    row[kind] = F::ONE;
    row
}
