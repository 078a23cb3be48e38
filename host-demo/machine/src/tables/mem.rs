//! MEM: loads and stores of every size, and the target of an indirect jump.
//!
//! The byte address is `base + offset mod 2^32 = 4 * cell + 2 * bit1 + bit0`, with
//! `cell = 2^14 * high + q`, `high < 2^16` and `q < 2^14`: every word index has one such form, so
//! an address cannot be taken for another that is equal modulo the field's order.

use bytemuck::{Pod, Zeroable};
use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};
use zeroize::DefaultIsZeroes;

use super::counts::Counts;
use super::filled::{Epoch, Filled, Height};
use super::rom::op;
use super::table::Table;
use crate::air::first;
use crate::bus::{Access, Clock, EXEC, access, inverse_power_of_two, range, range8, receive};
use crate::columns::{Column, columns, width};
use crate::program::Program;

/// What is recorded of a row.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct MemRow {
    /// Clock of the cycle.
    pub clk: u32,
    /// Operation on the exec bus.
    pub op: u32,
    /// Base, as two halves: a system call's may exceed 16 bits.
    pub base: [u32; 2],
    /// Offset in bytes.
    pub offset: i32,
    /// Value loaded or stored; the link of an indirect jump.
    pub value: u32,
    /// Memory word before the access.
    pub old: u32,
    /// Memory word after it.
    pub new: u32,
    /// Previous timestamp of the memory cell.
    pub previous: u32,
}

impl DefaultIsZeroes for MemRow {}

columns! {
    /// Clock of the cycle.
    CLK,
    /// Base of the address, halves.
    BASE[2],
    /// Offset in bytes, signed.
    OFFSET,
    /// Value loaded or stored, halves; the link of an indirect jump.
    VALUE[2],
    /// Word of the address below 2^14: low 8 and high 6 bits.
    Q[2],
    /// The two lowest bits of the address.
    BIT[2],
    /// High half of the address, bytes.
    HIGH[2],
    /// Memory word before, halves.
    OLD[2],
    /// Memory word after, halves.
    NEW[2],
    /// Timestamp of the access before.
    PREVIOUS,
    /// Whether one byte is moved.
    IS_BYTE,
    /// Whether two bytes are moved.
    IS_HALF,
    /// Whether four bytes are moved.
    IS_WORD,
    /// Whether the row is an indirect jump.
    IS_JALR,
    /// Whether memory is written.
    IS_STORE,
    /// Whether the sign is extended.
    IS_SIGNED,
    /// Bytes of the half that a byte or half is in, before the access.
    HALF[2],
    /// Byte moved; of a half that is loaded, the high one.
    BYTE,
    /// Sign bit of a load that extends it.
    SIGN,
    /// Low part of the timestamp difference.
    ELAPSED,
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Mem(pub Clock);

impl Table for Mem {
    const COLUMNS: &'static [Column] = COLUMNS;

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        eval(self.0, builder);
    }
}

impl Filled for Mem {
    type Row = MemRow;
    const HEIGHT: Height = Height { below: 1, least: 0 };

    fn new(clock: Clock) -> Self {
        Self(clock)
    }

    fn fill(
        &self,
        _: &Program<'_>,
        rows: &[Self::Row],
        _: Epoch,
        counts: &mut Counts<'_>,
        trace: &mut TraceMut<'_>,
    ) {
        fill(self.0, rows, counts, trace);
    }
}

fn eval<AB: InteractionBuilder<F = F>>(clock: Clock, builder: &mut AB) {
    let main = builder.main();
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };
    let pair = |c: [usize; 2]| c.map(at);
    let constant = |c: u32| AB::Expr::from_u32(c);
    let one = AB::Expr::ONE;
    let [byte, half, word, jalr, store, signed] =
        [IS_BYTE, IS_HALF, IS_WORD, IS_JALR, IS_STORE, IS_SIGNED].map(at);
    let moves = byte.clone() + half.clone() + word.clone();
    let real = moves.clone() + jalr.clone();
    let ([bit0, bit1], [half0, half1]) = (pair(BIT), pair(HALF));
    let ([old_lo, old_hi], [new_lo, new_hi]) = (pair(OLD), pair(NEW));
    let [value_lo, value_hi] = pair(VALUE);
    let (moved, sign) = (at(BYTE), at(SIGN));

    // One kind per row.
    builder.assert_bools([IS_BYTE, IS_HALF, IS_WORD, IS_JALR, IS_STORE, IS_SIGNED].map(at));
    builder.assert_bool(real.clone());

    // The address, with carries -1, 0 or 1.
    let [q0, q1] = pair(Q);
    let [high0, high1] = pair(HIGH);
    let q = q0.clone() + q1.clone() * constant(1 << 8);
    let high = high0.clone() + high1.clone() * constant(1 << 8);
    let low = q.clone() * constant(4) + bit1.clone() * constant(2) + bit0.clone();
    let carry = inverse_power_of_two(16);
    let [base_lo, base_hi] = pair(BASE);
    let carry_lo = (base_lo + at(OFFSET) - low) * carry;
    let carry_hi = (base_hi + carry_lo.clone() - high.clone()) * carry;
    for carry in [carry_lo, carry_hi] {
        builder.assert_zero(carry.clone() * (carry.square() - one.clone()));
    }
    builder.assert_bools([bit0.clone(), bit1.clone()]);
    range8(builder, q0, real.clone());
    range(builder, q1, constant(6), real.clone());
    range8(builder, high0, real.clone());
    range8(builder, high1, real.clone());
    let cell = high * constant(1 << 14) + q;
    // Alignment; an indirect jump drops the lowest bit.
    builder.assert_zero((half.clone() + word.clone()) * bit0.clone());
    builder.assert_zero((word.clone() + jalr.clone()) * bit1.clone());

    // The cell.
    let (timestamp, previous, gate) = (at(CLK) + constant(2), at(PREVIOUS), moves);
    let (old, new, elapsed) = (pair(OLD), pair(NEW), at(ELAPSED));
    let touched = Access {
        cell: cell.clone(),
        timestamp,
        previous,
        old,
        new,
        elapsed,
        gate,
    };
    access(builder, clock, touched);

    // The half that a byte or half is in, by bytes.
    let part = byte.clone() + half.clone();
    let old_half = half0.clone() + half1.clone() * constant(1 << 8);
    let selected = old_lo.clone() + bit1.clone() * (old_hi.clone() - old_lo.clone());
    builder.assert_zero(part.clone() * (old_half.clone() - selected));
    range8(builder, half0.clone(), real.clone());
    range8(builder, half1.clone(), real.clone());

    // Loads leave the cell as it was.
    let kept = [
        new_lo.clone() - old_lo.clone(),
        new_hi.clone() - old_hi.clone(),
    ];
    let [kept_lo, kept_hi] = kept;
    let load = one.clone() - store.clone();
    builder.assert_zero(load.clone() * kept_lo.clone());
    builder.assert_zero(load.clone() * kept_hi.clone());
    // A word is the cell, loaded or stored.
    builder.assert_zero(word.clone() * (new_lo - value_lo.clone()));
    builder.assert_zero(word * (new_hi - value_hi.clone()));
    // A part leaves the other half as it was, and in its own changes only what it moves.
    builder.assert_zero(part.clone() * bit1.clone() * kept_lo.clone());
    builder.assert_zero(part.clone() * (one.clone() - bit1) * kept_hi.clone());
    // For a load the change is zero, so that these also say what is loaded.
    let change = kept_lo + kept_hi;
    let of_half = value_lo.clone() - old_half;
    builder.assert_zero(half.clone() * (change.clone() - of_half));
    let of_byte = (one.clone() - bit0.clone()) * (moved.clone() - half0)
        + bit0 * constant(256) * (moved.clone() - half1.clone());
    builder.assert_zero(byte.clone() * (change - of_byte));
    // The rest of the value: anything in a byte store's source, the sign in what a part loads.
    let rest = value_lo.clone() - moved.clone();
    range8(
        builder,
        rest.clone() * inverse_power_of_two(8),
        byte.clone(),
    );
    builder.assert_zero(byte * load.clone() * (rest - sign.clone() * constant(0xff00)));
    let high_rest = value_hi.clone() - sign.clone() * constant(0xffff);
    builder.assert_zero(part * load.clone() * high_rest);
    // The sign is the top bit of the byte moved, in a half of the high one.
    builder.assert_zero(half * (moved.clone() - half1));
    builder.assert_bool(sign.clone());
    builder.assert_zero(sign.clone() * (one - signed.clone()));
    let rest = moved - sign * constant(128);
    range(builder, rest, constant(8) - signed.clone(), real.clone());

    let op = real.clone() * constant(op::MEM)
        + at(IS_BYTE) * constant(op::BYTE)
        + at(IS_HALF) * constant(op::HALF)
        + at(IS_WORD) * constant(op::WORD)
        + jalr.clone() * constant(op::JALR)
        + store.clone() * constant(op::STORE)
        + signed * constant(op::SIGNED);
    let [base_lo, base_hi] = pair(BASE);
    let source = store + jalr.clone();
    let request = [
        op,
        at(CLK),
        base_lo,
        base_hi,
        source.clone() * value_lo.clone(),
        source * value_hi.clone(),
        load.clone() * value_lo,
        load * value_hi,
        at(OFFSET),
        jalr * cell,
        AB::Expr::ZERO,
        AB::Expr::ZERO,
    ];
    builder.push_interaction(EXEC, request, receive(real));
}

fn fill(clock: Clock, rows: &[MemRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    let row = &mut [F::ZERO; WIDTH];
    for (r, step) in rows.iter().enumerate() {
        row.fill(F::ZERO);
        let code = step.op - op::MEM;
        let (signed, code) = (code >= op::SIGNED, code % op::SIGNED);
        // A jump's code has no store below it.
        let store = code > op::JALR;
        let size = if store { code - op::STORE } else { code };
        let [base_lo, base_hi] = step.base;
        let address = base_lo
            .wrapping_add(base_hi << 16)
            .wrapping_add_signed(step.offset);
        let (cell, bits) = (address >> 2, [address & 1, address >> 1 & 1]);
        let (q, high) = (cell & 0x3fff, cell >> 14);

        let kind = [IS_BYTE, IS_HALF, IS_WORD, IS_JALR][(size - 1) as usize];
        row[kind] = F::ONE;
        row[IS_STORE] = F::from_bool(store);
        row[IS_SIGNED] = F::from_bool(signed);
        row[CLK] = F::from_u32(step.clk);
        row[OFFSET] = F::from_i32(step.offset);
        row[BASE[0]] = F::from_u32(base_lo);
        row[BASE[1]] = F::from_u32(base_hi);
        let halves = |word: u32| [word & 0xffff, word >> 16].map(F::from_u32);
        [row[VALUE[0]], row[VALUE[1]]] = halves(step.value);
        [row[OLD[0]], row[OLD[1]]] = halves(step.old);
        [row[NEW[0]], row[NEW[1]]] = halves(step.new);
        for i in 0..2 {
            row[BIT[i]] = F::from_u32(bits[i]);
        }
        row[Q[0]] = F::from_u32(q & 0xff);
        row[Q[1]] = F::from_u32(q >> 8);
        counts.range(q & 0xff, 8);
        counts.range(q >> 8, 6);
        row[HIGH[0]] = counts.range16(high);
        row[HIGH[1]] = F::from_u32(high >> 8);

        let part = size == op::BYTE || size == op::HALF;
        let half = if part {
            step.old >> (16 * bits[1]) & 0xffff
        } else {
            0
        };
        row[HALF[0]] = counts.range16(half);
        row[HALF[1]] = F::from_u32(half >> 8);
        let moved = match size {
            op::BYTE => step.value & 0xff,
            op::HALF => half >> 8,
            _ => 0,
        };
        let sign = if signed { moved >> 7 } else { 0 };
        row[BYTE] = F::from_u32(moved);
        row[SIGN] = F::from_u32(sign);
        counts.range(moved - 128 * sign, 8 - u32::from(signed));
        if size == op::BYTE {
            counts.range(step.value >> 8 & 0xff, 8);
        }
        if size != op::JALR {
            row[PREVIOUS] = F::from_u32(step.previous);
            row[ELAPSED] = counts.elapsed(clock, step.clk + 2, step.previous);
        }
        trace.set_row(r, row);
    }
}
