//! BIT: and, or, xor, nibble by nibble.
//!
//! With `c = a & b` per nibble, `a | b = a + b - c` and `a ^ b = a + b - 2c`. The lookup of
//! `(x, y, x & y)` also checks that `x` and `y` are nibbles.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::rom::op;
use crate::bus::{AND4, send, serve};
use crate::exec::record::EpochRecord;

/// Nibbles of a word.
const NIBBLES: usize = 8;
/// Nibbles of the first operand, lowest first.
pub const A: usize = 0;
/// Nibbles of the second operand.
pub const B: usize = A + NIBBLES;
/// Nibbles of their bitwise and.
pub const AND: usize = B + NIBBLES;
/// Whether the operation is and, or, xor.
pub const IS: [usize; 3] = [24, 25, 26];
pub(super) const WIDTH: usize = 27;

pub(super) fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
    let main = builder.main();
    let at = |c: usize| -> AB::Expr { main.current_slice()[c].into() };
    let kinds = IS.map(at);
    builder.assert_bools(kinds.clone());
    let [and, or, xor] = kinds;
    let real = and.clone() + or.clone() + xor.clone();
    builder.assert_bool(real.clone());

    for i in 0..NIBBLES {
        builder.push_interaction(
            AND4,
            [at(A + i), at(B + i), at(AND + i)],
            send(real.clone()),
        );
    }
    // Half `h` of a word by its nibbles.
    let half = |nibbles: usize, h: usize| {
        (0..4).rev().fold(AB::Expr::ZERO, |sum, i| {
            sum * AB::Expr::from_u8(16) + at(nibbles + 4 * h + i)
        })
    };
    let result = |h: usize| {
        let both = half(A, h) + half(B, h);
        let common = half(AND, h);
        // The selectors weigh a + b and c: degree 2.
        both * (or.clone() + xor.clone())
            + common * (and.clone() - or.clone() - xor.clone() - xor.clone())
    };
    let op = and.clone() * AB::Expr::from_u32(op::AND)
        + or.clone() * AB::Expr::from_u32(op::OR)
        + xor.clone() * AB::Expr::from_u32(op::XOR);
    let [a, b] = [A, B].map(|nibbles| [0, 1].map(|h| half(nibbles, h)));
    serve(builder, op, a, b, [result(0), result(1)], real);
}

pub(super) fn fill(record: &mut EpochRecord<'_>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    let counts = &mut record.counts;
    for (r, step) in record.bit.as_slice().iter().enumerate() {
        let mut row = [F::ZERO; WIDTH];
        for i in 0..NIBBLES {
            let [x, y] = [step.a, step.b].map(|word| word >> (4 * i) & 15);
            counts.and4(x, y);
            row[A + i] = F::from_u32(x);
            row[B + i] = F::from_u32(y);
            row[AND + i] = F::from_u32(x & y);
        }
        row[IS[(step.op - op::AND) as usize]] = F::ONE;
        trace.set_row(r, &row);
    }
}
