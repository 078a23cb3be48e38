//! Text by system calls.

use core::fmt::{Result, Write};

use crate::{message, write};

/// The public output as a sink of text.
#[derive(Clone, Copy, Debug)]
pub struct Output;

impl Write for Output {
    fn write_str(&mut self, text: &str) -> Result {
        write(text.as_bytes());
        Ok(())
    }
}

/// Messages as a sink of text.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

impl Write for Messages {
    fn write_str(&mut self, text: &str) -> Result {
        message(text.as_bytes());
        Ok(())
    }
}

/// Appends formatted text to the public output.
#[macro_export]
macro_rules! print {
    // These sinks take everything; an error is one of a `Display` of the program's own.
    ($($text:tt)*) => { let _ = ::core::fmt::Write::write_fmt(&mut $crate::Output, ::core::format_args!($($text)*)); };
}

/// Appends formatted text and the end of a line to the public output.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($text:tt)*) => {{ $crate::print!("{}\n", ::core::format_args!($($text)*)); }};
}

/// Says formatted text to whoever runs the program.
#[macro_export]
macro_rules! eprint {
    ($($text:tt)*) => { let _ = ::core::fmt::Write::write_fmt(&mut $crate::Messages, ::core::format_args!($($text)*)); };
}

/// Says a line of formatted text to whoever runs the program.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($($text:tt)*) => {{ $crate::eprint!("{}\n", ::core::format_args!($($text)*)); }};
}
