//! Signals that ask the program to end while there is something to remove first.
//!
//! The first one removes it and ends the program with 128 and its number, by convention; a second
//! one ends it at once. A signal that the program was started to ignore (`nohup`) stays ignored.

use std::io::{self, IsTerminal, stderr};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::answer::say;
use crate::system;

/// What asks the program to end.
const ENDING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Bytes of the stack of the thread that waits.
const STACK_BYTES: usize = 1 << 17;

/// Ends the program when it is asked to, once `clean` has returned.
///
/// # Errors
/// When the system refuses a handler or a thread.
pub fn end_after(clean: impl FnOnce(&str) + Send + 'static) -> io::Result<()> {
    // A file that outgrows its limit is then an error of the write, like a full disk.
    flag::register(SIGXFSZ, Arc::default())?;
    let ignored = system::ignored_signals();
    let signals = ENDING
        .into_iter()
        .filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let asked = Arc::new(AtomicBool::new(false));
    for signal in signals.clone() {
        // In this order, so that the first one only arms the second.
        flag::register_conditional_shutdown(signal, 128 + signal, asked.clone())?;
        flag::register(signal, asked.clone())?;
    }
    let mut signals = Signals::new(signals)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            if stderr().is_terminal() {
                say("");
            }
            clean(name(signal));
            exit(128 + signal);
        }
    };
    thread::Builder::new().stack_size(STACK_BYTES).spawn(wait)?;
    Ok(())
}

const fn name(signal: i32) -> &'static str {
    match signal {
        SIGHUP => "SIGHUP",
        SIGINT => "SIGINT",
        _ => "SIGTERM",
    }
}
