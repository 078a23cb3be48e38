//! Why an execution ends without an exit: each error names the instruction.

use core::fmt::{Display, from_fn};

use thiserror::Error;

use super::syscall::refused;
use crate::cells::MAX_OUTPUT_BYTES;
use crate::decode::DecodeError;
use crate::tables::l2g::EPOCH_BITS;

/// Most bytes of one message.
pub const MAX_MESSAGE_BYTES: u32 = 1 << 20;

/// Why an execution cannot go on. Addresses are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ExecError {
    /// An instruction that the machine does not have.
    #[error("pc {pc:#010x}: {}", unsupported(*.word, *.reason))]
    Unsupported {
        /// Where it is.
        pc: u32,
        /// Its encoding.
        word: u32,
        /// What kind it is of.
        reason: DecodeError,
    },
    /// A jump or a fall out of the executable words.
    #[error("pc {pc:#010x}: jump to {target:#010x}, which is not executable")]
    JumpOutOfRom {
        /// The last instruction.
        pc: u32,
        /// Where it went.
        target: u32,
    },
    /// A jump to an address that is not a multiple of four.
    #[error("pc {pc:#010x}: jump to a misaligned address")]
    MisalignedJump {
        /// The jump.
        pc: u32,
    },
    /// A load or store that is not aligned to its size.
    #[error("pc {pc:#010x}: misaligned access to {address:#010x}")]
    MisalignedAccess {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
    },
    /// An access to the null page, of which the program loads nothing there.
    #[error("pc {pc:#010x}: access to {address:#010x} in the null page")]
    NullPage {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
    },
    /// A store between the first and the last executable word.
    #[error(
        "pc {pc:#010x}: store to {address:#010x}: stores into executable memory are not part of the \
         machine{}", if *.writable { "; link data and code into segments of their own, without ld -N" }
        else { "" }
    )]
    StoreToCode {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
        /// Whether the segment there is writable too: one that data and code share.
        writable: bool,
    },
    /// A store there from the stack pointer.
    #[error("pc {pc:#010x}: the stack ran into the code, at {address:#010x}")]
    StackInCode {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
    },
    /// A jump or a taken branch to itself, with the registers that it looks at as they were.
    #[error("pc {pc:#010x}: jumps to itself: a loop that never ends")]
    EndlessLoop {
        /// The instruction.
        pc: u32,
    },
    /// A system call that the machine does not have.
    #[error("pc {pc:#010x}: {}", unknown_call(*.number))]
    UnknownSyscall {
        /// The `ecall`.
        pc: u32,
        /// The number in a7.
        number: u32,
    },
    /// A read from a descriptor other than 0 and 3, or a write to one other than 1 and 2.
    #[error("pc {pc:#010x}: bad file descriptor {descriptor}; read 0 or 3, write 1 or 2")]
    BadDescriptor {
        /// The `ecall`.
        pc: u32,
        /// The descriptor in a0.
        descriptor: u32,
    },
    /// A message of more bytes than [`MAX_MESSAGE_BYTES`].
    #[error("pc {pc:#010x}: a message of {bytes} bytes, {MAX_MESSAGE_BYTES} at most")]
    MessageTooLong {
        /// The `ecall`.
        pc: u32,
        /// Its bytes.
        bytes: u32,
    },
    /// More output than [`MAX_OUTPUT_BYTES`].
    #[error("pc {pc:#010x}: more than {MAX_OUTPUT_BYTES} bytes of output")]
    OutputFull {
        /// The `ecall`.
        pc: u32,
    },
    /// More touched cells than the machine may keep.
    #[error("pc {pc:#010x}: more than {bytes} bytes of memory and output touched")]
    MemoryFull {
        /// The instruction.
        pc: u32,
        /// Bytes of cells that it may keep, four each.
        bytes: u64,
    },
    /// The host has no memory for more cells.
    #[error("pc {pc:#010x}: the host has no {bytes} bytes more")]
    OutOfMemory {
        /// The instruction.
        pc: u32,
        /// Bytes that were asked for.
        bytes: u64,
    },
    /// More cycles than the caller allows.
    #[error("pc {pc:#010x}: cycle limit reached")]
    CycleLimit {
        /// The next instruction.
        pc: u32,
    },
    /// More epochs than their numbers have room for.
    #[error("pc {pc:#010x}: more than 2^{EPOCH_BITS} epochs")]
    EpochLimit {
        /// The next instruction.
        pc: u32,
    },
    /// A table that has no room for a single step of this instruction: the record is of a shape that is not the
    /// program's.
    #[error("pc {pc:#010x}: the {table} table has no room for one step of it")]
    NoRoom {
        /// The instruction.
        pc: u32,
        /// The table's name.
        table: &'static str,
    },
    /// An instruction in a part of the code that the ROM table was made without.
    #[error("pc {pc:#010x}: left out of the ROM table, which has what another run executes")]
    LeftOut {
        /// The instruction.
        pc: u32,
    },
    /// The program has exited already.
    #[error("the program has exited")]
    Exited,
}

/// What is wrong with an instruction.
fn unsupported(word: u32, reason: DecodeError) -> impl Display {
    from_fn(move |f| match reason {
        DecodeError::Compressed => write!(
            f,
            "{:#06x}: compressed encodings are not supported; compile for rv32im, without the C extension",
            word & 0xffff
        ),
        DecodeError::Breakpoint => f.write_str("ebreak, and no debugger to break into"),
        DecodeError::Unknown => write!(f, "{word:#010x} is no RV32IM instruction"),
    })
}

/// What a system call would have been, and what to do in its place.
fn unknown_call(number: u32) -> impl Display {
    from_fn(move |f| match refused(number) {
        Some((name, instead)) => write!(f, "no system call {name} ({number}); {instead}"),
        None => write!(f, "unknown system call {number}"),
    })
}
