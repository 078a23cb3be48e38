//! CPU: one row per cycle. It fetches, reads two registers, writes one, adds and subtracts, and
//! finds the next program counter; other work goes to the exec bus.
//!
//! Real rows come first. Padding rows carry program counter and clock, so that the last row's next
//! program counter and clock are the epoch's, which are public.

use p3_air::{AirBuilder, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};

use super::rom::{BRANCH, CONST, JAL, JALR, MEM, PURE, READS_RS2, RomRow, SUB, SYS, UNEXECUTABLE};
use crate::bus::{
    Access, CLOCK_START, Clock, EXEC, ROM, STAMPS, access, inverse_power_of_two, range16, send,
};
use crate::exec::record::EpochRecord;
use crate::program::Program;

/// Word index of the instruction.
pub const PC: usize = 0;
/// Program counter of the next row, or public at the last.
pub const NEXT_PC: usize = 1;
/// Timestamp of the row's first access.
pub const CLK: usize = 2;
/// 1 on the rows of cycles.
pub const REAL: usize = 3;
/// Cells of the destination and of both sources.
pub const RD: usize = 4;
/// Cell of operand a.
pub const RS1: usize = 5;
/// Cell of operand b.
pub const RS2: usize = 6;
/// Target or offset.
pub const AUX: usize = 7;
/// Operation on the exec bus.
pub const OP: usize = 8;
/// Booleans, in the order of the flags of [`super::rom`].
pub const FLAGS: usize = 9;
/// First operand, halves.
pub const A: [usize; 2] = [18, 19];
/// Second operand, halves.
pub const B: [usize; 2] = [20, 21];
/// Value written, halves.
pub const W: [usize; 2] = [22, 23];
/// Value overwritten, halves.
pub const OLD: [usize; 2] = [24, 25];
/// Low bytes of the halves written.
pub const W_LOW: [usize; 2] = [26, 27];
/// Previous timestamps of the three accesses.
pub const PREVIOUS: [usize; 3] = [28, 29, 30];
/// Low bytes of the three timestamp differences.
pub const ELAPSED: usize = 31;

/// Number of flags; their sum's weights are powers of two below [`UNEXECUTABLE`].
const NUM_FLAGS: usize = 9;
const _: () = assert!(1 << NUM_FLAGS == UNEXECUTABLE && FLAGS + NUM_FLAGS == A[0]);

/// Columns whose next row is read.
pub(super) const NEXT: [usize; 3] = [PC, CLK, REAL];
/// Public values: entry and exit program counter, clock at the end.
pub const PUBLIC_VALUES: usize = 3;

pub(super) const fn width(clock: Clock) -> usize {
    ELAPSED + 3 * clock.limbs()
}

/// The column of a flag.
const fn flag(flag: u32) -> usize {
    FLAGS + flag.trailing_zeros() as usize
}

pub(super) fn eval<AB: InteractionBuilder<F = F>>(clock: Clock, builder: &mut AB) {
    let main = builder.main();
    let at = |c: usize| -> AB::Expr { main.current_slice()[c].into() };
    let next = |c: usize| -> AB::Expr { main.next_slice()[c].into() };
    let pair = |c: [usize; 2]| c.map(at);
    let one = AB::Expr::ONE;
    let real = at(REAL);
    let [sub, constant, jal, jalr, mem, pure, branch, sys, reads_rs2] =
        [SUB, CONST, JAL, JALR, MEM, PURE, BRANCH, SYS, READS_RS2].map(|f| at(flag(f)));

    // The epoch: entry, exit and clock are public, rows follow one another, padding stays put.
    let [entry, exit, end] =
        core::array::from_fn(|i| -> AB::Expr { builder.public_values()[i].into() });
    let after = at(CLK) + real.clone() * AB::Expr::from_u32(STAMPS);
    builder.when_first_row().assert_eq(at(PC), entry);
    builder
        .when_first_row()
        .assert_eq(at(CLK), AB::Expr::from_u32(CLOCK_START));
    builder.when_transition().assert_eq(next(PC), at(NEXT_PC));
    builder
        .when_transition()
        .assert_eq(next(CLK), after.clone());
    builder
        .when_transition()
        .assert_zero(next(REAL) * (one.clone() - real.clone()));
    builder.when_last_row().assert_eq(at(NEXT_PC), exit);
    builder.when_last_row().assert_eq(after, end);
    builder.assert_bool(real.clone());
    builder.assert_zero((one.clone() - real.clone()) * (at(NEXT_PC) - at(PC)));

    // At most one kind per row, none on padding: what no flag claims is an addition, a boolean too.
    let mut packed = AB::Expr::ZERO;
    for i in 0..NUM_FLAGS {
        builder.assert_bool(at(FLAGS + i));
        packed += at(FLAGS + i) * AB::Expr::from_u32(1 << i);
    }
    let add = real.clone()
        - sub.clone()
        - constant.clone()
        - jal.clone()
        - jalr.clone()
        - mem.clone()
        - pure.clone()
        - branch.clone()
        - sys.clone();
    builder.assert_bool(add.clone());
    builder.assert_zero(reads_rs2.clone() * (one.clone() - real.clone()));

    // Fetch. Where rs2 is not read, operand b is the immediate.
    let immediate = B.map(|c| (one.clone() - reads_rs2.clone()) * at(c));
    let [imm_lo, imm_hi] = immediate;
    let row = [
        at(PC),
        at(RD),
        at(RS1),
        at(RS2),
        imm_lo,
        imm_hi,
        at(AUX),
        at(OP),
        packed,
    ];
    builder.push_interaction(ROM, row, send(real.clone()));

    // Registers. A write checks that its halves have 16 bits.
    let ([a_lo, a_hi], [b_lo, b_hi]) = (pair(A), pair(B));
    let ([w_lo, w_hi], [old_lo, old_hi]) = (pair(W), pair(OLD));
    let accesses = [
        (RS1, pair(A), pair(A), real.clone()),
        (RS2, pair(B), pair(B), reads_rs2),
        (RD, pair(OLD), pair(W), real.clone()),
    ];
    for (i, (cell, old, new, gate)) in accesses.into_iter().enumerate() {
        let limbs: [AB::Expr; 2] = core::array::from_fn(|l| {
            // A short clock has one limb; the second is not looked at.
            at(ELAPSED + i * clock.limbs() + l.min(clock.limbs() - 1))
        });
        let timestamp = at(CLK) + AB::Expr::from_usize(i);
        let (cell, previous, limbs) = (at(cell), at(PREVIOUS[i]), &limbs[..]);
        access(
            builder,
            clock,
            Access {
                cell,
                timestamp,
                previous,
                old,
                new,
                limbs,
                gate,
            },
        );
    }
    for (half, low) in W.into_iter().zip(W_LOW) {
        range16(builder, at(half), at(low), real.clone());
    }

    // Sums: x + y = z by halves with boolean carries, for w = a + b and for a = b + w.
    let carry = inverse_power_of_two(16);
    for (gate, [x_lo, x_hi], [z_lo, z_hi]) in [(add, pair(A), pair(W)), (sub, pair(W), pair(A))] {
        let low = (x_lo + b_lo.clone() - z_lo) * carry;
        let high = (x_hi + b_hi.clone() + low.clone() - z_hi) * carry;
        builder.assert_zero(gate.clone() * low.bool_check());
        builder.assert_zero(gate * high.bool_check());
    }
    let copies = constant + jal.clone() + jalr.clone();
    builder.assert_zero(copies.clone() * (w_lo.clone() - b_lo.clone()));
    builder.assert_zero(copies * (w_hi.clone() - b_hi.clone()));

    // Next program counter. A branch's result is its lowest half, a bit by the CMP table.
    let step = at(NEXT_PC) - at(PC) - one.clone();
    let served = jalr.clone() + sys.clone();
    let falls = real - jal.clone() - branch.clone() - served.clone();
    builder.assert_zero(falls * step.clone());
    builder.assert_zero(jal * (at(NEXT_PC) - at(AUX)));
    builder.assert_zero(branch.clone() * (step - w_lo.clone() * (at(AUX) - at(PC) - one)));

    // The rest of the work. What only some operations need is zero in the others' messages.
    let timed = mem.clone() + served.clone();
    let request = [
        at(OP),
        timed.clone() * at(CLK),
        a_lo,
        a_hi,
        b_lo,
        b_hi,
        w_lo,
        w_hi,
        at(AUX) * (timed.clone() - sys.clone()) + sys.clone() * at(PC),
        served * at(NEXT_PC),
        sys.clone() * old_lo,
        sys * old_hi,
    ];
    builder.push_interaction(EXEC, request, send(timed + pure + branch));
}

pub(super) fn fill(
    clock: Clock,
    program: &Program<'_>,
    record: &mut EpochRecord<'_>,
    counting: bool,
    trace: &mut TraceMut<'_>,
) {
    let (counts, rom_start) = (&mut record.counts, program.rom().start);
    let mut clk = CLOCK_START;
    let mut row = [F::ZERO; width(Clock::Long)];
    let row = &mut row[..width(clock)];
    for (r, cycle) in record.cpu.as_slice().iter().enumerate() {
        let content = RomRow::of(program, cycle.pc);
        if counting {
            record.rom[(cycle.pc - rom_start) as usize] += 1;
        }
        let fields = [
            (PC, cycle.pc),
            (NEXT_PC, cycle.next_pc),
            (CLK, clk),
            (REAL, 1),
            (RD, content.rd),
            (RS1, content.rs1),
            (RS2, content.rs2),
            (OP, content.op),
            (PREVIOUS[0], cycle.previous[0]),
            (PREVIOUS[1], cycle.previous[1]),
            (PREVIOUS[2], cycle.previous[2]),
        ];
        for (column, value) in fields {
            row[column] = F::from_u32(value);
        }
        row[AUX] = F::from_i32(content.aux);
        for i in 0..NUM_FLAGS {
            row[FLAGS + i] = F::from_bool(content.has(1 << i));
        }
        for (columns, value) in [(A, cycle.a), (B, cycle.b), (W, cycle.w), (OLD, cycle.old)] {
            row[columns[0]] = F::from_u32(value & 0xffff);
            row[columns[1]] = F::from_u32(value >> 16);
        }
        for (i, &column) in W_LOW.iter().enumerate() {
            row[column] = counts.range16(cycle.w >> (16 * i) & 0xffff);
        }
        for (i, &previous) in cycle.previous.iter().enumerate() {
            let limbs = &mut row[ELAPSED + i * clock.limbs()..][..clock.limbs()];
            if i == 1 && !content.has(READS_RS2) {
                limbs.fill(F::ZERO);
            } else {
                counts.elapsed(clock, clk + i as u32, previous, limbs);
            }
        }
        trace.set_row(r, row);
        clk += STAMPS;
    }
    row.fill(F::ZERO);
    row[PC] = F::from_u32(record.exit_pc);
    row[NEXT_PC] = row[PC];
    row[CLK] = F::from_u32(clk);
    for r in record.cpu.as_slice().len()..trace.height() {
        trace.set_row(r, row);
    }
}
