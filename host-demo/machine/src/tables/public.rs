//! PUBLIC: one row per step of a read of public input.
//!
//! As in SYS, the CPU row of the `ecall` reads a7 and a2 and steps PROGRESS; a step that moves stays, an end
//! returns. Every row finds the descriptor in a0, so no other call has steps here. SYS moves bytes for any read:
//! IN_START, where the input was left by the last call that ended here, shows the end that none of these was of
//! this one, since as many bytes are done as the input is further.
//!
//! Input byte k is byte k mod 4 of cell IN + ⌊k / 4⌋, which an access finds and leaves. How much is read is no
//! advice: an end says that all of a2 bytes are done, and the input was long enough, or that all of the input is,
//! and no more bytes than a2.

use bytemuck::{CheckedBitPattern, NoUninit};
use p3_air::WindowAccess;
use p3_field::PrimeCharacteristicRing;
use p3_lookup::InteractionBuilder;
use tranche_core::{F, TraceMut};
use zeroize::DefaultIsZeroes;

use super::counts::Counts;
use super::filled::{Epoch, Extends, Filled, Height};
use super::rom::op;
use super::table::Table;
use crate::air::first;
use crate::bus::{
    Access, Clock, EXEC, access, inverse_power_of_two, range8, range16, receive, send,
};
use crate::cells::{IN, IN_LEN, IN_POSITION, IN_START, register};
use crate::columns::{Column, columns, width};
use crate::decode::Extension;
use crate::exec::syscall::{PUBLIC, READ};
use crate::program::Program;

/// What a step does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, CheckedBitPattern, NoUninit)]
#[repr(u32)]
pub enum PublicStep {
    /// Moves one byte from the input to memory.
    #[default]
    Byte,
    /// Moves a word of the input to an aligned word of memory.
    Word,
    /// Returns from a read of all bytes that were asked for.
    Full,
    /// Returns from a read of all bytes that were left.
    Short,
}

/// What is recorded of a row.
#[derive(Clone, Copy, Debug, Default, CheckedBitPattern, NoUninit)]
#[repr(C)]
pub struct PublicRow {
    /// Clock of the cycle.
    pub clk: u32,
    /// Word index of the `ecall`.
    pub pc: u32,
    /// What it does.
    pub step: PublicStep,
    /// Register a2: bytes asked for.
    pub wanted: u32,
    /// Bytes done before this step.
    pub done: u32,
    /// Previous timestamp of a0.
    pub descriptor_previous: u32,
    /// Value of a1 (moves) or length of the input (ends).
    pub argument: u32,
    /// Its previous timestamp.
    pub argument_previous: u32,
    /// Bytes of the input that were read before this step.
    pub position: u32,
    /// Its previous timestamp.
    pub position_previous: u32,
    /// The word of the input (moves), or where the last call left it (ends).
    pub word: u32,
    /// Its previous timestamp.
    pub word_previous: u32,
}

impl DefaultIsZeroes for PublicRow {}

columns! {
    /// Clock of the cycle.
    CLK,
    /// Word index of the `ecall`.
    PC,
    /// One byte.
    IS_BYTE,
    /// A word.
    IS_WORD,
    /// End of a read of all bytes that were asked for.
    IS_FULL,
    /// End of a read of all bytes that were left.
    IS_SHORT,
    /// Register a2, halves.
    WANTED[2],
    /// Bytes done before, halves.
    DONE[2],
    /// Carry of done + 1 or 4; at an end borrow of wanted - done.
    CARRY,
    /// Register a1 (moves) or length of the input (ends), halves.
    ARGUMENT[2],
    /// Position in the input before, halves; the low one of a move may have more than 16 bits.
    POSITION[2],
    /// Carry of the position after a move.
    POSITION_CARRY,
    /// Place in its word of the byte that is moved, bits.
    PLACE[2],
    /// Checked halves: of a move the position by words, so that the low one is a quarter of the position's and the
    /// high one the position's; of a full read the input left, of a short one wanted - done.
    CHECKED[2],
    /// Their low bytes.
    CHECKED_LOW[2],
    /// The word of the input (moves), or where the last call left it (ends); halves.
    WORD[2],
    /// The half of the word with the byte that is moved.
    HALF,
    /// Its low byte.
    HALF_LOW,
    /// The byte that is moved.
    BYTE,
    /// Previous timestamps of a0, argument, position and word.
    PREVIOUS[4],
    /// Low parts of their differences.
    ELAPSED[4],
}
const WIDTH: usize = width(COLUMNS);

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Public(pub Clock);

impl Table for Public {
    const COLUMNS: &'static [Column] = COLUMNS;

    fn eval<AB: InteractionBuilder<F = F>>(&self, builder: &mut AB) {
        eval(self.0, builder);
    }
}

impl Extends for Public {
    const EXTENSION: Extension = Extension::PublicInput;
}

impl Filled for Public {
    type Row = PublicRow;
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
    let (zero, power) = (AB::Expr::ZERO, constant(1 << 16));
    let kinds = [IS_BYTE, IS_WORD, IS_FULL, IS_SHORT].map(at);
    builder.assert_bools(kinds.clone());
    let [byte, word, full, short] = kinds;
    let (moves, end) = (byte.clone() + word.clone(), full.clone() + short.clone());
    let bytes = byte.clone() + word.clone() * constant(4);
    let real = moves.clone() + end.clone();
    builder.assert_bool(real.clone());

    // What the CPU asks for: progress after, next program counter.
    let carry = at(CARRY);
    builder.assert_bool(carry.clone());
    let [done_lo, done_hi] = pair(DONE);
    let [wanted_lo, wanted_hi] = pair(WANTED);
    let request = [
        constant(op::SYS),
        at(CLK),
        real.clone() * constant(READ),
        zero.clone(),
        wanted_lo.clone(),
        wanted_hi.clone(),
        moves.clone() * (done_lo.clone() - carry.clone() * power.clone()) + bytes.clone(),
        moves.clone() * (done_hi.clone() + carry.clone()),
        at(PC),
        real.clone() * at(PC) + end.clone(),
        done_lo.clone(),
        done_hi.clone(),
    ];
    builder.push_interaction(EXEC, request, receive(real.clone()));

    // The descriptor stays until an end returns in its place what is done.
    let descriptor = [constant(PUBLIC), zero.clone()];
    let returned = [
        moves.clone() * constant(PUBLIC) + end.clone() * done_lo.clone(),
        end.clone() * done_hi.clone(),
    ];
    // A move leaves the position as many bytes further. The position is four times what is checked and the place;
    // it needs no form of its own after, since only this one can be gone on from, and an end takes its value.
    let [position_lo, position_hi] = pair(POSITION);
    let [place0, place1] = pair(PLACE);
    builder.assert_bools(pair(PLACE));
    let place = place0.clone() + place1.clone() * constant(2);
    let [checked_lo, checked_hi] = pair(CHECKED);
    let form = checked_lo.clone() * constant(4) + place.clone();
    builder.assert_zero(moves.clone() * (position_lo.clone() - form));
    builder.assert_zero(moves.clone() * (position_hi.clone() - checked_hi.clone()));
    let position_carry = at(POSITION_CARRY);
    let further = [
        position_lo.clone() + bytes - position_carry.clone() * power.clone(),
        position_hi.clone() + position_carry,
    ];
    // A word of the input is left as it is; an end leaves where it is.
    let [word_lo, word_hi] = pair(WORD);
    let left = [
        word_lo.clone() + end.clone() * (position_lo.clone() - word_lo.clone()),
        word_hi.clone() + end.clone() * (position_hi.clone() - word_hi.clone()),
    ];
    let index = checked_lo.clone() + checked_hi.clone() * constant(1 << 14);
    let argument = pair(ARGUMENT);
    let accesses = [
        (constant(register(10)), descriptor, returned),
        (
            moves.clone() * constant(register(11)) + end.clone() * constant(IN_LEN),
            argument.clone(),
            argument.clone(),
        ),
        (constant(IN_POSITION), pair(POSITION), further),
        (
            moves.clone() * (constant(IN) + index) + end.clone() * constant(IN_START),
            pair(WORD),
            left,
        ),
    ];
    let times = PREVIOUS.map(at).into_iter().zip(ELAPSED.map(at));
    for ((cell, old, new), (previous, elapsed)) in accesses.into_iter().zip(times) {
        let access_to = Access {
            cell,
            timestamp: at(CLK) + constant(2),
            previous,
            old,
            new,
            elapsed,
            gate: real.clone(),
        };
        access(builder, clock, access_to);
    }

    // A full read is of all that was wanted, and its input is not used up; a short one used it up, and is of
    // no more.
    let carried = carry.clone() * power.clone();
    let rest_lo = wanted_lo - done_lo.clone() + carried;
    let rest_hi = wanted_hi - done_hi.clone() - carry;
    builder.assert_zero(end.clone() * rest_lo - short.clone() * checked_lo.clone());
    builder.assert_zero(end.clone() * rest_hi - short * checked_hi.clone());
    let [argument_lo, argument_hi] = argument;
    let whole = |lo: &AB::Expr, hi: &AB::Expr| lo.clone() + hi.clone() * power.clone();
    let (len, position) = (
        whole(&argument_lo, &argument_hi),
        whole(&position_lo, &position_hi),
    );
    let input_left = full.clone() * whole(&checked_lo, &checked_hi);
    builder.assert_zero(end.clone() * (len - position.clone()) - input_left);
    // What is done is what was read since the last call ended.
    let read = position - whole(&word_lo, &word_hi);
    builder.assert_zero(end.clone() * (read - whole(&done_lo, &done_hi)));
    range8(builder, done_hi.clone(), end);
    for (value, low) in [&checked_lo, &checked_hi]
        .into_iter()
        .zip(pair(CHECKED_LOW))
    {
        range16(builder, value.clone(), low, real.clone());
    }
    let below_24_bits = checked_hi - at(CHECKED_LOW[1]);
    builder.assert_zero((moves.clone() + full) * below_24_bits);

    // The byte of the word at its place; a word begins at place 0.
    builder.assert_zero(word.clone() * place);
    let half = word_lo.clone() + place1 * (word_hi.clone() - word_lo.clone());
    builder.assert_zero(byte.clone() * (at(HALF) - half));
    range16(builder, at(HALF), at(HALF_LOW), byte.clone());
    let high = (at(HALF) - at(HALF_LOW)) * inverse_power_of_two(8);
    let moved = at(HALF_LOW) + place0 * (high - at(HALF_LOW));
    builder.assert_zero(byte.clone() * (at(BYTE) - moved));

    // The byte or word in memory, at a1 + done: the MEM table adds up the halves.
    let op = moves.clone() * constant(op::MEM + op::STORE)
        + byte.clone() * constant(op::BYTE)
        + word.clone() * constant(op::WORD);
    let request = [
        op,
        at(CLK),
        argument_lo + done_lo,
        argument_hi + done_hi,
        byte * at(BYTE) + word.clone() * word_lo,
        word * word_hi,
        zero.clone(),
        zero.clone(),
        zero.clone(),
        zero.clone(),
        zero.clone(),
        zero,
    ];
    builder.push_interaction(EXEC, request, send(moves));
}

fn fill(clock: Clock, rows: &[PublicRow], counts: &mut Counts<'_>, trace: &mut TraceMut<'_>) {
    trace.values_mut().fill(F::ZERO);
    let row = &mut [F::ZERO; WIDTH];
    for (r, step) in rows.iter().enumerate() {
        row.fill(F::ZERO);
        let place = step.position % 4;
        let (kind, bytes) = match step.step {
            PublicStep::Byte => (IS_BYTE, 1),
            PublicStep::Word => (IS_WORD, 4),
            PublicStep::Full => (IS_FULL, 0),
            PublicStep::Short => (IS_SHORT, 0),
        };
        let moves = bytes > 0;
        let carry = match step.step {
            PublicStep::Short => step.wanted & 0xffff < step.done & 0xffff,
            _ => (step.done & 0xffff) + bytes > 0xffff,
        };
        let checked = match step.step {
            PublicStep::Full => step.argument - step.position,
            PublicStep::Short => step.wanted - step.done,
            _ => (step.position & 0xffff_0000) + (step.position & 0xffff) / 4,
        };
        row[kind] = F::ONE;
        let fields = [
            (CLK, step.clk),
            (PC, step.pc),
            (CARRY, u32::from(carry)),
            (
                POSITION_CARRY,
                u32::from((step.position & 0xffff) + bytes > 0xffff),
            ),
        ];
        for (column, value) in fields {
            row[column] = F::from_u32(value);
        }
        let halves = |word: u32| [word & 0xffff, word >> 16].map(F::from_u32);
        [row[WANTED[0]], row[WANTED[1]]] = halves(step.wanted);
        [row[DONE[0]], row[DONE[1]]] = halves(step.done);
        [row[ARGUMENT[0]], row[ARGUMENT[1]]] = halves(step.argument);
        [row[POSITION[0]], row[POSITION[1]]] = halves(step.position);
        [row[CHECKED[0]], row[CHECKED[1]]] = halves(checked);
        [row[WORD[0]], row[WORD[1]]] = halves(step.word);
        row[CHECKED_LOW[0]] = counts.range16(checked & 0xffff);
        row[CHECKED_LOW[1]] = counts.range16(checked >> 16);
        if moves {
            row[PLACE[0]] = F::from_u32(place & 1);
            row[PLACE[1]] = F::from_u32(place >> 1);
        } else {
            counts.range(step.done >> 16, 8);
        }
        if step.step == PublicStep::Byte {
            let half = step.word >> (16 * (place >> 1)) & 0xffff;
            row[HALF] = F::from_u32(half);
            row[HALF_LOW] = counts.range16(half);
            row[BYTE] = F::from_u32(half >> (8 * (place & 1)) & 0xff);
        }
        let previous = [
            step.descriptor_previous,
            step.argument_previous,
            step.position_previous,
            step.word_previous,
        ];
        for (i, previous) in previous.into_iter().enumerate() {
            row[PREVIOUS[i]] = F::from_u32(previous);
            row[ELAPSED[i]] = counts.elapsed(clock, step.clk + 2, previous);
        }
        trace.set_row(r, row);
    }
}
