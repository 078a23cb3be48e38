//! CMP: less than, signed and unsigned, and equality, each with its negation.
//!
//! `a - b` is subtracted by halves, the last borrow is "less". A signed comparison first flips both
//! sign bits.

use p3_air::WindowAccess;
use p3_field::{Field, PrimeCharacteristicRing};
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::counts::Counts;
use super::filled::{AluRow, Height};
use super::operation::Operation;
use crate::air::first;
use crate::bus::{inverse_power_of_two, range, range8, range16, serve};
use crate::columns::{Column, columns, width};
use crate::decode::Alu;

/// Operations on the exec bus.
pub mod op {
    /// Less, signed.
    pub const LT: u32 = 1;
    /// Greater or equal, signed.
    pub const GE: u32 = 2;
    /// Less, unsigned.
    pub const LTU: u32 = 3;
    /// Greater or equal, unsigned.
    pub const GEU: u32 = 4;
    /// Equal.
    pub const EQ: u32 = 5;
    /// Not equal.
    pub const NE: u32 = 6;
}

columns! {
    /// First operand, halves.
    A[2],
    /// Second operand, halves.
    B[2],
    /// Result: a bit.
    RESULT,
    /// Whether the row compares signed numbers.
    IS_SIGNED,
    /// Whether the row compares unsigned numbers.
    IS_UNSIGNED,
    /// Whether the row compares for equality.
    IS_EQ,
    /// Whether the result is negated.
    NEGATED,
    /// Result before negation.
    HOLDS,
    /// Borrow of the low halves.
    BORROW,
    /// Low bytes of the difference's halves; inverses that show operands unequal.
    DIFFERENCE[2],
    /// Sign bits of the operands.
    SIGN[2],
    /// Low bytes of the operands' high halves.
    HIGH_LOW[2],
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cmp;

impl Operation for Cmp {
    const COLUMNS: &'static [Column] = COLUMNS;
    const HEIGHT: Height = Height { below: 2, least: 0 };
    const SERVED: (u32, u32) = (op::LT, op::NE);

    fn op(alu: Alu) -> Option<u32> {
        match alu {
            Alu::Slt => Some(op::LT),
            Alu::Sltu => Some(op::LTU),
            _ => None,
        }
    }

    fn value(op: u32, a: u32, b: u32) -> u32 {
        let holds = match op {
            op::LT => (a as i32) < b as i32,
            op::GE => a as i32 >= b as i32,
            op::LTU => a < b,
            op::GEU => a >= b,
            op::EQ => a == b,
            _ => a != b,
        };
        holds as u32
    }

    fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
        let main = builder.main();
        let now: &[_; WIDTH] = first(main.current_slice());
        let at = |c: usize| -> AB::Expr { now[c].into() };
        let constant = |c: u32| AB::Expr::from_u32(c);
        let one = AB::Expr::ONE;
        let [signed, unsigned, eq, negated, holds, borrow] =
            [IS_SIGNED, IS_UNSIGNED, IS_EQ, NEGATED, HOLDS, BORROW].map(at);
        let ([a_lo, a_hi], [b_lo, b_hi]) = (A.map(at), B.map(at));
        let less = signed.clone() + unsigned.clone();
        let real = less.clone() + eq.clone();
        builder.assert_bools([IS_SIGNED, IS_UNSIGNED, IS_EQ, NEGATED, HOLDS, BORROW].map(at));
        builder.assert_bool(real.clone());
        let flipped = one.clone() - negated.clone() - negated.clone();
        builder.assert_eq(at(RESULT), negated.clone() + holds.clone() * flipped);

        // Less: a - b + 2^32 * holds has 32 bits.
        let signs = SIGN.map(at);
        for sign in &signs {
            builder.assert_bool(sign.clone());
            builder.assert_zero(sign.clone() * (one.clone() - signed.clone()));
        }
        let [sign_a, sign_b] = signs;
        let power = constant(1 << 16);
        let low = a_lo.clone() - b_lo.clone() + borrow.clone() * power.clone();
        // A flipped sign bit is + 2^15 without and - 2^15 with it; of the former two, one cancels.
        let unflipped =
            (a_hi.clone() - b_hi.clone()) - (sign_a.clone() - sign_b.clone()) * power.clone();
        let high = unflipped - borrow + holds.clone() * power;
        for (half, byte) in [low, high].into_iter().zip(DIFFERENCE.map(at)) {
            range16(builder, half, byte, less.clone());
        }
        // The signs are the top bits of the high halves.
        for ((half, sign), byte) in [(a_hi.clone(), sign_a), (b_hi.clone(), sign_b)]
            .into_iter()
            .zip(HIGH_LOW.map(at))
        {
            let rest = half - sign * constant(1 << 15) - byte.clone();
            range8(builder, byte, signed.clone());
            range(
                builder,
                rest * inverse_power_of_two(8),
                constant(7),
                signed.clone(),
            );
        }

        // Equal: no difference, or inverses that weigh the differences to one.
        let [d_lo, d_hi] = [a_lo.clone() - b_lo.clone(), a_hi.clone() - b_hi.clone()];
        builder.assert_zero(eq.clone() * holds.clone() * d_lo.clone());
        builder.assert_zero(eq.clone() * holds.clone() * d_hi.clone());
        let weighed = d_lo * at(DIFFERENCE[0]) + d_hi * at(DIFFERENCE[1]);
        builder.assert_zero(eq.clone() * (weighed + holds - one));

        let op = signed * constant(op::LT)
            + unsigned * constant(op::LTU)
            + eq * constant(op::EQ)
            + negated * constant(op::GE - op::LT);
        let result = [at(RESULT), AB::Expr::ZERO];
        serve(builder, op, [a_lo, a_hi], [b_lo, b_hi], result, real);
    }

    fn fill(rows: &[AluRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
        trace.values_mut().fill(F::ZERO);
        for (r, step) in rows.iter().enumerate() {
            let mut row = [F::ZERO; WIDTH];
            let (a, b) = (
                [step.a & 0xffff, step.a >> 16],
                [step.b & 0xffff, step.b >> 16],
            );
            let result = Cmp::value(step.op, step.a, step.b);
            let negated = matches!(step.op, op::GE | op::GEU | op::NE);
            let holds = result ^ u32::from(negated);
            let kind = match step.op {
                op::LT | op::GE => IS_SIGNED,
                op::LTU | op::GEU => IS_UNSIGNED,
                _ => IS_EQ,
            };
            for i in 0..2 {
                row[A[i]] = F::from_u32(a[i]);
                row[B[i]] = F::from_u32(b[i]);
            }
            row[RESULT] = F::from_u32(result);
            row[kind] = F::ONE;
            row[NEGATED] = F::from_bool(negated);
            row[HOLDS] = F::from_u32(holds);
            if kind == IS_EQ {
                // The inverse of the first difference that is not zero.
                for i in 0..2 {
                    let difference = F::from_u32(a[i]) - F::from_u32(b[i]);
                    if let Some(inverse) = difference.try_inverse() {
                        row[DIFFERENCE[i]] = inverse;
                        break;
                    }
                }
            } else {
                let flip = if kind == IS_SIGNED { 1 << 31 } else { 0 };
                let difference = (step.a ^ flip).wrapping_sub(step.b ^ flip);
                row[BORROW] = F::from_bool(a[0] < b[0]);
                row[DIFFERENCE[0]] = counts.range16(difference & 0xffff);
                row[DIFFERENCE[1]] = counts.range16(difference >> 16);
            }
            if kind == IS_SIGNED {
                for (i, high) in [a[1], b[1]].into_iter().enumerate() {
                    row[SIGN[i]] = F::from_u32(high >> 15);
                    row[HIGH_LOW[i]] = F::from_u32(high & 0xff);
                    counts.range(high & 0xff, 8);
                    counts.range(high >> 8 & 0x7f, 7);
                }
            }
            trace.set_row(r, &row);
        }
    }
}
