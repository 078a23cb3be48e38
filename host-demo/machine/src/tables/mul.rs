//! MUL: low and high words of products.
//!
//! With the bytes of both operands, `L_k` the sums of their products (`product.rs`), and `s`, `t` the signs of `a`
//! and `b` where the operation takes them as signed, else 0, the product modulo 2^64 has the halves `p_k` of
//!
//! ```text
//! p_0 + 2^16 c_1 = L_0
//! p_1 + 2^16 c_2 = L_1 + c_1
//! p_2 + 2^16 c_3 = L_2 + c_2 - s b_lo - t a_lo
//! p_3 - 2^16 d   = L_3 + c_3 - s b_hi - t a_hi
//! ```
//!
//! *Soundness.* All bytes are checked, and so are the halves of the result, by the CPU table, and those of the low word
//! where it is not the result. The carries `c_1 < 2^9`, `c_2 < 2^10` and `c_3`, from -2 to 2^9, are a checked byte and
//! bits, `d` is a bit. So no side of an equation is below -2^18 or above 2^27: each holds over the integers, and the
//! four add up to `a b - d' 2^64` with `d' = - d` or, where both are negative, `1 - d`. Each half is what the rest of its
//! equation leaves modulo 2^16, so each is determined.
//!
//! *Completeness.* `c_1` is at most 513 · 255² / 2^16 < 2^9, and `c_2` at most (1027 · 255² + 2^9) / 2^16 < 2^10. `c_3` is at most
//! 510 without a sign. Each sign lowers it by one at most, which `s + t` is added for; with both, `a_1 + b_1` is either
//! so small that `L_2` is, or is taken from it 2^8 times: `c_3` is at most 509. A product is at least -2^63, so at most one
//! 2^64 is borrowed.
//!
//! Of the low word (`mul`), the last two equations are of no consequence; they hold of the product as unsigned.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::counts::Counts;
use super::filled::{AluRow, Extends, Height};
use super::operation::Operation;
use super::product::{bytes, element, halves, limbs};
use crate::air::first;
use crate::bus::{range, range8, serve};
use crate::columns::{Column, columns, width};
use crate::decode::{Alu, Extension};

/// Operations on the exec bus.
pub mod op {
    /// Low word of the product.
    pub const MUL: u32 = 32;
    /// High word, both signed.
    pub const MULH: u32 = 33;
    /// High word, the first signed.
    pub const MULHSU: u32 = 34;
    /// High word, unsigned.
    pub const MULHU: u32 = 35;
}

columns! {
    /// Bytes of the first operand, lowest first.
    A[4],
    /// Bytes of the second operand.
    B[4],
    /// Bytes of the product's low word.
    LOW[4],
    /// Halves of the product's high word.
    HIGH[2],
    /// Low bytes of the carries into the second, third and fourth half; of the last, plus the signs.
    CARRY[3],
    /// Bit 8 of the first carry, bits 8 and 9 of the second, bit 8 of the third.
    CARRY_BITS[4],
    /// Signs of the operands, where they are signed.
    SIGN[2],
    /// Whether the fourth half borrows.
    BORROW,
    /// Whether the operation is mul, mulh, mulhsu, mulhu.
    IS[4],
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mul;

impl Extends for Mul {
    const EXTENSION: Extension = Extension::Multiply;
}

impl Operation for Mul {
    const COLUMNS: &'static [Column] = COLUMNS;
    const HEIGHT: Height = Height { below: 4, least: 4 };
    const SERVED: (u32, u32) = (op::MUL, op::MULHU);

    fn op(alu: Alu) -> Option<u32> {
        match alu {
            Alu::Mul => Some(op::MUL),
            Alu::Mulh => Some(op::MULH),
            Alu::Mulhsu => Some(op::MULHSU),
            Alu::Mulhu => Some(op::MULHU),
            _ => None,
        }
    }

    fn value(op: u32, a: u32, b: u32) -> u32 {
        if op == op::MUL {
            a.wrapping_mul(b)
        } else {
            (product(op, a, b) >> 32) as u32
        }
    }

    fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
        let main = builder.main();
        let now: &[_; WIDTH] = first(main.current_slice());
        let at = |c: usize| -> AB::Expr { now[c].into() };
        let constant = |c: u32| AB::Expr::from_u32(c);
        let one = AB::Expr::ONE;
        let half = constant(1 << 16);

        builder.assert_bools(IS.map(at));
        let [mul, mulh, mulhsu, mulhu] = IS.map(at);
        let high = mulh.clone() + mulhsu.clone() + mulhu.clone();
        let real = mul.clone() + high.clone();
        builder.assert_bool(real.clone());
        builder.assert_bools(CARRY_BITS.map(at));
        builder.assert_bools(SIGN.map(at));
        builder.assert_bool(at(BORROW));
        let [s, t] = SIGN.map(at);
        let signed = [mulh.clone() + mulhsu.clone(), mulh.clone()];
        builder.assert_zero(s.clone() * (one.clone() - signed[0].clone()));
        builder.assert_zero(t.clone() * (one - signed[1].clone()));

        for ([low @ .., top], (sign, signed)) in [A, B]
            .map(|bytes| bytes.map(at))
            .into_iter()
            .zip([s.clone(), t.clone()].into_iter().zip(signed))
        {
            for byte in low {
                range8(builder, byte, real.clone());
            }
            // Without the sign it has a bit less.
            let top = top - sign * constant(1 << 7);
            range(builder, top, constant(8) - signed, real.clone());
        }
        for byte in LOW.map(at) {
            range8(builder, byte, high.clone());
        }
        for byte in CARRY.map(at) {
            range8(builder, byte, real.clone());
        }

        let [a, b, low] = [A, B, LOW].map(|word| halves(&word.map(at), constant(1 << 8)));
        let [l0, l1, l2, l3] = limbs(&A.map(at), &B.map(at), constant(1 << 8));
        let [bits1, bits2, bits2_high, bits3] = CARRY_BITS.map(at);
        let [c1, c2, c3] = CARRY.map(at);
        let c1 = c1 + bits1 * constant(1 << 8);
        let c2 = c2 + bits2 * constant(1 << 8) + bits2_high * constant(1 << 9);
        let c3 = c3 + bits3 * constant(1 << 8) - s.clone() - t.clone();
        let [low_lo, low_hi] = low.clone();
        let ([a_lo, a_hi], [b_lo, b_hi], [high_lo, high_hi]) = (a.clone(), b.clone(), HIGH.map(at));
        builder.assert_eq(low_lo + c1.clone() * half.clone(), l0);
        builder.assert_eq(low_hi + c2.clone() * half.clone(), l1 + c1);
        let crossed = s.clone() * b_lo + t.clone() * a_lo;
        builder.assert_eq(high_lo + c3.clone() * half.clone(), l2 + c2 - crossed);
        let crossed = s * b_hi + t * a_hi;
        builder.assert_eq(high_hi - at(BORROW) * half, l3 + c3 - crossed);

        let op = mul * constant(op::MUL)
            + mulh * constant(op::MULH)
            + mulhsu * constant(op::MULHSU)
            + mulhu * constant(op::MULHU);
        let highs = HIGH.map(at);
        let result = [0, 1]
            .map(|h: usize| low[h].clone() + high.clone() * (highs[h].clone() - low[h].clone()));
        serve(builder, op, a, b, result, real);
    }

    fn fill(rows: &[AluRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
        trace.values_mut().fill(F::ZERO);
        for (r, step) in rows.iter().enumerate() {
            let mut row = [F::ZERO; WIDTH];
            let AluRow { op, a, b } = *step;
            let product = product(op, a, b);
            let is_signed = signed(op);
            let sign = [(a, is_signed[0]), (b, is_signed[1])]
                .map(|(word, signed)| if signed { word >> 31 } else { 0 });
            let [s, t] = sign.map(i64::from);
            let p: [i64; 4] = core::array::from_fn(|k| (product >> (16 * k) & 0xffff) as i64);
            let [a_bytes, b_bytes] = [a, b].map(bytes);
            let [a_halves, b_halves] = [&a_bytes, &b_bytes].map(|word| halves(word, 1 << 8));
            let l = limbs(&a_bytes, &b_bytes, 1 << 8);
            let c1 = (l[0] - p[0]) >> 16;
            let c2 = (l[1] + c1 - p[1]) >> 16;
            let crossed: [i64; 2] = core::array::from_fn(|h| s * b_halves[h] + t * a_halves[h]);
            let c3 = (l[2] + c2 - crossed[0] - p[2]) >> 16;
            let borrow = (p[3] - (l[3] + c3 - crossed[1])) >> 16;
            let carries = [c1, c2, c3 + s + t];
            let bits = [c1 >> 8, c2 >> 8 & 1, c2 >> 9, carries[2] >> 8];

            for (i, (column, word)) in [(A, a), (B, b)].into_iter().enumerate() {
                for (k, byte) in word.to_le_bytes().into_iter().map(u32::from).enumerate() {
                    row[column[k]] = F::from_u32(byte);
                    if k < 3 {
                        counts.range(byte, 8);
                    } else {
                        counts.range(byte - (sign[i] << 7), 8 - u32::from(is_signed[i]));
                    }
                }
                row[SIGN[i]] = F::from_u32(sign[i]);
            }
            for (k, byte) in (product as u32).to_le_bytes().into_iter().enumerate() {
                row[LOW[k]] = F::from_u8(byte);
                if op != op::MUL {
                    counts.range(byte.into(), 8);
                }
            }
            for (column, half) in HIGH.into_iter().zip([p[2], p[3]]) {
                row[column] = element(half);
            }
            for (column, carry) in CARRY.into_iter().zip(carries) {
                row[column] = element(carry & 0xff);
                counts.range((carry & 0xff) as u32, 8);
            }
            for (column, bit) in CARRY_BITS.into_iter().zip(bits) {
                row[column] = element(bit);
            }
            row[BORROW] = element(borrow);
            let [mul, mulh, mulhsu, mulhu] = IS;
            let kind = match op {
                op::MUL => mul,
                op::MULH => mulh,
                op::MULHSU => mulhsu,
                _ => mulhu,
            };
            row[kind] = F::ONE;
            trace.set_row(r, &row);
        }
    }
}

/// Whether an operation takes its operands as signed.
const fn signed(op: u32) -> [bool; 2] {
    [matches!(op, op::MULH | op::MULHSU), op == op::MULH]
}

/// The product modulo 2^64.
const fn product(op: u32, a: u32, b: u32) -> u64 {
    let [a_signed, b_signed] = signed(op);
    let a = if a_signed { a as i32 as i64 } else { a as i64 };
    let b = if b_signed { b as i32 as i64 } else { b as i64 };
    a.wrapping_mul(b) as u64
}
