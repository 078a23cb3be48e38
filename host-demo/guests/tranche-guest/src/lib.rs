//! What a Rust program needs on the tranche machine: an entry, system calls, a heap, and a panic that is told.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! tranche_guest::entry!(main);
//!
//! fn main() {
//!     let input = tranche_guest::read_to_vec();
//!     tranche_guest::write(&input);
//! }
//! ```
//!
//! | module | role |
//! |---|---|
//! | `calls` | reads, write, message, exit: everything that reaches the host |
//! | `print` | text by these: `print!`, `println!`, `eprint!`, `eprintln!` |
//! | `exit` | what `main` may return, and panics |
//! | `heap` | the global allocator; feature `alloc`, on by default |
//! | `input` | input read whole, or as a value of postcard's (feature `postcard`) |
//!
//! The entry code and the memory map are those of C guests: `runtime/crt0.S` and `runtime/kit.ld`, beside this crate.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;

mod calls;
mod exit;
#[cfg(feature = "alloc")]
mod heap;
#[cfg(feature = "alloc")]
mod input;
mod print;

pub use calls::{exit, message, read, read_public, write};
pub use exit::{ExitCode, IO_ERROR, PANIC};
#[cfg(feature = "postcard")]
pub use input::read_value;
#[cfg(feature = "alloc")]
pub use input::{public_to_vec, read_to_vec};
pub use print::{Messages, Output};

core::arch::global_asm!(include_str!("../../runtime/crt0.S"));

/// Names the function that a program begins with: one without arguments that returns `()`, a `u32`, or a
/// `Result<(), E>` of an `E` that can be displayed ([`ExitCode`]).
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        /// What the entry code calls.
        #[unsafe(export_name = "main")]
        extern "C" fn __tranche_guest_main() -> u32 {
            $crate::__begin();
            $crate::ExitCode::exit_code($main())
        }
    };
}

/// What comes before a program's own code. For [`entry!`] alone.
#[doc(hidden)]
pub fn __begin() {
    #[cfg(feature = "alloc")]
    heap::begin();
}
