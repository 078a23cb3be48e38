//! SHIFT: left, right, and right with the sign.
//!
//! The distance is `k + 8 * bytes`. Each byte of `a` splits at bit `m` into `low + M * high`, `M =
//! 2^m`, where `m = k` to the right and `m = 8 - k` to the left; with `N = 2^(8 - m)` the bytes of
//! `a * N` are `z_0 = low_0 * N`, `z_j = low_j * N + high_(j-1)`, `z_4 = high_3`. The result's byte
//! `i` is `z_(i - bytes)` to the left and `z_(i + 1 + bytes)` to the right, so one selector among
//! eight names direction and bytes.

use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::counts::Counts;
use super::filled::{AluRow, Height};
use super::operation::Operation;
use super::product::halves;
use crate::air::first;
use crate::bus::{inverse_power_of_two, range, range8, serve};
use crate::columns::{Column, columns, width};
use crate::decode::Alu;

/// Operations on the exec bus.
pub mod op {
    /// Shift left.
    pub const SLL: u32 = 10;
    /// Shift right, zeros in.
    pub const SRL: u32 = 11;
    /// Shift right, sign in.
    pub const SRA: u32 = 12;
}

columns! {
    /// Low parts of the bytes of `a`.
    LOW[4],
    /// High parts.
    HIGH[4],
    /// Selectors: left by 3, 2, 1, 0 bytes, right by 0, 1, 2, 3 bytes.
    SELECT[8],
    /// Bits of k.
    K[3],
    /// 2^k.
    POWER,
    /// M = 2^m.
    M_POWER,
    /// N = 2^(8 - m).
    N_POWER,
    /// m.
    M,
    /// Whether the sign is shifted in.
    IS_SRA,
    /// The sign that is shifted in.
    SIGN,
    /// The sign times N.
    SIGN_N,
    /// Bits 5 to 12 and 13 to 15 of b, which do not count.
    UNUSED[2],
    /// High half of b.
    B_HIGH,
    /// Result, halves.
    RESULT[2],
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shift;

impl Operation for Shift {
    const COLUMNS: &'static [Column] = COLUMNS;
    const HEIGHT: Height = Height { below: 2, least: 0 };
    const SERVED: (u32, u32) = (op::SLL, op::SRA);

    fn op(alu: Alu) -> Option<u32> {
        match alu {
            Alu::Sll => Some(op::SLL),
            Alu::Srl => Some(op::SRL),
            Alu::Sra => Some(op::SRA),
            _ => None,
        }
    }

    fn value(op: u32, a: u32, b: u32) -> u32 {
        match op {
            op::SLL => a << (b & 31),
            op::SRL => a >> (b & 31),
            _ => (a as i32 >> (b & 31)) as u32,
        }
    }

    fn eval<AB: InteractionBuilder<F = F>>(builder: &mut AB) {
        let main = builder.main();
        let now: &[_; WIDTH] = first(main.current_slice());
        let at = |c: usize| -> AB::Expr { now[c].into() };
        let constant = |c: u32| AB::Expr::from_u32(c);
        let one = AB::Expr::ONE;

        // Direction and bytes.
        let selectors: [AB::Expr; 8] = SELECT.map(at);
        builder.assert_bools(selectors.clone());
        let left = (0..4).fold(AB::Expr::ZERO, |sum, i| sum + selectors[i].clone());
        let right = (4..8).fold(AB::Expr::ZERO, |sum, i| sum + selectors[i].clone());
        let real = left.clone() + right.clone();
        builder.assert_bool(real.clone());
        let bytes = (1..4).fold(AB::Expr::ZERO, |sum, i| {
            let either = selectors[3 - i].clone() + selectors[4 + i].clone();
            sum + either * constant(i as u32)
        });

        // Powers of the bits.
        let bits = K.map(at);
        builder.assert_bools(bits.clone());
        let [k0, k1, k2] = bits;
        let k = k0.clone() + k1.clone() * constant(2) + k2.clone() * constant(4);
        let power = (k0 + one.clone())
            * (k1 * constant(3) + one.clone())
            * (k2 * constant(15) + one.clone());
        builder.assert_eq(at(POWER), power);
        builder.assert_zero(right.clone() * (at(M_POWER) - at(POWER)));
        builder.assert_zero(left.clone() * (at(N_POWER) - at(POWER)));
        builder.assert_eq(at(M_POWER) * at(N_POWER), real.clone() * constant(256));
        let m = left.clone() * (constant(8) - k.clone()) + right.clone() * k.clone();
        builder.assert_eq(at(M), m);

        // Bytes split at m. The top part, without its sign bit, is a bit shorter.
        let (sra, sign, sign_n) = (at(IS_SRA), at(SIGN), at(SIGN_N));
        builder.assert_bools([sra.clone(), sign.clone()]);
        builder.assert_zero(sra.clone() * (one.clone() - right.clone()));
        builder.assert_zero(sign.clone() * (one - sra.clone()));
        builder.assert_eq(sign_n.clone(), sign.clone() * at(N_POWER));
        let (low, high) = (LOW.map(at), HIGH.map(at));
        for i in 0..4 {
            range(builder, low[i].clone(), at(M), real.clone());
            let rest = constant(8) - at(M);
            if i < 3 {
                range(builder, high[i].clone(), rest, real.clone());
            } else {
                let unsigned = high[3].clone() - sign_n.clone() * inverse_power_of_two(1);
                range(builder, unsigned, rest - sra.clone(), real.clone());
            }
        }
        // Bits of b that do not count.
        range8(builder, at(UNUSED[0]), real.clone());
        range(builder, at(UNUSED[1]), constant(3), real.clone());

        // z_j, then signs: of degree 2.
        let z = |j: i32| -> AB::Expr {
            match j {
                0 => low[0].clone() * at(N_POWER),
                1..=3 => low[j as usize].clone() * at(N_POWER) + high[j as usize - 1].clone(),
                4 => high[3].clone() + sign.clone() * constant(256) - sign_n.clone(),
                5.. => sign.clone() * constant(255),
                _ => AB::Expr::ZERO,
            }
        };
        let byte = |i: i32| {
            (0..8).fold(AB::Expr::ZERO, |sum, s| {
                sum + selectors[s].clone() * z(i + s as i32 - 3)
            })
        };
        for (result, h) in RESULT.map(at).into_iter().zip([0, 1]) {
            let half = byte(2 * h) + byte(2 * h + 1) * constant(256);
            builder.assert_eq(result, half);
        }

        let a_bytes: [_; 4] =
            core::array::from_fn(|i| low[i].clone() + at(M_POWER) * high[i].clone());
        let a = halves(&a_bytes, constant(256));
        let unused = at(UNUSED[0]) + at(UNUSED[1]) * constant(256);
        let b_low = k + bytes * constant(8) + unused * constant(32);
        let op = left * constant(op::SLL)
            + right * constant(op::SRL)
            + sra * constant(op::SRA - op::SRL);
        let b = [b_low, at(B_HIGH)];
        serve(builder, op, a, b, RESULT.map(at), real);
    }

    fn fill(rows: &[AluRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
        trace.values_mut().fill(F::ZERO);
        // No selector, no shift: 2^0.
        trace.column_mut(POWER).fill(F::ONE);
        for (r, step) in rows.iter().enumerate() {
            let mut row = [F::ZERO; WIDTH];
            let (k, bytes) = (step.b & 7, step.b >> 3 & 3);
            let left = step.op == op::SLL;
            let m = if left { 8 - k } else { k };
            let select = if left { 3 - bytes } else { 4 + bytes };
            let sra = step.op == op::SRA;
            let sign = if sra { step.a >> 31 } else { 0 };
            let n_power = 1 << (8 - m);
            row[SELECT[select as usize]] = F::ONE;
            row[POWER] = F::from_u32(1 << k);
            row[M_POWER] = F::from_u32(1 << m);
            row[N_POWER] = F::from_u32(n_power);
            row[M] = F::from_u32(m);
            row[IS_SRA] = F::from_bool(sra);
            row[SIGN] = F::from_u32(sign);
            row[SIGN_N] = F::from_u32(sign * n_power);
            for (i, &column) in K.iter().enumerate() {
                row[column] = F::from_u32(k >> i & 1);
            }
            for i in 0..4 {
                let byte = step.a >> (8 * i) & 0xff;
                let (low, high) = (byte & ((1 << m) - 1), byte >> m);
                row[LOW[i]] = F::from_u32(low);
                row[HIGH[i]] = F::from_u32(high);
                counts.range(low, m);
                if i < 3 {
                    counts.range(high, 8 - m);
                } else {
                    counts.range(high - sign * (n_power >> 1), 8 - m - u32::from(sra));
                }
            }
            for (column, value, bits) in [
                (UNUSED[0], step.b >> 5 & 0xff, 8),
                (UNUSED[1], step.b >> 13 & 7, 3),
            ] {
                row[column] = F::from_u32(value);
                counts.range(value, bits);
            }
            row[B_HIGH] = F::from_u32(step.b >> 16);
            let result = Shift::value(step.op, step.a, step.b);
            row[RESULT[0]] = F::from_u32(result & 0xffff);
            row[RESULT[1]] = F::from_u32(result >> 16);
            trace.set_row(r, &row);
        }
    }
}
