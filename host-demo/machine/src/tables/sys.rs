//! SYS: one row per step of a system call.
//!
//! The CPU row of an `ecall` reads a7 and a2 and steps the hidden cell PROGRESS, whose old value it
//! passes on. A step that moves a byte or an aligned word, through the MEM table, adds 1 or 4 to it and
//! stays; an end returns in a0, sets it to zero and goes on; an exit copies a0 to the exit code and halts.
//!
//! Only an end or an exit leaves the `ecall`. So what an end checks holds for every step before it:
//! a read has descriptor 0 and moved at most a2 bytes; a write moved all a2 with descriptor 1, and
//! none with descriptor 2, whose bytes are messages that no proof speaks of.
//!
//! Output byte k is byte k mod 4 of cell OUT + k / 4. What a step writes is *added* to one cell, or to two
//! where a word lies across: nothing else is ever written there, and each place once, so the sum is the
//! output whatever the order of the additions.

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
use crate::air::first;
use crate::bus::{
    Access, Clock, EXEC, MEMORY, access, inverse_power_of_two, range16, receive, send,
};
use crate::cells::{EXIT_CODE, OUT, OUT_LEN, register, shifted};
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
    /// Moves one aligned word from memory to the output.
    WriteWord,
    /// Returns from a write to the output.
    WriteEnd,
    /// A whole write of a message.
    Message,
    /// Moves one byte from the input to memory.
    ReadByte,
    /// Moves four bytes from the input to an aligned word of memory.
    ReadWord,
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
    /// Value of a1 (moves) or a0 (ends), before this step.
    pub argument: u32,
    /// Its previous timestamp.
    pub argument_previous: u32,
    /// Output length before what is written.
    pub out_len: u32,
    /// Its previous timestamp.
    pub out_len_previous: u32,
    /// The byte or word moved.
    pub moved: u32,
    /// The first cell of the result that is written, before this step.
    pub result: u32,
    /// Its previous timestamp.
    pub result_previous: u32,
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
    /// A word of output that is one of the result's.
    IS_WRITE_WORD,
    /// A word of output that lies across two of the result's.
    IS_WRITE_ACROSS,
    /// End of a write.
    IS_WRITE_END,
    /// One byte of input.
    IS_READ_BYTE,
    /// A word of input.
    IS_READ_WORD,
    /// End of a read.
    IS_READ_END,
    /// Register a2, halves.
    WANTED[2],
    /// Bytes done before, halves.
    DONE[2],
    /// Carry of done + 1 or 4; borrow of wanted - done at a read's end; 1 at a write's end with
    /// descriptor 2, and at an exit by number 94.
    CARRY,
    /// Register a1 (moves) or a0 before, halves.
    ARGUMENT[2],
    /// The same register after.
    RETURNED[2],
    /// Its previous timestamp.
    ARGUMENT_PREVIOUS,
    /// Previous timestamp of the output length.
    OUT_LEN_PREVIOUS,
    /// Carry of the output length.
    OUT_LEN_CARRY,
    /// Place in its word of the first byte that is written, bits.
    PLACE[2],
    /// Checked halves: of output the length by words, so that the low one is a quarter of the length's and the
    /// high one the length's; wanted - done at a read's end.
    CHECKED[2],
    /// Their low bytes.
    CHECKED_LOW[2],
    /// The byte or word moved, or the exit code; halves.
    MOVED[2],
    /// Low bytes of what is moved.
    MOVED_LOW[2],
    /// What is added to the first cell of the result; halves.
    ADDED[2],
    /// What is left for the next cell.
    ACROSS[2],
    /// The first cell of the result before, halves.
    RESULT[2],
    /// Its previous timestamp.
    RESULT_PREVIOUS,
    /// Low parts of the timestamp differences of argument and output length.
    ELAPSED[2],
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Sys(pub Clock);

impl Table for Sys {
    const COLUMNS: &'static [Column] = COLUMNS;

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
    let now: &[_; WIDTH] = first(main.current_slice());
    let at = |c: usize| -> AB::Expr { now[c].into() };
    let pair = |c: [usize; 2]| c.map(at);
    let constant = |c: u32| AB::Expr::from_u32(c);
    let (one, zero) = (AB::Expr::ONE, AB::Expr::ZERO);
    let kinds = [
        IS_EXIT,
        IS_WRITE_BYTE,
        IS_WRITE_WORD,
        IS_WRITE_ACROSS,
        IS_WRITE_END,
        IS_READ_BYTE,
        IS_READ_WORD,
        IS_READ_END,
    ]
    .map(at);
    builder.assert_bools(kinds.clone());
    let [
        exit,
        write_byte,
        write_word,
        write_across,
        write_end,
        read_byte,
        read_word,
        read_end,
    ] = kinds;
    let write_words = write_word.clone() + write_across.clone();
    let write = write_byte.clone() + write_words.clone();
    let read = read_byte.clone() + read_word.clone();
    let moves = write.clone() + read.clone();
    let bytes = write_byte.clone()
        + read_byte.clone()
        + (write_words.clone() + read_word.clone()) * constant(4);
    let end = write_end.clone() + read_end.clone();
    let real = exit.clone() + moves.clone() + end.clone();
    builder.assert_bool(real.clone());

    // What the CPU asks for: progress after, next program counter.
    let carry = at(CARRY);
    builder.assert_bool(carry.clone());
    let [done_lo, done_hi] = pair(DONE);
    let [wanted_lo, wanted_hi] = pair(WANTED);
    let power = constant(1 << 16);
    let number = exit.clone() * (constant(EXIT) + carry.clone())
        + (write.clone() + write_end.clone()) * constant(WRITE)
        + (read.clone() + read_end.clone()) * constant(READ);
    let after_lo =
        moves.clone() * (done_lo.clone() - carry.clone() * power.clone()) + bytes.clone();
    let after_hi = moves.clone() * (done_hi.clone() + carry.clone());
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

    // The argument: a1 of a move, a0 of an end or an exit.
    let timestamp = at(CLK) + constant(2);
    let ([argument_lo, argument_hi], returned) = (pair(ARGUMENT), pair(RETURNED));
    let cell = constant(register(10)) + moves.clone();
    let argument = Access {
        cell,
        timestamp: timestamp.clone(),
        previous: at(ARGUMENT_PREVIOUS),
        old: pair(ARGUMENT),
        new: pair(RETURNED),
        elapsed: at(ELAPSED[0]),
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
    let output = one.clone() - carry.clone();
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

    // Output leaves its length as many bytes longer. The length is four times what is checked and the
    // place; it needs no form of its own after, since only this one can be gone on from or claimed.
    let [place0, place1] = pair(PLACE);
    builder.assert_bools(pair(PLACE));
    let place = place0.clone() + place1.clone() * constant(2);
    let len_lo = checked_lo.clone() * constant(4) + place.clone();
    let len_carry = at(OUT_LEN_CARRY);
    let out_len = Access {
        cell: constant(OUT_LEN),
        timestamp: timestamp.clone(),
        previous: at(OUT_LEN_PREVIOUS),
        old: [len_lo.clone(), checked_hi.clone()],
        new: [
            len_lo + bytes - len_carry.clone() * power,
            checked_hi.clone() + len_carry,
        ],
        elapsed: at(ELAPSED[1]),
        gate: write.clone(),
    };
    access(builder, clock, out_len);
    builder.assert_zero(write.clone() * (checked_hi.clone() - at(CHECKED_LOW[1])));
    let checks = read_end + write.clone();
    range16(
        builder,
        checked_lo.clone(),
        at(CHECKED_LOW[0]),
        checks.clone(),
    );
    range16(builder, checked_hi.clone(), at(CHECKED_LOW[1]), checks);

    // What is moved, by bytes; an exit moves its code.
    let [moved_lo, moved_hi] = pair(MOVED);
    let [low0, low1] = pair(MOVED_LOW);
    range16(builder, moved_lo.clone(), low0.clone(), moves.clone());
    range16(builder, moved_hi.clone(), low1.clone(), moves.clone());
    builder.assert_zero(exit.clone() * (moved_lo.clone() - argument_lo.clone()));
    builder.assert_zero(exit.clone() * (moved_hi.clone() - argument_hi.clone()));

    // Shifted by a byte at an odd place, then by a half.
    let byte = inverse_power_of_two(8);
    let high0 = (moved_lo.clone() - low0.clone()) * byte;
    let high1 = (moved_hi.clone() - low1.clone()) * byte;
    let select =
        |bit: &AB::Expr, zero: AB::Expr, one: AB::Expr| zero.clone() + bit.clone() * (one - zero);
    let halves = [
        select(&place0, moved_lo.clone(), low0 * constant(1 << 8)),
        select(&place0, moved_hi.clone(), high0 + low1 * constant(1 << 8)),
        place0 * high1,
    ];
    let [first, second, third] = halves;
    let shifted = [
        select(&place1, first.clone(), zero.clone()),
        select(&place1, second.clone(), first),
        select(&place1, third.clone(), second),
        place1 * third,
    ];
    let ([added_lo, added_hi], [across_lo, across_hi]) = (pair(ADDED), pair(ACROSS));
    let columns = [&added_lo, &added_hi, &across_lo, &across_hi];
    for (column, value) in columns.into_iter().zip(shifted) {
        builder.assert_zero(column.clone() - value);
    }
    // A word that is one of the result's, and an exit code, start at place 0.
    builder.assert_zero((write_word + exit.clone()) * place);

    // The result's cells: what is added to the first, and what the next one gets, which nothing touched.
    let index = checked_lo + checked_hi * constant(1 << 14);
    builder.assert_zero(exit.clone() * index.clone());
    let cell = constant(OUT) - exit.clone() * constant(OUT - EXIT_CODE) + index;
    let gate = write.clone() + exit;
    let [result_lo, result_hi] = pair(RESULT);
    let taken = [
        cell.clone(),
        at(RESULT_PREVIOUS),
        result_lo.clone(),
        result_hi.clone(),
    ];
    builder.push_interaction(MEMORY, taken, receive(gate.clone()));
    let put = [
        cell.clone(),
        timestamp.clone(),
        result_lo + added_lo,
        result_hi + added_hi,
    ];
    builder.push_interaction(MEMORY, put, send(gate));
    let next = cell + one;
    let taken = [next.clone(), zero.clone(), zero.clone(), zero.clone()];
    builder.push_interaction(MEMORY, taken, receive(write_across.clone()));
    let put = [next, timestamp, across_lo, across_hi];
    builder.push_interaction(MEMORY, put, send(write_across));

    // The byte or word in memory, at argument + done: the MEM table adds up the halves.
    let op = moves.clone() * constant(op::MEM)
        + (write_byte + read_byte) * constant(op::BYTE)
        + (write_words + read_word) * constant(op::WORD)
        + read.clone() * constant(op::STORE);
    let request = [
        op,
        at(CLK),
        argument_lo + done_lo,
        argument_hi + done_hi,
        read.clone() * moved_lo.clone(),
        read * moved_hi.clone(),
        write.clone() * moved_lo,
        write * moved_hi,
        zero.clone(),
        zero.clone(),
        zero.clone(),
        zero,
    ];
    builder.push_interaction(EXEC, request, send(moves));
}

fn fill(clock: Clock, rows: &[SysRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    let row = &mut [F::ZERO; WIDTH];
    for (r, step) in rows.iter().enumerate() {
        row.fill(F::ZERO);
        let place = step.out_len % 4;
        let (kind, bytes) = match step.step {
            SysStep::Exit | SysStep::ExitGroup => (IS_EXIT, 0),
            SysStep::WriteByte => (IS_WRITE_BYTE, 1),
            SysStep::WriteWord if place == 0 => (IS_WRITE_WORD, 4),
            SysStep::WriteWord => (IS_WRITE_ACROSS, 4),
            SysStep::WriteEnd | SysStep::Message => (IS_WRITE_END, 0),
            SysStep::ReadByte => (IS_READ_BYTE, 1),
            SysStep::ReadWord => (IS_READ_WORD, 4),
            SysStep::ReadEnd => (IS_READ_END, 0),
        };
        let write = matches!(step.step, SysStep::WriteByte | SysStep::WriteWord);
        let carry = match step.step {
            SysStep::Exit | SysStep::WriteEnd => false,
            SysStep::ExitGroup | SysStep::Message => true,
            SysStep::ReadEnd => step.wanted & 0xffff < step.done & 0xffff,
            _ => (step.done & 0xffff) + bytes > 0xffff,
        };
        let returned = match kind {
            IS_WRITE_END => step.wanted,
            IS_READ_END => step.done,
            _ => step.argument,
        };
        let checked = match kind {
            IS_READ_END => step.wanted.wrapping_sub(step.done),
            _ if write => (step.out_len & 0xffff_0000) + (step.out_len & 0xffff) / 4,
            _ => 0,
        };
        let [added, across] = shifted(step.moved, place);
        row[kind] = F::ONE;
        let fields = [
            (CLK, step.clk),
            (PC, step.pc),
            (CARRY, u32::from(carry)),
            (ARGUMENT_PREVIOUS, step.argument_previous),
            (OUT_LEN_PREVIOUS, step.out_len_previous),
            (RESULT_PREVIOUS, step.result_previous),
            (
                OUT_LEN_CARRY,
                u32::from(write && (step.out_len & 0xffff) + bytes > 0xffff),
            ),
            (PLACE[0], place & 1),
            (PLACE[1], place >> 1),
        ];
        for (column, value) in fields {
            row[column] = F::from_u32(value);
        }
        let words = [
            (WANTED, step.wanted),
            (DONE, step.done),
            (ARGUMENT, step.argument),
            (RETURNED, returned),
            (CHECKED, checked),
            (MOVED, step.moved),
            (ADDED, added),
            (ACROSS, across),
            (RESULT, step.result),
        ];
        for (columns, value) in words {
            row[columns[0]] = F::from_u32(value & 0xffff);
            row[columns[1]] = F::from_u32(value >> 16);
        }
        let low_bytes = [
            (write || kind == IS_READ_END, CHECKED_LOW, checked),
            (bytes > 0, MOVED_LOW, step.moved),
        ];
        for (checks, columns, value) in low_bytes {
            if checks {
                row[columns[0]] = counts.range16(value & 0xffff);
                row[columns[1]] = counts.range16(value >> 16);
            }
        }
        let accesses = [
            (true, step.argument_previous),
            (write, step.out_len_previous),
        ];
        for (column, (happens, previous)) in ELAPSED.into_iter().zip(accesses) {
            if happens {
                row[column] = counts.elapsed(clock, step.clk + 2, previous);
            }
        }
        trace.set_row(r, row);
    }
}
