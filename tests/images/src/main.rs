//! Images for bare metal and for C, checked on the host: what they prove, and what they contain.
//!
//! | command | what it checks |
//! |---|---|
//! | `proofs FILE...` | proofs of the C example: the host's bytes, accepted by Plonky3's verifier |
//! | `archive FILE...` | static libraries: no function of theirs reaches an allocator |
//! | `suites FILE SUITE...` | a static library: code of these hash suites, and of no other |
//! | `images FILE...` | linked images: no allocator in them, and the panic sites are the committed ones |
//! | `sites FILE...` | prints the panic sites of images, in the form of the committed list |
//! | `firmware FOLDER LEDGER [--write] [--all] [BOARD...]` | firmware in QEMU: its proofs, and the ledger |
#![forbid(unsafe_code)]

mod case;
mod contents;
mod firmware;
mod proofs;

use std::error::Error;
use std::process::ExitCode;

use contents::{archive, sites, suites};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["proofs", files @ ..] if !files.is_empty() => proofs::check(files),
        ["archive", files @ ..] if !files.is_empty() => archive::check(files),
        ["suites", file, names @ ..] if !names.is_empty() => suites::check(file, names),
        ["images", files @ ..] if !files.is_empty() => sites::check(files),
        ["sites", files @ ..] if !files.is_empty() => sites::print(files),
        ["firmware", folder, ledger, rest @ ..] => firmware::check(folder, ledger, rest),
        _ => Err("usage: proofs|archive|images|sites FILE...\n       \
                  suites FILE SUITE...\n       \
                  firmware FOLDER LEDGER [--write] [--all] [BOARD...]"
            .into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Why something is not right; its text says what.
type Failure = Box<dyn Error + Send + Sync>;
