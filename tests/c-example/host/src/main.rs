//! What the C example's images made and what they contain, checked on the host.
//!
//! | command | what it checks |
//! |---|---|
//! | `proofs FILE...` | proofs of the example: the host's bytes, accepted by Plonky3's verifier |
//! | `archive FILE...` | static libraries: no function of theirs reaches an allocator |
//! | `images FILE...` | linked images: no allocator in them, and the panic sites are the committed ones |
//! | `sites FILE...` | prints the panic sites of images, in the form of the committed list |
#![forbid(unsafe_code)]

mod archive;
mod image;
mod proofs;
mod sites;
mod symbols;

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["proofs", files @ ..] if !files.is_empty() => proofs::check(files),
        ["archive", files @ ..] if !files.is_empty() => archive::check(files),
        ["images", files @ ..] if !files.is_empty() => sites::check(files),
        ["sites", files @ ..] if !files.is_empty() => sites::print(files),
        _ => Err("usage: proofs|archive|images|sites FILE...".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Anything that can go wrong; its text says what.
type Failure = Box<dyn Error>;
