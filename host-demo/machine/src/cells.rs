//! Cell ids: the one address space of RAM, registers, hidden state and output.
//!
//! A cell holds one 32-bit word as two 16-bit halves. Every id is below the field's order, so that
//! a cell is named by one field element:
//!
//! | ids | what |
//! |---|---|
//! | `0 .. 2^30` | RAM, the word at byte address `4 * id` |
//! | [`REGISTERS`] ` .. + 32` | registers x0 to x31; x0 is never written |
//! | [`DUMMY`] | takes the writes of instructions that have no destination, and those to x0 |
//! | [`PROGRESS`] | bytes done by the system call under way; 0 outside of calls |
//! | [`OUT_LEN`] | bytes of output so far |
//! | [`EXIT_CODE`] | the exit code, written once |
//! | [`IN_POSITION`] | bytes of public input read so far |
//! | [`IN_START`] | what [`IN_POSITION`] was when the last read of public input returned |
//! | [`IN_LEN`] | bytes of public input; never written |
//! | [`OUT`] ` + j` | the j-th word of output, its bytes from the lowest on; those that are not written are 0 |
//! | [`IN`] ` + j` | the j-th word of public input, its bytes from the lowest on, the last one filled up with zeros; never written |

/// Cells below this are RAM words.
pub const RAM_CELLS: u32 = 1 << 30;
/// Register x_i is cell `REGISTERS + i`.
pub const REGISTERS: u32 = 1 << 30;
/// Destination of instructions without one; never read.
pub const DUMMY: u32 = REGISTERS + 32;
/// Bytes done by the system call under way.
pub const PROGRESS: u32 = REGISTERS + 33;
/// End (exclusive) of the cells that the machine itself starts at zero: registers, [`DUMMY`] and
/// [`PROGRESS`].
pub const REGISTERS_END: u32 = REGISTERS + 34;
/// Number of output bytes.
pub const OUT_LEN: u32 = REGISTERS + 34;
/// The exit code.
pub const EXIT_CODE: u32 = REGISTERS + 35;
/// Bytes of public input read so far.
pub const IN_POSITION: u32 = REGISTERS + 36;
/// What [`IN_POSITION`] was when the last read of public input returned.
pub const IN_START: u32 = REGISTERS + 37;
/// Number of bytes of public input.
pub const IN_LEN: u32 = REGISTERS + 38;
/// First cell of the output region: byte k of the output is byte k mod 4 of cell `OUT + k / 4`.
pub const OUT: u32 = REGISTERS + 64;
/// The output is shorter than this: eight bits are checked of the high half of its length.
pub const MAX_OUTPUT_BYTES: u32 = 1 << 24;
/// Cells of the output region at most.
pub const MAX_OUTPUT_WORDS: u32 = words_of(MAX_OUTPUT_BYTES);

/// First cell of the public input: byte k is byte k mod 4 of cell `IN + k / 4`. It is beyond all cells that a
/// length of output with eight bits in its high half leads to.
pub const IN: u32 = OUT + 2 * MAX_OUTPUT_WORDS;
/// Most bytes of public input.
pub const MAX_PUBLIC_BYTES: u32 = 1 << 22;
/// End (exclusive) of all cells that there are.
pub const CELLS_END: u32 = IN + words_of(MAX_PUBLIC_BYTES);

/// What a byte or a word adds to its cell of the output, from byte `place` of it on, and to the next cell.
pub(crate) const fn shifted(moved: u32, place: u32) -> [u32; 2] {
    let wide = (moved as u64) << (8 * place);
    [wide as u32, (wide >> 32) as u32]
}

/// Cells of an output, or of an input, of so many bytes.
pub const fn words_of(bytes: u32) -> u32 {
    bytes.div_ceil(4)
}

const _: () = assert!(CELLS_END < 0x7800_0001, "cells are field elements");
const _: () = assert!(EXIT_CODE < IN_POSITION && IN_LEN < OUT);

/// The cell of register `i`.
pub const fn register(i: u32) -> u32 {
    REGISTERS + i
}
