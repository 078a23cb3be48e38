//! CPU: one row per cycle. It fetches, reads two registers, writes one, adds and subtracts, and
//! finds the next program counter; other work goes to the exec bus.
//!
//! Real rows come first. Padding rows carry program counter and clock, so that the last row's next
//! program counter and clock are the epoch's, which are public.

use bytemuck::{Pod, Zeroable};
use p3_air::{AirBuilder, WindowAccess};
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};
use zeroize::DefaultIsZeroes;

use super::counts::Counts;
use super::filled::{Epoch, Filled, Height};
use super::rom::{BRANCH, JAL, JALR, MEM, PURE, READS_RS2, RomRow, SUB, SYS, UNEXECUTABLE};
use super::table::Table;
use crate::air::first;
use crate::bus::{
    Access, CLOCK_START, Clock, EXEC, ROM, STAMPS, access, inverse_power_of_two, range16, send,
};
use crate::columns::{Column, columns, width};
use crate::program::Program;
use crate::span::{PublicValues, RUN_PUBLIC_VALUES, Span};

/// What is recorded of a row. Its clock follows from its index.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct CpuRow {
    /// Word index of the instruction.
    pub pc: u32,
    /// Word index of the next, or the halt value.
    pub next_pc: u32,
    /// Value of rs1.
    pub a: u32,
    /// Second operand.
    pub b: u32,
    /// Value written to rd.
    pub w: u32,
    /// Value of rd before.
    pub old: u32,
    /// Previous timestamps of rs1, rs2 and rd.
    pub previous: [u32; 3],
}

impl DefaultIsZeroes for CpuRow {}

columns! {
    /// Word index of the instruction.
    PC,
    /// Program counter of the next row, or public at the last.
    NEXT_PC,
    /// Timestamp of the row's first access.
    CLK,
    /// 1 on the rows of cycles.
    REAL,
    /// Cells of the destination and of both sources.
    RD,
    /// Cell of operand a.
    RS1,
    /// Cell of operand b.
    RS2,
    /// Target or offset.
    AUX,
    /// Operation on the exec bus.
    OP,
    /// Booleans, in the order of the flags of [`super::rom`].
    FLAGS[NUM_FLAGS],
    /// First operand, halves.
    A[2],
    /// Second operand, halves.
    B[2],
    /// Value written, halves.
    W[2],
    /// Value overwritten, halves.
    OLD[2],
    /// Low bytes of the halves written.
    W_LOW[2],
    /// Previous timestamps of the three accesses.
    PREVIOUS[3],
    /// Low parts of the three timestamp differences.
    ELAPSED[3],
}
const WIDTH: usize = width(COLUMNS);

/// Number of flags; their sum's weights are powers of two below [`UNEXECUTABLE`].
const NUM_FLAGS: usize = 8;
const _: () = assert!(1 << NUM_FLAGS == UNEXECUTABLE);

/// Public values: entry and exit program counter, clock at the end.
pub const PUBLIC_VALUES: usize = 3;

/// The column of a flag.
pub const fn flag(flag: u32) -> usize {
    FLAGS[flag.trailing_zeros() as usize]
}

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Cpu(pub Clock);

impl Table for Cpu {
    const COLUMNS: &'static [Column] = COLUMNS;
    const NEXT: &'static [usize] = &[PC, CLK, REAL];
    const PUBLIC_VALUES: usize = PUBLIC_VALUES;

    fn public_values(_: u32, span: &Span) -> PublicValues {
        let clock = CLOCK_START + STAMPS * span.cycles;
        [span.entry, span.exit, clock]
            .map(F::from_u32)
            .into_iter()
            .collect()
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        eval(self.0, AB::Expr::from_u32(CLOCK_START), builder);
    }
}

/// The same table in a batch of a run, whose clock goes on: its first value is public.
#[derive(Clone, Copy, Debug)]
pub struct RunCpu(pub Clock);

impl Table for RunCpu {
    const COLUMNS: &'static [Column] = COLUMNS;
    const NEXT: &'static [usize] = Cpu::NEXT;
    const PUBLIC_VALUES: usize = RUN_PUBLIC_VALUES;

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        let [_, _, _, start]: [AB::Expr; RUN_PUBLIC_VALUES] =
            first(builder.public_values()).map(Into::into);
        eval(self.0, start, builder);
    }
}

impl Filled for Cpu {
    type Row = CpuRow;
    const HEIGHT: Height = Height { below: 0, least: 0 };

    fn new(clock: Clock) -> Self {
        Self(clock)
    }

    fn fill(
        &self,
        program: &Program<'_>,
        rows: &[Self::Row],
        epoch: Epoch,
        counts: &mut Counts<'_>,
        trace: &mut TraceMut<'_>,
    ) {
        fill(self.0, program, rows, epoch, counts, trace);
    }
}

fn eval<AB: InteractionBuilder<F = F>>(clock: Clock, start: AB::Expr, builder: &mut AB) {
    let main = builder.main();
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };
    let following: &[_; WIDTH] = first(main.next_slice());
    let next = |c: usize| -> AB::Expr { following[c].into() };
    let pair = |c: [usize; 2]| c.map(at);
    let one = AB::Expr::ONE;
    let real = at(REAL);
    let [sub, jal, jalr, mem, pure, branch, sys, reads_rs2] =
        [SUB, JAL, JALR, MEM, PURE, BRANCH, SYS, READS_RS2].map(|f| at(flag(f)));

    // Entry, exit and clock are public, rows follow one another, padding stays put.
    let [entry, exit, end]: [AB::Expr; 3] = first(builder.public_values()).map(Into::into);
    let after = at(CLK) + real.clone() * AB::Expr::from_u32(STAMPS);
    builder.when_first_row().assert_eq(at(PC), entry);
    builder.when_first_row().assert_eq(at(CLK), start);
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
    for (i, flag) in FLAGS.map(at).into_iter().enumerate() {
        builder.assert_bool(flag.clone());
        packed += flag * AB::Expr::from_u32(1 << i);
    }
    let add = real.clone()
        - sub.clone()
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
        (at(RS1), pair(A), pair(A), real.clone()),
        (at(RS2), pair(B), pair(B), reads_rs2),
        (at(RD), pair(OLD), pair(W), real.clone()),
    ];
    let times = PREVIOUS.map(at).into_iter().zip(ELAPSED.map(at));
    for (i, ((cell, old, new, gate), (previous, elapsed))) in
        accesses.into_iter().zip(times).enumerate()
    {
        let timestamp = at(CLK) + AB::Expr::from_usize(i);
        access(
            builder,
            clock,
            Access {
                cell,
                timestamp,
                previous,
                old,
                new,
                elapsed,
                gate,
            },
        );
    }
    for (half, low) in pair(W).into_iter().zip(pair(W_LOW)) {
        range16(builder, half, low, real.clone());
    }

    // Sums: x + y = z by halves with boolean carries, for w = a + b and for a = b + w.
    let carry = inverse_power_of_two(16);
    let sums = add + jal.clone();
    for (gate, [x_lo, x_hi], [z_lo, z_hi]) in [(sums, pair(A), pair(W)), (sub, pair(W), pair(A))] {
        let low = (x_lo + b_lo.clone() - z_lo) * carry;
        let high = (x_hi + b_hi.clone() + low.clone() - z_hi) * carry;
        builder.assert_zero(gate.clone() * low.bool_check());
        builder.assert_zero(gate * high.bool_check());
    }
    builder.assert_zero(jalr.clone() * (w_lo.clone() - b_lo.clone()));
    builder.assert_zero(jalr.clone() * (w_hi.clone() - b_hi.clone()));

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

fn fill(
    clock: Clock,
    program: &Program<'_>,
    rows: &[CpuRow],
    epoch: Epoch,
    counts: &mut Counts<'_>,
    trace: &mut TraceMut<'_>,
) {
    let mut clk = epoch.clock;
    let row = &mut [F::ZERO; WIDTH];
    for (r, cycle) in rows.iter().enumerate() {
        let content = RomRow::of(program, cycle.pc);
        counts.fetch(program.rom_place(epoch.rom_part, cycle.pc));
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
        for (i, column) in FLAGS.into_iter().enumerate() {
            row[column] = F::from_bool(content.has(1 << i));
        }
        for (columns, value) in [(A, cycle.a), (B, cycle.b), (W, cycle.w), (OLD, cycle.old)] {
            row[columns[0]] = F::from_u32(value & 0xffff);
            row[columns[1]] = F::from_u32(value >> 16);
        }
        for (i, &column) in W_LOW.iter().enumerate() {
            row[column] = counts.range16(cycle.w >> (16 * i) & 0xffff);
        }
        for (i, &previous) in cycle.previous.iter().enumerate() {
            row[ELAPSED[i]] = if i == 1 && !content.has(READS_RS2) {
                F::ZERO
            } else {
                counts.elapsed(clock, clk + i as u32, previous)
            };
        }
        trace.set_row(r, row);
        clk += STAMPS;
    }
    row.fill(F::ZERO);
    row[PC] = F::from_u32(epoch.exit_pc);
    row[NEXT_PC] = row[PC];
    row[CLK] = F::from_u32(clk);
    for r in rows.len()..trace.height() {
        trace.set_row(r, row);
    }
}
