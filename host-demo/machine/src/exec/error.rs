//! Why an execution ends without an exit: each error names the instruction.

use super::machine::MAX_MESSAGE_BYTES;
use super::syscall::refused;
use crate::cells::MAX_OUTPUT_BYTES;
use crate::decode::DecodeError;
use crate::tables::l2g::EPOCH_BITS;

/// Why an execution cannot go on. Addresses are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ExecError {
    /// An instruction that the machine does not have.
    Unsupported {
        /// Where it is.
        pc: u32,
        /// Its encoding.
        word: u32,
        /// What kind it is of.
        reason: DecodeError,
    },
    /// A jump or a fall out of the executable words.
    JumpOutOfRom {
        /// The last instruction.
        pc: u32,
        /// Where it went.
        target: u32,
    },
    /// A jump to an address that is not a multiple of four.
    MisalignedJump {
        /// The jump.
        pc: u32,
    },
    /// A load or store that is not aligned to its size.
    MisalignedAccess {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
    },
    /// An access to the null page, of which the program loads nothing there.
    NullPage {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
    },
    /// A store between the first and the last executable word.
    StoreToCode {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
        /// Whether the segment there is writable too: one that data and code share.
        writable: bool,
    },
    /// A store there from the stack pointer.
    StackInCode {
        /// The instruction.
        pc: u32,
        /// The address.
        address: u32,
    },
    /// A jump or a taken branch to itself, with the registers that it looks at as they were.
    EndlessLoop {
        /// The instruction.
        pc: u32,
    },
    /// A system call that the machine does not have.
    UnknownSyscall {
        /// The `ecall`.
        pc: u32,
        /// The number in a7.
        number: u32,
    },
    /// A read from a descriptor other than 0, or a write to one other than 1 and 2.
    BadDescriptor {
        /// The `ecall`.
        pc: u32,
        /// The descriptor in a0.
        descriptor: u32,
    },
    /// A message of more bytes than [`MAX_MESSAGE_BYTES`].
    MessageTooLong {
        /// The `ecall`.
        pc: u32,
        /// Its bytes.
        bytes: u32,
    },
    /// More output than [`MAX_OUTPUT_BYTES`].
    OutputFull {
        /// The `ecall`.
        pc: u32,
    },
    /// More touched cells than the machine may keep.
    MemoryFull {
        /// The instruction.
        pc: u32,
        /// Bytes of cells that it may keep, four each.
        bytes: u64,
    },
    /// The host has no memory for more cells.
    OutOfMemory {
        /// The instruction.
        pc: u32,
        /// Bytes that were asked for.
        bytes: u64,
    },
    /// More cycles than the caller allows.
    CycleLimit {
        /// The next instruction.
        pc: u32,
    },
    /// More epochs than their numbers have room for.
    EpochLimit {
        /// The next instruction.
        pc: u32,
    },
    /// The program has exited already.
    Exited,
}

impl core::fmt::Display for ExecError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Unsupported {
                pc,
                reason: DecodeError::Multiply(name),
                ..
            } => {
                write!(f, "pc {pc:#010x}: {name} needs the M extension")
            }
            Self::Unsupported {
                pc,
                word,
                reason: DecodeError::Compressed,
            } => {
                write!(
                    f,
                    "pc {pc:#010x}: {:#06x}: compressed encodings are not supported; \
                     compile for rv32i, without the C extension",
                    word & 0xffff
                )
            }
            Self::Unsupported {
                pc,
                reason: DecodeError::Breakpoint,
                ..
            } => write!(f, "pc {pc:#010x}: ebreak, and no debugger to break into"),
            Self::Unsupported {
                pc,
                word,
                reason: DecodeError::Unknown,
            } => {
                write!(f, "pc {pc:#010x}: {word:#010x} is no RV32I instruction")
            }
            Self::JumpOutOfRom { pc, target } => {
                write!(
                    f,
                    "pc {pc:#010x}: jump to {target:#010x}, which is not executable"
                )
            }
            Self::MisalignedJump { pc } => write!(f, "pc {pc:#010x}: jump to a misaligned address"),
            Self::MisalignedAccess { pc, address } => {
                write!(f, "pc {pc:#010x}: misaligned access to {address:#010x}")
            }
            Self::NullPage { pc, address } => {
                write!(
                    f,
                    "pc {pc:#010x}: access to {address:#010x} in the null page"
                )
            }
            Self::StoreToCode {
                pc,
                address,
                writable,
            } => {
                write!(
                    f,
                    "pc {pc:#010x}: store to {address:#010x}: stores into executable memory are \
                     not part of the machine"
                )?;
                if writable {
                    f.write_str("; link data and code into segments of their own, without ld -N")?;
                }
                Ok(())
            }
            Self::StackInCode { pc, address } => {
                write!(
                    f,
                    "pc {pc:#010x}: the stack ran into the code, at {address:#010x}"
                )
            }
            Self::EndlessLoop { pc } => {
                write!(f, "pc {pc:#010x}: jumps to itself: a loop that never ends")
            }
            Self::UnknownSyscall { pc, number } => match refused(number) {
                Some((name, instead)) => {
                    write!(
                        f,
                        "pc {pc:#010x}: no system call {name} ({number}); {instead}"
                    )
                }
                None => write!(f, "pc {pc:#010x}: unknown system call {number}"),
            },
            Self::BadDescriptor { pc, descriptor } => {
                write!(
                    f,
                    "pc {pc:#010x}: bad file descriptor {descriptor}; read 0, write 1 or 2"
                )
            }
            Self::MessageTooLong { pc, bytes } => {
                write!(
                    f,
                    "pc {pc:#010x}: a message of {bytes} bytes, {MAX_MESSAGE_BYTES} at most"
                )
            }
            Self::OutputFull { pc } => {
                write!(
                    f,
                    "pc {pc:#010x}: more than {MAX_OUTPUT_BYTES} bytes of output"
                )
            }
            Self::MemoryFull { pc, bytes } => {
                write!(
                    f,
                    "pc {pc:#010x}: more than {bytes} bytes of memory and output touched"
                )
            }
            Self::OutOfMemory { pc, bytes } => {
                write!(f, "pc {pc:#010x}: the host has no {bytes} bytes more")
            }
            Self::CycleLimit { pc } => write!(f, "pc {pc:#010x}: cycle limit reached"),
            Self::EpochLimit { pc } => write!(f, "pc {pc:#010x}: more than 2^{EPOCH_BITS} epochs"),
            Self::Exited => write!(f, "the program has exited"),
        }
    }
}

impl core::error::Error for ExecError {}
