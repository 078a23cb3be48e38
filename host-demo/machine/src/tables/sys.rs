//! SYS: one row per step of a system call.
//!
//! The CPU row of an `ecall` reads a7 and a2 and steps the hidden cell PROGRESS, whose old value it
//! passes on. A byte's step moves one byte, adds one to it and stays; an end returns in a0, sets it
//! to zero and goes on; an exit copies a0 to the exit code and halts. Bytes go through the MEM
//! table.
//!
//! Only an end or an exit leaves the `ecall`. So what an end checks holds for every step before it:
//! a read has descriptor 0 and moved at most a2 bytes; a write moved all a2 with descriptor 1, and
//! none with descriptor 2, whose bytes are messages that no proof speaks of.

use bytemuck::{CheckedBitPattern, NoUninit};
use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};
use zeroize::DefaultIsZeroes;

use super::counts::Counts;
use super::filled::{Epoch, Filled, Height};
use super::rom::{HALT, op};
use super::table::Table;
use crate::bus::{Access, Clock, EXEC, MEMORY, access, limbs, range16, receive, send};
use crate::cells::{EXIT_CODE, OUT, OUT_LEN, register};
use crate::columns::{Column, columns, width};
use crate::exec::syscall::{EXIT, READ, WRITE};
use crate::program::Program;

/// What a step of a system call does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, CheckedBitPattern, NoUninit)]
#[repr(u32)]
pub enum SysStep {
    /// Ends the run.
    #[default]
    Exit,
    /// Ends the run, by the number for all threads.
    ExitGroup,
    /// Moves one byte from memory to the output.
    WriteByte,
    /// Returns from a write to the output.
    WriteEnd,
    /// A whole write of a message.
    Message,
    /// Moves one byte from the input to memory.
    ReadByte,
    /// Returns from a read.
    ReadEnd,
}

/// What is recorded of a row.
#[derive(Clone, Copy, Debug, Default, CheckedBitPattern, NoUninit)]
#[repr(C)]
pub struct SysRow {
    /// Clock of the cycle.
    pub clk: u32,
    /// Word index of the `ecall`.
    pub pc: u32,
    /// What it does.
    pub step: SysStep,
    /// Register a2: bytes asked for.
    pub wanted: u32,
    /// Bytes done before this step.
    pub done: u32,
    /// Value of a1 (bytes) or a0 (ends), before this step.
    pub argument: u32,
    /// Its previous timestamp.
    pub argument_previous: u32,
    /// Output length before a written byte.
    pub out_len: u32,
    /// Its previous timestamp.
    pub out_len_previous: u32,
    /// The byte moved.
    pub byte: u32,
}

impl DefaultIsZeroes for SysRow {}

columns! {
    /// Clock of the cycle.
    CLK,
    /// Word index of the `ecall`.
    PC,
    /// Exit.
    IS_EXIT,
    /// One byte of output.
    IS_WRITE_BYTE,
    /// End of a write.
    IS_WRITE_END,
    /// One byte of input.
    IS_READ_BYTE,
    /// End of a read.
    IS_READ_END,
    /// Register a2, halves.
    WANTED[2],
    /// Bytes done before, halves.
    DONE[2],
    /// Carry of done + 1; borrow of wanted - done at a read's end; 1 at a write's end with descriptor 2,
    /// and at an exit by number 94.
    CARRY,
    /// Register a1 (bytes) or a0 before, halves.
    ARGUMENT[2],
    /// The same register after.
    RETURNED[2],
    /// Its previous timestamp.
    ARGUMENT_PREVIOUS,
    /// Output length before a byte of output, halves.
    OUT_LEN_OLD[2],
    /// Its previous timestamp.
    OUT_LEN_PREVIOUS,
    /// Checked halves: the output length after, or wanted - done at a read's end.
    CHECKED[2],
    /// Their low bytes.
    CHECKED_LOW[2],
    /// Cell of the result that is written: an output byte's, or the exit code's.
    RESULT_CELL,
    /// The byte moved, or the exit code; halves.
    MOVED[2],
    /// Low bytes of the timestamp differences of argument and output length.
    ELAPSED[2 per limb],
}

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Sys(pub Clock);

impl Table for Sys {
    const COLUMNS: &'static [Column] = COLUMNS;

    fn limbs(&self) -> usize {
        self.0.limbs()
    }

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        eval(self.0, builder);
    }
}

impl Filled for Sys {
    type Row = SysRow;
    const HEIGHT: Height = Height { below: 4, least: 4 };

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
    let at = |c: usize| -> AB::Expr { main.current_slice()[c].into() };
    let pair = |c: [usize; 2]| c.map(at);
    let constant = |c: u32| AB::Expr::from_u32(c);
    let (one, zero) = (AB::Expr::ONE, AB::Expr::ZERO);
    let kinds = [
        IS_EXIT,
        IS_WRITE_BYTE,
        IS_WRITE_END,
        IS_READ_BYTE,
        IS_READ_END,
    ]
    .map(at);
    builder.assert_bools(kinds.clone());
    let [exit, write_byte, write_end, read_byte, read_end] = kinds;
    let byte = write_byte.clone() + read_byte.clone();
    let end = write_end.clone() + read_end.clone();
    let real = exit.clone() + byte.clone() + end.clone();
    builder.assert_bool(real.clone());

    // What the CPU asks for: progress after, next program counter.
    let carry = at(CARRY);
    builder.assert_bool(carry.clone());
    let [done_lo, done_hi] = pair(DONE);
    let [wanted_lo, wanted_hi] = pair(WANTED);
    let power = constant(1 << 16);
    let number = exit.clone() * (constant(EXIT) + carry.clone())
        + (write_byte.clone() + write_end.clone()) * constant(WRITE)
        + (read_byte.clone() + read_end.clone()) * constant(READ);
    let after = [
        byte.clone() * (done_lo.clone() + one.clone() - carry.clone() * power.clone()),
        byte.clone() * (done_hi.clone() + carry.clone()),
    ];
    let [after_lo, after_hi] = after;
    let next_pc = real.clone() * at(PC) + end.clone() + exit.clone() * (constant(HALT) - at(PC));
    let request = [
        constant(op::SYS),
        at(CLK),
        number,
        zero.clone(),
        wanted_lo.clone(),
        wanted_hi.clone(),
        after_lo,
        after_hi,
        at(PC),
        next_pc,
        done_lo.clone(),
        done_hi.clone(),
    ];
    builder.push_interaction(EXEC, request, receive(real.clone()));

    // The argument: a1 of a byte, a0 of an end or an exit.
    let limbs = |i: usize| limbs(clock, ELAPSED + i * clock.limbs(), at);
    let timestamp = at(CLK) + constant(2);
    let ([argument_lo, argument_hi], returned) = (pair(ARGUMENT), pair(RETURNED));
    let cell = constant(register(10)) + byte.clone();
    let argument = Access {
        cell,
        timestamp: timestamp.clone(),
        previous: at(ARGUMENT_PREVIOUS),
        old: pair(ARGUMENT),
        new: pair(RETURNED),
        limbs: &limbs(0),
        gate: real.clone(),
    };
    access(builder, clock, argument);
    let [returned_lo, returned_hi] = returned;
    // A write returns a2, a read what is done.
    let kept = one.clone() - end.clone();
    builder.assert_zero(kept.clone() * (returned_lo.clone() - argument_lo.clone()));
    builder.assert_zero(kept * (returned_hi.clone() - argument_hi.clone()));
    builder.assert_zero(write_end.clone() * (returned_lo.clone() - wanted_lo.clone()));
    builder.assert_zero(write_end.clone() * (returned_hi.clone() - wanted_hi.clone()));
    builder.assert_zero(read_end.clone() * (returned_lo - done_lo.clone()));
    builder.assert_zero(read_end.clone() * (returned_hi - done_hi.clone()));
    // Descriptor 0 is the input, 1 the output; 2 takes messages.
    let descriptor = write_end.clone() * (one.clone() + carry.clone());
    builder.assert_zero(end.clone() * (argument_lo.clone() - descriptor));
    builder.assert_zero(end * argument_hi.clone());

    // A write to the output is over when a2 bytes are done, one of a message without any.
    let output = one - carry.clone();
    let all_lo = output.clone() * wanted_lo.clone();
    let all_hi = output * wanted_hi.clone();
    builder.assert_zero(write_end.clone() * (done_lo.clone() - all_lo));
    builder.assert_zero(write_end * (done_hi.clone() - all_hi));
    // The end of a read leaves wanted - done, of 32 bits.
    let [checked_lo, checked_hi] = pair(CHECKED);
    let left_lo = wanted_lo - done_lo.clone() + carry.clone() * power.clone();
    let left_hi = wanted_hi - done_hi.clone() - carry;
    builder.assert_zero(read_end.clone() * (checked_lo.clone() - left_lo));
    builder.assert_zero(read_end.clone() * (checked_hi.clone() - left_hi));

    // A byte of output leaves its length one longer, and below 2^24.
    let out_len = Access {
        cell: constant(OUT_LEN),
        timestamp: timestamp.clone(),
        previous: at(OUT_LEN_PREVIOUS),
        old: pair(OUT_LEN_OLD),
        new: pair(CHECKED),
        limbs: &limbs(1),
        gate: write_byte.clone(),
    };
    access(builder, clock, out_len);
    let [len_lo, len_hi] = pair(OUT_LEN_OLD);
    let len = len_lo + len_hi * power.clone();
    let longer = checked_lo.clone() + checked_hi.clone() * power;
    builder.assert_zero(write_byte.clone() * (longer - len.clone() - AB::Expr::ONE));
    builder.assert_zero(write_byte.clone() * (checked_hi.clone() - at(CHECKED_LOW[1])));
    let checks = read_end + write_byte.clone();
    range16(builder, checked_lo, at(CHECKED_LOW[0]), checks.clone());
    range16(builder, checked_hi, at(CHECKED_LOW[1]), checks);

    // The result's cells are written once: they are found as genesis left them.
    let [moved_lo, moved_hi] = pair(MOVED);
    let writes = write_byte.clone() + exit.clone();
    let result_cell = at(RESULT_CELL);
    builder.assert_zero(write_byte.clone() * (result_cell.clone() - len - constant(OUT)));
    builder.assert_zero(exit.clone() * (result_cell.clone() - constant(EXIT_CODE)));
    builder.assert_zero(exit.clone() * (moved_lo.clone() - argument_lo.clone()));
    builder.assert_zero(exit * (moved_hi.clone() - argument_hi.clone()));
    builder.assert_zero(byte.clone() * moved_hi.clone());
    let taken = [
        result_cell.clone(),
        zero.clone(),
        zero.clone(),
        zero.clone(),
    ];
    builder.push_interaction(MEMORY, taken, receive(writes.clone()));
    let put = [result_cell, timestamp, moved_lo.clone(), moved_hi];
    builder.push_interaction(MEMORY, put, send(writes));

    // The byte in memory, at argument + done: the MEM table adds up the halves.
    let load = constant(op::MEM + op::BYTE) * write_byte.clone();
    let store = constant(op::MEM + op::BYTE + op::STORE) * read_byte.clone();
    let request = [
        load + store,
        at(CLK),
        argument_lo + done_lo,
        argument_hi + done_hi,
        read_byte * moved_lo.clone(),
        zero.clone(),
        write_byte * moved_lo,
        zero.clone(),
        zero.clone(),
        zero.clone(),
        zero.clone(),
        zero,
    ];
    builder.push_interaction(EXEC, request, send(byte));
}

fn fill(clock: Clock, rows: &[SysRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    let mut row = [F::ZERO; width(COLUMNS, Clock::MAX_LIMBS)];
    let row = &mut row[..width(COLUMNS, clock.limbs())];
    for (r, step) in rows.iter().enumerate() {
        row.fill(F::ZERO);
        let kind = match step.step {
            SysStep::Exit | SysStep::ExitGroup => IS_EXIT,
            SysStep::WriteByte => IS_WRITE_BYTE,
            SysStep::WriteEnd | SysStep::Message => IS_WRITE_END,
            SysStep::ReadByte => IS_READ_BYTE,
            SysStep::ReadEnd => IS_READ_END,
        };
        let carry = match step.step {
            SysStep::Exit | SysStep::WriteEnd => false,
            SysStep::ExitGroup | SysStep::Message => true,
            SysStep::WriteByte | SysStep::ReadByte => step.done & 0xffff == 0xffff,
            SysStep::ReadEnd => step.wanted & 0xffff < step.done & 0xffff,
        };
        let returned = match kind {
            IS_WRITE_END => step.wanted,
            IS_READ_END => step.done,
            _ => step.argument,
        };
        let output = kind == IS_WRITE_BYTE;
        let checked = match kind {
            IS_READ_END => step.wanted.wrapping_sub(step.done),
            IS_WRITE_BYTE => step.out_len + 1,
            _ => 0,
        };
        let (result_cell, moved) = match kind {
            IS_WRITE_BYTE => (OUT + step.out_len, step.byte),
            IS_EXIT => (EXIT_CODE, step.argument),
            _ => (0, step.byte),
        };
        row[kind] = F::ONE;
        let fields = [
            (CLK, step.clk),
            (PC, step.pc),
            (CARRY, u32::from(carry)),
            (ARGUMENT_PREVIOUS, step.argument_previous),
            (OUT_LEN_PREVIOUS, step.out_len_previous),
            (RESULT_CELL, result_cell),
        ];
        for (column, value) in fields {
            row[column] = F::from_u32(value);
        }
        let words = [
            (WANTED, step.wanted),
            (DONE, step.done),
            (ARGUMENT, step.argument),
            (RETURNED, returned),
            (OUT_LEN_OLD, step.out_len),
            (CHECKED, checked),
            (MOVED, moved),
        ];
        for (columns, value) in words {
            row[columns[0]] = F::from_u32(value & 0xffff);
            row[columns[1]] = F::from_u32(value >> 16);
        }
        if output || kind == IS_READ_END {
            row[CHECKED_LOW[0]] = counts.range16(checked & 0xffff);
            row[CHECKED_LOW[1]] = counts.range16(checked >> 16);
        }
        let (argument, out_len) = row[ELAPSED..].split_at_mut(clock.limbs());
        counts.elapsed(clock, step.clk + 2, step.argument_previous, argument);
        if output {
            counts.elapsed(clock, step.clk + 2, step.out_len_previous, out_len);
        }
        trace.set_row(r, row);
    }
}
