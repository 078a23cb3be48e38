//! The answer of a subcommand: what stands on stdout, or on stderr where stdout is the output.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::error::{BAD_USAGE, Error};

/// Whether an answer was given: a second one would not be one object.
static GIVEN: AtomicBool = AtomicBool::new(false);

/// How a subcommand answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is one JSON object.
    pub json: bool,
    /// Whether stdout is taken.
    pub on_stderr: bool,
}

impl Answer {
    /// Gives the answer, unless a signal was faster.
    ///
    /// # Errors
    /// [`Error::Stdout`].
    pub fn give(self, text: impl AsRef<[u8]>) -> Result<(), Error> {
        if GIVEN.swap(true, Ordering::Relaxed) {
            Ok(())
        } else if self.on_stderr {
            put(&mut stderr().lock(), text.as_ref())
        } else {
            print(text)
        }
    }

    /// Says why there is none: to the reader, after the program's name, and as an object with the key
    /// `error`.
    pub fn fail(self, program: &str, reason: impl Display) {
        say(format_args!("{program}: {reason}"));
        if self.json {
            // Nobody is left to be told that this fails too.
            let _ = self.give(format!("{}\n", json!({ "error": reason.to_string() })));
        }
    }
}

/// Prints what a command line asked for that is no run of the program (`--help`), or says why it is not
/// understood, which has the exit code `bad_usage`.
pub fn not_understood(error: &clap::Error, bad_usage: u8) -> ExitCode {
    let printed = error.print();
    if !error.use_stderr() {
        return match printed {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(BAD_USAGE),
        };
    }
    if std::env::args_os().skip(1).any(|arg| arg == "--json") {
        let text = error.render().to_string();
        let reason = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<_> = reason.split_whitespace().collect();
        // Nobody is left to be told that this fails too.
        let _ = print(format!("{}\n", json!({ "error": words.join(" ") })));
    }
    ExitCode::from(bad_usage)
}

/// Writes a line to stderr. That nobody can read it, on a terminal that hung up say, is no reason to panic.
pub fn say(line: impl Display) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Writes to stdout; that nobody reads any more is no error.
///
/// # Errors
/// [`Error::Stdout`].
pub fn print(bytes: impl AsRef<[u8]>) -> Result<(), Error> {
    put(&mut stdout().lock(), bytes.as_ref())
}

fn put(stream: &mut impl Write, bytes: &[u8]) -> Result<(), Error> {
    let written: io::Result<()> = stream.write_all(bytes).and_then(|()| stream.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Stdout(error)),
        _ => Ok(()),
    }
}
