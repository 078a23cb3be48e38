//! BIT: and, or, xor, nibble by nibble.
//!
//! With `c = a & b` per nibble, `a | b = a + b - c` and `a ^ b = a + b - 2c`. The lookup of
//! `(x, y, x & y)` also checks that `x` and `y` are nibbles.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::counts::Counts;
use super::filled::{AluRow, Height};
use super::operation::Operation;
use crate::air::first;
use crate::bus::{AND4, send, serve};
use crate::columns::{Column, columns, width};
use crate::decode::Alu;

/// Nibbles of a word.
const NIBBLES: usize = 8;

/// Operations on the exec bus.
pub mod op {
    /// Bitwise and.
    pub const AND: u32 = 7;
    /// Bitwise or.
    pub const OR: u32 = 8;
    /// Bitwise exclusive or.
    pub const XOR: u32 = 9;
}

columns! {
    /// Nibbles of the first operand, lowest first.
    A[NIBBLES],
    /// Nibbles of the second operand.
    B[NIBBLES],
    /// Nibbles of their bitwise and.
    AND[NIBBLES],
    /// Whether the operation is and, or, xor.
    IS[3],
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bit;

impl Operation for Bit {
    const COLUMNS: &'static [Column] = COLUMNS;
    const HEIGHT: Height = Height { below: 2, least: 0 };
    const SERVED: (u32, u32) = (op::AND, op::XOR);

    fn op(alu: Alu) -> Option<u32> {
        match alu {
            Alu::And => Some(op::AND),
            Alu::Or => Some(op::OR),
            Alu::Xor => Some(op::XOR),
            _ => None,
        }
    }

    fn value(op: u32, a: u32, b: u32) -> u32 {
        match op {
            op::AND => a & b,
            op::OR => a | b,
            _ => a ^ b,
        }
    }

    fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
        let main = builder.main();
        let now: &[_; WIDTH] = first(main.current_slice());
        let at = |c: usize| -> AB::Expr { now[c].into() };
        let kinds = IS.map(at);
        builder.assert_bools(kinds.clone());
        let [and, or, xor] = kinds;
        let real = and.clone() + or.clone() + xor.clone();
        builder.assert_bool(real.clone());

        let words = [A, B, AND].map(|nibbles| nibbles.map(at));
        for i in 0..NIBBLES {
            let message = words.each_ref().map(|nibbles| nibbles[i].clone());
            builder.push_interaction(AND4, message, send(real.clone()));
        }
        // The halves of each word by their nibbles.
        let [a, b, common] = words.map(|nibbles| {
            let (halves, _) = nibbles.as_chunks::<4>();
            let half = |h: usize| {
                let nibbles = halves[h].iter().rev().cloned();
                nibbles.fold(AB::Expr::ZERO, |sum, nibble| {
                    sum * AB::Expr::from_u8(16) + nibble
                })
            };
            [half(0), half(1)]
        });
        let result = |h: usize| {
            let both = a[h].clone() + b[h].clone();
            // The selectors weigh a + b and c: degree 2.
            both * (or.clone() + xor.clone())
                + common[h].clone() * (and.clone() - or.clone() - xor.clone() - xor.clone())
        };
        let result = [result(0), result(1)];
        let op = and.clone() * AB::Expr::from_u32(op::AND)
            + or.clone() * AB::Expr::from_u32(op::OR)
            + xor.clone() * AB::Expr::from_u32(op::XOR);
        serve(builder, op, a, b, result, real);
    }

    fn fill(rows: &[AluRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
        trace.values_mut().fill(F::ZERO);
        for (r, step) in rows.iter().enumerate() {
            let mut row = [F::ZERO; WIDTH];
            for i in 0..NIBBLES {
                let [x, y] = [step.a, step.b].map(|word| word >> (4 * i) & 15);
                counts.and4(x, y);
                row[A[i]] = F::from_u32(x);
                row[B[i]] = F::from_u32(y);
                row[AND[i]] = F::from_u32(x & y);
            }
            let [and, or, xor] = IS;
            let kind = match step.op {
                op::AND => and,
                op::OR => or,
                _ => xor,
            };
            row[kind] = F::ONE;
            trace.set_row(r, &row);
        }
    }
}
