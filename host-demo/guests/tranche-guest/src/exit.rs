//! Exit codes: what `main` returned, or that of a panic.

use core::fmt::Display;
use core::panic::PanicInfo;

use crate::{eprintln, exit};

/// Exit code after a read or write that the host refused, as only an emulator's can.
pub const IO_ERROR: u32 = 2;
/// Exit code after a panic, whose message is on descriptor 2.
pub const PANIC: u32 = 101;

/// What a program's first function may return.
pub trait ExitCode {
    /// The exit code that it stands for.
    fn exit_code(self) -> u32;
}

impl ExitCode for () {
    fn exit_code(self) -> u32 {
        0
    }
}

impl ExitCode for u32 {
    fn exit_code(self) -> u32 {
        self
    }
}

/// An error is a message, and exit code 1.
impl<E: Display> ExitCode for Result<(), E> {
    fn exit_code(self) -> u32 {
        match self {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("error: {error}");
                1
            }
        }
    }
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    eprintln!("{info}");
    exit(PANIC)
}
