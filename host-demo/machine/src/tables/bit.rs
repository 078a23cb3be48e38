//! BIT: and, or, xor, nibble by nibble.
//!
//! With `c = a & b` per nibble, `a | b = a + b - c` and `a ^ b = a + b - 2c`. The lookup of
//! `(x, y, x & y)` also checks that `x` and `y` are nibbles.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::counts::Counts;
use super::filled::{AluRow, Epoch, Filled, Height};
use super::table::Table;
use crate::bus::{AND4, Clock, send, serve};
use crate::columns::{Column, columns, width};
use crate::decode::Alu;
use crate::program::Program;

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
#[derive(Clone, Copy, Debug)]
pub struct Bit;

impl Table for Bit {
    const COLUMNS: &'static [Column] = COLUMNS;

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        eval(builder);
    }
}

impl Filled for Bit {
    type Row = AluRow;
    const HEIGHT: Height = Height { below: 2, least: 0 };
    const SERVED: (u32, u32) = (op::AND, op::XOR);

    fn new(_: Clock) -> Self {
        Self
    }

    fn fill(
        &self,
        _: &Program<'_>,
        rows: &[Self::Row],
        _: Epoch,
        counts: &mut Counts<'_>,
        trace: &mut TraceMut<'_>,
    ) {
        fill(rows, counts, trace);
    }

    fn op(alu: Alu) -> Option<u32> {
        match alu {
            Alu::And => Some(op::AND),
            Alu::Or => Some(op::OR),
            Alu::Xor => Some(op::XOR),
            _ => None,
        }
    }

    fn row(served: AluRow) -> Option<AluRow> {
        Some(served)
    }

    fn value(op: u32, a: u32, b: u32) -> u32 {
        match op {
            op::AND => a & b,
            op::OR => a | b,
            _ => a ^ b,
        }
    }
}

fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
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
            [A, B, AND].map(|nibbles| at(nibbles[i])),
            send(real.clone()),
        );
    }
    // Half `h` of a word by its nibbles.
    let half = |nibbles: [usize; NIBBLES], h: usize| {
        (0..4).rev().fold(AB::Expr::ZERO, |sum, i| {
            sum * AB::Expr::from_u8(16) + at(nibbles[4 * h + i])
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
        row[IS[(step.op - op::AND) as usize]] = F::ONE;
        trace.set_row(r, &row);
    }
}
